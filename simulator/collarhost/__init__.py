"""The collar host: the flashed files in real MicroPython processes, on simulated boards, in virtual time."""
