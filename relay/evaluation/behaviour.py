"""What `herdbell evaluate behaviour` judges, pack by pack, each part as soon as it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from relay.behaviour import model
from relay.behaviour.mounts import MountsError
from relay.evaluation import chewing, farm_out, mounts, protocol
from relay.evaluation.blocks import Block
from relay.evaluation.packs import WAVEFORM, Extract, find_packs
from relay.evaluation.protocol import NotApartError
from relay.evaluation.report import events_in_words
from relay.evaluation.sources import CLASS_SETS, SPREAD_TURNED, Sits, Source, read
from relay.training import fit
from relay.training.examples import FARM_3
from relay.training.fit import TooLittleError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from relay.evaluation.packs import PackFolder
    from relay.evaluation.protocol import Said, Windows

_PERHAPS_SEEN = (
    "The model as shipped learned from the packs that its card names: on one of these no animal here is "
    "unseen, and the figures flatter."
)
_NONE_OF_THEM = (
    "This model may also tell that it is none of these classes; that stands under unknown and is never right."
)

_TOO_LITTLE = (NotApartError, TooLittleError)


class Asked(NamedTuple):
    """What is to be judged. `train`: None to leave whole animals out; `work`: a folder for files of ours."""

    data: Path
    train: Path | None
    sits: Sits
    shipped: bool
    jobs: int
    work: Path
    said: Said


class Finding(NamedTuple):
    """Something beside the classes, in words and as JSON; keys as those of a Block."""

    pack: str
    class_set: str
    words: str
    figures: dict[str, Any]

    def in_words(self) -> str:
        """Return what was found."""
        return self.words

    def as_json(self) -> dict[str, Any]:
        """Return what was found."""
        return self.figures


def parts(asked: Asked) -> Iterator[Block | Finding]:
    """Yield every part.

    Raises ExtractError, PackError, and NotApartError if nothing can be judged that was not seen.
    """
    folders = find_packs(asked.data)
    if asked.shipped:
        yield from _as_shipped(asked, folders)
    elif asked.train:
        yield from _on_others(asked, find_packs(asked.train), folders)
    else:
        yield from _each_by_itself(asked, folders)


def _each_by_itself(asked: Asked, folders: list[PackFolder]) -> Iterator[Block | Finding]:
    """Yield every pack's animals left out; a pack that is too small is left out, and said."""
    why_not = []
    for folder in folders:
        try:
            yield from _animals_out(asked, folder)
        except _TOO_LITTLE as error:
            asked.said(f"left out: {error}")
            why_not.append(str(error))
    if len(why_not) == len(folders):
        raise NotApartError("; ".join(why_not))


def _has_truth(asked: Asked, key: str, class_set: str, test: Windows) -> bool:
    """Say whether any window can be judged, aloud if none."""
    if test.examples.judged_animals:
        return True
    labels = ", ".join(test.examples.classes.labels)
    asked.said(f"{key}: left out {class_set}, no window is labelled as any of {labels}")
    return False


def _source(asked: Asked, folder: PackFolder, sits: Sits) -> Source:
    how = sits.in_words() or "as worn"
    through = " through chip and firmware" if folder.kind == WAVEFORM else ""
    asked.said(f"{folder.name}: reading{through}, {how} ...")
    return read(folder, sits, asked.work)


def _protocol(words: str, sits: Sits) -> str:
    return f"{words}, judged collars {sits.in_words()}" if not sits.as_worn else words


def _notes(folder: PackFolder, sits: Sits) -> tuple[str, ...]:
    return () if sits.as_worn or folder.kind == WAVEFORM else (SPREAD_TURNED,)


def _animals_out(asked: Asked, folder: PackFolder) -> Iterator[Block | Finding]:
    as_worn = _source(asked, folder, Sits(seed=asked.sits.seed))
    judged = as_worn if asked.sits.as_worn else _source(asked, folder, asked.sits)
    words = _protocol("Whole animals left out", asked.sits)
    for class_set, classes in CLASS_SETS[folder.kind].items():
        test = judged.windows(classes)
        told, chosen = protocol.leave_one_animal_out(
            as_worn.windows(classes), {folder.name: test}, fit.CHOICES, asked.jobs, asked.said
        )
        notes = _notes(folder, asked.sits)
        yield Block(folder.name, class_set, words, test, told[folder.name], chosen, notes)
    yield from _beside(folder.name, judged)


