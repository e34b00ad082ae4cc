"""Apprise against real servers: what arrives, what was not taken, what is uncertain, what is never shown."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.smtp import SMTP
from prometheus_client import CollectorRegistry

from relay.channels.by_apprise import AppriseChannel
from relay.channels.plain import plain
from relay.channels.port import BadAddressError, ChannelError, NotTakenError, UncertainError
from relay.channels.service import open_channels
from relay.clock import FollowedClock
from relay.config import ChannelsConfig, Config, ConfigError
from relay.model import Message
from tests.relay.channel_scene import NOTHING_LISTENS, TEXT, Inbox
from tests.relay.process import environment

# Apprise still looks for what Python 3.13 has not got any more.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
async def channel():
    channel = AppriseChannel()
    yield channel
    await channel.close()


@pytest.fixture
async def server():
    inbox = Inbox()
    async with inbox.serve() as url:
        inbox.url = f"{url}/somebody"
        yield inbox


@pytest.fixture
def written():
    """Call it for all that the root's handlers, which are the relay's, have got since: from debug on."""
    # Not caplog: pytest listens to loggers that keep to themselves, too.
    text, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.getLogger("relay").debug("at work")
    logging.getLogger("aiohttp.access").propagate = False  # the server's, in the same process
    yield text.getvalue
    logging.getLogger("aiohttp.access").propagate = True
    root.removeHandler(handler)
    root.setLevel(level)


class Letters:
    """What a mail server does with letters; `answer` is what it says to one."""

    def __init__(self, answer="250 taken"):
        self.answer, self.answers, self.taken = answer, [], []

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        self.taken.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=default)))
        return self.answers.pop(0) if self.answers else self.answer


@pytest.fixture
async def mail_server():
    letters = Letters()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(letters, hostname="localhost"), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    letters.url = f"mailto://127.0.0.1:{port}/?from=bell@example.org&to=ann@example.org&mode=insecure"
    async with server:
        yield letters


async def test_a_text_arrives_over_http_as_it_was_written(channel, server):
    await channel.send(server.url, "Hill: DOWN", "Zeile *eins*\nगाय <b>42</b> \\n {x}")
    (taken,) = server.taken
    assert (taken["title"], taken["message"]) == ("Hill: DOWN", "Zeile *eins*\nगाय <b>42</b> \\n {x}")


async def test_a_text_arrives_by_mail_with_its_title_as_the_subject(channel, mail_server):
    await channel.send(mail_server.url, "Hill: DOWN", "Go to *her* <now>.")
    ((to, letter),) = mail_server.taken
    assert (to, letter["Subject"]) == (["ann@example.org"], "Hill: DOWN")
    assert letter.get_body(["plain"]).get_content().strip() == "Go to *her* <now>."


async def test_nothing_in_a_text_is_taken_for_markup(channel, mail_server):
    await channel.send(f"{mail_server.url}&format=html", "t", "Go to *her* <now>.")
    ((_, letter),) = mail_server.taken
    assert "*her*&nbsp;&lt;now&gt;." in letter.get_body(["html"]).get_content()


@pytest.mark.parametrize("status", [400, 401, 404, 429])
async def test_what_a_server_refuses_was_not_taken(channel, server, status):
    server.script.append(status)
    with pytest.raises(NotTakenError):
        await channel.send(server.url, "t", "x")


@pytest.mark.parametrize(
    "url", [NOTHING_LISTENS, "mailto://127.0.0.1:9/?from=a@example.org&to=b@example.org&mode=insecure"]
)
async def test_where_nobody_listens_nothing_was_taken(channel, url):
    with pytest.raises(NotTakenError):
        await channel.send(url, "t", "x")


@pytest.mark.parametrize("answer", ["450 later", "550 no such person"])
async def test_a_letter_that_is_refused_was_not_taken(channel, mail_server, answer):
    mail_server.answer = answer
    with pytest.raises(NotTakenError):
        await channel.send(mail_server.url, "t", "x")


async def test_what_one_of_several_people_has_got_is_not_sent_again_for_the_others(channel, mail_server):
    mail_server.answers = ["250 taken", "550 no such person"]
    with pytest.raises(UncertainError):
        await channel.send(mail_server.url.replace("ann@", "ann@example.org,kim@"), "t", "x")
    assert len(mail_server.taken) == 2


async def test_apprise_repeats_and_excuses_nothing_by_itself(channel, server):
    server.script.append("drop")
    with pytest.raises(UncertainError):
        await channel.send(f"{server.url}?retry=3&wait=0&optional=yes", "t", "x")
    assert len(server.taken) == 1


@pytest.mark.parametrize("step", ["drop", 500, 503])
async def test_a_lost_answer_and_a_broken_server_leave_it_uncertain(channel, server, step):
    server.script.append(step)
    with pytest.raises(UncertainError):
        await channel.send(server.url, "t", "x")


async def test_a_way_that_breaks_down_itself_leaves_it_uncertain(channel, server):
    with pytest.raises(UncertainError):
        await channel.send(f"{server.url}?rto=-1", "t", "x")


async def test_no_answer_in_time_leaves_it_uncertain(server):
    silence = asyncio.Event()
    server.script.append(silence)
    channel = AppriseChannel(longest_s=0.05)
    with pytest.raises(UncertainError, match="no answer within"):
        await channel.send(server.url, "t", "x")
    silence.set()
    await channel.close()


async def test_sends_that_hang_leave_room_for_others_and_are_never_without_number(server):
    silence = asyncio.Event()
    server.script.extend([silence] * 16)
    channel = AppriseChannel(longest_s=0.05)
    for _ in range(16):
        with pytest.raises(UncertainError):
            await channel.send(server.url, "t", "x")
    assert len(server.taken) == 16
    with pytest.raises(NotTakenError, match="16 sends hang"):
        await channel.send(server.url, "t", "x")
    silence.set()
    await channel.close()


async def test_a_process_ends_while_a_send_hangs(server):
    server.script.append(asyncio.Event())
    leave = (
        "import asyncio, sys\nfrom relay.channels.by_apprise import AppriseChannel\n"
        "async def main():\n    sending = asyncio.create_task(AppriseChannel().send(sys.argv[1], 't', 'x'))\n"
        "    await asyncio.to_thread(sys.stdin.readline)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", leave, f"{server.url}?rto=3600", stdin=asyncio.subprocess.PIPE,
        env=environment(),
    )  # fmt: skip
    await server.begun.wait()
    await asyncio.wait_for(process.communicate(b"now\n"), 20)  # an hour, if it waited for the send
    assert process.returncode == 0


@pytest.mark.parametrize("url", ["nonsense", "nosuchway://host", "json://", ""])
async def test_an_address_that_is_none_is_said_to_be_one(channel, url):
    with pytest.raises(BadAddressError):
        await channel.send(url, "t", "x")


async def test_no_part_of_an_address_and_no_text_is_ever_logged(channel, server, written, capfd):
    secret = server.url.replace("json://", "json://ann:open-sesame@") + "?:x=open-sesame"
    said = []
    for step in (200, 401, 500, "drop"):
        server.script.append(step)
        try:
            await channel.send(secret, "a title", "a text")
        except ChannelError as error:
            said.append(str(error))
    assert len(said) == 3
    everything = written() + "".join([*capfd.readouterr(), *said])
    assert "at work" in everything
    assert not [word for word in ("sesame", "ann", "somebody", "a text", "a title") if word in everything]


async def test_apprise_is_asked_for_by_name_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    config = Config(channels=ChannelsConfig(enabled=True))
    with pytest.raises(ConfigError, match=r"channels.enabled = true: .*pip install 'herdbell\[channels\]'"):
        async with open_channels(config, None, FollowedClock(0), CollectorRegistry()):
            pass


def message(**body):
    return Message("m1", 1, 1, "e1", "alert", body, 0, 1)


def test_a_message_says_who_what_to_do_and_how_to_answer():
    title, text = plain(message(text=TEXT, language="en"), "Hill")
    assert title == "Hill: NOT MOVING: Bella (12)"
    assert text == (
        "Since 14:05. Still for 95 min.\nGo and look.\nAnswers to this message are not read: call Hill."
    )


def test_a_repeat_is_marked_in_the_language_of_the_message():
    assert plain(message(text="EINS", language="de"), "Hof", repeat=True) == (
        "(Wiederholung) Hof: EINS",
        "EINS\nAntworten auf diese Nachricht werden nicht gelesen: rufen Sie Hof an.",
    )


def test_what_has_only_a_template_is_said_with_its_values():
    params = {"farm": "Hill", "what": "all 12 collars", "since": "16:13"}
    title, text = plain(message(template="blind", version=1, language="en", params=params), "Hill")
    assert "all 12 collars" in title
    assert "{{" not in title + text


def test_a_template_that_is_gone_and_a_message_of_nothing_are_said_all_the_same():
    assert plain(message(template="gone", params={"a": "1", "b": "2"}), "Hill")[0] == "Hill: 1, 2"
    assert plain(message(), "Hill")[0] == "Hill: -"


def test_a_title_is_no_longer_than_a_subject_may_be():
    assert len(plain(message(text="x" * 4_000), "Hill")[0]) == 120
