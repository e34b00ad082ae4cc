"""Scorers as they were or might be, kept to be replayed beside the live ones: NAME_VERSION.py, never live.

Who changes a scorer and raises its VERSION copies the old file here.
"""
