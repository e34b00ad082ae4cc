"""What differs between MicroPython and CPython: the one place."""

import sys

if sys.implementation.name == "micropython":
    from micropython import const  # type: ignore[import-untyped,unused-ignore]  # only on the board
else:
    # Never `import micropython` on the host: a package of that name there starts a whole interpreter.
    def const(value: int) -> int:
        """Return `value`; on the board the compiler folds it into the code that uses it."""
        return value


__all__ = ("const",)
