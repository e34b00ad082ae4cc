"""Downlink, codes, minutes and raw records against the golden vectors. Runs on both interpreters."""

from binascii import unhexlify

from cases_core import golden, reason, text

from herdcore import downlink, records


def settings_of(values):
    """Return Settings from JSON, where tuples are lists."""
    number, upload_s, profile, networks, relays, network, relay = values
    return downlink.Settings(
        number,
        upload_s,
        profile,
        tuple([tuple(pair) for pair in networks]),
        tuple([tuple(pair) for pair in relays]),
        network and tuple(network),
        relay and tuple(relay),
    )


def case_settings_have_the_golden_bytes():
    vectors = golden("downlink_v1.json")
    for v in vectors["settings"]:
        settings = settings_of(v["settings"])
        assert text(downlink.encode_settings(settings)) == v["block"], v["what"]
        assert downlink.decode_settings(memoryview(unhexlify(v["block"]))) == settings, v["what"]
    for v in vectors["read_only"]:
        assert downlink.decode_settings(unhexlify(v["block"])) == settings_of(v["settings"]), v["what"]
    return len(vectors["settings"]) + len(vectors["read_only"])


def case_settings_that_nobody_meant_are_refused_for_the_golden_reason():
    vectors = golden("downlink_v1.json")["refused_settings"]
    for v in vectors:
        found = reason(downlink.decode_settings, unhexlify(v["block"]))
        assert found == v["reason"], (v["what"], found)
    return len(vectors)


def case_commands_have_the_golden_bytes():
    vectors = golden("downlink_v1.json")
    for v in vectors["commands"]:
        said = (unhexlify(v["settings"]), v["burst_id"], v["burst_s"])
        assert text(downlink.encode_commands(*said)) == v["commands"]
        assert downlink.decode_commands(unhexlify(v["commands"])) == said
    for v in vectors["refused_commands"]:
        found = reason(downlink.decode_commands, unhexlify(v["commands"]))
        assert found == v["reason"], (v["what"], found)
    return len(vectors["commands"]) + len(vectors["refused_commands"])


def case_hours_have_the_golden_codes():
    vectors = golden("codes_v1.json")["hours"]
    for v in vectors:
        classes = unhexlify(v["classes"])
        packed = records.pack_codes(memoryview(classes))
        assert [[first, text(raw)] for first, raw in packed] == v["codes"], v["what"]
        assert b"".join([records.unpack_codes(raw) for _, raw in packed]) == classes, v["what"]
    return len(vectors)


def case_minutes_come_back_as_they_were():
    vectors = [v for v in golden("records_v1.json")["records"] if v["record"] == "minute"]
    for v in vectors:
        packed = records.pack_minute(records.Minute(*v["values"]))
        assert text(packed) == v["hex"], v
        if v["reads_back"][7] & 8 == 0 and v["reads_back"][0] < 192:
            assert list(records.unpack_minutes(packed)[0]) == v["reads_back"], v
    return len(vectors)


def case_raw_samples_come_back_as_they_were():
    head = records.pack_raw_head(12500, 640, 7)
    assert text(head) == "d43080020700"
    raw = records.unpack_raw(head + b"\x01\x00\xff\x7f\x00\x80")
    assert raw == records.Raw(12500, 640, 7, (1, 32767, -32768)), raw
    for wrong in ((0, 0, 0), (65536, 0, 0), (1, -1, 0), (1, 0, 65536)):
        assert reason(records.pack_raw_head, *wrong) == "range", wrong


def case_only_an_hour_of_more_than_eight_runs_is_calmed():
    calm = bytes([1, 3] * 3 + [4] * 54)
    assert records.calmed(calm) == calm
    restless = bytes([1, 1, 3] * 8 + [0, 4, 0] + [4] * 33)
    wanted = bytes([1] * 23 + [1, 0, 4, 0] + [4] * 33)
    assert records.calmed(memoryview(restless)) == wanted, records.calmed(restless)
    two_minutes = bytes([1, 1, 3, 3] * 15)
    assert records.calmed(two_minutes) == two_minutes
