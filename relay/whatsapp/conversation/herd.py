"""Which animal a farmer means by a number or a name. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.whatsapp.conversation.folding import distance, key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.model import Animal

NEAR_MOST = 3
_LONG = 5  # from so many letters on a proposal may differ by two; a number never by more than one


class Herd:
    """The animals of all farms of a person."""

    def __init__(self, animals: Iterable[Animal]) -> None:
        self.animals = {animal.id: animal for animal in animals}
        self._by_key: dict[str, list[Animal]] = {}
        for animal in self.animals.values():
            for name in dict.fromkeys((key(animal.number), key(animal.name))):
                self._by_key.setdefault(_plain(name), []).append(animal)
        self._by_key.pop("", None)
        self.names = frozenset(self._by_key)

    def find(self, said: str) -> list[Animal]:
        """Return the animals of that number or name, folded; a number has no zeros in front."""
        return self._by_key.get(_plain(said), [])

    def near(self, said: str) -> list[Animal]:
        """Return those whose number or name is the most like it, at most NEAR_MOST."""
        word = _plain(said)
        slips = 2 if len(word) >= _LONG and not word.isdecimal() else 1
        found = {
            animal.id: (far, abs(_value(name) - _value(word)), animal.id)
            for name, animals in self._by_key.items()
            if abs(len(name) - len(word)) <= slips and (far := distance(word, name)) <= slips
            for animal in animals
        }
        return [self.animals[one] for one in sorted(found, key=found.__getitem__)[:NEAR_MOST]]


def _plain(word: str) -> str:
    return word.lstrip("0") or word if word.isdecimal() else word


def _value(word: str) -> int:
    return int(word) if word.isdecimal() and len(word) < 16 else 0
