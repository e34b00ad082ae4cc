"""Pictures: drawn, in colours that tell, the same bytes twice."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from relay.evaluation.metrics import score
from relay.evaluation.pictures import DrawingError, Span, draw_confusion, draw_ethogram

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 1_717_286_400_000  # 2024-06-02 00:00


@pytest.fixture
def pixels():
    """Read a PNG as (height, width, 4) numbers 0..1."""
    image = pytest.importorskip(
        "matplotlib.image", reason="NO PICTURE IS TESTED: matplotlib is not here, pip install herdbell[train]"
    )
    return image.imread


def has(image, colour):
    """Say how many pixels have the colour, within one step."""
    wanted = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return np.count_nonzero(np.abs(image[:, :, :3] - wanted).max(axis=2) < 1.5 / 255)


GREEN, BLUE, ORANGE = "#009E73", "#0072B2", "#E69F00"


def told(start, *labels, confidence=0.8, step=MINUTE):
    return [
        Span(start + i * step, start + (i + 1) * step, label, confidence) for i, label in enumerate(labels)
    ]


def scored(labels):
    truth = np.tile(np.arange(len(labels)), 40)
    return score(truth, truth + (np.arange(len(truth)) % 7 == 0), ["a", "b"] * (len(truth) // 2), labels)


def test_the_same_scores_give_the_same_picture_byte_for_byte(tmp_path, pixels):
    for name in ("one.png", "two.png"):
        draw_confusion(scored(("grazing", "ruminating_resting")), tmp_path / name, "farm, one animal out")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_a_confusion_is_dark_where_the_row_is_told_and_grows_with_its_classes(tmp_path, pixels):
    draw_confusion(
        scored(("grazing", "still", "walking", "drinking", "other")), tmp_path / "c.png", "farm " * 40
    )
    image = pixels(tmp_path / "c.png")
    dark = np.count_nonzero((image[:, :, 2] > 0.4) & (image[:, :, 0] < 0.2))
    assert 0.08 < dark / image[:, :, 0].size < 5 / 30  # five of thirty cells, and the margins are light
    assert image.shape[1] > 1200


def test_an_ethogram_shows_every_lane_in_the_colours_of_what_it_says(tmp_path, pixels):
    lanes = {
        "truth": [Span(DAY, DAY + 3 * MINUTE, "grazing")],
        "told": told(DAY, "grazing", "unknown", "still"),
    }
    draw_ethogram(lanes, tmp_path / "day.png", "Cow 7")
    image = pixels(tmp_path / "day.png")
    assert has(image, GREEN) > 2.5 * has(image, BLUE) > 10_000
    assert has(image, ORANGE) == 0


def test_the_confidence_is_shaded_as_high_as_it_is(tmp_path, pixels):
    def shade(confidence):
        draw_ethogram({"told": told(DAY, "grazing", confidence=confidence)}, tmp_path / "day.png", "Cow 7")
        return has(pixels(tmp_path / "day.png"), "#9b9b9b")

    assert shade(1.0) == pytest.approx(2 * shade(0.5), rel=0.1)


def test_a_gap_in_what_was_told_stays_white(tmp_path, pixels):
    truth = [Span(DAY, DAY + 10 * MINUTE, "still")]
    for name, spans in (("whole", told(DAY, *["walking"] * 10)), ("gap", told(DAY, *["walking"] * 5))):
        draw_ethogram({"truth": truth, "told": spans}, tmp_path / f"{name}.png", "Cow 7")
    whole, gap = (has(pixels(tmp_path / f"{name}.png"), ORANGE) for name in ("whole", "gap"))
    assert gap == pytest.approx(whole / 2, rel=0.05)


def test_behaviours_without_a_colour_of_their_own_get_one_that_is_free(tmp_path, pixels):
    labels = ["grazing", "licking", "rising", "walking", "still"]
    draw_ethogram({"told": told(DAY, *labels, confidence=None)}, tmp_path / "day.png", "Cow 7")
    image = pixels(tmp_path / "day.png")
    counts = [has(image, colour) for colour in (GREEN, ORANGE, BLUE, "#56B4E9", "#F0E442")]
    assert min(counts) > 0.8 * max(counts)


def test_a_short_day_with_long_gaps_is_drawn_with_cuts(tmp_path, pixels):
    lanes = {"truth": [Span(DAY + h * HOUR, DAY + h * HOUR + 5 * MINUTE, "grazing") for h in (7, 9, 15)]}
    draw_ethogram(lanes, tmp_path / "day.png", "Cow 7")
    image = pixels(tmp_path / "day.png")
    assert has(image, GREEN) > 0.1 * image.shape[0] * image.shape[1]


def test_pictures_name_what_to_install_where_matplotlib_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(DrawingError, match=r"pip install herdbell\[train\]"):
        draw_confusion(scored(("still", "active")), tmp_path / "c.png", "farm")


def test_nothing_to_draw_and_a_span_without_length_are_refused(tmp_path):
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_ethogram({"truth": []}, tmp_path / "day.png", "Cow 7")
    with pytest.raises(ValueError, match=f"from {DAY} to {DAY} ms has no length"):
        draw_ethogram({"truth": [Span(DAY, DAY, "still")]}, tmp_path / "day.png", "Cow 7")
