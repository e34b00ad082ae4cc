"""The port of what the farmer records: lives, groups, coverage, which alerts are wanted, the weather."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from relay.model import LifeEvent


class FarmBook(Protocol):
    """What a farmer writes down. NotKnown for a farm that is not there or an animal that is not its own."""

    async def note_life(self, farm_id: int, animal_id: int, kind: str, at_ms: int, noted_ms: int) -> None:
        """Record one of LIFE_KINDS; the same again changes nothing. ValueError for another kind."""

    async def strike_life(self, farm_id: int, animal_id: int, kind: str, at_ms: int) -> bool:
        """Take back what was recorded by mistake; False if it is not there."""

    async def life_events(self, farm_id: int) -> list[LifeEvent]:
        """Return what is recorded of all animals of a farm, ordered by `at_ms`, then `noted_ms`."""

    async def set_group(self, farm_id: int, animal_id: int, group: str) -> None:
        """Say with whom an animal is kept, "" for the farm's one group."""

    async def set_coverage(self, farm_id: int, coverage: str) -> None:
        """Say where and when a farm's collars are heard, one of COVERAGES; ValueError for another."""

    async def set_digest(self, farm_id: int, digest_min: int) -> None:
        """Say when a farm's digest goes out: minutes after local midnight, 0..1439."""

    async def set_quiet(self, farm_id: int, quiet_min: tuple[int, int] | None) -> None:
        """Say from when until when only what is urgent is told: minutes after local midnight; None: never."""

    async def switch_kind(self, farm_id: int, kind: str, is_on: bool) -> None:
        """Switch an alert kind on or off for a farm, whatever it is by default."""

    async def switches(self, farm_id: int) -> dict[str, bool]:
        """Return the kinds that a farm has switched, by name; the others are as they are by default."""

    async def note_weather(
        self, farm_id: int, hour: int, temperature_c: float, humidity_percent: float
    ) -> None:
        """Record the air of a UTC hour (since 1970); what was known of that hour is replaced.

        ValueError outside -60..60 C or 0..100 %.
        """

    async def weather(self, farm_id: int, from_hour: int, until_hour: int) -> dict[int, tuple[float, float]]:
        """Return (temperature in C, relative humidity in %) by UTC hour of that span, the end excluded."""
