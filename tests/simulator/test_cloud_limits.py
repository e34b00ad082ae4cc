"""The fake limits as Meta does: throughput, pairs, people a day, the 24-hour window; by its own clock."""

from __future__ import annotations

import pytest

from simulator.cloud_errors import GraphError
from simulator.cloud_limits import Limits
from tests.simulator.cloud_scene import PHONE, open_sky, template_message, text_message

DAY_MS = 86_400_000


@pytest.fixture
async def sky():
    async with open_sky() as sky:
        yield sky


def refused_with(limits, now_ms, user, *, in_window=True):
    try:
        limits.take(now_ms, user, in_window=in_window)
    except GraphError as error:
        return error.code
    return 0


def test_80_messages_a_second_and_not_one_more():
    limits = Limits()
    codes = [refused_with(limits, 0, str(at)) for at in range(81)]
    assert codes == [0] * 80 + [130429]
    assert [refused_with(limits, 13, "a"), refused_with(limits, 13, "b")] == [0, 130429]
    assert [refused_with(limits, 2000, str(at)) for at in range(81)] == codes


def test_messages_that_come_in_count_against_the_throughput_too():
    limits = Limits(mps=2)
    limits.count(0)
    assert [refused_with(limits, 0, "a"), refused_with(limits, 0, "b")] == [0, 130429]


def test_one_person_gets_45_at_once_on_credit_and_then_one_in_6_seconds():
    limits = Limits(mps=10**6)
    assert [refused_with(limits, 0, "a") for _ in range(46)] == [0] * 45 + [131056]
    assert refused_with(limits, 0, "b") == 0
    assert refused_with(limits, 5999, "a") == 131056
    assert [refused_with(limits, 6000, "a"), refused_with(limits, 6000, "a")] == [0, 131056]


def test_only_so_many_people_outside_a_window_are_told_within_24_hours():
    limits = Limits(users=2)
    codes = [refused_with(limits, at, user, in_window=False) for at, user in enumerate("abca")]
    assert codes == [0, 0, 131048, 0]
    assert refused_with(limits, 10, "c", in_window=True) == 0
    assert limits.people_told == 2
    assert refused_with(limits, DAY_MS, "c", in_window=False) == 0


def test_what_is_refused_is_counted_by_code_and_costs_nothing():
    limits = Limits(mps=1)
    codes = [refused_with(limits, 0, "a") for _ in range(3)]
    assert (codes, limits.refused) == ([0, 130429, 130429], {130429: 2})
    assert refused_with(limits, 1000, "a") == 0


async def test_a_limit_answers_with_metas_code_and_the_clock_lifts_it(sky):
    sky.cloud.limits.mps = 1
    assert [await sky.code(template_message()) for _ in range(2)] == [0, 130429]
    await sky.later(1000)
    assert await sky.code(template_message()) == 0
    assert sky.cloud.refused == {130429: 1}


async def test_a_user_id_and_a_number_are_the_same_person(sky):
    sky.cloud.limits.pair_burst = 1
    user_id = sky.cloud.phones.get(PHONE).user_id
    assert await sky.code(template_message()) == 0
    body = template_message(recipient=user_id)
    del body["to"]
    assert await sky.code(body) == 131056


async def test_free_form_needs_a_message_of_the_person_within_24_hours(sky):
    assert await sky.code(text_message()) == 131047
    await sky.hear()
    assert await sky.code(text_message()) == 0
    await sky.later(DAY_MS - 1)
    assert await sky.code(text_message()) == 0
    await sky.later(1)
    assert await sky.code(text_message()) == 131047
    assert await sky.code(template_message()) == 0
