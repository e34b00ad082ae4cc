"""The picture of the state machine in firmware/README.md, drawn from collar.app.TRANSITIONS.

make picture
"""

from __future__ import annotations

import sys
from pathlib import Path

from collar.app import COLD, PROVISION, SAFE, SLEEP, TRANSITIONS

# By number; the board has no use for names.
STATES = (
    "COLD", "RESTORE", "IMU_CHECK", "ARM", "SLEEP", "DRAIN", "FEATURE", "STORE", "UPLINK", "TRIM", "SAFE",
    "PROVISION",
)  # fmt: skip
PAGE = Path(__file__).resolve().parents[2] / "firmware" / "README.md"
BEGIN, END = "<!-- states: make picture -->", "<!-- /states -->"
_WORDS = {
    (COLD, PROVISION): "no identity",
    (SLEEP, SLEEP): "timer",
    (SLEEP, COLD): "boot failed, or deep sleep",
}


def picture() -> str:
    """Return the diagram as Mermaid, with the fences a README needs."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {STATES[COLD]}"]
    for state, following in TRANSITIONS.items():
        for target in following:
            word = _WORDS.get((state, target))
            lines.append(f"    {STATES[state]} --> {STATES[target]}" + (f": {word}" if word else ""))
    lines += [f"    {STATES[PROVISION]} --> [*]", f"    note right of {STATES[SAFE]}"]
    lines += ["        three abnormal boots in a row", "    end note", "```"]
    return "\n".join(lines)


def replaced(page: str) -> str:
    """Return the page with the picture between its marks. Raises ValueError if they are not there."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name} has no marks {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{picture()}\n{END}{after}"


if __name__ == "__main__":
    new = replaced(PAGE.read_text(encoding="utf-8"))
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(new, encoding="utf-8")
    else:
        print(picture())  # noqa: T201 - asked for on the command line
