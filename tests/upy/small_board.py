"""On MicroPython with a small heap: what a collar does with herdcore in one upload."""

from array import array

from herdcore import answer as relay
from herdcore import features, frames, signing

key = bytes(range(32))
key_up, key_down = signing.label_key(key, b"up"), signing.label_key(key, b"down")
samples = array("h", [(i * 7919) % 4001 - 2000 for i in range(3 * 64)])
records = bytearray(14 * 88)
for n in range(88):
    features.window_into(samples, 0, records, 14 * n)
raw = b""
for _ in range(50):  # garbage of one upload must not need the room of the next
    raw = frames.encode_frame(frames.Frame(0x11, 0xDEADBEEF, 3, 300, 300, 70000, 1, records), key_up)
    ack = relay.encode_ack(
        relay.Ack(0xDEADBEEF, [(300, 300, 300)], 1763827200000, 900, 0, b""),
        key_down,
        [raw[-frames.TAG_BYTES :]],
    )
    answer = relay.encode_answer([200], [ack])
    heard = relay.decode_ack(relay.decode_answer(answer)[1][0], key_down, [raw[-frames.TAG_BYTES :]])
    assert heard.ranges == [(300, 300, 300)], heard
print(f"{len(raw)} bytes, acknowledged")  # noqa: T201 - what the host waits for
