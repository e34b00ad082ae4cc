"""Versions of the Graph API end, and somebody is told in time."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from relay.config import WhatsappConfig
from relay.whatsapp import versions

END = versions.ENDS["v24.0"]


@pytest.mark.parametrize(
    ("left", "is_told"), [(181, False), (180, False), (179, True), (0, True), (-1, True)]
)
def test_the_last_half_year_of_a_version_is_told(left, is_told):
    words = versions.warning("v24.0", END - timedelta(days=left))
    assert bool(words) == is_told
    assert versions.days_left("v24.0", END - timedelta(days=left)) == left
    if is_told:
        assert "2028-02-18" in words
        assert versions.NEWEST in words
        assert ("ended" in words) == (left < 0)


def test_the_default_version_is_the_newest_and_has_no_end_yet():
    assert WhatsappConfig().graph_version == versions.NEWEST
    assert versions.days_left(versions.NEWEST, versions.READ_ON) is None
    assert versions.warning(versions.NEWEST, versions.READ_ON) == ""


def test_a_version_nobody_knows_is_told_with_those_that_are_known():
    assert "v26.0" in versions.warning("v9.0", date(2026, 12, 1))


def test_a_day_begins_at_midnight_utc():
    assert versions.day_of(86_400_000 - 1) == date(1970, 1, 1)
    assert versions.day_of(86_400_000) == date(1970, 1, 2)
