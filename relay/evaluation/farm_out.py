"""Whole farm out: what one pack teaches of another, by what both packs have, mean and spread per axis."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from relay.evaluation.blocks import Block
from relay.evaluation.protocol import Told, Windows, check_apart
from relay.training import farms
from relay.training.examples import FARM_3, Classes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.behaviour.described import Floats
    from relay.evaluation.sources import Source

STILL_ACTIVE = Classes(("still", "active"), {}, (0,))
_WHAT = (
    "Whole farm out: nothing of this farm, its cows or its collars was seen. Only mean and spread per axis "
    "count, which both packs have."
)
_SAME_FARM = (
    "These packs bear the same name: other animals, but hardly another farm. Only mean and spread per axis "
    "count, as between farms."
)


def blocks(key: str, words: str, train: Source, judged: Source, notes: tuple[str, ...]) -> Iterator[Block]:
    """Yield the three classes, then still against active, of every animal of `judged`.

    Raises NotApartError if an animal is in both.
    """
    learn, test = (each.windows(FARM_3) for each in (train, judged))
    check_apart(learn, test)
    fitted = farms.fit(learn.examples)
    what = (_WHAT if learn.pack != test.pack else _SAME_FARM, _chosen(train.folder.name, fitted), *notes)
    three = Block(key, "whole_farm_out", words, test, told(fitted, test), (), what)
    yield three
    yield still_active(three)


def _chosen(farm: str, fitted: farms.FarmModel) -> str:
    smoothing = fitted.smoothing
    return (
        f"Chosen on {farm} alone, its animals left out in turn: smoothing with stay {smoothing.stay:g} and "
        f"trust {smoothing.trust:g}. The form of the model was designed with both packs in view: a third "
        "farm would be a clean test."
    )


def told(fitted: farms.FarmModel, test: Windows) -> Told:
    """Return what the model of mean and spread alone, fitted to one pack, tells of another."""
    nothing = np.full((len(test.examples), len(test.examples.classes.labels)), np.nan)
    out = Told(nothing, nothing.copy(), None)
    for animal in test.examples.judged_animals:
        rows = test.of(animal)
        hers = np.zeros(len(test.examples), dtype=np.bool_)
        hers[rows] = True
        if len(rows):
            out.put(rows, Told(*farms.tell(fitted, test.examples.only(hers)), None))
    return out


def still_active(block: Block) -> Block:
    """Return the same told apart only as still (the likelier) and active, everything else together."""
    examples = block.test.examples
    still = examples.classes.labels.index("still")
    truth = np.where(examples.truth < 0, -1, np.where(examples.truth == still, 0, 1))
    merged = Windows(
        block.test.pack,
        replace(examples, classes=STILL_ACTIVE, truth=truth),
        block.test.unknown,
        block.test.has_clock,
    )

    def two(posterior: Floats) -> Floats:
        return np.column_stack((posterior[:, still], 1.0 - posterior[:, still]))

    told = Told(two(block.told.windows), two(block.told.stream), None)
    return block._replace(class_set="still_active", test=merged, told=told)
