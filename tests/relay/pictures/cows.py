"""Cows made up from a seed: hours as the store holds them, everyday ones and the worst that can come."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from relay.model import Animal, Event, Farm, HourRecord
from relay.pictures.data import READ_H
from relay.pictures.labels import Asked
from relay.scoring.hours import HOUR, HOUR_MS

UNTIL_H = 498_312  # 2026-11-06 00:00 UTC
UNTIL_MS = UNTIL_H * HOUR_MS
FARM = Farm(1, "Hill", zone="Europe/Berlin")
BELLA = Animal(7, 1, "42", "Bella")
_EATS_AT, _CHEWS_AT = (6, 11, 17, 21), (1, 3, 9, 14, 23)  # bouts, UTC


def record(hour, *, eat=15, chew=25, walk=3, motion_mg=100.0, covered_min=60):
    """One hour; minutes of what she did are of 60, whatever was covered."""
    row = np.zeros((), HOUR)
    row["covered_min"] = covered_min // 4
    row["motion_8th_mg"] = min(round(8 * motion_mg), 0xFFFF)
    if covered_min:
        row["eat_min"], row["ruminate_min"], row["walk_min"] = eat, chew, walk
        row["rest_min"] = max(0, 60 - eat - chew - walk)
    return HourRecord(BELLA.id, hour, row.tobytes())


def steady(hours=READ_H, **same):
    """Return that many equal hours up to UNTIL_H."""
    return [record(UNTIL_H - hours + at, **same) for at in range(hours)]


def everyday(seed, *, hours=READ_H):
    """Return hours with bouts of eating and chewing, a level and a rhythm of her own, and noise."""
    draw = np.random.default_rng(seed)
    level, shift = draw.uniform(0.8, 1.25), draw.uniform(-1, 1)
    return [_hour(draw, UNTIL_H - hours + at, level, shift) for at in range(hours)]


def _hour(draw, hour, level, shift):
    eat = min(50.0, level * 26 * _near(hour, _EATS_AT, shift) * draw.uniform(0.6, 1.4))
    chew = min(58.0 - eat, level * 30 * _near(hour, _CHEWS_AT, shift) * draw.uniform(0.6, 1.4))
    walk = min(60.0 - eat - chew, draw.uniform(0, 6))
    motion_mg = 70 + 290 * eat / 60 + 220 * walk / 60 + draw.uniform(0, 25)
    return record(hour, eat=round(eat), chew=int(chew), walk=int(walk), motion_mg=motion_mg)


def _near(hour, bouts, shift):
    return sum(np.exp(-((((hour % 24 - at - shift + 12) % 24 - 12) / 1.8) ** 2)) for at in bouts)


def changed(records, from_hour, *, eat=1.0, chew=1.0, motion=1.0):
    """Return the hours with what she does from `from_hour` on made more or less."""
    return [_times(each, eat, chew, motion) if each.hour >= from_hour else each for each in records]


def _times(told, eat, chew, motion):
    row = np.frombuffer(told.row, HOUR)[0].copy()
    row["motion_8th_mg"] = np.minimum(motion * row["motion_8th_mg"], 0xFFFF).astype("u2")
    eaten, chewed = int(eat * row["eat_min"]), int(chew * row["ruminate_min"])
    row["eat_min"], row["ruminate_min"] = eaten, chewed
    row["rest_min"] = max(0, 60 - eaten - chewed - int(row["walk_min"]))
    return told._replace(row=row.tobytes())


def without(records, *spans):
    """Return the hours but those in spans (from, to), counted back from UNTIL_H."""
    gone = {UNTIL_H - back for begin, end in spans for back in range(end + 1, begin + 1)}
    return [each for each in records if each.hour not in gone]


def event(kind="off_feed", hours_ago=9.0, **changes):
    onset_ms = UNTIL_MS - round(hours_ago * HOUR_MS)
    return Event("e1", 1, BELLA.id, kind, onset_ms, onset_ms + HOUR_MS, {}, **changes)


def asked(records, language="en", *, farm=FARM, animal=BELLA, of=None, kind=""):
    return Asked(farm, animal, records, of, kind, UNTIL_MS, language)


class Case(NamedTuple):
    """A cow to draw, by what is special about her."""

    name: str
    asked: Asked


def cases(seed, language):
    """Return everyday cows, ill ones, cows in heat, and those that are hardest to draw."""
    draw = np.random.default_rng(seed)
    normal = everyday(seed)
    ill = changed(normal, UNTIL_H - 9, eat=0.15, chew=0.2, motion=0.5)
    heat = changed(normal, UNTIL_H - 12, motion=2.8, chew=0.5)
    noise = [
        record(UNTIL_H - READ_H + at, eat=int(draw.integers(0, 2)) * 60, chew=0,
               motion_mg=float(draw.choice([0, 8_000])), covered_min=60)
        for at in range(READ_H)
    ]  # fmt: skip
    long = Animal(7, 1, "DE 05 3512 4217 88 B", "गुलाबो Schöne Bella von der Alm گلابو \U0001f404")
    india = Farm(1, "Anand", zone="Asia/Kolkata")
    return [
        Case("everyday", asked(normal, language)),
        Case("ill", asked(ill, language, of=event())),
        Case("heat", asked(heat, language, of=event("heat", 12), farm=india)),
        Case("gaps", asked(without(ill, (60, 50), (30, 29), (20, 12)), language, of=event())),
        Case("noise", asked(noise, language, of=event("calving", 71), animal=long)),
        Case("every other hour", asked(noise[1::2], language, of=event("lameness", 71), animal=long)),
        Case("new", asked(normal[-80:], language, kind="heat")),
        Case("one hour", asked(normal[-1:], language)),
    ]
