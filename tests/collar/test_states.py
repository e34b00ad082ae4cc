"""The table of states is whole, every state can be left, and the picture of it is the table's."""

from __future__ import annotations

from collar.app import COLD, PROVISION, SLEEP, TRANSITIONS
from tests.collar.state_picture import PAGE, STATES, replaced


def reached_from(start):
    found, new = {start}, [start]
    while new:
        new = [target for state in new for target in TRANSITIONS[state] if target not in found]
        found.update(new)
    return found


def test_every_state_has_its_row_and_can_be_reached_from_power_on():
    assert sorted(TRANSITIONS) == list(range(len(STATES)))
    assert reached_from(COLD) == set(range(len(STATES)))


def test_no_state_but_the_makers_prompt_is_a_dead_end():
    for state in range(len(STATES)):
        assert state == PROVISION or SLEEP in reached_from(state)


def test_the_picture_in_the_readme_is_the_tables():
    page = PAGE.read_text(encoding="utf-8")
    assert replaced(page) == page, "run make picture"
