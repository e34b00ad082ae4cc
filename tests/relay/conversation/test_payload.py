"""What a button may carry, and that nothing of it can be changed."""

import pytest

from relay.vault import Vault
from relay.whatsapp.payload import PAYLOAD_MAX, Buttons, is_verb, read

BUTTONS = Buttons(Vault(bytes(32)).blind)
WHO = {"farm_id": 3, "person_id": 5}


@pytest.mark.parametrize(
    "verb",
    ["ack", "snz", "fp", "right", "show", "yes", "no", "because.moved", "pick.0", "pick.12"],
)
def test_a_verb_comes_back_with_what_it_is_about(verb):
    payload = BUTTONS.payload(verb, event_id="0123456789abcdef", **WHO)
    button = read(payload)
    assert (button.verb, button.event_id) == (verb, "0123456789abcdef")
    assert (button.act, button.about) == tuple((verb + ".").split(".")[:2])
    assert len(payload) <= PAYLOAD_MAX
    assert BUTTONS.holds(button, **WHO)


@pytest.mark.parametrize(
    "verb",
    ["", "sell", "ack.1", "because", "because.", "because.joy", "pick.x", "pick.-1", "pick.123", "cmd.why",
     "pick.1|2", ".moved", "yes.no"],
)  # fmt: skip
def test_any_other_verb_is_none(verb):
    assert not is_verb(verb)
    assert read(f"v1|{verb}|0123456789abcdef|AAAAAAAA") is None
    with pytest.raises(ValueError, match="is none of ack, snz, fp"):
        BUTTONS.payload(verb, event_id="0123456789abcdef", **WHO)


def test_a_choice_does_not_hold_for_another_place_in_the_list():
    offered = BUTTONS.payload("pick.0", event_id="0123456789abcdef", **WHO)
    assert not BUTTONS.holds(read(offered.replace("pick.0", "pick.1")), **WHO)
    assert not BUTTONS.holds(read(offered.replace("0123", "0124")), **WHO)
