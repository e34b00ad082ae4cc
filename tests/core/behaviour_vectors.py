"""tests/golden/behaviour.json: windows, and what herdcore makes of them with the tables as they are now.

Run `python tests/core/behaviour_vectors.py --write` after relay/training/collar_tables.py has made other
tables.
Then the file says what changed; that both interpreters agree on it is tested in tests/upy/cases_behaviour.py.
"""

from __future__ import annotations

import json
import random
import sys
from array import array
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "tests/golden/behaviour.json"
sys.path.insert(0, str(ROOT / "firmware" / "lib"))

from herdcore import behaviour  # noqa: E402 - found by the line before, without an install

ABOUT = (
    "windows: 14 bytes, their features of movement, "
    "class x 32 + confidence by herdcore/tables.py on a collar that knows nothing of its frame. "
    "fed: [uptime ms, window]; minutes: the [up_s, record] they make, the last one cut. "
    "Bytes are in hex. Made by tests/core/behaviour_vectors.py."
)
LEVELS = (20, 60, 68, 74, 80, 95, 105, 112, 120, 135, 150)  # log codes of the deviation
SHARES = ((15, 30), (90, 40), (20, 140))


def window(chance, level, rough, shares, z):
    """Return 14 bytes round about those: deviation, difference less deviation, chewing, mean z."""
    rows = (level, level, level, level + rough, level + rough, level + rough)
    moved = [min(max(int(chance.gauss(v, 12)), 0), 255) for v in rows]
    chewing = [min(max(int(chance.gauss(v, 12)), 0), 255) for v in shares]
    mean = [chance.randrange(256), chance.randrange(256), z & 0xFF]
    return bytes(mean + moved + [chance.randrange(64) for _ in range(3)] + chewing)


def windows():
    """Return windows at the ends of their ranges, and others all over the tree."""
    chance = random.Random(5)
    made = [window(chance, level, rough, s, 60) for level in LEVELS for rough in (-8, 6) for s in SHARES]
    return [bytes(14), bytes([255] * 14), bytes([127] * 3 + [255] * 6 + [63] * 3 + [255, 0]), *made]


def fed():
    """Return [uptime ms, window] for 40 windows with a gap of 200 s."""
    chance = random.Random(6)
    start_ms, out = 59_000, []
    for n in range(40):
        start_ms += 200_000 if n == 20 else 0
        made = window(
            chance, chance.choice((62, 110, 140)), chance.choice((-8, 6)), (20, 30), chance.choice((-60, 60))
        )
        out.append([start_ms, made])
        start_ms += 5120
    return out


def described(packed):
    out = bytearray(behaviour.FEATURES)
    behaviour.describe_into(packed, 0, out)
    return out


def told(packed):
    """Return class << 5 | confidence on a collar that knows nothing of how it sits."""
    return behaviour.classify(packed, 0, array("h", bytes(behaviour.FRAME_BYTES)))


def minutes(rows):
    """Return [up_s, record in hex] of what the rows of fed() make."""
    made, out = behaviour.Minutes(), []
    for start_ms, packed in rows:
        if made.add(start_ms, packed, 0):
            out.append([made.up_s, made.record.hex()])
    assert made.cut()
    return [*out, [made.up_s, made.record.hex()]]


def text():
    """Return what the file should hold."""
    rows = [
        {"window": w.hex(), "features": described(w).hex(), "class_confidence": told(w)} for w in windows()
    ]
    parts = {
        "windows": rows,
        "fed": [[start_ms, packed.hex()] for start_ms, packed in fed()],
        "minutes": minutes(fed()),
    }
    lists = [
        f' "{name}": [\n  ' + ",\n  ".join(json.dumps(v) for v in values) + "\n ]"
        for name, values in parts.items()
    ]
    return "{\n" + ",\n".join([f' "about": {json.dumps(ABOUT)}', *lists]) + "\n}\n"


if __name__ == "__main__":
    if "--write" in sys.argv:
        FILE.write_text(text(), encoding="utf-8")
    elif FILE.read_text(encoding="utf-8") != text():
        sys.exit(f"{FILE.name} is not what the tables say: python tests/core/behaviour_vectors.py --write")
