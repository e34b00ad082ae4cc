"""herdcore against the golden vectors in tests/golden. Runs on both interpreters."""

import json
from array import array
from binascii import hexlify, unhexlify

from herdcore import auth, features, mpack, wire

GOLDEN = __file__.rsplit("/", 1)[0] + "/../golden/"


def golden(name):
    with open(GOLDEN + name) as file:  # noqa: PTH123 - MicroPython has no pathlib
        return json.load(file)


def text(data):
    return hexlify(data).decode()


def key(root, device, epoch, label):
    return auth.label_key(auth.collar_key(unhexlify(root), device, epoch), label)


def reason(call, *args):
    """Return the reason of the FrameError that call(*args) raises, or None."""
    try:
        call(*args)
    except wire.FrameError as exc:
        return exc.reason if str(exc) else "no message"
    return None


def case_hmac_is_that_of_rfc_4231():
    vectors = golden("keys.json")["hmac"]
    for v in vectors:
        data = unhexlify(v["data"])
        for parts in ((data,), (data[:7], b"", memoryview(data)[7:])):
            assert text(auth.hmac_sha256(unhexlify(v["key"]), *parts)).startswith(v["begins"]), v["what"]
    return len(vectors)


def case_hkdf_is_that_of_rfc_5869():
    vectors = golden("keys.json")["hkdf"]
    for v in vectors:
        out = auth.hkdf_sha256(unhexlify(v["ikm"]), unhexlify(v["salt"]), unhexlify(v["info"]), v["length"])
        assert text(out) == v["out"], v["what"]
    return len(vectors)


def case_every_collar_epoch_and_direction_has_its_own_key():
    collars = golden("keys.json")["collars"]
    seen = set()
    for v in collars:
        made = auth.collar_key(unhexlify(v["root"]), v["device"], v["epoch"])
        keys = (made, auth.label_key(made, b"up"), auth.label_key(made, b"down"))
        assert [text(k) for k in keys] == [v["key"], v["up"], v["down"]], v
        seen.update(keys)
    assert len(seen) == 3 * len(collars)
    return len(collars)


def case_frames_have_the_golden_bytes():
    vectors = golden("frames_v1.json")
    for v in vectors["frames"]:
        frame = wire.Frame(*(v["fields"] + [unhexlify(v["records"])]))
        key_up = key(vectors["root"], frame.device, frame.epoch, b"up")
        raw = wire.encode_frame(frame, key_up)
        assert text(raw) == v["frame"], v["what"]
        assert wire.peek(raw) == (frame.device, frame.epoch), v["what"]
        assert wire.tag_ok(raw, key_up), v["what"]
        assert not wire.tag_ok(raw, bytes(32)), v["what"]
        assert wire.tag_of(raw) == raw[-8:]
        assert wire.decode_frame(raw) == wire.decode_frame(memoryview(raw)) == frame, v["what"]
    return len(vectors["frames"])


def case_what_is_no_frame_is_refused_for_the_golden_reason():
    vectors = golden("frames_v1.json")["refused"]
    for v in vectors:
        found = reason(wire.decode_frame, unhexlify(v["frame"]))
        assert found == v["reason"], (v["what"], found)
    return len(vectors)


def case_bodies_hold_their_frames_in_order():
    vectors = golden("frames_v1.json")
    for v in vectors["batches"]:
        frames = [unhexlify(vectors["frames"][i]["frame"]) for i in v["frames"]]
        assert text(wire.encode_batch(frames)) == v["body"]
        assert [bytes(view) for view in wire.decode_batch(unhexlify(v["body"]))] == frames
    for v in vectors["refused_bodies"]:
        assert reason(wire.decode_batch, unhexlify(v["body"])) == v["reason"], v["what"]
    return len(vectors["batches"]) + len(vectors["refused_bodies"])


def case_records_are_clamped_and_read_back():
    vectors = golden("records_v1.json")["records"]
    kinds = {
        "window": (wire.Window, wire.pack_window, lambda raw: wire.unpack_windows(raw)[0]),
        "health": (wire.Health, wire.pack_health, wire.unpack_health),
    }
    vectors = [v for v in vectors if v["record"] in kinds]
    for v in vectors:
        kind, pack, unpack = kinds[v["record"]]
        packed = pack(kind(*v["values"]))
        assert text(packed) == v["hex"], v
        assert list(unpack(packed)) == v["reads_back"], v
    return len(vectors)


def case_acks_have_the_golden_bytes():
    vectors = golden("acks_v1.json")
    for v in vectors["acks"]:
        key_down = key(vectors["root"], v["device"], v["epoch"], b"down")
        tags = [unhexlify(tag) for tag in v["tags"]]
        ranges = [tuple(r) for r in v["ranges"]]
        ack = wire.Ack(v["device"], ranges, v["utc_ms"], v["next_s"], v["flags"], unhexlify(v["commands"]))
        raw = wire.encode_ack(ack, key_down, tags)
        assert text(raw) == v["ack"], v["what"]
        assert wire.decode_ack(memoryview(raw), key_down, tags) == ack, v["what"]
        assert reason(wire.decode_ack, raw, bytes(32), tags) == "tag", v["what"]
        tags.append(bytes(8))
        assert reason(wire.decode_ack, raw, key_down, tags) == "tag", v["what"]
    return len(vectors["acks"])


def case_an_ack_that_is_not_for_us_is_refused():
    vectors = golden("acks_v1.json")
    key_down = key(vectors["root"], 42, 1, b"down")
    tags = [unhexlify(vectors["refused_tag"])]
    for v in vectors["refused"]:
        assert reason(wire.decode_ack, unhexlify(v["ack"]), key_down, tags) == v["reason"], v["what"]
    return len(vectors["refused"])


def case_answers_have_the_golden_bytes():
    vectors = golden("acks_v1.json")
    for v in vectors["answers"]:
        acks = [unhexlify(vectors["acks"][i]["ack"]) for i in v["acks"]]
        assert text(wire.encode_answer(v["results"], acks)) == v["answer"]
        assert wire.decode_answer(unhexlify(v["answer"])) == (v["results"], acks)
    return len(vectors["answers"])


def case_windows_have_the_golden_bytes():
    vectors = golden("windows_v1.json")["windows"]
    for v in vectors:
        samples = array("h", [5] * 6 + v["samples"] + [7] * 3)  # two triples before it, one behind
        before = array("h", samples)
        out = bytearray(18)
        features.window_into(samples, 2, out, 3)
        assert text(out) == "000000" + v["window"] + "00", v["what"]
        assert samples == before, v["what"]
    return len(vectors)


def case_log_codes_change_at_the_golden_edges():
    edges = [edge for row in golden("windows_v1.json")["log_edges"] for edge in row]
    for code, least_mg in edges:
        assert features.log_mg(code) == least_mg, code
        assert features.log_code(least_mg) >= code, code
        if least_mg:
            assert features.log_code(least_mg - 1) < code, code
    return len(edges)


def case_the_writer_keeps_inside_its_buffer():
    calls = 0
    for room in range(6):
        for write in ("uint", "u32", "bin", "array"):
            buf = bytearray(room)
            value = {"uint": 70000, "u32": 1, "bin": b"abcd", "array": 16}[write]
            needed = {"uint": 5, "u32": 5, "bin": 6, "array": 3}[write]
            try:
                getattr(mpack.Writer(buf), write)(value)
                refused = False
            except mpack.MpackError:
                refused = True
            assert refused == (room < needed), (write, room)
            assert len(buf) == room
            calls += 1
    return calls
