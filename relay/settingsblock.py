"""The settings block of a collar as the command line changes it: one change after the other, then checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from herdcore.downlink import NETWORKS_MAX, RELAYS_MAX
from herdcore.vocabulary import PROFILE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from herdcore.downlink import Settings

UNSET = {"upload-s": 0, "profile": -1, "next-network": None, "next-relay": None}
_PASSWORD_BYTES = (8, 63)  # WPA2; none at all for an open network


def relay_address(text: str) -> tuple[str, int]:
    """Return (host, port) of HOST:PORT. Raises ValueError."""
    host, _, port = text.rpartition(":")
    if not host or ":" in host or not port.isdecimal() or not 1 <= int(port) <= 0xFFFF:
        raise ValueError(f"relay={text!r}: want HOST:PORT with a port of 1..65535")
    return host, int(port)


def network(ssid: str, password: str) -> tuple[str, str]:
    """Return (ssid, password). Raises ValueError, which does not repeat the password."""
    low, high = _PASSWORD_BYTES
    size = len(password.encode())
    if size and not low <= size <= high:
        raise ValueError(
            f"password of network {ssid!r}: {size} bytes outside {low}..{high} (0 for an open network)"
        )
    return ssid, password


def with_network(settings: Settings, added: tuple[str, str]) -> Settings:
    """Return the settings with a network behind the others, or in its place if its name is known."""
    return settings._replace(networks=_with("networks", settings.networks, added, NETWORKS_MAX, 1))


def with_relay(settings: Settings, added: tuple[str, int]) -> Settings:
    """Return the settings with a relay behind the others, unless it is known."""
    return settings._replace(relays=_with("relays", settings.relays, added, RELAYS_MAX, 2))


def _with(name: str, places: tuple[Any, ...], added: Any, most: int, key: int) -> tuple[Any, ...]:
    """Two places are the same if their first `key` parts are."""
    at = next((i for i, place in enumerate(places) if place[:key] == added[:key]), len(places))
    if at >= most:
        raise ValueError(f"{name}={at + 1} outside 0..{most}: forget one first")
    return (*places[:at], added, *places[at + 1 :])


def without_network(settings: Settings, ssid: str) -> Settings:
    """Return the settings without that network. Raises ValueError if it is not there."""
    return settings._replace(networks=_without("network", settings.networks, ssid, lambda place: place[0]))


def without_relay(settings: Settings, address: tuple[str, int]) -> Settings:
    """Return the settings without that relay. Raises ValueError if it is not there."""
    return settings._replace(relays=_without("relay", settings.relays, address, lambda place: place))


def _without(name: str, places: tuple[Any, ...], gone: object, key: Any) -> tuple[Any, ...]:
    left = tuple(place for place in places if key(place) != gone)
    if len(left) == len(places):
        known = ", ".join(repr(key(place)) for place in places) or "none"
        raise ValueError(f"{name}={gone!r} is not in the settings, which have {known}")
    return left


def without(settings: Settings, names: Iterable[str]) -> Settings:
    """Return the settings with these of UNSET as if they had never been set."""
    return settings._replace(**{name.replace("-", "_"): UNSET[name] for name in names})


def shown(settings: Settings) -> dict[str, Any]:
    """Return what the block says, for JSON, without passwords."""
    following, relay = settings.next_network, settings.next_relay
    return {
        "upload_s": settings.upload_s or None,
        "profile": None if settings.profile < 0 else PROFILE_NAMES[settings.profile],
        "networks": [ssid for ssid, _ in settings.networks],
        "relays": [f"{host}:{port}" for host, port in settings.relays],
        "next_network": following[0] if following else None,
        "next_relay": f"{relay[0]}:{relay[1]}" if relay else None,
    }
