"""The system's Chromium, headless, with a profile of its own that is gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip

needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="no system Chromium: apt-get install chromium")


@asynccontextmanager
async def phone_sized_page(scale=1):
    """Yield a page of a phone's size."""
    with tempfile.TemporaryDirectory(prefix="herdbell-") as profile:
        async with async_playwright() as playwright:
            context = await playwright.chromium.launch_persistent_context(
                profile, executable_path=CHROMIUM, args=_QUIET, device_scale_factor=scale,
                viewport={"width": 390, "height": 700},
            )  # fmt: skip
            yield context.pages[0]
            await context.close()
