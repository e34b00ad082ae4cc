"""Judges of the virtual herd's windows against recordings: how like they are, and whether they are as hard.

All see windows in each cow's own frame, learned from her labelled gravity in one go with everybody else's,
real or not: how a collar sits is not what is judged. Functions of arrays; nothing is printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.neck.look_fit import LABELS, Real, fit_all, frames, values_of
from simulator.neck.look_model import AMBLE, CELLS_A_DAY, GRAZE, WALK
from simulator.neck.looks import CowLooks
from simulator.neck.windows import decoded, records, turned
from simulator.plan.routine import DAY_MS
from simulator.plan.states import EAT, LIE, LIE_RUMINATE, STAND, STAND_RUMINATE
from simulator.plan.states import WALK as WALKS
from simulator.turning import about

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]

FOLDS = 4
# What the recordings of each label hold: two thirds of "resting" and a third of "standing" are chewing.
_STATES = (EAT, WALKS, STAND, STAND_RUMINATE, LIE, LIE_RUMINATE)
_QUIET = {STAND: "standing", STAND_RUMINATE: "standing", LIE: "resting", LIE_RUMINATE: "resting"}
_CHEWING_SHARE = {"standing": 0.31, "resting": 0.66}
_BOUT_MS = 300_000
_RECORDING_MS = 3_600_000
_TILT_SD_DEG = 15.0
_SCALE_SD = 0.006  # of the collars of the pack, from the length of their gravity


@dataclass(frozen=True, slots=True)
class Windows:
    """n windows: `records` (n, 14) bytes, `label` one of LABELS, `animal`."""

    records: NDArray[np.uint8]
    label: NDArray[np.str_]
    animal: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, rows: NDArray[Any]) -> Windows:
        return Windows(self.records[rows], self.label[rows], self.animal[rows])


def of_real(real: Real) -> Windows:
    """Return the windows of recordings that bear one of the four labels."""
    known = np.isin(real.label, LABELS)
    return Windows(real.records[known], real.label[known], real.animal[known])


def simulated(model: Mapping[str, Any], like: Windows, seed: int, cows: int = 96) -> Windows:
    """Return as many windows of each label as in `like`, of cows whose collars sit differently."""
    days = [_day(model, seed, cow, _BOUT_MS) for cow in range(cows)]
    every = Windows(*(np.concatenate([getattr(day, name) for day in days]) for name in Windows.__slots__))
    rng = np.random.default_rng(seed)
    chewing = np.concatenate([_chewing(seed, cow, _BOUT_MS) for cow in range(cows)])
    rows: list[NDArray[np.int64]] = []
    for label in LABELS:
        wanted = int((like.label == label).sum())
        share = _CHEWING_SHARE.get(label, 0.0)
        for part, count in ((True, round(wanted * share)), (False, wanted - round(wanted * share))):
            found = np.flatnonzero((every.label == label) & ((chewing == part) | (share == 0.0)))
            rows.append(np.sort(rng.choice(found, count, replace=False)))
    return every[np.concatenate(rows)]


def recorded(model: Mapping[str, Any], like: Windows, seed: int) -> Windows:
    """Return a virtual cow for each of `like`, with as many windows of each label, one after another.

    What `auc` says of these against `simulated` is what it would say of real cows if nothing told them from
    the herd but that they are few and were recorded for long: with windows left out at random, near .88.
    """
    parts = []
    for cow, name in enumerate(np.unique(like.animal)):
        day, chewing = _day(model, seed, cow, _RECORDING_MS), _chewing(seed, cow, _RECORDING_MS)
        for label in LABELS:
            wanted = int(((like.animal == name) & (like.label == label)).sum())
            own = (day.label == label) & ((chewing == bool(cow % 2)) | (label not in _CHEWING_SHARE))
            parts.append(day[np.flatnonzero(own)[:wanted]])
    return Windows(
        np.concatenate([part.records for part in parts]),
        np.concatenate([part.label for part in parts]),
        np.concatenate([np.char.add("recorded/", part.animal) for part in parts]),
    )


def _plan(seed: int, cow: int, bout_ms: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    start_ms = np.arange(0, DAY_MS, bout_ms)
    states = np.array(_STATES, np.uint8)
    return start_ms, np.random.default_rng((seed, cow)).choice(states, len(start_ms))


def _state(seed: int, cow: int, bout_ms: int) -> NDArray[np.uint8]:
    start_ms, state = _plan(seed, cow, bout_ms)
    middle = (np.arange(CELLS_A_DAY) + 0.5) * (DAY_MS / CELLS_A_DAY)
    return state[np.searchsorted(start_ms, middle, "right") - 1]


def _chewing(seed: int, cow: int, bout_ms: int) -> NDArray[np.bool_]:
    return np.isin(_state(seed, cow, bout_ms), (STAND_RUMINATE, LIE_RUMINATE))


def _day(model: Mapping[str, Any], seed: int, cow: int, bout_ms: int) -> Windows:
    rng = np.random.default_rng((seed, cow, 1))
    cells = CowLooks(model, seed, cow).cells(0, *_plan(seed, cow, bout_ms))
    round_z = about((0.0, 0.0, 1.0), 180.0 * float(rng.integers(2)))
    way = rng.random() * 2 * np.pi
    tilt = about((np.cos(way), np.sin(way), 0.0), _TILT_SD_DEG * rng.standard_normal())
    scale = 0.96 + _SCALE_SD * rng.standard_normal(3)
    sent = records(cells, tilt @ round_z, scale, np.zeros(3), rng)
    return Windows(
        sent, _labels(cells.look, _state(seed, cow, bout_ms)), np.full(len(sent), f"simulated/{cow}")
    )


def _labels(look: NDArray[np.uint8], state: NDArray[np.uint8]) -> NDArray[np.str_]:
    """Return what a watcher with the pack's words would write; nothing for what it has other words for."""
    out = np.full(len(look), "", "U8")
    for place, label in _QUIET.items():
        out[state == place] = label
    out[look > AMBLE] = ""
    out[look == GRAZE] = "grazing"
    out[np.isin(look, (WALK, AMBLE))] = "walking"
    return out


