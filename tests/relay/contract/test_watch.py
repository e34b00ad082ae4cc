"""What the watch stores, and what it asks of the outbox: the same of every adapter."""

from tests.relay.contract.world import T0_MS


async def test_the_watch_finds_what_it_kept_last_also_after_a_restart(storage, reopen):
    assert await storage.watch_state() is None
    await storage.keep_watch("one")
    await storage.keep_watch("two")
    assert await storage.watch_state() == "two"
    async with reopen() as again:
        assert await again.watch_state() == "two"


async def test_meta_owes_nothing_before_it_took_a_message(world):
    await world.storage.queue([world.message()])
    assert await world.storage.unconfirmed_since_ms() is None


async def test_meta_owes_a_status_for_what_it_took_after_its_last_webhook(world):
    storage = world.storage
    await world.sending("m1")
    await storage.settle("m1", "accepted", now_ms=T0_MS + 1, wamid="w1")
    await world.sending("m2")
    await storage.settle("m2", "accepted", now_ms=T0_MS + 5, wamid="w2")
    assert await storage.unconfirmed_since_ms() == T0_MS + 1
    await storage.inbox_put([("k", "{}")], T0_MS + 3)
    assert await storage.unconfirmed_since_ms() == T0_MS + 5
    await storage.apply_status("m2", "w2", "sent", T0_MS + 6)
    assert await storage.unconfirmed_since_ms() is None
