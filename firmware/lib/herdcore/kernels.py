"""The hot loops: native code where the interpreter runs it, plain Python elsewhere. Chosen here only.

Four functions, described in kernels_plain.py, and IS_NATIVE, which tells which they are. Compiled for one
processor there are no plain ones: a file for another processor ends in an ImportError.
"""

import sys

IS_NATIVE = False
if sys.implementation.name == "micropython":
    try:
        from herdcore.kernels_viper import describe, spectrum, unpack_tagged, unpack_triples

        IS_NATIVE = True
    except (ImportError, SyntaxError, ValueError, NotImplementedError):
        pass  # no compiler, or another processor's file
if not IS_NATIVE:
    from herdcore.kernels_plain import describe, spectrum, unpack_tagged, unpack_triples

__all__ = ("IS_NATIVE", "describe", "spectrum", "unpack_tagged", "unpack_triples")
