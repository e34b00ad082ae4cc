"""What differs between MicroPython and CPython: the one place."""

import sys

if sys.implementation.name == "micropython":
    # The stubs' signatures differ from those below, and the host has no such module.
    from micropython import const, heap_lock, heap_unlock  # type: ignore[import-untyped,unused-ignore]
else:
    # Never `import micropython` on the host: a package of that name there starts a whole interpreter.
    def const(value: int) -> int:
        """Return `value`; on the board the compiler folds it into the code that uses it."""
        return value

    def heap_lock() -> None:
        """On the board: until heap_unlock() whatever would allocate raises MemoryError."""

    def heap_unlock() -> None:
        """On the board: end what heap_lock() began."""


__all__ = ("const", "heap_lock", "heap_unlock")