def framed(*parts: Windows) -> list[Doubles]:
    """Return (n, 18) numbers of each part's windows in their cows' frames, all learned together."""
    every = Windows(*(np.concatenate([getattr(part, name) for part in parts]) for name in Windows.__slots__))
    turns = frames(Real(every.records, every.label, every.animal, np.zeros(len(every), np.int64)))
    turn = np.array([turns[animal] for animal in every.animal.tolist()])
    cells = decoded(every.records)
    gravity, deviation, difference, crossings = turned(cells, turn)
    loud = np.log2(1 + np.linalg.norm(cells.deviation_mg, axis=1))
    quick = np.log2(1 + np.linalg.norm(cells.difference_mg, axis=1))
    columns = (
        *(gravity, np.log2(1 + deviation), np.log2(1 + difference), crossings, cells.bands),
        *(loud, quick, quick - loud, np.linalg.norm(gravity, axis=1)),
    )
    table = np.column_stack(columns).astype(np.float64)
    return np.split(table, np.cumsum([len(part) for part in parts])[:-1])


def medians(real: Windows, herd: Windows) -> dict[str, Any]:
    """Return for each label and number its median in the herd, and the least and greatest of the real cows'.

    Cows with fewer than 5 windows of a label do not count. `out` names the numbers outside.
    """
    ours, theirs = framed(herd, real)
    names = [f"{kind}_{axis}" for kind in ("deviation", "difference", "crossings") for axis in "xyz"]
    found: dict[str, Any] = {"out": [], "labels": {}}
    for label in LABELS:
        middle = np.median(ours[herd.label == label], axis=0)[3:12]
        each = [theirs[(real.label == label) & (real.animal == cow)] for cow in np.unique(real.animal)]
        spread = np.array([np.median(rows, axis=0)[3:12] for rows in each if len(rows) >= 5])
        low, high = spread.min(axis=0), spread.max(axis=0)
        rows = {}
        for at, name in enumerate(names):
            values = [float(v[at]) for v in (middle, low, high)]
            rows[name] = [v if name.startswith("crossings") else 2**v - 1 for v in values]
            if not low[at] - 1e-6 <= middle[at] <= high[at] + 1e-6:
                found["out"].append(f"{label} {name}")
        found["labels"][label] = rows
    return found


