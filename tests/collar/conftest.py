"""What every test of the collar has in common."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


@pytest.fixture(autouse=True)
def _no_collections(monkeypatch):
    """A collar collects at every boot; in a process as large as a test run's that takes 0.1 s a time."""
    monkeypatch.setattr("collar.app.gc", SimpleNamespace(collect=lambda: 0))
