"""The collar: drivers, state machine, uplink. Runs on the board; is handed its hardware."""

from array import array

VERSION = (0, 1, 0)

# The longest buffers, made before anything else is loaded: later the heap may have no piece that long. A
# burst of 448 tagged words; their samples and the rest of a window.
_first = [(bytearray(3136), array("h", bytes(3072)))]


def buffers() -> "tuple[bytearray, array[int]]":
    """Return room for a burst and for 512 samples: the first time what was made at the start."""
    return _first.pop() if _first else (bytearray(3136), array("h", bytes(3072)))
