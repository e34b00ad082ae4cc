"""The farmer's tap in a real browser reaches the relay as a signed webhook and is shown as acknowledged."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from simulator.demo import Demo, Options
from tests.browser import needs_chromium, phone_sized_page

pytestmark = [needs_chromium, pytest.mark.timeout(300)]


async def test_a_tap_on_the_message_is_answered_by_the_relay():
    options = Options(collars=2, sick=1, sick_hour=0.05, days=0.1, relay_port=0, phone_port=0)
    async with Demo(options, print) as demo, phone_sized_page() as page:
        await demo.run_day()
        await page.goto(f"{demo.phone_url}/phone/")
        alert = page.locator(".message").first
        await expect(alert.locator(".words")).to_contain_text("Bella (1)")
        button = alert.get_by_role("button", name="On my way")
        await button.click()
        await expect(button).to_have_attribute("aria-pressed", "true")
        await expect(page.locator(".message").last.locator(".words")).to_contain_text("Bella (1)")
        assert len(demo.result.messages) == 2
        counters = await demo.relay.counters()
        assert counters['herdbell_whatsapp_webhook_items_total{outcome="acknowledged"}'] == 1
