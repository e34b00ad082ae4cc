"""What the farmer records, over SQLite; ports_farmbook.py says what each method does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.storage import farmbook
from relay.storage.sqlite_calls import SqliteCalls

if TYPE_CHECKING:
    from relay.model import LifeEvent


class SqliteFarmBook(SqliteCalls):
    """The port FarmBook."""

    async def note_life(self, farm_id: int, animal_id: int, kind: str, at_ms: int, noted_ms: int) -> None:
        await self._write(farmbook.note_life, farm_id, animal_id, kind, at_ms, noted_ms)

    async def strike_life(self, farm_id: int, animal_id: int, kind: str, at_ms: int) -> bool:
        return await self._write(farmbook.strike_life, farm_id, animal_id, kind, at_ms)

    async def life_events(self, farm_id: int) -> list[LifeEvent]:
        return await self._read(farmbook.life_events, farm_id)

    async def set_group(self, farm_id: int, animal_id: int, group: str) -> None:
        await self._write(farmbook.set_group, farm_id, animal_id, group)

    async def set_coverage(self, farm_id: int, coverage: str) -> None:
        await self._write(farmbook.set_coverage, farm_id, coverage)

    async def set_digest(self, farm_id: int, digest_min: int) -> None:
        await self._write(farmbook.set_digest, farm_id, digest_min)

    async def set_quiet(self, farm_id: int, quiet_min: tuple[int, int] | None) -> None:
        await self._write(farmbook.set_quiet, farm_id, quiet_min)

    async def switch_kind(self, farm_id: int, kind: str, is_on: bool) -> None:
        await self._write(farmbook.switch_kind, farm_id, kind, is_on)

    async def switches(self, farm_id: int) -> dict[str, bool]:
        return await self._read(farmbook.switches, farm_id)

    async def note_weather(
        self, farm_id: int, hour: int, temperature_c: float, humidity_percent: float
    ) -> None:
        await self._write(farmbook.note_weather, farm_id, hour, temperature_c, humidity_percent)

    async def weather(self, farm_id: int, from_hour: int, until_hour: int) -> dict[int, tuple[float, float]]:
        return await self._read(farmbook.weather, farm_id, from_hour, until_hour)
