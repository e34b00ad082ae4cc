"""Makes the picture in README.md: a short demo, its alert on the phone, a tap, the answer."""

from __future__ import annotations

import asyncio
from pathlib import Path

from playwright.async_api import expect

from simulator.demo import Demo, Options
from tests.browser import phone_sized_page

PICTURE = Path(__file__).resolve().parents[2] / "simulator/phone/phone.png"


async def main():
    """Run the demo without its day's rest and take the picture."""
    options = Options(collars=6, sick=5, sick_hour=0.5, days=0.12, relay_port=0, phone_port=0)
    async with Demo(options, print) as demo, phone_sized_page(scale=2) as page:
        await demo.run_day()
        await page.set_viewport_size({"width": 390, "height": 1240})  # all of the picture and the answer
        await page.goto(f"{demo.phone_url}/phone/")
        await page.get_by_role("button", name="On my way").click()
        await expect(page.locator(".message")).to_have_count(3)
        await page.screenshot(path=PICTURE, animations="disabled")
    print(PICTURE)  # noqa: T201 - says where it is


asyncio.run(main())
