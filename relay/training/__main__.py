"""`make train`: writes the relay's model, the collar's tables and the model card out of the packs.

The same packs give the same bytes. Needs the extra `train` and a checkout, because herdcore/tables.py is
written where the firmware has it.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from relay.behaviour import model
from relay.evaluation.packs import WAVEFORM, ExtractError, find_packs, read_extract, run_extract
from relay.training import card, collar_tables, fit
from relay.training.examples import SHIPPED, of_extract

if TYPE_CHECKING:
    from relay.evaluation.packs import Extract
    from relay.training.fit import Fitted

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "relay/behaviour/model.json"
TABLES = ROOT / "firmware/lib/herdcore/tables.py"
CARD = ROOT / "relay/behaviour/MODEL.md"


def fitted(extract: Extract) -> Fitted:
    """Return the model that the relay is released with."""
    examples = of_extract(extract, SHIPPED)
    return fit.fit(examples.only(examples.copy == 0))  # in her own frame a turned copy is the same window


def text_of(made: Fitted) -> str:
    """Return model.json: one line for each part, so that a change can be read."""
    parts = model.to_json(made.model)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(part)}" for name, part in parts.items())
    return f"{{\n{lines}\n}}\n"


def recorded(data: Path, work: Path) -> Extract:
    """Return the windows of the pack of waveforms in `data`. Raises PackError and ExtractError."""
    packs = [pack for pack in find_packs(data) if pack.kind == WAVEFORM]
    if [pack.name for pack in packs] != [collar_tables.PACK]:
        found = ", ".join(pack.name for pack in packs) or "none"
        sys.exit(f"--data={data}: packs of waveforms are {found}; want {collar_tables.PACK}")
    out = work / "windows.csv.gz"
    run_extract(packs[0].path, out, copies=collar_tables.COPIES)
    return read_extract(out)


def main() -> None:
    """Make what is committed."""
    parser = argparse.ArgumentParser(prog="python -m relay.training", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the packs")
    parser.add_argument("--card", type=Path, metavar="F", help="write only the card, from these figures")
    chosen = parser.parse_args()
    if chosen.card:
        CARD.write_text(card.text(json.loads(chosen.card.read_text(encoding="utf-8"))), encoding="utf-8")
        return
    try:
        with TemporaryDirectory(prefix="herdbell-train-") as work:
            extract = recorded(chosen.data, Path(work))
    except (ValueError, ExtractError) as error:
        sys.exit(str(error))
    print("fitting the relay's model: inner folds choose ...", flush=True)  # noqa: T201 - it takes a minute
    made = fitted(extract)
    for settings, f1 in made.inner_f1.items():
        mark = "*" if settings == made.settings else " "
        print(f"  {mark} {asdict(settings)}: inner macro F1 {f1:.3f}")  # noqa: T201 - what was chosen
    MODEL.write_text(text_of(made), encoding="utf-8")
    print("fitting the collar's tables ...", flush=True)  # noqa: T201 - as above
    collar_tables.write(extract, TABLES)
    print(f"written: {MODEL.name}, {TABLES.name}; the card needs `make bench-behaviour`")  # noqa: T201 - as above


if __name__ == "__main__":
    main()
