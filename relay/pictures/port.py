"""The port of evidence pictures: whoever sends a message asks for one and does not need it."""

from __future__ import annotations

from typing import Protocol


class Pictures(Protocol):
    """Makes the picture that belongs to an alert."""

    async def png(
        self, farm_id: int, animal_id: int, kind: str, until_ms: int, language: str
    ) -> bytes | None:
        """Return a PNG of at most 60 kB of the three days up to `until_ms`, None if there is none to be had.

        Who waits no longer cancels the call: the picture is made all the same and is there the next time.
        """
