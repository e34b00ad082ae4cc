"""The SQLite adapter: durable or not opened at all, one transaction per group, clean failures."""

import asyncio
import sqlite3
import stat

import pytest
from blockbuster import blockbuster_ctx

from relay.model import Animal, DeliveryStatus, Event, Farm, Judged, Message
from relay.storage.connection import connect, migrate, packaged_migrations, statements
from relay.storage.ports import DUPLICATE, STORED, Busy, CannotOpen, StorageError, Unwritable
from relay.storage.sqlite import FILE_NAME, SqliteStorage
from relay.vault import Vault
from tests.relay.collar_said import block
from tests.relay.contract.world import DEVICE, PHONE, ROOT, T0_MS, World

VAULT = Vault(bytes(32))


@pytest.fixture
def opened():
    """The connections that were opened, the writer's first."""
    return []


@pytest.fixture
def open_storage(tmp_path, opened):
    def connect_and_note(path):
        opened.append(connect(path))
        return opened[-1]

    return lambda **options: SqliteStorage.open(
        tmp_path / "state", VAULT, **{"connect_to": connect_and_note, **options}
    )


@pytest.fixture
async def world(open_storage):
    async with open_storage() as storage:
        yield await World.settle(storage)


@pytest.fixture
def sql(opened, world):
    """Every statement the writer runs from now on."""
    seen = []
    opened[0].set_trace_callback(seen.append)
    return seen


# opening