def _beside(pack: str, judged: Source, train: Source | None = None) -> Iterator[Finding]:
    """Yield mounts and rumination, where there are waveforms."""
    if not isinstance(judged.rows, Extract):
        return
    try:
        found = mounts.gather(judged.rows, train.rows if train and isinstance(train.rows, Extract) else None)
        yield Finding(pack, "mounts", f"[{pack}]\n{mounts.tell(found)}", found.as_json())
    except MountsError as error:
        yield Finding(
            pack, "mounts", f"[{pack}] Active mounts were not judged: {error}", {"not_judged": str(error)}
        )
    yield _rumination(pack, judged.rows)


def _rumination(pack: str, extract: Extract) -> Finding:
    evidence = chewing.gather(extract)
    return Finding(pack, "rumination", f"[{pack}]\n{chewing.in_words(evidence)}", evidence.as_json())


def _as_shipped(asked: Asked, folders: list[PackFolder]) -> Iterator[Block | Finding]:
    able = [each for each in folders if each.kind == WAVEFORM]
    for other in (each for each in folders if each not in able):
        asked.said(f"{other.name}: left out, the model as shipped needs a collar's own windows")
    if not able:
        raise NotApartError(f"{asked.data}: no pack with waveforms for the model as shipped")
    fitted = model.shipped()
    words = _protocol("The model as shipped", asked.sits)
    for folder in able:
        judged = _source(asked, folder, asked.sits)
        for class_set, classes in CLASS_SETS[folder.kind].items():
            test = judged.windows(classes)
            if not _has_truth(asked, folder.name, class_set, test):
                continue
            told = protocol.judged(fitted, test)
            notes = (
                (_PERHAPS_SEEN, _NONE_OF_THEM) if {*fitted.labels} - {*classes.labels} else (_PERHAPS_SEEN,)
            )
            yield Block(folder.name, class_set, words, test, told, (), notes)
        if isinstance(judged.rows, Extract):
            yield _mounts_as_shipped(folder.name, judged.rows)
            yield _rumination(folder.name, judged.rows)


def _mounts_as_shipped(pack: str, extract: Extract) -> Finding:
    reading = mounts.as_shipped(extract)
    words = events_in_words(f"{pack}: Active mounts, levels as shipped", reading.animals, mounts.LIMITS)
    return Finding(pack, "mounts", words, reading.as_json())


def _on_others(asked: Asked, trains: list[PackFolder], tests: list[PackFolder]) -> Iterator[Block | Finding]:
    """Yield every pair of packs; one with an animal in both is left out, and said."""
    learned = [_source(asked, each, Sits(seed=asked.sits.seed)) for each in trains]
    done, why_not = 0, []
    for folder in tests:
        judged = _source(asked, folder, asked.sits)
        for train in learned:
            try:
                for part in _pair(asked, train, judged, _key(train, judged, learned)):
                    yield part
                    done += 1
            except _TOO_LITTLE as error:
                asked.said(f"left out: {error}")
                why_not.append(str(error))
    if not done:
        raise NotApartError(f"no pack of {asked.data} can be judged by {asked.train}: {'; '.join(why_not)}")


def _key(train: Source, judged: Source, learned: list[Source]) -> str:
    """Return what figures of a pack's own kind stand under: its name, where one pack can teach them."""
    kinds = [each.folder.kind for each in learned]
    name = judged.folder.name
    return name if kinds.count(judged.folder.kind) == 1 else f"{train.folder.name}->{name}"


def _pair(asked: Asked, train: Source, judged: Source, own_key: str) -> Iterator[Block | Finding]:
    key = f"{train.folder.name}->{judged.folder.name}"
    protocol.check_apart(*(each.windows(FARM_3) for each in (train, judged)))
    words = _protocol(f"Learned from {train.folder.name} alone", asked.sits)
    notes = _notes(judged.folder, asked.sits)
    is_same_kind = train.folder.kind == judged.folder.kind
    for class_set, classes in CLASS_SETS[judged.folder.kind].items() if is_same_kind else ():
        test = judged.windows(classes)
        if not _has_truth(asked, own_key, class_set, test):
            continue
        told, chosen = protocol.on_another(train.windows(classes), test, fit.CHOICES, asked.said)
        yield Block(own_key, class_set, words, test, told[test.pack], chosen, notes)
    if _has_truth(asked, key, "whole_farm_out", judged.windows(FARM_3)):
        asked.said(f"{key}: learning from mean and spread ...")
        yield from farm_out.blocks(key, words, train, judged, notes)
    if is_same_kind:
        yield from _beside(own_key, judged, train)
