"""What stands in the files: no phone number, no wamid and no user id in clear, whenever they are read."""

import base64
import json

import pytest

from relay.model import DeliveryStatus, Message
from relay.storage.connection import connect, migrate, packaged_migrations
from relay.storage.sqlite import FILE_NAME, SqliteStorage
from relay.vault import Vault
from tests.relay.contract.world import PHONE, T0_MS, World

VAULT = Vault(bytes(32))
DIGITS = "491700000001"
USER = "US.13491208655302741918"
URL = "tgram://123456:secret/789"
NOW_MS = T0_MS + 1


def wamid(name):
    """A wamid like Meta's: the phone number is in it, in base64."""
    return "wamid." + base64.b64encode(b"\x1d\x12" + DIGITS.encode() + name.encode()).decode()


OURS, HERS = wamid("ours"), wamid("hers")
SECRETS = (DIGITS, DIGITS[2:], PHONE, USER, URL, OURS, HERS, base64.b64encode(DIGITS.encode()).decode()[2:-2])


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state"


@pytest.fixture
async def world(folder):
    async with SqliteStorage.open(folder, VAULT) as storage:
        yield await World.settle(storage)


def in_clear(folder, names=SECRETS):
    """Return what can be read in the files as they lie there, the WAL among them."""
    files = sorted(folder.glob(f"{FILE_NAME}*"))
    raw = b"".join(path.read_bytes() for path in files)
    assert len(raw) > 4_096
    return [name for name in names if name.encode() in raw]


def item(key=HERS):
    said = {"from": DIGITS, "from_user_id": USER, "id": key, "text": {"body": "stop"}}
    return key, json.dumps({"kind": "message", "item": said})


async def talk(world):
    """Let Ann write, be answered, and let Meta say what became of it."""
    storage = world.storage
    await storage.inbox_put([item(), (f"{OURS}|sent", json.dumps({"recipient_id": DIGITS}))], NOW_MS)
    await storage.heard(world.person_id, NOW_MS, USER)
    await storage.add_address(world.person_id, URL)
    await storage.audit(f"person:{world.person_id}", "opt_out", {"wamid": HERS}, NOW_MS)
    await world.sending(body={"text": "yes", "reply_to": HERS})
    await storage.settle("message-1", "accepted", now_ms=NOW_MS, wamid=OURS)
    await storage.apply_statuses([DeliveryStatus("message-1", OURS, "delivered", NOW_MS)])


async def test_a_conversation_leaves_no_number_and_no_id_of_metas_in_the_files(world, folder):
    await talk(world)
    assert in_clear(folder, ["Hillside", "message-1"]) == ["Hillside", "message-1"], "the files are looked at"
    assert in_clear(folder) == []
    assert (await world.storage.message_by_wamid(OURS)).body == {"text": "yes", "reply_to": HERS}
    assert await world.storage.inbox_pending(1) == [item()]
    assert await world.storage.audit_broken_at() is None


async def test_an_item_that_is_done_is_no_longer_there_even_for_who_has_the_key(world, folder):
    await talk(world)
    await world.storage.inbox_done(HERS, NOW_MS)
    reader = connect(folder / FILE_NAME)
    (done,) = reader.execute("SELECT item FROM inbox WHERE done_ms IS NOT NULL").fetchall()
    reader.close()
    assert done == (b"",)


async def test_what_is_sealed_for_one_row_does_not_open_in_another(world, folder, caplog):
    await world.storage.inbox_put([item(), ("b", "{}"), ("c", "{}")], NOW_MS)
    thief = connect(folder / FILE_NAME)
    thief.execute("UPDATE inbox SET item = (SELECT item FROM inbox WHERE id = 1) WHERE id = 2")
    thief.close()
    assert [key for key, _ in await world.storage.inbox_pending(10)] == [HERS, "c"]
    assert "webhook item 2 is left" in caplog.text
    assert DIGITS not in caplog.text


async def test_what_is_erased_cannot_be_read_any_more_not_even_its_name(world, folder):
    ben = await world.storage.add_person(
        world.farm_id, "Gwendolyn", "+1 555 0100002", consent_ms=T0_MS, consent_text="2026-11"
    )
    await world.sending("hers", person_id=ben, body={"text": "the white one"})
    await world.storage.settle("hers", "delivered", now_ms=NOW_MS)
    assert in_clear(folder, ["Gwendolyn", "the white one"]) == ["Gwendolyn", "the white one"]
    await world.storage.erase_person(ben, NOW_MS)
    assert in_clear(folder, ["Gwendolyn", "the white one", "15550100002"]) == []


async def test_what_is_pruned_cannot_be_read_any_more(world, folder):
    texts = {f"m{number}": f"the white one of row {number}!" for number in range(200)}
    await world.storage.queue([world.message(name, body={"text": text}) for name, text in texts.items()])
    await world.storage.claim(T0_MS, len(texts))
    for name in texts:
        await world.storage.settle(name, "delivered", now_ms=NOW_MS)
    assert in_clear(folder, texts.values()) == list(texts.values())
    await world.storage.prune(NOW_MS, NOW_MS, NOW_MS)
    assert in_clear(folder, texts.values()) == []


