"""The port of a channel: one plain text to one address. What goes wrong says whether it may have gone out."""

from __future__ import annotations

from typing import Protocol


class ChannelError(RuntimeError):
    """A text that was not taken. Its words hold no address: that may be a number or a password."""


class NotTakenError(ChannelError):
    """It did not go out: it may be tried again."""


class UncertainError(ChannelError):
    """Nobody knows whether it went out."""


class BadAddressError(ChannelError):
    """Nothing will ever go out to this address: it is none that the channel knows."""


class Channel(Protocol):
    """One way or many to hand somebody a text."""

    async def send(self, url: str, title: str, text: str) -> None:
        """Hand `text` over, under `title` where the channel has titles. Raises ChannelError."""

    async def close(self) -> None:
        """Let go of what it holds; what is being sent is left to itself."""
