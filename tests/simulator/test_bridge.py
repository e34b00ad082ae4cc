"""The bridge: one table, which both sides implement, and nothing that knows what it carries."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import pytest

from simulator.collarhost import bridge
from simulator.collarhost.board import SimBoard
from simulator.collarhost.bridge import ANSWER, CALLS, REQUEST, Bridge, Code, Word
from simulator.motion import Still

FAKES = Path(bridge.__file__).parent / "upy"
STUBS = Path(__file__).resolve().parents[2] / ".typings"

# The stubs are made on a first-generation ESP32, and only of what its modules hold when asked.
NOT_IN_STUBS = {
    "esp32.mcu_temperature": "S2, S3, C3 and C6 have it instead of raw_temperature (docs of 1.29, esp32)",
    "machine.ADC.ATTN_0DB": "the stub has it at module level",
    "machine.ADC.ATTN_2_5DB": "docs of 1.29, machine.ADC on ESP32",
    "machine.ADC.ATTN_6DB": "docs of 1.29, machine.ADC on ESP32",
    "machine.ADC.ATTN_11DB": "docs of 1.29, machine.ADC on ESP32",
}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def numbers_in_the_fakes() -> dict[str, int]:
    """The calls as `_bridge.py` numbers them: NAME, NAME = range(a, b)."""
    found = {}
    for node in tree(FAKES / "_bridge.py").body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            first = ast.literal_eval(node.value.args[0])
            names = [element.id.strip("_") for element in node.targets[0].elts]
            found.update({name: first + i for i, name in enumerate(names)})
    return found


def test_the_table_describes_each_call_once():
    assert [call.code for call in CALLS] == list(Code)


def test_both_sides_number_the_same_calls():
    assert numbers_in_the_fakes() == {code.name: code.value for code in Code}


def test_a_board_answers_every_call_of_the_table_and_no_other():
    assert set(SimBoard(0, Still()).handlers) == set(Code)


def test_the_fakes_know_a_text_for_every_status_that_is_no_errno():
    words = next(
        node.value for node in tree(FAKES / "_bridge.py").body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_WORDS"
    )  # fmt: skip
    assert {key.value for key in words.keys} == set(Word)


def test_calls_are_those_of_a_machine():
    assert [code.name for code in Code] == [
        "HELLO", "I2C", "PIN_READ", "PIN_WRITE", "DELAY", "LIGHT_SLEEP", "WAKE_PINS", "DEEP_SLEEP", "RESET",
        "WDT_ARM", "WDT_FEED", "ADC", "TEMPERATURE", "RETAIN", "STOPPED", "RTC_SET", "WLAN_ACTIVE",
        "WLAN_CONNECT", "WLAN_DISCONNECT", "WLAN_STATUS", "WLAN_RSSI", "PARTITION_FIND",
        "PARTITION_READ", "PARTITION_WRITE", "PARTITION_ERASE", "SPI", "WLAN_CONFIG", "WLAN_ADDRESS",
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["cow", "herd", "window", "feature", "behaviour", "lsm6", "frame", "relay"])
def test_nothing_on_the_interpreters_side_knows_what_it_is_for(word):
    code = "".join(ast.unparse(_without_docstrings(tree(path))) for path in FAKES.glob("*.py"))
    assert word not in code.lower()


def _without_docstrings(module: ast.Module) -> ast.Module:
    for node in ast.walk(module):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            body[0] = ast.Pass()
    return module


@pytest.mark.parametrize(
    ("module", "beside"), [("machine", {"time"}), ("esp32", set()), ("network", set()), ("time", {"utime"})]
)
def test_a_fake_imports_nothing_but_the_bridge_and_what_reckons_time(module, beside):
    imports = [
        n for n in ast.walk(tree(FAKES / f"{module}.py")) if isinstance(n, (ast.Import, ast.ImportFrom))
    ]
    assert {alias.name for node in imports for alias in node.names} == {"_bridge"} | beside


def surface(module: str, path: Path) -> set[str]:
    """The public names of a module and of its classes, with the module's name before them."""
    found = set()

    def collect(body, prefix):
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found.add(f"{prefix}.{node.name}")
            if isinstance(node, ast.ClassDef):
                collect(node.body, f"{prefix}.{node.name}")
            if isinstance(node, ast.If):
                collect(node.body + node.orelse, prefix)
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            names = [e for t in targets if t is not None for e in ast.walk(t) if isinstance(e, ast.Name)]
            found.update(f"{prefix}.{name.id}" for name in names)

    collect(tree(path).body, module)
    return {name for name in found if not name.rpartition(".")[2].startswith("_")}


@pytest.mark.skipif(not STUBS.is_dir(), reason=f"no ESP32 stubs in {STUBS}: make types installs them")
@pytest.mark.parametrize("module", ["machine", "esp32", "network", "time"])
def test_a_fake_has_no_name_that_the_esp32_lacks(module):
    fake, real = surface(module, FAKES / f"{module}.py"), surface(module, STUBS / f"{module}.pyi")
    assert fake - real - set(NOT_IN_STUBS) == set()


class Answering:
    """A collar that answers each call with its number."""

    def __init__(self):
        self.connection = None
        self.asked = []

    def connected(self, connection):
        self.connection = connection

    def called(self, ask):
        self.asked.append(ask)
        self.connection.answer(1000, 0, ask.number, ask.payload[::-1])


async def open_to(made: Bridge):
    return await asyncio.open_connection("127.0.0.1", made.port)


async def test_a_request_in_pieces_is_answered_when_it_is_whole():
    collar = Answering()
    async with Bridge() as made:
        token = made.expect(collar).partition(":")[2].encode()
        reader, writer = await open_to(made)
        request = REQUEST.pack(len(token), Code.HELLO, 0, 0, 7) + token
        for i in range(len(request)):
            writer.write(request[i : i + 1])
            await writer.drain()
            await asyncio.sleep(0)
        answer = await reader.readexactly(ANSWER.size + len(token))
        writer.close()
        await writer.wait_closed()
    assert ANSWER.unpack_from(answer) == (len(token), 0, 7, 1000)
    assert answer[ANSWER.size :] == token[::-1]
    assert len(collar.asked) == 1


@pytest.mark.parametrize("code", [Code.HELLO, Code.I2C])
async def test_a_stranger_is_shut_out_without_an_answer(code):
    collar = Answering()
    async with Bridge() as made:
        made.expect(collar)
        reader, writer = await open_to(made)
        writer.write(REQUEST.pack(5, code, 0, 0, 0) + b"guess")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    assert collar.connection is None


async def test_a_boot_that_is_over_cannot_come_back():
    collar = Answering()
    async with Bridge() as made:
        address = made.expect(collar)
        made.forget(address)
        token = address.partition(":")[2].encode()
        reader, writer = await open_to(made)
        writer.write(REQUEST.pack(len(token), Code.HELLO, 0, 0, 0) + token)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
