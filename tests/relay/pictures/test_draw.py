"""Pictures as a farmer gets them: size, colours, letters of three scripts, and what is where."""

from __future__ import annotations

import io
import tomllib
from importlib import resources

import numpy as np
import pytest
from babel.dates import get_day_names, get_month_names
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from relay.alerts.words import LANGUAGES, words
from relay.model import Animal
from relay.pictures import draw
from relay.pictures.data import PANELS
from relay.pictures.fonts import FAMILIES, drawable
from relay.pictures.labels import picture
from relay.pictures.palette import MOST_BYTES, packed
from tests.relay.pictures.cows import BELLA, UNTIL_H, asked, cases, changed, event, everyday, steady, without

RED = (0xD5, 0x5E, 0x00)
PANEL_TOPS_PX = (252, 448, 644)
LEFT_PX, RIGHT_PX = 58, 704


def drawn(of):
    return np.asarray(Image.open(io.BytesIO(draw.png(picture(of)))).convert("RGB"))


def ill(language="en", hours=9, **changes):
    records = changed(everyday(5), UNTIL_H - hours, eat=0.1, chew=0.2, motion=0.5)
    return asked(records, language, of=event(hours_ago=hours), **changes)


def is_red(image):
    return (image == RED).all(axis=2)


def panel_of(image, at):
    return image[PANEL_TOPS_PX[at] : PANEL_TOPS_PX[at] + 140, LEFT_PX:RIGHT_PX]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_is_a_small_png_for_a_phone(language):
    for case in cases(11, language):
        png = draw.png(picture(case.asked))
        image = Image.open(io.BytesIO(png))
        assert (image.format, image.size) == ("PNG", (720, 900)), case.name
        assert len(png) <= MOST_BYTES, case.name
        dark = np.asarray(image.convert("L")) < 128
        edges = dark[:, :14], dark[:, -10:], dark[:8], dark[-4:]
        assert not any(edge.any() for edge in edges), case.name


def test_the_same_cow_gives_the_same_bytes():
    assert draw.png(picture(ill())) == draw.png(picture(ill()))


def test_what_is_unusual_is_red_where_it_is_and_nowhere_else():
    image = drawn(ill(hours=9))
    onset_px = round((72 - 9) / 72 * (RIGHT_PX - LEFT_PX))
    for at in range(len(PANELS)):
        red = is_red(panel_of(image, at))
        assert red[:, onset_px + 8 :].any()
        assert not red[:, : onset_px - 8].any()


