"""What a collar said last about itself and what it is to be told, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from herdcore.records import unpack_health
from herdcore.vocabulary import (
    HEALTH_ALARM_NO_MOVEMENT,
    HEALTH_ALARM_VIOLENT,
    HEALTH_PERIOD_STRETCHED,
    HEALTH_SAFE,
)

if TYPE_CHECKING:
    from herdcore.records import Health
    from relay.model import CollarReport

_NOT_KNOWN = 0xFFFF  # of days_left
# By bit of the upper byte of Health.sensor_faults: WIRE.md, "health".
SENSOR_FAULTS = (
    "no answer",
    "bus stuck",
    "garbage at start",
    "axis at its limit",
    "axis stands still",
    "wrong range",
    "wrong rate",
    "FIFO overran",
)
_FLAGS = (
    (HEALTH_ALARM_NO_MOVEMENT, "no movement"),
    (HEALTH_ALARM_VIOLENT, "violent movement"),
    (HEALTH_SAFE, "safe mode"),
)


def facts(report: CollarReport) -> dict[str, Any]:
    """Return what is known as values for JSON; `health` is None before the first health frame."""
    settings = {"number": report.number, "waits": report.waits, "told_modulo_16": report.told}
    said = {"settings": settings, "burst_waits": report.burst_waits, "health": None}
    if report.records is None:
        return said
    health = unpack_health(report.records)
    return said | {"health": _health(health) | {"at_ms": report.first_ms}}


def _health(health: Health) -> dict[str, Any]:
    return {
        "batt_mv": health.batt_mv,
        "days_left": None if health.days_left == _NOT_KNOWN else health.days_left,
        "upload_period_s": health.upload_period_s,
        "period_stretched": bool(health.flags & HEALTH_PERIOD_STRETCHED),
        "firmware": f"{health.fw_major}.{health.fw_minor}.{health.fw_patch}",
        "dropped_frames": health.dropped_frames,
        "sensor_faults": [
            name for bit, name in enumerate(SENSOR_FAULTS) if health.sensor_faults >> 8 & 1 << bit
        ],
        "says": [name for bit, name in _FLAGS if health.flags & bit],
    }


def words(report: CollarReport) -> str:
    """Return the same as one line."""
    known = facts(report)
    health = known["health"]
    parts = ["never heard"] if health is None else _health_words(health)
    if report.number:
        parts.append(f"settings {report.number} {'waiting' if report.waits else 'told'}")
    if report.burst_waits:
        parts.append("burst waiting")
    return ", ".join(parts)


def _health_words(health: dict[str, Any]) -> list[str]:
    days = "unknown" if health["days_left"] is None else health["days_left"]
    stretched = " (stretched)" if health["period_stretched"] else ""
    return [
        f"{health['batt_mv']} mV",
        f"days left {days}",
        f"every {health['upload_period_s']} s{stretched}",
        f"firmware {health['firmware']}",
        f"{health['dropped_frames']} frames dropped",
        *(f"sensor: {name}" for name in health["sensor_faults"]),
        *health["says"],
    ]
