"""Flash in memory with the methods of esp32.Partition, for both interpreters; power never fails here.

And what only a test asks of an outbox on it.
"""


class RamFlash:
    """`blocks` blocks of `block_bytes`; counts erases by block."""

    def __init__(self, blocks=16, block_bytes=4096):
        self.block_bytes = block_bytes
        self.cells = bytearray(b"\xff" * (blocks * block_bytes))
        self.erases = [0] * blocks

    def readblocks(self, block, buf, offset=0):
        at = block * self.block_bytes + offset
        buf[:] = memoryview(self.cells)[at : at + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        at = block * self.block_bytes + offset
        cells = self.cells
        for i in range(len(buf)):
            cells[at + i] &= buf[i]

    def ioctl(self, op, arg=0):
        if op == 4:
            return len(self.erases)
        if op == 5:
            return self.block_bytes
        assert op == 6
        at = arg * self.block_bytes
        for i in range(at, at + self.block_bytes):
            self.cells[i] = 0xFF
        self.erases[arg] += 1
        return 0


def count_waiting(box):
    """Return how many sealed frames of an Outbox have no ack yet; reads those that are not known, too."""
    waiting = box._waiting
    waiting.refill()
    unknown = sum([len(waiting._begun_in(number)) for number in range(waiting._low, waiting._high + 1)])
    return waiting.count + unknown - sum([frame.key >= 0 for frame in box._opens])
