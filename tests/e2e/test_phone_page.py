"""The farmer's phone in a real browser: what arrives is shown, what is tapped goes back."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from simulator.cloud_person import Person
from tests.browser import needs_chromium, phone_sized_page
from tests.simulator.cloud_scene import (
    PHONE,
    list_message,
    open_sky,
    reply_message,
    template_message,
    text_message,
)

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
    await page.get_by_role("button", name="All chats").click()
    fatima = page.get_by_role("button", name="Fatima")
    await expect(fatima.get_by_label("1 unread")).to_be_visible()
    await expect(fatima.locator(".last")).to_have_text(
        "Health alert: Bella (12) at Hill needs you. Please look."
    )
    await fatima.click()
    await expect(page.locator("#owner")).to_have_text("to Fatima")
    await expect(page.locator(".message")).to_have_count(1)


async def test_what_farmers_and_cows_are_called_is_text_and_never_markup(sky, page):
    name = "<img src=x onerror=alert(1)>"
    await sky.post(template_message(animal=name))
    await expect(page.locator("strong").first).to_have_text(name)


async def test_urdu_runs_from_right_to_left(sky, page):
    Person(sky.cloud).write(PHONE, "میں دیکھ رہا ہوں")
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


async def test_a_list_opens_as_a_sheet_and_what_is_chosen_goes_back(sky, page):
    await sky.hear()
    await sky.post(list_message("Bella (12)", "Rosa (7)"))
    await page.get_by_role("button", name="Open alerts").click()
    sheet = page.get_by_role("dialog", name="Open alerts")
    await expect(sheet.get_by_role("heading", name="Urgent")).to_be_visible()
    await sheet.get_by_role("button", name="Rosa (7) Eats less").click()
    await expect(sheet).to_be_hidden()
    await expect(page.locator(".mine").last.locator(".words")).to_have_text("Rosa (7)")
    await sky.cloud.settle()
    assert sky.ear.values("messages")[1]["interactive"]["list_reply"]["id"] == "row|Rosa (7)"
    await page.get_by_role("button", name="Open alerts").click()
    await expect(sheet.get_by_role("button", name="Rosa (7)")).to_have_attribute("aria-pressed", "true")


async def test_on_a_desktop_the_list_opens_inside_the_phone(sky, page):
    await page.set_viewport_size({"width": 1280, "height": 800})
    await sky.hear()
    await sky.post(list_message("Bella (12)", "Rosa (7)"))
    await page.get_by_role("button", name="Open alerts").click()
    await page.evaluate("document.getAnimations().forEach((one) => one.finish())")
    phone = await page.locator(".phone").bounding_box()
    sheet = await page.get_by_role("dialog", name="Open alerts").bounding_box()
    assert phone["x"] < sheet["x"]
    assert sheet["x"] + sheet["width"] < phone["x"] + phone["width"]
    assert sheet["y"] + sheet["height"] <= phone["y"] + phone["height"]


async def test_the_keyboard_alone_opens_a_list_chooses_and_comes_back(sky, page):
    await sky.hear()
    await sky.post(list_message("Bella (12)", "Rosa (7)"))
    menu = page.get_by_role("button", name="Open alerts")
    await menu.focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")
    await expect(menu).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".mine").last.locator(".words")).to_have_text("Bella (12)")
    await expect(menu).to_be_focused()


async def test_a_picture_stands_above_the_text_and_opens_large(sky, page):
    _, made = await sky.upload()
    await sky.hear()
    header = {"type": "image", "image": {"id": made["id"]}}
    await sky.post(reply_message("On my way", header=header, footer={"text": "Reply STOP to end."}))
    picture = page.get_by_role("img", name="Picture sent with this message")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
    await page.get_by_role("button", name="Picture: show it large").click()
    await expect(page.get_by_role("dialog", name="Picture")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog", name="Picture")).to_be_hidden()


async def test_a_picture_from_another_site_is_not_fetched(sky, page):
    await sky.hear()
    image = {"link": "https://example.org/a.png"}
    await sky.post({"messaging_product": "whatsapp", "to": PHONE, "type": "image", "image": image})
    await expect(page.locator(".linked")).to_be_visible()
    assert await page.locator(".message img").count() == 0


async def test_typing_is_seen_and_said_until_the_answer_comes(sky, page):
    typed = await sky.hear()
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": typed}
    await sky.post({**read, "typing_indicator": {"type": "text"}})
    await expect(page.locator("#owner")).to_have_text("typing …")
    await expect(page.locator(".typing")).to_be_visible()
    await expect(page.locator(".mine").get_by_role("img", name="read")).to_be_visible()
    await sky.post(text_message())
    await expect(page.locator("#owner")).to_have_text("to Alex")
    await expect(page.locator(".typing")).to_have_count(0)


async def test_ticks_go_from_sent_to_delivered_to_read(sky, page):
    other = sky.cloud.phones.add("4915550101", "Fatima")
    Person(sky.cloud).switch(other, online=False)
    await sky.post(template_message(to=other.number))
    [bubble] = other.bubbles
    assert bubble.status == "sent"
    Person(sky.cloud).switch(other, online=True)
    assert bubble.status == "delivered"
    await page.get_by_role("button", name="All chats").click()
    await page.get_by_role("button", name="Fatima").click()
    await expect(page.get_by_role("img", name="read")).to_be_visible()


async def test_days_are_told_apart_as_today_yesterday_and_by_name(sky, page):
    for _ in range(3):
        await sky.post(template_message())
        sky.clock.advance_us(86_400_000_000)
    await sky.post(template_message())
    await expect(page.locator(".day")).to_have_text(
        ["Monday 2 March", "Tuesday 3 March", "Yesterday", "Today"]
    )


async def test_a_latin_name_does_not_turn_a_line_of_urdu_round(sky, page):
    please = "\u0628\u0631\u0627\u06c1 \u06a9\u0631\u0645"
    text = f"{please} {{{{animal}}}} \u06a9\u0648 \u062f\u06cc\u06a9\u06be\u06cc\u06ba {please}"
    examples = [{"param_name": "animal", "example": "Bella"}]
    body = {"type": "BODY", "text": text, "example": {"body_text_named_params": examples}}
    spec = {
        "name": "urdu_v1", "language": "ur", "category": "UTILITY", "parameter_format": "NAMED",
        "components": [body],
    }  # fmt: skip
    assert (await sky.call("POST", "200000000000001/message_templates", json=spec))[0] == 200
    parameter = {"type": "text", "parameter_name": "animal", "text": "Bella (12)"}
    components = [{"type": "body", "parameters": [parameter]}]
    template = {"name": "urdu_v1", "language": {"code": "ur"}, "components": components}
    await sky.post({"messaging_product": "whatsapp", "to": PHONE, "type": "template", "template": template})
    words = page.locator(".words")
    await expect(words.locator("strong bdi")).to_have_text("Bella (12)")
    assert await words.evaluate("element => getComputedStyle(element).direction") == "rtl"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_stands_out_from_what_is_behind_it(sky, page, scheme):
    await page.emulate_media(color_scheme=scheme)
    await sky.hear()
    await sky.post(template_message())
    await expect(page.locator(".message")).to_have_count(2)
    await page.locator(".message").last.evaluate(
        "element => element.getAnimations().forEach(a => a.finish())"
    )
    for selector in (
        ".words",
        ".footer",
        ".meta time",
        ".mine .meta time",
        ".choice",
        "#owner",
        "#day",
        ".day",
    ):
        assert await page.locator(selector).first.evaluate(CONTRAST) >= 4.5, selector


# WCAG 2.1, "contrast ratio": of the text against the first background behind it that is not clear.
CONTRAST = """element => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = (colour) => [0.2126, 0.7152, 0.0722].reduce((sum, share, at) => {
    const part = rgba(colour)[at] / 255;
    return sum + share * (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  }, 0);
  let behind = element;
  while (rgba(getComputedStyle(behind).backgroundColor)[3] < 255) behind = behind.parentElement;
  const [a, b] = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor].map(light);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


async def test_a_choice_that_cannot_be_sent_is_said_in_words(sky):
    assert (await sky.page("choose", {"phone": PHONE, "message": "wamid.none", "row": 0}))[0] == 404
    assert (await sky.page("choose", {"phone": PHONE, "message": "x", "row": "0"}))[0] == 400
    async with sky.session.get(sky.server.make_url("/phone/media/1")) as answer:
        assert answer.status == 404
