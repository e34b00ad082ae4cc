"""The model card, relay/behaviour/MODEL.md: `card.md` with the figures of `make bench-behaviour`."""

from __future__ import annotations

from importlib import resources
from typing import Any

from relay.behaviour import model


def text(figures: dict[str, Any]) -> str:
    """Return the card. `figures`: what `make bench-behaviour` writes. Raises KeyError if it is not whole."""
    measured = {row["key"]: f"{row['measured']:.3f}" for row in figures["rows"]}
    page = resources.files("relay.training").joinpath("card.md").read_text(encoding="utf-8")
    return page.format(
        **measured,
        rows=_table(figures["rows"]),
        features=len(model.shipped().posture.mean),
        on_collar_macro_f1=f"{figures['beside']['on_collar_macro_f1']:.3f}",
    )


def _table(rows: list[dict[str, Any]]) -> str:
    lines = ["| what | measured | must reach | witness |", "|---|---|---|---|"]
    for row in rows:
        if row["key"] != "relay_ms_per_upload" and not row["key"].startswith(("csiro_to", "wasp_to")):
            missed = "" if row["reached"] else ", missed"
            asked = "" if row["asked"] is None else f"{row['asked']:g}{missed}"
            lines.append(f"| {row['what']} | {row['measured']:.3f} | {asked} | {row['witness']} |")
    return "\n".join(lines)
