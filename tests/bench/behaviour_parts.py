"""What bench-behaviour measures: each part returns figures by the keys of its rows."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from herdcore import auth, wire
from herdcore.vocabulary import BEHAVIOURS, SCHEMA_WINDOWS, WINDOW_MS
from relay import fastwire
from relay.behaviour import labels, model, ordering
from relay.behaviour.minutes import MINUTE_MS, ROW_BYTES, WINDOWS, Minute, minute_parts
from relay.evaluation import farm_out, mounts
from relay.evaluation.blocks import Block
from relay.evaluation.metrics import score
from relay.evaluation.packs import find_packs
from relay.evaluation.protocol import leave_one_animal_out, scores_of
from relay.evaluation.sources import Sits, read
from relay.model import LoggedFrame
from relay.training import collar_tables, fit
from relay.training.examples import CSIRO_3, CSIRO_5, WASP_3, of_extract
from tests.relay import cow_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from relay.evaluation.packs import Extract
    from relay.evaluation.protocol import Windows
    from relay.evaluation.sources import Source

# Segments labelled walking that are long and in which nothing moves more than in a standing, chewing cow.
STANDS_WINDOWS, STANDS_MOTION_MG, STANDS_HIGH_SHARE = 10, 80, 0.25
FRAME_WINDOWS = 88
_ONLINE = {"graze": 0, "rest": 1, "ruminate": 1, "walk": 2}
PORTION = 8  # uploads timed together


def said(words: str) -> None:
    """Print progress."""
    print(f"  {words}", flush=True)  # noqa: T201 - a benchmark talks


def sources(data: Path, work: Path, seed: int) -> dict[str, Source]:
    """Return the packs as worn, and the waveforms turned and tilted."""
    wasp, csiro = (find_packs(data / name)[0] for name in ("wasp-cow-collar", "csiro-arm20"))
    sits = {"worn": Sits(seed=seed), "turned": Sits(180, seed=seed), "tilted": Sits(0, 30, seed)}
    return {
        **{name: read(wasp, each, work) for name, each in sits.items()},
        "csiro": read(csiro, Sits(), work),
        "copies": read(wasp, sits["worn"], work, collar_tables.COPIES),
    }


def wasp(packs: dict[str, Source], jobs: int) -> dict[str, Any]:
    """Return waveforms, whole animals left out, as worn and otherwise: a fold fits once for all."""
    tests = {name: packs[name].windows(WASP_3) for name in ("worn", "turned", "tilted")}
    told, chosen = leave_one_animal_out(tests["worn"], tests, fit.CHOICES, jobs, said)
    f1 = {name: scores_of(tests[name], told[name].stream).macro_f1 for name in tests}
    block = Block("wasp-cow-collar", "grazing_still_walking", "", tests["worn"], told["worn"], chosen)
    scores, forms = block.scores(), block.forms()
    without = scores_of(_without_standing(tests["worn"], packs["worn"].rows), told["worn"].stream)
    return {
        "wasp_macro_f1": scores.macro_f1,
        "wasp_worst_accuracy": scores.worst_animal.accuracy,
        "wasp_worst_animal": scores.worst_animal.name,
        "wasp_windows_macro_f1": forms["windows"].macro_f1,
        "wasp_inside_segments_macro_f1": forms["inside_segments"].macro_f1,
        "wasp_without_standing_macro_f1": without.macro_f1,
        "wasp_without_standing_worst_accuracy": without.worst_animal.accuracy,
        "turned_180_loss": scores.macro_f1 - f1["turned"],
        "tilted_30_loss": scores.macro_f1 - f1["tilted"],
    }


def _without_standing(windows: Windows, extract: Extract) -> Windows:
    """Return windows with the truth of walks that stand taken away; after the fact, so never a headline."""
    examples = windows.examples
    truth = examples.truth.copy()
    motion = examples.described.deviation_mg.sum(axis=1)
    for segment in np.unique(extract.segment[(extract.label == "walking") & (extract.segment >= 0)]):
        rows = extract.segment == segment
        high = np.median(examples.described.bands[rows, 1])
        calm = np.median(motion[rows]) < STANDS_MOTION_MG and high >= STANDS_HIGH_SHARE
        if calm and rows.sum() >= STANDS_WINDOWS:
            said(f"stands: segment {segment} of {extract.animal[rows][0]}, {rows.sum()} windows")
            truth[rows] = -1
    return replace(windows, examples=replace(examples, truth=truth))


def online(packs: dict[str, Source]) -> dict[str, float]:
    """Return minutes as a relay makes them of a collar that was put on just now: nothing known, in order.

    Each animal by a fit to the others. A minute's truth is what most of its windows are labelled.
    """
    extract = packs["worn"].rows
    examples = of_extract(extract, WASP_3)
    truth, told, animals = [], [], []
    for animal in examples.judged_animals:
        hers = examples.animal == animal
        fitted = fit.fit(examples.only(~hers), (fit.Settings(),)).model
        minutes = _minutes(extract.start_ms[hers], extract.records[hers])
        _, labelled = labels.step(labels.State(), minutes, fitted)
        minute = extract.start_ms[hers] // MINUTE_MS
        for each in labelled:
            seen = examples.truth[hers][minute == each.minute]
            most = np.bincount(seen[seen >= 0], minlength=3)
            if 2 * most.max() > len(seen):
                truth.append(int(most.argmax()))
                told.append(_ONLINE.get(BEHAVIOURS[each.behaviour], 3))
                animals.append(animal)
    scores = score(truth, told, animals, WASP_3.labels)
    return {"online_minutes_macro_f1": scores.macro_f1, "online_minutes": len(truth)}


def _minutes(start_ms: np.ndarray, records: np.ndarray) -> list[Minute]:
    """Return windows as the relay's complete minutes."""
    rows = np.empty((len(records), ROW_BYTES), dtype=np.uint8)
    rows[:, :2] = (start_ms % MINUTE_MS).astype("<u2").view(np.uint8).reshape(-1, 2)
    rows[:, 2:] = records
    out = []
    for minute in np.unique(start_ms // MINUTE_MS).tolist():
        own = rows[start_ms // MINUTE_MS == minute]
        out.append(Minute(minute, len(own), 0, 0, 0, 0, 0, 0, 0, 0, WINDOWS, own.tobytes()))
    return out


def csiro(packs: dict[str, Source], jobs: int) -> dict[str, float]:
    """Return windows of features, whole animals left out."""
    three, five = (packs["csiro"].windows(classes) for classes in (CSIRO_3, CSIRO_5))
    first = leave_one_animal_out(three, {"": three}, fit.CHOICES, jobs, said).told[""]
    second = leave_one_animal_out(five, {"": five}, fit.CHOICES, jobs, said).told[""]
    return {
        "csiro_3_windows_mcc": scores_of(three, first.windows).mcc,
        "csiro_3_mcc": scores_of(three, first.stream).mcc,
        "csiro_5_macro_f1": scores_of(five, second.stream).macro_f1,
    }


def farms(packs: dict[str, Source]) -> dict[str, float]:
    """Return whole farms out, both ways."""
    out = {}
    for name, train, test in (("csiro_to_wasp", "csiro", "worn"), ("wasp_to_csiro", "worn", "csiro")):
        three, two = farm_out.blocks(name, "", packs[train], packs[test], ())
        out[f"{name}_macro_f1"] = three.scores().macro_f1
        out[f"{name}_still_active_mcc"] = two.scores().mcc
    return out


def mounting(packs: dict[str, Source]) -> dict[str, float]:
    """Return active mounts, by levels of the other ordinary cows."""
    found = mounts.gather(packs["worn"].rows).as_json()
    return {"mounts_found": found["found_share"], "mounts_false_per_hour": found["false_per_hour"]}


def collar(packs: dict[str, Source], relay_macro_f1: float) -> dict[str, float]:
    """Return what the collar's own model loses against the relay's windows by themselves."""
    figures = collar_tables.leave_one_animal_out(packs["copies"].rows)
    return {
        "on_collar_macro_f1": figures.three_known.macro_f1,
        "on_collar_loss": relay_macro_f1 - figures.three_known.macro_f1,
        "on_collar_loss_from_power_on": relay_macro_f1 - figures.three.macro_f1,
    }


def cost(packs: dict[str, Source]) -> dict[str, Any]:
    """Return CPU time of an upload of 15 minutes: tags, frames, minutes, order, labels; the median of many.

    Beside it: a Fourier transform of as many raw windows, three axes of 64 samples, on the same machine.
    """
    fitted, which = _model()
    uploads = _uploads(np.tile(packs["worn"].rows.records, (12, 1)))
    key_up = auth.label_key(auth.collar_key(bytes(32), 7, 0), b"up")
    posted = [(upload, [_raw(each, key_up) for each in upload]) for upload in uploads]
    passed: list[list[Minute]] = []
    waiting, state = ordering.Waiting(), labels.State()

    def place(upload: list[LoggedFrame], raws: list[bytes]) -> None:
        nonlocal waiting
        for each in raws:
            assert fastwire.tag_ok(each, key_up)
            fastwire.decode_frame(each)
        ordered = ordering.arrive(waiting, [part for parts in minute_parts(upload) for part in parts])
        waiting = ordered.waiting
        passed.append(ordered.passed)

    def label(minutes: list[Minute]) -> None:
        nonlocal state
        state, _ = labels.step(state, minutes, fitted)

    before, behind = _ms_each(place, posted), _ms_each(label, [(each,) for each in passed])
    raw_windows = np.random.default_rng(1).normal(size=(2 * FRAME_WINDOWS, 3, 64))
    return {
        "relay_ms_per_upload": before + behind,
        "relay_ms_before_labels": before,
        "fourier_ms_of_as_many_windows": _ms_each(np.fft.rfft, [(raw_windows,)] * 200),
        "relay_model": which,
    }


def _ms_each(work: Callable[..., object], given: Sequence[tuple[Any, ...]]) -> float:
    """Return the median CPU time of a call: in portions, because to ask for the time takes some."""
    times = []
    for at in range(0, len(given) - PORTION + 1, PORTION):
        began_ns = time.process_time_ns()
        for each in given[at : at + PORTION]:
            work(*each)
        times.append((time.process_time_ns() - began_ns) / 1e6 / PORTION)
    return statistics.median(times[len(times) // 4 :])  # once the collar's frame is known


def _model() -> tuple[Any, str]:
    try:
        return model.shipped(), "as shipped"
    except FileNotFoundError:
        return cow_windows.model(128), "stand-in of the same size"


def _uploads(records: np.ndarray) -> list[list[LoggedFrame]]:
    """Return two full frames an upload."""
    whole = len(records) // (2 * FRAME_WINDOWS) * 2
    frames = []
    for number in range(whole):
        part = records[number * FRAME_WINDOWS : (number + 1) * FRAME_WINDOWS]
        first_ms = cow_windows.START_MS + number * FRAME_WINDOWS * WINDOW_MS
        up_s = number * FRAME_WINDOWS * WINDOW_MS // 1000
        got_ms = first_ms + FRAME_WINDOWS * WINDOW_MS
        kind = wire.frame_kind(SCHEMA_WINDOWS)
        frames.append(LoggedFrame(number, 7, 1, 1, kind, 1, number, up_s, first_ms, got_ms, part.tobytes()))
    return [frames[at : at + 2] for at in range(0, whole, 2)]


def _raw(frame: LoggedFrame, key_up: bytes) -> bytes:
    head = wire.Frame(frame.kind, frame.device, 0, frame.boot, frame.seq, frame.up_s, 0, frame.records)
    return bytes(wire.encode_frame(head, key_up))