async def test_erasing_waits_for_no_reader_of_another_process(world, folder):
    reader = connect(folder / FILE_NAME)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM person").fetchall()
    await world.storage.erase_person(world.person_id, NOW_MS)
    reader.close()
    assert await world.storage.person(world.person_id) is None


# a state folder from before


OLD_ROWS = {
    "farm": (1, "Hillside", "UTC", "en", None, None, b"root", "always", 360),
    "person": (3, VAULT.blind(DIGITS, "phone"), VAULT.seal(DIGITS.encode(), "person:3:phone"), "Ann", "en",
               "UTC", None),
    "role": (4, 3, 1, "owner", T0_MS, "2026-11"),
}  # fmt: skip
OLD_MESSAGE = """
    INSERT INTO message (id, farm_id, person_id, step, body, created_ms, expires_ms, critical, state,
        state_ms, not_before_ms, held_until_ms, attempts, wamid, error)
    VALUES (?, 1, 3, 'first', ?, ?, ?, 1, ?, ?, ?, ?, 2, ?, '131026')
"""


@pytest.fixture
def old_folder(folder):
    """A state folder of version 5 whose relay has written, rewritten and answered."""
    folder.mkdir()
    database = connect(folder / FILE_NAME)
    migrate(database, packaged_migrations()[:5], folder)
    database.execute("BEGIN")
    for table, row in OLD_ROWS.items():
        database.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    for number in range(1_500):
        body = json.dumps({"text": f"row {number}", "reply_to": wamid(f"h{number}")})
        times = (T0_MS + number, T0_MS * 2, "sent", T0_MS + number, T0_MS, T0_MS + 7)
        database.execute(OLD_MESSAGE, (f"m{number}", body, *times, wamid(f"o{number}")))
    database.execute("UPDATE message SET state = 'queued', wamid = NULL, attempts = 0 WHERE id = 'm7'")
    database.execute("INSERT INTO status VALUES ('m1', 'sent', ?)", (T0_MS,))
    for number, (key, done_ms) in enumerate([("a", None), (HERS, T0_MS), ("b", None)]):
        text = json.dumps({"item": {"from": DIGITS, "id": key}})
        database.execute(
            "INSERT INTO inbox VALUES (?, ?, ?, ?, ?, NULL)", (9 + number, key, text, T0_MS, done_ms)
        )
    database.execute("COMMIT")
    database.execute("UPDATE message SET error = error || ' and so on'")  # leaves rows behind where they were
    database.close()
    return folder


def old_message(number):
    body = {"text": f"row {number}", "reply_to": wamid(f"h{number}")}
    return Message(
        f"m{number}", 1, 3, None, "first", body, T0_MS + number, T0_MS * 2, True, T0_MS + 7
    )  # fmt: skip


async def test_messages_and_items_of_version_5_are_all_kept(old_folder):
    async with SqliteStorage.open(old_folder, VAULT) as storage:
        assert await storage.messages(1, 0) == [old_message(number) for number in range(1_500)]
        assert await storage.message_by_wamid(wamid("o1")) == old_message(1)
        assert await storage.outbox_counts() == {"queued": 1, "sent": 1_499}
        assert [key for key, _ in await storage.inbox_pending(10)] == ["a", "b"]
        await storage.inbox_put([(HERS, "{}"), ("a", "{}"), ("new", "{}")], NOW_MS)
        assert [key for key, _ in await storage.inbox_pending(10)] == ["a", "b", "new"]
        (held,) = await storage.claim(T0_MS * 2 - 1, 10)
        assert (held.message, held.attempts, held.phone) == (old_message(7), 1, DIGITS)
        assert await storage.apply_status(None, wamid("o1"), "delivered", NOW_MS)
        assert (await storage.person(3)).last_inbound_ms is None
        assert (await storage.farm(1)).escalate_min == (15, 30)


async def test_what_version_5_kept_in_clear_is_gone_from_the_files(old_folder):
    wamids = [wamid(f"{kind}{number}") for number in range(1_500) for kind in "ho"]
    assert len(in_clear(old_folder, wamids)) > 2_990, "they were there"
    async with SqliteStorage.open(old_folder, VAULT):
        assert in_clear(old_folder, [*wamids, *SECRETS]) == []
    database = connect(old_folder / FILE_NAME)
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    statuses = database.execute("SELECT message_id, state, at_ms FROM status").fetchall()
    assert statuses == [("m1", "sent", T0_MS)]
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema")}
    database.close()
    assert not [name for name in tables if name.endswith("_before")]


class OtherVault(Vault):
    def blind(self, text, context):
        if context == "inbox":
            raise OSError("no key")
        return super().blind(text, context)


async def test_a_conversion_that_fails_leaves_version_5_as_it_was(old_folder):
    with pytest.raises(OSError, match="no key"):
        async with SqliteStorage.open(old_folder, OtherVault(bytes(32))):
            pytest.fail("it opened")
    database = connect(old_folder / FILE_NAME)
    assert database.execute("PRAGMA user_version").fetchone() == (5,)
    assert database.execute("SELECT count(*), count(wamid) FROM message").fetchone() == (1_500, 1_499)
    database.close()
