"""One thread reads for everybody: together, in the order of asking, and nobody spoils it for the others."""

from __future__ import annotations

import asyncio
import threading

import pytest

from relay.storage.ports import StorageError
from relay.storage.reader import Reader


class Book:
    """What stands for a connection: holds up the thread until `goes_on` is set."""

    def __init__(self):
        self.goes_on, self.is_held, self.is_closed = threading.Event(), threading.Event(), False

    def hold(self, _):
        self.is_held.set()
        self.goes_on.wait()
        return "held"

    def close(self):
        self.is_closed = True


@pytest.fixture
def book():
    return Book()


@pytest.fixture
async def reader(book):
    reader = Reader(lambda: book)
    yield reader
    book.goes_on.set()
    await reader.close()


async def crowd(reader, book, questions):
    """Ask all of them while the thread is held up; return what they got."""
    held = asyncio.ensure_future(reader.call(book.hold))
    await asyncio.to_thread(book.is_held.wait)
    asked = [asyncio.ensure_future(reader.call(question)) for question in questions]
    await asyncio.sleep(0)
    book.goes_on.set()
    return await asyncio.gather(held, *asked, return_exceptions=True)


async def test_who_asks_together_is_answered_in_the_order_of_asking(reader, book):
    order = []
    questions = [lambda _, at=at: order.append(at) or at for at in range(100)]
    assert await crowd(reader, book, questions) == ["held", *range(100)]
    assert order == list(range(100))


async def test_a_crowd_costs_far_fewer_hand_overs_than_questions(reader, book, monkeypatch):
    loop, handed = asyncio.get_running_loop(), []
    real = loop.call_soon_threadsafe
    monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *args: handed.append(args) or real(*args))
    await crowd(reader, book, [lambda _: None] * 200)
    assert len(handed) < 50


async def test_a_question_that_fails_and_one_whose_asker_has_gone_leave_the_others_alone(reader, book):
    gone = asyncio.ensure_future(reader.call(book.hold))
    await asyncio.to_thread(book.is_held.wait)
    gone.cancel()
    fails = asyncio.ensure_future(reader.call(lambda _: 1 / 0))
    fine = asyncio.ensure_future(reader.call(lambda _: "fine"))
    await asyncio.sleep(0)
    book.goes_on.set()
    assert await fine == "fine"
    with pytest.raises(ZeroDivisionError):
        await fails
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_at_the_end_what_waits_is_answered_and_nothing_more_is_taken(book):
    reader = Reader(lambda: book)
    waits = asyncio.ensure_future(reader.call(lambda _: "late"))
    await asyncio.sleep(0)
    await reader.close()
    assert await waits == "late"
    assert book.is_closed
    with pytest.raises(StorageError, match="closed"):
        await reader.call(lambda _: None)


async def test_a_connection_that_cannot_be_opened_is_tried_again_by_the_next():
    books = [OSError("no such disk"), Book()]

    def opened():
        book = books.pop(0)
        if isinstance(book, OSError):
            raise book
        return book

    reader = Reader(opened)
    with pytest.raises(OSError, match="no such disk"):
        await reader.call(lambda _: None)
    assert await reader.call(lambda _: "there") == "there"
    await reader.close()
