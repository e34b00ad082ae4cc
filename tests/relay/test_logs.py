"""What the relay logs: one object per line, and nothing that is nobody's business."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from relay.config import LogConfig
from relay.logs import configure_logs, redact


@pytest.fixture
def log():
    """Configure logging to a buffer."""
    stream = io.StringIO()

    def configure(**config):
        configure_logs(LogConfig(**config), stream)
        return stream

    return configure


KEY = "0f" * 32


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("sent to +491701234567", "sent to +49…67"),
        ("wa_id 491701234567.", "wa_id 49…67."),
        ("token EAAGm0PX4ZCpsBAKZCZB", "token EAA…"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer …"),
        (f"key {KEY} leaked", "key … leaked"),
        ("collar 4294967 seq 65535 at 12:30", "collar 4294967 seq 65535 at 12:30"),
        ("2026-11-22T16:00:00.123456Z", "2026-11-22T16:00:00.123456Z"),
        ("took 0.12345678901234 s", "took 0.12345678901234 s"),
        (
            "message 00000000000000e1 of event 12345678901234ab",
            "message 00000000000000e1 of event 12345678901234ab",
        ),
        ("wa15550100001x, tel:15550100001, x-15550100001", "wa15…01x, tel:15…01, x-15…01"),
        ("call +1 (555) 010-0001 or +49 170 1234567.", "call +1…01 or +49…67."),
        ("at +15 12, +2 (3)", "at +15 12, +2 (3)"),
        ("wamid.HBgLMTU1NTAxMDAwMDEVAgARGBI= failed", "wamid.… failed"),
        ("by US.13491208655302741918", "by US.…"),
        ("by US.ENT.11815799212886844830", "by US.ENT.…"),
        ("xEAAGm0PX4ZCpsBAKZCZB", "xEAA…"),
    ],
)
def test_secrets_are_taken_out_of_text(text, clean):
    assert redact(text) == clean


WORDS = st.text(st.characters(exclude_categories=["Nd"]))


@given(WORDS, st.integers(10**9, 10**15 - 1), WORDS)
def test_no_number_survives_whatever_stands_beside_it(before, number, after):
    assert f"{number}"[2:-2] not in redact(f"{before}+{number}{after}")


@given(st.text())
def test_what_is_redacted_stays_as_it_is(text):
    assert redact(redact(text)) == redact(text)


def test_a_line_is_one_json_object_with_time_level_and_place(log):
    stream = log()
    logging.getLogger("relay.x").info("%d frames from %s", 3, "a gateway")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["logger"]) == ("3 frames from a gateway", "info", "relay.x")
    assert line["timestamp"].endswith("Z")


def test_members_and_exceptions_are_cleaned_as_well(log):
    stream = log()
    error = ValueError(f"cannot send to +491701234567 with {KEY}")
    who = {"phone": "+491701234567", "token": "EAAabc"}
    logging.getLogger("relay.x").error("failed", exc_info=error, extra=who)
    structlog.get_logger("relay.y").warning(
        "again", nested={"key": KEY, "to": ["+491701234567"]}, raw=b"secret"
    )
    text = stream.getvalue()
    for secret in ("1701234567", KEY, "EAAabc", "secret"):
        assert secret not in text
    assert "ValueError: cannot send to +49…67 with …" in text


def test_text_is_for_reading(log):
    stream = log(format="text")
    logging.getLogger("relay.x").warning("disk is slow", extra={"fsync_ms": 80})
    assert stream.getvalue().endswith("warning relay.x: disk is slow fsync_ms=80\n")


def test_a_trace_follows_its_line_in_text(log):
    stream = log(format="text")
    logging.getLogger("relay.x").error("failed", exc_info=OSError("disk gone"))
    assert stream.getvalue().splitlines()[-1] == "OSError: disk gone"


def test_what_is_below_the_level_is_not_logged(log):
    stream = log(level="warning")
    logging.getLogger("relay.x").info("chatter")
    assert stream.getvalue() == ""
