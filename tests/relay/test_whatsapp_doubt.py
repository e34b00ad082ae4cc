"""Whose number it is: silence and Meta's own word raise a doubt, and nothing takes it back but an answer."""

from __future__ import annotations

import pytest

from relay.model import Person
from relay.whatsapp.doubt import SILENT_MS, doubt_of, is_change

NOW_MS = 1_780_000_000_000
TEXT = {"type": "text", "text": {"body": "herd"}}


def system(kind):
    return {"type": "system", "system": {"type": kind, "wa_id": "15550100002"}}


def doubt(item=TEXT, *, heard_ms=None, before="", consent_ms=NOW_MS, same_user=True):
    person = Person(
        1, "Alex", "en", "UTC", last_inbound_ms=heard_ms, doubt=before, consent_ms=consent_ms
    )  # fmt: skip
    return doubt_of(person, item, same_user=same_user, said_ms=NOW_MS)


@pytest.mark.parametrize(
    ("heard_ms", "consent_ms", "expected"),
    [
        (NOW_MS - SILENT_MS, 0, ""),
        (NOW_MS - SILENT_MS - 1, 0, "silent"),
        (NOW_MS - SILENT_MS - 1, NOW_MS - 1000, ""),
        (None, NOW_MS - SILENT_MS, ""),
        (None, NOW_MS - SILENT_MS - 1, "silent"),
        (NOW_MS + 5, 0, ""),
        (None, 0, ""),
    ],
    ids=["45 days", "longer", "agreed again", "never wrote", "agreed long ago", "comes late", "not known"],
)
def test_more_than_45_days_of_silence_raise_a_doubt(heard_ms, consent_ms, expected):
    assert doubt(heard_ms=heard_ms, consent_ms=consent_ms) == expected


@pytest.mark.parametrize(
    "kind",
    ["user_changed_number", "user_changed_user_id", "user_identity_changed", "customer_identity_changed"],
)
def test_metas_own_word_of_a_change_raises_a_doubt(kind):
    assert is_change(system(kind))
    assert doubt(system(kind)) == "changed"


@pytest.mark.parametrize(
    "item",
    [system("something_new"), system(7), {"type": "system"}, {"type": "system", "system": []}, {}, TEXT],
)
def test_nothing_else_is_a_change(item):
    assert not is_change(item)
    assert doubt(item) == ""


def test_another_user_id_on_the_same_number_raises_a_doubt():
    assert doubt(same_user=False) == "changed"


@pytest.mark.parametrize("before", ["silent", "changed"])
def test_a_doubt_stays_until_somebody_answers_it(before):
    assert doubt(heard_ms=NOW_MS, before=before) == before


def test_a_change_weighs_more_than_silence():
    assert doubt(heard_ms=1, consent_ms=0, before="silent", same_user=False) == "changed"
    assert doubt(heard_ms=1, consent_ms=0, before="changed") == "changed"
