"""The collar: drivers, state machine, uplink. Runs on the board; is handed its hardware."""

VERSION = (0, 1, 0)
