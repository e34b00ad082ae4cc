"""Accelerometer drivers: one file per chip, one interface (base.py)."""
