"""The generated parts of firmware/WIRE.md: tables from the code, examples from the golden vectors.

Run `python tests/core/wire_tables.py` to see whether the page is current, with `--write` to make it so.
A part stands between `<!-- generated: NAME -->` and `<!-- end -->`; the rest of the page is written by hand.
"""

from __future__ import annotations

import json
import re
import struct
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "firmware" / "WIRE.md"
sys.path.insert(0, str(ROOT / "firmware" / "lib"))

from herdcore import answer, records, vocabulary, wire  # noqa: E402 - found by the line before, without an install

FORMS = {"uint": "unsigned, shortest", "u32": "`ce` + 4 bytes", "bin": "byte string", "array": "array"}
TYPES = {"b": "i8", "B": "u8", "H": "u16", "I": "u32"}
MEANINGS = {
    "kind": "version x 16 + schema",
    "device": "collar id",
    "epoch": "key epoch",
    "boot": "boots since provisioning",
    "seq": "frame number within the boot",
    "up_s": "uptime at the first record, s",
    "age_s": "uptime at signing minus `up_s`, s",
    "records": "fixed-width records of the schema",
    "tag": "first 8 bytes of the HMAC",
    "version": "of the ack",
    "ranges": "`[boot, lo, hi]`: frames `lo` to `hi` of that boot are durable",
    "utc_ms": "the relay's clock, UTC ms",
    "next_s": "when to upload again, s",
    "flags": "1 = update waiting, 2 = newer settings",
    "commands": "for the collar; empty: none",
}


def table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def positional(fields):
    """Return the table of a msgpack array's elements."""
    rows = []
    for place, (name, form, low, high) in enumerate(fields):
        bounds = f"{low:#x}..{high:#x}" if name == "kind" else f"{low}..{high}" if low != high else low
        unit = {"bin": " bytes", "array": " elements"}.get(form, "")
        rows.append([place, name, FORMS[form], f"{bounds}{unit}", MEANINGS[name]])
    return table(["#", "field", "form", "range", "meaning"], rows)


def comments():
    """Return {field: what its line in records.py says behind the tuple}."""
    source = Path(records.__file__).read_text(encoding="utf-8")
    return dict(re.findall(r'^    \("(\w+)", "\w", .*\),  # (.+)$', source, re.MULTILINE))


def packed(fields):
    """Return the table of a record's bytes."""
    rows, offset, said = [], 0, comments()
    for name, code, low, high in fields:
        rows.append([offset, name, TYPES[code], f"{low}..{high}", said[name].replace("|", "\\|")])
        offset += struct.calcsize("<" + code)
    return table(["byte", "field", "type", "range", "meaning"], rows)


def schemas():
    rows = [
        [f"`0x{wire.frame_kind(schema):02x}`", name, width, most, width * most]
        for schema, (name, width, most) in sorted(wire.SCHEMAS.items())
    ]
    return table(["kind", "schema", "bytes a record", "records at most", "bytes at most"], rows)


def behaviours():
    return table(["code", "class"], enumerate(vocabulary.BEHAVIOURS))


def limits():
    rows = [
        ["frame", f"{wire.FRAME_MAX} bytes"],
        ["frames in a request", wire.BATCH_MAX],
        ["request body", f"{wire.BODY_MAX} bytes"],
        ["ack", f"{answer.ACK_MAX} bytes"],
        ["ranges in an ack", answer.RANGES_MAX],
        ["commands in an ack", f"{answer.COMMANDS_MAX} bytes"],
    ]
    return table(["what", "at most"], rows)


def golden_frames():
    """Return the golden frames and the root that signs them."""
    return json.loads((ROOT / "tests/golden/frames_v1.json").read_text(encoding="utf-8"))


def example_frame():
    """Return a golden frame, element by element."""
    vectors = golden_frames()
    golden = next(v for v in vectors["frames"] if v["what"] == "one window of a collar in use")
    raw = bytes.fromhex(golden["frame"])
    lines, at = [f"{'99':<50}array of 9"], 1
    numbers = [f" = {value}" for value in golden["fields"]]
    for (name, _, _, _), value in zip(wire.FRAME_FIELDS, [*numbers, "", ""], strict=True):
        size = element_size(raw[at:])
        lines.append(f"{raw[at : at + size].hex(' '):<50}{name}{value}")
        at += size
    collar = f"root {vectors['root'][:6]}..{vectors['root'][-4:]} (bytes 0 to 31), device 42, epoch 1"
    return f"```\n{collar}\n\n" + "\n".join(lines) + "\n```"


def element_size(raw):
    """Return how many bytes the integer or byte string at the start of raw takes."""
    if raw[0] in (0xC4, 0xC5):
        head = 2 if raw[0] == 0xC4 else 3
        return head + int.from_bytes(raw[1:head], "big")
    return {0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9}.get(raw[0], 1)


def example_answer():
    """Return a golden answer that carries one ack, in hex."""
    vectors = json.loads((ROOT / "tests/golden/acks_v1.json").read_text(encoding="utf-8"))
    golden = vectors["answers"][0]
    ack = vectors["acks"][golden["acks"][0]]
    shown = {k: ack[k] for k in ("device", "epoch", "ranges", "utc_ms", "next_s", "flags")}
    wrapped = "\n".join(re.findall(".{1,80}", golden["answer"]))
    return f"```\n{json.dumps(shown)}\nfor the frame with tag {ack['tags'][0]}\n\n{wrapped}\n```"


PARTS = {
    "frame": lambda: positional(wire.FRAME_FIELDS),
    "schemas": schemas,
    "window": lambda: packed(wire.WINDOW_FIELDS),
    "health": lambda: packed(wire.HEALTH_FIELDS),
    "behaviours": behaviours,
    "ack": lambda: positional(wire.ACK_FIELDS),
    "limits": limits,
    "example frame": example_frame,
    "example answer": example_answer,
}


def rendered(page):
    """Return the page with every generated part as the code has it now; KeyError for a part nobody makes."""

    def part(match):
        return f"{match[1]}\n{PARTS[match[2]]()}\n<!-- end -->"

    return re.sub(r"(<!-- generated: ([\w ]+) -->)\n.*?<!-- end -->", part, page, flags=re.DOTALL)


def main(arguments):
    page = PAGE.read_text(encoding="utf-8")
    current = rendered(page)
    if "--write" in arguments:
        PAGE.write_text(current, encoding="utf-8")
    elif page != current:
        return f"{PAGE.name} is not what the code says: python tests/core/wire_tables.py --write"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