def _forest(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(200, min_samples_leaf=3, random_state=seed, n_jobs=1)


def _boosted(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=150, learning_rate=0.06, random_state=seed)


JUDGES = {"boosted": _boosted, "forest": _forest}


def _three(label: NDArray[np.str_]) -> NDArray[np.str_]:
    return np.where(np.isin(label, ("standing", "resting")), "still", label)


def f1_lost(real: Windows, herd: Windows, seed: int = 0) -> dict[str, Any]:
    """Return macro F1 over grazing, still, walking: of real cows left out one at a time, and across.

    `lost_...` are what is lost against the real cows left out; less than 0: easier than they.
    """
    from sklearn.metrics import f1_score

    theirs, ours = framed(real, herd)
    want_real, want_herd = _three(real.label), _three(herd.label)
    guess = np.empty_like(want_real)
    for cow in np.unique(real.animal):
        hers = real.animal == cow
        guess[hers] = _boosted(seed).fit(theirs[~hers], want_real[~hers]).predict(theirs[hers])
    within = float(f1_score(want_real, guess, average="macro"))
    there = _boosted(seed).fit(theirs, want_real).predict(ours)
    back = _boosted(seed).fit(ours, want_herd).predict(theirs)
    real_to_sim = float(f1_score(want_herd, there, average="macro"))
    sim_to_real = float(f1_score(want_real, back, average="macro"))
    return {
        "real_left_out": within,
        "real_to_sim": real_to_sim,
        "sim_to_real": sim_to_real,
        "lost_real_to_sim": within - real_to_sim,
        "lost_sim_to_real": within - sim_to_real,
        "by_class": dict(
            zip(
                sorted(set(want_herd.tolist())),
                f1_score(want_herd, there, average=None).tolist(),
                strict=True,
            )
        ),
    }


def refitted(model: Mapping[str, Any], real: Real) -> dict[str, Any]:
    """Return the herd's numbers with the measured looks fitted to these recordings alone."""
    return {**model, "look": {**model["look"], **values_of(fit_all(real))}}


def f1_unseen(model: Mapping[str, Any], real: Real, seed: int = 0) -> float:
    """Return macro F1 on each real cow of what learned from virtual cows that were fitted without her.

    `f1_lost` flatters here: the shipped looks have seen every real cow.
    """
    from sklearn.metrics import f1_score

    theirs = of_real(real)
    want = _three(theirs.label)
    guess = np.empty_like(want)
    for cow in np.unique(theirs.animal):
        herd = simulated(refitted(model, real[real.animal != cow]), theirs, seed)
        numbers, ours = framed(theirs, herd)
        hers = theirs.animal == cow
        guess[hers] = _boosted(seed).fit(ours, _three(herd.label)).predict(numbers[hers])
    return float(f1_score(want, guess, average="macro"))


def _folds(animal: NDArray[np.str_], label: NDArray[np.str_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a fold for every window such that an animal has one, the folds alike in size."""
    names, counts = np.unique(animal, return_counts=True)
    order = np.argsort(-counts + rng.random(len(names)))
    load = np.zeros(FOLDS)
    fold_of: dict[str, int] = {}
    for at in order:
        fold = int(load.argmin())
        fold_of[str(names[at])] = fold
        load[fold] += counts[at]
    return np.array([fold_of[name] for name in animal.tolist()])


def auc(real: Windows, herd: Windows, seed: int = 0) -> dict[str, Any]:
    """Return how well judges tell real windows from simulated ones, with cows left out and without.

    `herd` must have the class mix of `real`. Keys: judge -> `grouped`, `random` -> overall and by class.
    """
    theirs, ours = framed(real, herd)
    table = np.concatenate((theirs, ours))
    truth = np.repeat((1, 0), (len(real), len(herd)))
    kind = _three(np.concatenate((real.label, herd.label)))
    rng = np.random.default_rng(seed)
    parts = {
        "grouped": np.concatenate([_folds(side.animal, side.label, rng) for side in (real, herd)]),
        "random": rng.integers(FOLDS, size=len(truth)),
    }
    found: dict[str, Any] = {}
    for name, judge in JUDGES.items():
        found[name] = {how: _judged(judge(seed), table, truth, kind, fold) for how, fold in parts.items()}
    found["worst"] = {how: max(found[name][how]["overall"] for name in JUDGES) for how in parts}
    return found


def _judged(
    judge: Any, table: Doubles, truth: NDArray[np.int64], kind: NDArray[np.str_], fold: NDArray[np.int64]
) -> dict[str, float]:
    from sklearn.metrics import roc_auc_score

    score = np.empty(len(truth))
    for left_out in range(FOLDS):
        test = fold == left_out
        score[test] = judge.fit(table[~test], truth[~test]).predict_proba(table[test])[:, 1]
    found = {"overall": float(roc_auc_score(truth, score))}
    for each in np.unique(kind):
        rows = kind == each
        found[str(each)] = float(roc_auc_score(truth[rows], score[rows]))
    return found