def test_what_is_unusual_is_hatched_and_thicker_for_who_sees_no_colours():
    records = changed(steady(eat=20), UNTIL_H - 24, eat=0.25)
    eating = panel_of(drawn(asked(records, of=event(hours_ago=24))), 2)
    dark = np.asarray(Image.fromarray(eating).convert("L")) < 170
    hers, usual = round(140 * (1 - 5 / 22)), round(140 * (1 - 20 / 22))  # where 5 and 20 minutes are
    stripes = (np.diff(dark[(hers + usual) // 2].astype(int)) == 1).sum
    assert stripes(where=np.arange(645) > 450) >= 8
    assert stripes(where=np.arange(645) < 400) <= 2  # midnights
    thick = np.median([thickness(dark[:, x], hers) for x in range(560, 620)])
    thin = np.median([thickness(dark[:, x], usual) for x in range(220, 420)])
    assert thick > 1.7 * thin


def thickness(column, at):
    """Return how many dark pixels lie together around row `at`."""
    above = next(n for n in range(at + 1) if not column[at - n])
    return above + next(n for n in range(1, 140 - at) if not column[at + n]) - 1


def test_a_cow_without_an_event_has_nothing_red():
    assert not is_red(drawn(asked(everyday(5)))).any()


def test_where_nothing_was_heard_her_line_is_broken():
    hours = (40, 30)
    image = drawn(asked(without(steady(), hours)))
    scale = (RIGHT_PX - LEFT_PX) / 72
    begin, end = (round((72 - ago) * scale) for ago in hours)
    for at in range(len(PANELS)):
        black = (panel_of(image, at)[:-6] < 30).all(axis=2).sum(axis=0)  # but for the dots at the bottom
        assert not black[begin + 3 : end - 3].any()
        assert black[:begin].any()
        assert black[end:].any()


def test_nights_are_darker_than_days():
    image = drawn(asked(steady()))  # begins at one at night in Berlin
    row = panel_of(image, 0)[8]
    assert (row[20] == 0xEC).all()
    assert (row[90] == 0xFF).all()


def test_the_number_is_by_far_the_largest_and_stands_where_reading_begins():
    inked = {language: (drawn(ill(language))[:112] < 128).all(axis=2) for language in ("en", "ur")}
    assert 70 <= np.flatnonzero(inked["en"].any(axis=1)).size <= 112
    from_left, from_right = (np.flatnonzero(each.any(axis=0)) for each in inked.values())
    assert from_left[0] < 40
    assert from_right[-1] > 680
    assert from_left[-1] < 500 < 720 - from_left[-1] + from_right[0]


def test_a_long_number_and_a_long_name_stay_within_the_picture():
    animal = Animal(7, 1, "DE 05 35124 217 88 B and more", "Bella von der hohen Alm am See im Tal")
    margin = drawn(asked(steady(), animal=animal))[:215]
    assert (margin[:, :10] == 255).all()
    assert (margin[:, -10:] == 255).all()


@pytest.mark.parametrize("name", ["$x^2$", "Be\nlla", "\U0001f404", "\x00\x1b[31m", "a" * 400, "{0} %s", ""])
def test_no_name_breaks_a_picture(name):
    assert drawn(asked(steady(), animal=Animal(7, 1, "42", name))).shape == (900, 720, 3)


def test_a_name_with_dollars_is_no_formula():
    ends = []
    for name in ("aa", "$aa$"):
        inked = (drawn(asked(steady(), animal=Animal(7, 1, "42", name)))[:112] < 128).all(axis=2)
        ends.append(np.flatnonzero(inked.any(axis=0))[-1])
    assert ends[1] > ends[0] + 40  # two of them are that wide


def test_letters_that_no_font_has_are_left_out():
    assert drawable("Bella \U0001f404 \u0b95 (12)") == "Bella (12)"
    mixed = "\u0915\u094d\u0937 \u2068\u06af\u0627\u0626\u06d2\u2069"
    assert drawable(mixed) == mixed


def test_no_mark_in_a_number_turns_it_round():
    of = [asked(steady(), animal=Animal(7, 1, number, "")) for number in ("12", "\u202e12", "\u202a1\u202c2")]
    assert len({draw.png(picture(each)) for each in of}) == 1


def spoken(language):
    table = words(language).table
    titles = [
        each["title"] for kind in table["kinds"].values() for each in (kind, *kind.get("stages", {}).values())
    ]
    said = [*table["picture"].values(), *table["moment"].values(), table["message"]["since"], *titles]
    texts = [text for each in said for text in (each.values() if isinstance(each, dict) else [each])]
    dates = [
        *get_day_names("abbreviated", locale=language).values(),
        *get_month_names(locale=language).values(),
    ]
    return [str(text) for text in (*texts, *dates)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_fonts_have_every_letter_that_is_written(language):
    for text in spoken(language):
        assert drawable(text) == " ".join(text.split())


def test_every_word_of_a_picture_comes_from_the_catalogue():
    english = tomllib.loads((resources.files("relay") / "locales/en/alerts.toml").read_text())["picture"]
    seen = picture(ill())
    assert seen.panels[PANELS[1]] == english["chewing"]
    assert seen.notes == (english["usual"]["other"].format(count=14), english["unusual"])
    assert seen.title == words("en").kind("off_feed")["title"]
    assert seen.since == "Since 16:00 on 5 November."


def test_a_cow_of_a_few_days_is_told_so_in_words():
    seen = picture(asked(steady(72 + 48), of=event()))
    assert seen.notes == ("What is usual for her is not known yet: 2 days heard",)
    assert seen.panels["activity"] == "Activity"


def test_a_stage_has_its_own_title_and_an_unknown_kind_none():
    assert picture(ill()).title != picture(asked(steady(), of=event(stage="acute"))).title == "NOT EATING"
    assert picture(asked(steady(), kind="no such kind")).title == ""


def test_an_event_from_before_the_picture_has_no_line_but_its_time():
    seen = picture(asked(steady(), of=event(hours_ago=100)))
    assert seen.onset_x is None
    assert seen.since
    assert picture(ill(hours=9)).onset_x == 63


def width_px(text):
    figure = Figure(dpi=100)
    renderer = FigureCanvasAgg(figure).get_renderer()
    return (
        figure.text(0, 0, text, family=FAMILIES, weight="bold", fontsize=40).get_window_extent(renderer).width
    )


def test_hindi_conjuncts_are_formed_and_urdu_letters_are_joined():
    joined, apart = "\u0915\u094d\u0937", "\u0915\u094d\u200c\u0937"  # with a non-joiner the virama is seen
    assert width_px(joined) < 0.9 * width_px(apart)
    assert width_px("\u0628\u0628\u0628") < 0.8 * width_px("\u0628\u200c\u0628\u200c\u0628")


def test_urdu_runs_from_right_to_left():
    line = drawable("\u0628 1")  # one letter, then a digit: the digit is on its left
    figure = Figure(figsize=(2, 1), dpi=100)
    figure.text(0.1, 0.3, line, family=FAMILIES, weight="bold", fontsize=40)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    inked = np.flatnonzero((np.asarray(canvas.buffer_rgba())[:, :, 0] < 128).any(axis=0))
    gap = int(np.argmax(np.diff(inked)))
    left, right = inked[: gap + 1], inked[gap + 1 :]
    assert left.size < right.size  # a digit is narrower than the letter


def test_too_much_in_a_picture_costs_shades_and_then_the_picture():
    noise = np.random.default_rng(1).integers(0, 256, (900, 720, 3), np.uint8)
    with pytest.raises(ValueError, match="want at most 60000"):
        packed(Image.fromarray(noise))
    busy = np.kron(noise[:300, :240], np.ones((3, 3, 1), np.uint8))
    assert BELLA.number == "42"
    assert len(packed(Image.fromarray(busy[:240]))) <= MOST_BYTES
