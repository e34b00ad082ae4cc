"""Days as they are written in six countries."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.whatsapp.conversation import dates
from relay.whatsapp.conversation.dates import Day
from relay.whatsapp.conversation.folding import tokens

TODAY = date(2026, 11, 21)  # a Saturday
BETWEEN = frozenset({"de", "of", "the"})


def read(text):
    words = tokens(text)
    found = dates.read(words, 0, BETWEEN)
    return found and (found[0], len(words) - found[1])


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("24.12.", Day(12, 24)),
        ("24/12", Day(12, 24)),
        ("12/24", Day(12, 24)),
        ("3/5", Day(5, 3)),
        ("24-12", Day(12, 24)),
        ("24.12.26", Day(12, 24, 2026)),
        ("24/12/2026", Day(12, 24, 2026)),
        ("2026-12-24", Day(12, 24, 2026)),
        ("29.2.", Day(2, 29)),
        ("24 December", Day(12, 24)),
        ("Dec 24", Day(12, 24)),
        ("the 24", None),
        ("24 of December 2026", Day(12, 24, 2026)),
        ("24. Dezember", Day(12, 24)),
        ("24 de diciembre de 2026", Day(12, 24, 2026)),
        ("24 de dezembro", Day(12, 24)),
        ("24 दिसंबर", Day(12, 24)),
        ("۲۴ دسمبر", Day(12, 24)),
        ("२४.१२.", Day(12, 24)),
        ("Monday", Day(weekday=0)),
        ("Donnerstag", Day(weekday=3)),
        ("sábado", Day(weekday=5)),
        ("terça-feira", None),
        ("रविवार", Day(weekday=6)),
        ("31.2.", None),
        ("2026-02-29", None),
        ("1.1.1999", None),
        ("6.30", None),
        ("12", None),
        ("May", None),
        ("99 December", None),
    ],
)
def test_a_day_is_read(text, day):
    found = read(text)
    if day is None:
        assert found is None or found[1] > 0  # not all of it is a day
    else:
        assert found == (day, 0)


@pytest.mark.parametrize(
    ("day", "before", "ahead"),
    [
        (Day(12, 24), date(2025, 12, 24), date(2026, 12, 24)),
        (Day(11, 21), TODAY, TODAY),
        (Day(1, 3), date(2026, 1, 3), date(2027, 1, 3)),
        (Day(12, 24, 2026), date(2026, 12, 24), date(2026, 12, 24)),
        (Day(ahead_d=-1), date(2026, 11, 20), date(2026, 11, 20)),
        (Day(weekday=5), TODAY, TODAY),
        (Day(weekday=4), date(2026, 11, 20), date(2026, 11, 27)),
        (Day(weekday=6), date(2026, 11, 15), date(2026, 11, 22)),
        (Day(2, 29), None, None),
        (Day(2, 29, 2028), date(2028, 2, 29), date(2028, 2, 29)),
    ],
)
def test_a_day_without_a_year_is_the_nearest_that_makes_sense(day, before, ahead):
    assert day.on(TODAY, is_ahead=False) == before
    assert day.on(TODAY, is_ahead=True) == ahead


@given(
    st.lists(
        st.sampled_from(["24", "2026", "dec", "de", "monday", "31.2", "24.12", "1:2", "0", "00"]), min_size=1
    )
)
def test_whatever_stands_together_is_a_day_or_none(words):
    found = dates.read(words, 0, BETWEEN)
    assert found is None or 1 <= found[1] <= len(words)
