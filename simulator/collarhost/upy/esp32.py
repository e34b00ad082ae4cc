"""esp32, as on MicroPython 1.29: wake sources, thermometer, partitions."""

import _bridge

WAKEUP_ANY_HIGH = True

_EXT1, _GPIO = range(2)
_S3 = 1  # _bridge.soc
_BLOCK_BYTES = 4096


def _pins(pins):
    return bytes(pin._id for pin in pins or ())


def _wake_on_ext1(pins, level):
    _bridge.wake_pins(_EXT1, level, _pins(pins))


def wake_on_gpio(pins, level):
    _bridge.wake_pins(_GPIO, level, _pins(pins))


if _bridge.soc == _S3:  # what a chip lacks is an AttributeError, as on the board
    wake_on_ext1 = _wake_on_ext1


def mcu_temperature():
    return _bridge.temperature_c()


class Partition:
    TYPE_APP = 0
    TYPE_DATA = 1

    def __init__(self, id, block_size=_BLOCK_BYTES):
        for kind in (Partition.TYPE_APP, Partition.TYPE_DATA):
            found = _bridge.partition_find(kind, id.encode())
            if found:
                self._kind, self._row = kind, found[0]
                return
        raise OSError(2)

    @staticmethod
    def find(type=TYPE_APP, subtype=0xFF, label=None):
        rows = _bridge.partition_find(type, (label or "").encode())
        return [Partition(row[4]) for row in rows if subtype in (0xFF, row[1])]

    def info(self):
        _, subtype, address, size, label = self._row
        return (self._kind, subtype, address, size, label, False)

    def readblocks(self, block_num, buf, offset=0):
        _bridge.partition_read(self._row[0], block_num * _BLOCK_BYTES + offset, buf)

    def writeblocks(self, block_num, buf, offset=None):
        if offset is None:
            for block in range(block_num, block_num + -(-len(buf) // _BLOCK_BYTES)):
                _bridge.partition_erase(self._row[0], block)
        _bridge.partition_write(self._row[0], block_num * _BLOCK_BYTES + (offset or 0), buf)

    def ioctl(self, op, arg=0):
        if op == 4:
            return self._row[3] // _BLOCK_BYTES
        if op == 5:
            return _BLOCK_BYTES
        if op == 6:
            _bridge.partition_erase(self._row[0], arg)
        return 0 if op in (1, 2, 3, 6) else None
