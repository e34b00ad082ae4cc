"""The farmer's phone in a real browser: what arrives is shown, what is tapped goes back."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser import needs_chromium, phone_sized_page
from tests.simulator.cloud_scene import PHONE, open_sky, template_message, text_message

pytestmark = needs_chromium


@pytest.fixture
async def sky():
    async with open_sky(farm="Hillside Farm", zone="Europe/Berlin") as sky:
        sky.cloud.phones.add(PHONE, "Alex")
        yield sky


@pytest.fixture
async def page(sky):
    """The open page; whatever the browser complains about fails the test."""
    complaints = []
    async with phone_sized_page() as page:
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(str(sky.server.make_url("/phone/")))
        await expect(page.locator("#owner")).to_have_text("to Alex")
        yield page
        await page.goto("about:blank")
    assert complaints == []


async def test_an_alert_is_tapped_and_the_answer_appears(sky, page):
    await sky.post(template_message())
    alert = page.locator(".message").first
    await expect(alert.locator(".words")).to_have_text(
        "Health alert: Bella (12) at Hill needs you. Please look."
    )
    await expect(alert.locator("strong").first).to_have_text("Bella (12)")
    await alert.get_by_role("button", name="On my way").click()
    await expect(alert.get_by_role("button", name="On my way")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(".mine .words")).to_have_text("On my way")
    await sky.cloud.settle()
    assert sky.ear.values("messages")[0]["button"]["payload"] == "v1|ack"
    await sky.post(text_message("Noted: you are on your way to Bella (12)."))
    await expect(page.locator(".message").last.locator(".words")).to_have_text(
        "Noted: you are on your way to Bella (12)."
    )


async def test_the_open_page_reads_and_shows_it_with_ticks(sky, page):
    await sky.post(template_message())
    await expect(page.get_by_role("img", name="read")).to_be_visible()
    await sky.cloud.settle()
    assert [one["status"] for one in sky.ear.values("statuses")] == ["sent", "delivered", "read"]


async def test_a_typed_text_comes_back_as_a_message(sky, page):
    await page.get_by_label("Write a message").fill("STOP")
    await page.keyboard.press("Enter")
    await expect(page.locator(".mine .words")).to_have_text("STOP")
    await sky.cloud.settle()
    assert sky.ear.values("messages")[0]["text"] == {"body": "STOP"}


async def test_the_header_shows_the_farm_and_the_simulated_time_of_its_zone(sky, page):
    await expect(page.locator("#farm")).to_have_text("Hillside Farm")
    await expect(page.locator("#clock")).to_have_text("01:00")
    sky.clock.advance_us(90 * 60_000_000)
    await sky.post(template_message())
    await expect(page.locator("#clock")).to_have_text("02:30")


async def test_every_person_has_a_phone_of_their_own(sky, page):
    other = "4915550101"
    sky.cloud.phones.add(other, "Fatima")
    await sky.post(template_message(to=other))
    await sky.post(template_message())
    await page.get_by_role("button", name="Fatima 1 unread").click()
    await expect(page.locator("#owner")).to_have_text("to Fatima")
    await expect(page.locator(".message")).to_have_count(1)


async def test_what_farmers_and_cows_are_called_is_text_and_never_markup(sky, page):
    name = "<img src=x onerror=alert(1)>"
    await sky.post(template_message(animal=name))
    await expect(page.locator("strong").first).to_have_text(name)


async def test_urdu_runs_from_right_to_left(sky, page):
    await sky.cloud.type_text(PHONE, "میں دیکھ رہا ہوں")
    words = page.locator(".mine .words")
    await expect(words).to_be_visible()
    assert await words.evaluate("element => getComputedStyle(element).direction") == "rtl"


@pytest.mark.parametrize(
    "size", [{"width": 320, "height": 568}, {"width": 390, "height": 844}, {"width": 1280, "height": 800}]
)
async def test_nothing_is_cut_off_on_a_small_phone_or_a_desktop(sky, page, size):
    await page.set_viewport_size(size)
    await sky.post(template_message(animal="Donaudampfschifffahrtsgesellschaft" * 3))
    button = page.get_by_role("button", name="False alarm")
    await expect(button).to_be_in_viewport()
    assert (await button.bounding_box())["height"] >= 44
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