async def test_the_writing_connection_syncs_every_commit(opened, world):
    values = [opened[0].execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert values == ["wal", 2]
    assert opened[0].execute("PRAGMA foreign_keys").fetchone()[0] == 1


async def test_storage_that_cannot_keep_a_log_is_refused(open_storage):
    with pytest.raises(CannotOpen, match="PRAGMA journal_mode reads 'memory', want 'wal'"):
        async with open_storage(connect_to=lambda _: sqlite3.connect(":memory:", isolation_level=None)):
            pytest.fail("it opened")


class Deaf(sqlite3.Connection):
    """An engine that ignores one setting, as a build of SQLite may."""

    ignored = ""

    def execute(self, sql, *parameters):
        return super().execute("SELECT 1" if sql == self.ignored else sql, *parameters)


@pytest.mark.parametrize(
    ("ignored", "said"),
    [
        ("PRAGMA synchronous = FULL", "PRAGMA synchronous reads 1, want 2"),
        ("PRAGMA foreign_keys = ON", "PRAGMA foreign_keys reads 0, want 1"),
    ],
)
async def test_storage_that_is_not_durable_is_refused(open_storage, ignored, said):
    class Engine(Deaf):
        pass

    Engine.ignored = ignored

    def connect_deaf(path):
        connection = sqlite3.connect(path, factory=Engine, isolation_level=None)
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    with pytest.raises(CannotOpen, match=said):
        async with open_storage(connect_to=connect_deaf):
            pytest.fail("it opened")


async def test_the_state_folder_is_made_for_its_owner_alone(world, tmp_path):
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


async def test_a_folder_that_cannot_be_made_is_an_error_of_the_caller(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        async with SqliteStorage.open(tmp_path / "file" / "state", VAULT):
            pytest.fail("it opened")


async def test_relay_and_command_line_can_start_at_the_same_moment(open_storage):
    async def start():
        async with open_storage() as storage:
            return await storage.add_farm("Hillside", ROOT)

    assert sorted(await asyncio.gather(start(), start())) == [1, 2]


async def test_closing_folds_the_log_into_the_file(open_storage, tmp_path):
    async with open_storage() as storage:
        await storage.append([World(storage, 1, 1, 1).frame()])
    assert [path.name for path in (tmp_path / "state").iterdir()] == [FILE_NAME]


# migrations


@pytest.fixture
def database(tmp_path):
    connection = connect(tmp_path / "m.db")
    yield connection
    connection.close()


def version(database):
    return database.execute("PRAGMA user_version").fetchone()[0]


def test_migrations_run_once_each_in_their_order(database, tmp_path):
    first, second = "CREATE TABLE a (x);", "ALTER TABLE a ADD COLUMN y;"
    migrate(database, [first], tmp_path)
    migrate(database, [first, second], tmp_path)
    migrate(database, [first, second], tmp_path)
    assert version(database) == 2
    assert database.execute("SELECT x, y FROM a").fetchall() == []


def test_a_migration_that_fails_leaves_the_old_schema(database, tmp_path):
    broken = "CREATE TABLE b (x); INSERT INTO b VALUES (1); INSERT INTO nowhere VALUES (1);"
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrate(database, ["CREATE TABLE a (x);", broken], tmp_path)
    assert version(database) == 1
    assert [row[0] for row in database.execute("SELECT name FROM sqlite_schema")] == ["a"]


async def test_a_newer_schema_is_refused_and_not_touched(open_storage, tmp_path):
    async with open_storage():
        pass
    database = connect(tmp_path / "state" / FILE_NAME)
    newer = len(packaged_migrations()) + 1
    database.execute(f"PRAGMA user_version = {newer}")
    with pytest.raises(CannotOpen, match=f"schema {newer} is newer than this program"):
        async with open_storage():
            pytest.fail("it opened")
    assert version(database) == newer
    database.close()


OLD_ROWS = {
    "farm": (1, "Hillside", "UTC", "en", None, None, b"root"),
    "animal": (2, 1, "12", "Bella"),
    "person": (3, b"index", b"phone", "Ann", "en", "UTC", None),
    "role": (4, 3, 1, "owner", T0_MS, "2026-11"),
    "event": ("e1", 1, 2, "no_movement", T0_MS, T0_MS + 5, '{"minutes":95}'),
    "message": (
        "m1", 1, 3, "e1", "first", '{"text":"x"}', T0_MS, T0_MS * 2, 1, "sent", T0_MS, T0_MS, 2, 0, "w", None
    ),
    "status": ("m1", "sent", T0_MS),
    "judgement": ("e1", 3, "false_alarm", T0_MS + 9),
}  # fmt: skip


def fill_old_schema(database, folder):
    """Bring an empty database to version 3 of the schema, with what a farm has when it was sent an alert."""
    migrate(database, packaged_migrations()[:3], folder)
    for table, row in OLD_ROWS.items():
        database.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


@pytest.fixture
def old_state(tmp_path):
    (tmp_path / "state").mkdir()
    database = connect(tmp_path / "state" / FILE_NAME)
    fill_old_schema(database, tmp_path)
    database.close()


@pytest.mark.usefixtures("old_state")
async def test_events_judgements_and_messages_of_an_older_schema_are_all_kept(open_storage, opened):
    async with open_storage() as storage:
        expected = Event("e1", 1, 2, "no_movement", T0_MS, T0_MS + 5, {"minutes": 95}, "over", tier="urgent")
        assert await storage.event("e1") == expected
        message = Message("m1", 1, 3, "e1", "first", {"text": "x"}, T0_MS, T0_MS * 2, True)
        assert await storage.message("m1") == message
        assert await storage.apply_status(None, "w", "delivered", T0_MS)
        assert await storage.judged(1, None, 0) == [Judged("e1", 2, "no_movement", False, "", T0_MS + 9)]
        assert await storage.farms() == [Farm(1, "Hillside")]
        assert await storage.animals(1) == [Animal(2, 1, "12", "Bella")]
        assert opened[0].execute("PRAGMA foreign_key_check").fetchall() == []
        tables = {row[0] for row in opened[0].execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        assert not [name for name in tables if name.endswith("_before")]


@pytest.mark.usefixtures("old_state")
async def test_what_belonged_together_in_an_older_schema_still_does(open_storage, opened):
    async with open_storage() as storage:
        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            await storage.queue([Message("m2", 1, 3, "e9", "first", {}, T0_MS, T0_MS)])
        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            opened[0].execute("DELETE FROM event")


def test_a_migration_that_would_lose_an_event_does_not_happen(database, tmp_path):
    database.execute("PRAGMA foreign_keys = ON")
    fill_old_schema(database, tmp_path)
    forgetful = packaged_migrations()
    forgetful[3] = forgetful[3].replace("FROM event_before;", "FROM event_before WHERE 0;")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        migrate(database, forgetful, tmp_path)
    assert version(database) == 3
    assert database.execute("SELECT * FROM event").fetchall() == [OLD_ROWS["event"]]


def test_a_trigger_is_one_statement():
    script = (
        "-- a; b\nCREATE TABLE a (x); CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END;\n"
    )
    assert [statement.split()[-3:] for statement in statements(script)] == [
        ["TABLE", "a", "(x);"],
        ["SELECT", "2;", "END;"],
    ]


def test_a_migration_whose_last_statement_is_cut_off_is_refused(database, tmp_path):
    with pytest.raises(CannotOpen, match="want a semicolon"):
        migrate(database, ["CREATE TABLE a (x); CREATE TABLE b (x"], tmp_path)
    assert version(database) == 0


# groups


async def test_what_is_submitted_together_is_committed_once(world, sql):
    appends = [world.storage.append([world.frame(n)]) for n in range(50)]
    await asyncio.gather(*appends, world.storage.audit("test", "together", {}, T0_MS))
    assert [statement for statement in sql if statement.startswith(("BEGIN", "COMMIT"))] == [
        "BEGIN IMMEDIATE",
        "COMMIT",
    ]


async def test_an_operation_that_fails_does_not_sink_its_group(world, sql):
    lost = world.storage.commit_scores(world.partition, 0, 1, [], [], [world.message(person_id=99)])
    refused = world.storage.add_animal(world.farm_id, "12")
    append, no_person, no_animal = await asyncio.gather(
        world.storage.append([world.frame()]), lost, refused, return_exceptions=True
    )
    assert append == [STORED]
    assert isinstance(no_person, sqlite3.IntegrityError)
    assert isinstance(no_animal, ValueError)
    assert sql.count("COMMIT") == 1
    assert await world.storage.cursor(world.partition) == 0


async def test_a_frame_that_cannot_be_stored_does_not_sink_the_others(world):
    good, bad, also_good = await asyncio.gather(
        world.storage.append([world.frame(1)]),
        world.storage.append([world.frame(2), world.frame(3, records=None)]),
        world.storage.append([world.frame(4)]),
        return_exceptions=True,
    )
    assert good == also_good == [STORED]
    assert isinstance(bad, sqlite3.IntegrityError)
    assert [frame.seq for frame in await world.storage.read(world.partition, 0, 10)] == [1, 4]


async def test_more_frames_than_the_queue_holds_are_refused_until_there_is_room(open_storage):
    async with open_storage(queue_frames=3) as storage:
        world = await World.settle(storage)
        first, second = await asyncio.gather(
            storage.append([world.frame(1), world.frame(2)]),
            storage.append([world.frame(3), world.frame(4)]),
            return_exceptions=True,
        )
        assert first == [STORED, STORED]
        assert isinstance(second, Busy)
        assert "the limit is 3" in str(second)
        assert await storage.append([world.frame(3), world.frame(4)]) == [STORED, STORED]


async def test_a_caller_that_goes_away_disturbs_nobody(world):
    gone = asyncio.ensure_future(world.storage.append([world.frame(1)]))
    stays = asyncio.ensure_future(world.storage.append([world.frame(2)]))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == [STORED]
    assert await world.storage.append([world.frame(1)]) == [DUPLICATE]
    assert world.storage.waiting_frames == 0


async def test_closing_finishes_what_waits_and_takes_nothing_more(open_storage):
    async with open_storage() as storage:
        world = await World.settle(storage)
        waiting = asyncio.ensure_future(storage.append([world.frame(1)]))
        await asyncio.sleep(0)
    assert await waiting == [STORED]
    with pytest.raises(StorageError, match="closed"):
        await storage.append([world.frame(2)])


async def test_the_event_loop_is_never_blocked(tmp_path):
    with blockbuster_ctx():
        async with SqliteStorage.open(tmp_path / "state", VAULT) as storage:
            world = await World.settle(storage)
            await storage.append([world.frame()])
            await storage.read(world.partition, 0, 1)


async def test_the_reading_connection_cannot_write(opened, world):
    await world.storage.farms()
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        opened[1].execute("DELETE FROM farm")


async def test_the_frames_of_an_animal_are_found_by_the_identities_of_her_collars(opened, world):
    await world.storage.farms()
    asked = []
    opened[1].set_trace_callback(asked.append)
    await world.storage.frames_of(world.animal_id, 0, T0_MS)
    plan = [row[3] for row in opened[1].execute(f"EXPLAIN QUERY PLAN {asked[0]}")]
    assert "SEARCH frame USING INDEX sqlite_autoindex_frame_1 (ident>? AND ident<?)" in plan


def plan_of(opened, statements, which):
    """Return how SQLite goes about the one statement that holds `which`."""
    (statement,) = {each for each in statements if which in each}
    return [row[3] for row in opened[0].execute(f"EXPLAIN QUERY PLAN {statement}")]


@pytest.mark.parametrize(
    ("which", "wanted"),
    [
        ("SET state = 'expired'", "SEARCH message USING INDEX message_waiting (expires_ms<?)"),
        (
            "ORDER BY critical DESC",
            "SEARCH message USING INDEX message_due (channel=? AND critical=? AND not_before_ms<?)",
        ),
        ("ORDER BY critical DESC", "SEARCH message USING INDEX message_in_state (state=? AND state_ms>?)"),
        ("SET state = 'sending'", "SEARCH message USING INDEX sqlite_autoindex_message_1 (id=?)"),
    ],
)
async def test_a_claim_reads_what_it_takes_and_not_what_waits(opened, world, sql, which, wanted):
    await world.storage.queue([world.message()])
    await world.storage.claim(T0_MS, 1)
    plan = plan_of(opened, sql, which)
    assert wanted in plan
    assert not [step for step in plan if step.startswith("SCAN message")]


async def test_a_thousand_statuses_take_one_commit_and_are_found_by_index(opened, world, sql):
    names = [f"m{number}" for number in range(500)]
    await world.storage.queue([world.message(name) for name in names])
    sql.clear()
    statuses = [
        DeliveryStatus(name, f"w.{name}", state, T0_MS) for name in names for state in ("sent", "read")
    ]
    assert all(await world.storage.apply_statuses(statuses))
    assert sql.count("COMMIT") == 1
    questions = [statement for statement in sql if statement.startswith("SELECT")]
    assert len(questions) == 6, "three for each 500, not one for each status"
    for question in questions:
        (step, *_) = [row[3] for row in opened[0].execute(f"EXPLAIN QUERY PLAN {question}")]
        assert step.startswith("SEARCH")


async def test_what_the_second_channel_and_the_operator_ask_is_found_by_index(opened, world):
    await world.storage.farms()
    asked = []
    opened[1].set_trace_callback(asked.append)
    await world.storage.undelivered(T0_MS, 1, 10)
    await world.storage.dead_letters(None, 10)
    await world.storage.priced(None, 0, T0_MS)
    await world.storage.judgements(world.farm_id, 0)
    await world.storage.next_due_ms()
    for statement in asked:
        plan = [row[3] for row in opened[1].execute(f"EXPLAIN QUERY PLAN {statement}")]
        assert not [
            step for step in plan if step.startswith(("SCAN message", "SCAN judgement", "SCAN event"))
        ]


# a full disk


async def test_a_full_disk_acknowledges_nothing_and_works_again_with_room(opened, world):
    pages = opened[0].execute("PRAGMA page_count").fetchone()[0]
    opened[0].execute(f"PRAGMA max_page_count = {pages + 4}")
    frames = [world.frame(n, records=bytes(1_232)) for n in range(40)]
    with pytest.raises(Unwritable, match="full"):
        await world.storage.append(frames)
    assert await world.storage.read(world.partition, 0, 100) == []
    assert world.storage.waiting_frames == 0
    opened[0].execute("PRAGMA max_page_count = 100000")
    assert await world.storage.append(frames) == [STORED] * 40


async def test_on_a_full_disk_each_caller_is_told_the_truth(opened, world):
    pages = opened[0].execute("PRAGMA page_count").fetchone()[0]
    opened[0].execute(f"PRAGMA max_page_count = {pages + 4}")
    appends = [world.storage.append([world.frame(n, records=bytes(1_232))]) for n in range(40)]
    told = await asyncio.gather(*appends, return_exceptions=True)
    stored = {frame.seq for frame in await world.storage.read(world.partition, 0, 100)}
    assert stored == {seq for seq, answer in enumerate(told) if answer == [STORED]}
    assert all(answer == [STORED] or isinstance(answer, Busy) for answer in told)
    assert len(stored) < 40


# secrets and the audit


async def test_keys_and_phone_numbers_are_not_readable_in_the_files(world, tmp_path):
    files = b"".join(path.read_bytes() for path in (tmp_path / "state").glob(f"{FILE_NAME}*"))
    assert b"Hillside" in files
    for secret in (ROOT, PHONE.encode(), b"491700000001"):
        assert secret not in files


async def test_settings_that_do_not_open_keep_no_other_collar_from_being_told(opened, world, caplog):
    await world.storage.add_collar(8, world.farm_id)
    for device in (DEVICE, 8):
        await world.storage.set_settings(device, 0, 1, block(1, upload_s=600))
    opened[0].execute("UPDATE collar_settings SET settings = x'00' WHERE device = 8")
    assert [each.device for each in await world.storage.waiting()] == [DEVICE]
    assert "collar 8 is not told its settings: " in caplog.text
    await world.storage.ask_burst(8, 20)
    told = {each.device: (each.number, each.burst_id) for each in await world.storage.waiting()}
    assert told == {DEVICE: (1, 0), 8: (0, 1)}


async def test_audit_lines_cannot_be_changed_unnoticed(opened, world):
    for number in range(3):
        await world.storage.audit("person:1", "acknowledged", {"event": number}, T0_MS)
    for change in ("UPDATE audit SET actor = 'x' WHERE id = 2", "DELETE FROM audit WHERE id = 2"):
        with pytest.raises(sqlite3.IntegrityError, match="audit lines are never"):
            opened[0].execute(change)
    opened[0].execute("DROP TRIGGER audit_lines_stay")
    opened[0].execute("UPDATE audit SET actor = 'x' WHERE id = 2")
    assert await world.storage.audit_broken_at() == 2
