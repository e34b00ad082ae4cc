"""A note's way to somebody: the first way that takes it, the next if it does not arrive, nobody twice."""

from __future__ import annotations

import pytest

from relay.watch.parts import COLLAR, META, MINUTE_MS, Note
from relay.watch.telling import GIVE_UP_MS, Pending, Teller, added

T0_MS = 1_790_000_000_000
LOST = Note(COLLAR, T0_MS, T0_MS, None, 1, 7, 1)
OVER = Note(COLLAR, T0_MS, T0_MS + MINUTE_MS, T0_MS, 1, 7, 1)


class Way:
    """Takes notes if `takes`; what becomes of them is `fate`."""

    def __init__(self, takes=True, fate=True):
        self.takes, self.fate, self.told = takes, fate, []

    async def tell(self, note, text):
        self.told.append((note, text))
        return self.takes

    async def arrived(self, note):
        return self.fate if note else None


async def text_of(note):
    return f"about {note.part}"


async def advance(ways, pending, minutes):
    teller = Teller(ways, text_of)
    for minute in range(minutes):
        pending = await teller.advance(pending, T0_MS + minute * MINUTE_MS)
    return pending


async def test_a_note_is_told_by_the_first_way_alone():
    ways = {"whatsapp": Way(), "email": Way(), "command": Way()}
    assert await advance(ways, added([], [LOST]), 30) == []
    assert [len(way.told) for way in ways.values()] == [1, 0, 0]
    assert ways["whatsapp"].told == [(LOST, "about collar")]


async def test_a_way_that_does_not_take_it_is_passed_over_at_once():
    ways = {"whatsapp": Way(takes=False), "email": Way()}
    assert await advance(ways, added([], [LOST]), 1) == []
    assert len(ways["email"].told) == 1


async def test_a_message_that_is_not_delivered_in_15_minutes_goes_another_way_once():
    ways = {"whatsapp": Way(fate=None), "email": Way()}
    left = await advance(ways, added([], [LOST]), 15)
    assert (len(left), ways["email"].told) == (1, [])
    assert await advance(ways, left, 30) == []
    assert [len(way.told) for way in ways.values()] == [1, 1]


async def test_a_message_that_is_lost_goes_another_way_at_once():
    ways = {"whatsapp": Way(fate=False), "email": Way()}
    assert await advance(ways, added([], [LOST]), 2) == []
    assert len(ways["email"].told) == 1


async def test_what_is_wrong_with_whatsapp_is_not_told_by_whatsapp():
    ways = {"whatsapp": Way(), "email": Way()}
    await advance(ways, added([], [Note(META, T0_MS, T0_MS)]), 2)
    assert [len(way.told) for way in ways.values()] == [0, 1]


async def test_when_every_way_refuses_all_are_tried_again_every_five_minutes():
    ways = {"email": Way(takes=False)}
    assert len(await advance(ways, added([], [LOST]), 11)) == 1
    assert len(ways["email"].told) == 3


async def test_what_nobody_takes_for_a_day_is_given_up():
    teller = Teller({}, text_of)
    left = await teller.advance(added([], [LOST]), T0_MS)
    assert len(left) == 1
    assert await teller.advance(left, T0_MS + GIVE_UP_MS) == []


def test_what_is_over_before_anybody_was_told_is_not_told_at_all():
    assert added([Pending(LOST)], [OVER]) == []


def test_what_is_over_after_somebody_was_told_is_told():
    handed = Pending(LOST, 0, T0_MS)
    assert added([handed], [OVER]) == [handed, Pending(OVER)]
    assert added([], [OVER]) == [Pending(OVER)]


@pytest.mark.parametrize("other", [Note(COLLAR, T0_MS, T0_MS, None, 1, 8), Note(COLLAR, 0, 0, None, 1, 7)])
def test_another_fault_being_over_leaves_a_note_alone(other):
    assert added([Pending(LOST)], [other]) == [Pending(LOST), Pending(other)]
