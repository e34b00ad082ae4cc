"""Battery and temperature as the health record tells them. The policy that acts on them is the relay's."""


def battery_mv(board) -> int:
    """Return the cell's voltage: median of three readings, because one may fall on a radio burst."""
    readings = sorted([board.battery_mv() for _ in range(3)])
    return readings[1]


def temperature_c(board) -> int:
    """Return the chip's temperature, whole degrees."""
    return int(board.temperature_c())
