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

from herdcore import answer, downlink, records, vocabulary, wire  # noqa: E402 - found by the line before, without an install

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
    "version": "of this array",
    "ranges": "`[boot, lo, hi]`: frames `lo` to `hi` of that boot are durable",
    "utc_ms": "the relay's clock, UTC ms",
    "next_s": "when to upload again, s",
    "flags": "1 = update waiting, 2 = newer settings",
    "commands": "for the collar; empty: none",
    "settings": "settings block; empty: none",
    "burst_id": "number of the raw burst that is asked for; 0: none",
    "burst_s": "how long it should be, s",
    "number": "of the block; another number is another block",
    "upload_s": "time between uploads, s",
    "profile": "place in the list of profiles",
    "networks": "Wi-Fi networks to try besides the one provisioned",
    "relays": "relays to try, likewise",
    "next_network": "tried when all others fail",
    "next_relay": "tried when all others fail",
}
PLACES = {
    "networks": "array of `ssid`, `password`, ... (1..32 and 0..64 bytes of UTF-8)",
    "relays": "array of `host`, `port`, ... (1..253 bytes of UTF-8, 1..65535)",
}
HEALTH_FLAGS = {
    vocabulary.HEALTH_PERIOD_STRETCHED: "the upload period is longer than asked for, to save the battery",
    vocabulary.HEALTH_ALARM_NO_MOVEMENT: "local alarm: no movement for an hour",
    vocabulary.HEALTH_ALARM_VIOLENT: "local alarm: violent movement",
    vocabulary.HEALTH_SAFE: "safe mode after abnormal boots: nothing is measured",
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


def comments(table_name):
    """Return {field: what its line in records.py says behind it} of one table there."""
    source = Path(records.__file__).read_text(encoding="utf-8")
    lines = re.search(rf"^{table_name} = \w*\($(.*?)^\)$", source, re.MULTILINE | re.DOTALL)[1]
    return dict(re.findall(r'^    \(?"(\w+)",.*?  # (.+)$', lines, re.MULTILINE))


def packed(table_name):
    """Return the table of a record's bytes."""
    rows, offset, said = [], 0, comments(table_name)
    for name, code, low, high in getattr(records, table_name):
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


def profiles():
    rows = [
        [place, name, "deep" if deep else "light", wire.SCHEMAS[schema][0]]
        for place, (name, (deep, schema)) in enumerate(
            zip(vocabulary.PROFILE_NAMES, vocabulary.PROFILES, strict=True)
        )
    ]
    return table(["profile", "name", "sleep", "tells"], rows)


def settings():
    """Return the table of the tags of a settings block."""
    rows = []
    for tag, name, form, low, high in downlink.SETTINGS_TAGS:
        bounds = f"{low}..{high}" if low != high else low
        rows.append([tag, name, PLACES.get(form) or FORMS[form], bounds, MEANINGS[name]])
    return table(["tag", "field", "form", "range, or how many", "meaning"], rows)


def health_flags():
    return table(["bit", "meaning"], sorted(HEALTH_FLAGS.items()))


def limits():
    rows = [
        ["frame", f"{wire.FRAME_MAX} bytes"],
        ["frames in a request", wire.BATCH_MAX],
        ["request body", f"{wire.BODY_MAX} bytes"],
        ["ack", f"{answer.ACK_MAX} bytes"],
        ["ranges in an ack", answer.RANGES_MAX],
        ["commands in an ack", f"{answer.COMMANDS_MAX} bytes"],
        ["settings block", f"{downlink.SETTINGS_MAX} bytes"],
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
    "window": lambda: packed("WINDOW_FIELDS"),
    "health": lambda: packed("HEALTH_FIELDS"),
    "health flags": health_flags,
    "minute": lambda: packed("MINUTE_FIELDS"),
    "behaviours": behaviours,
    "commands": lambda: positional(downlink.COMMAND_FIELDS),
    "settings": settings,
    "profiles": profiles,
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
