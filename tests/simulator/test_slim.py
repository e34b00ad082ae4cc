"""What the compiler for a board is given is shorter, and does what its source does."""

from __future__ import annotations

import ast
import sys
import types

import pytest

from simulator.slim import slimmed


def slim(tmp_path, **sources):
    """Return module -> slimmed text. `sources`: module -> text, "pack_words" is pack.words."""
    paths = {}
    for name, text in sources.items():
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        paths[path] = name.replace("_", ".")
    return {path.stem: text for path, text in slimmed(paths).items()}


def run(text, **names):
    """Return the names of a module after it has run; const is builtin to the compiler for boards."""
    names |= {"const": lambda value: value}
    exec(text, names)
    return names


@pytest.fixture
def package(monkeypatch):
    """Make modules of texts that import each other."""

    def load(texts):
        loaded = {}
        for name, text in texts.items():
            made = types.ModuleType(name.replace("_", "."))
            monkeypatch.setitem(sys.modules, made.__name__, made)
            made.const = lambda value: value
            exec(text, made.__dict__)
            loaded[name] = made
        return loaded

    return load


def test_numbers_of_other_modules_are_written_where_they_are_used(tmp_path):
    texts = slim(
        tmp_path,
        pack_words="from herdcore.compat import const\nKIND = 3\nMOST = const(1 + 1)\nWIDE = const(9)\n",
        pack_use="from pack.words import KIND, MOST, WIDE as _BROAD\nx = KIND + _BROAD + MOST\n",
    )
    assert "import MOST" in texts["pack_use"]  # no literal: it stays what it is
    assert run(texts["pack_use"].replace("from pack.words import MOST", "MOST = 2"))["x"] == 14
    assert "const(3)" in texts["pack_use"]
    assert "const(9)" in texts["pack_use"]
    assert "compat" not in texts["pack_words"]


def test_a_number_that_is_asked_of_its_module_keeps_its_name(tmp_path):
    texts = slim(tmp_path, words="KIND = 3\nOTHER = 4\n", use="import words\nx = words.KIND\n")
    assert "KIND = const(3)" in texts["words"].splitlines()
    assert "OTHER = const(4)" not in texts["words"].splitlines()  # nobody finds it there any more


@pytest.mark.parametrize(
    "text",
    [
        "LEVEL = 1\nLEVEL = 2\n",
        "LEVEL = 1\ndef raised():\n    global LEVEL\n    LEVEL = 2\nraised()\n",
        "_level = 1\ndef raised():\n    global _level\n    _level = 2\nraised()\nLEVEL = _level\n",
        "LEVEL = 1\nfor LEVEL in (1, 2):\n    pass\n",
    ],
)
def test_what_is_given_another_value_is_no_constant(tmp_path, text):
    texts = slim(tmp_path, words=text, use="from words import LEVEL\n")
    assert "const" not in texts["words"]
    assert texts["use"] == "from words import LEVEL"
    assert run(texts["words"])["LEVEL"] == 2


def test_an_imported_number_whose_name_a_function_uses_for_something_else_is_imported(tmp_path, package):
    texts = slim(
        tmp_path,
        words="KIND = 3\n",
        use="from words import KIND\ndef f(KIND):\n    return KIND\ny = KIND, f(4)\n",
    )
    assert package(texts)["use"].y == (3, 4)


def test_private_names_are_shortened_alike_in_every_file(tmp_path, package):
    texts = slim(
        tmp_path,
        base="class Base:\n    _width_of_it = 7\n    def _grown(self): return self._width_of_it\n",
        use=(
            "from base import Base\nclass More(Base):\n    _width_of_it = 9\n"
            "    def told(self): return self._grown()\n"
        ),
    )
    assert "_width_of_it" not in texts["base"] + texts["use"]
    assert package(texts)["use"].More().told() == 9


def test_a_short_name_is_none_that_is_there_already(tmp_path):
    text = "_a = [1]\ndef _lengthened(_b):\n    return _a + _b\nprivate = _lengthened([2])\n"
    assert run(slim(tmp_path, one=text)["one"])["private"] == [1, 2]


UNTOUCHED = [
    ("what others ask of a module", "def shown(): pass\nclass Shown: pass\nlow = []\n", "shown Shown low"),
    ("methods", "class A:\n    def drain(self): pass\n", "drain"),
    ("attributes", "class A:\n    depth = 0\n    def __init__(self): self.left = 1\n", "depth left"),
    ("arguments that are given by name", "def _f(offset): return offset\n_f(offset=1)\n", "offset"),
    ("private ones given by name", "def _f(_far): return _far\n_far = 2\n_f(_far=1)\n", "_far"),
    ("private names of others", "import sys\nx = sys.implementation._machine\n", "_machine implementation"),
    ("private names that are imported", "from other import _thing\n_thing()\n", "_thing"),
    ("names in strings", "def _hidden(): pass\nx = globals()['_hidden']\n", "_hidden"),
    ("builtins", "def f(filter, object): return len(filter)\n", "filter object"),
    ("names of Python's own", "class A:\n    def __init__(self): self.__dict__\n", "__init__ __dict__ self"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "names"), [row[1:] for row in UNTOUCHED], ids=[row[0] for row in UNTOUCHED])
def test_names_that_others_may_know_stay(tmp_path, text, names):
    made = slim(tmp_path, one=text)["one"]
    for name in names.split():
        assert made.count(name) == text.count(name)


def test_an_argument_that_is_never_given_by_name_is_shortened(tmp_path):
    assert "duration" not in slim(tmp_path, one="def f(duration):\n    return duration\n")["one"]


def test_strings_and_bytes_stay_as_they_are(tmp_path):
    text = "_LONG = '_LONG %d'\ndef told(amount):\n    return _LONG % amount + f' {amount!r:>4}'\n"
    assert run(slim(tmp_path, one=text)["one"])["told"](3) == "_LONG 3    3"


@pytest.mark.parametrize(
    "text",
    ["a, b = 1, 2\na, b = b, a\nx = a, b\n", "a = b = 3, [4]\nx = a + b\n", "x = (1,)\n", "x = ()\n",
     "x = (lambda: 1)(), (2, 3)\n", "x = [n for n in (1, 2)], (n for n in ()) is None\n"],
)  # fmt: skip
def test_tuples_keep_their_meaning(tmp_path, text):
    assert run(slim(tmp_path, one=text)["one"])["x"] == run(text)["x"]


def test_tuples_that_are_taken_apart_at_once_have_no_brackets(tmp_path):
    """Between brackets MicroPython makes a tuple first: heap, in hot loops too."""
    assert slim(tmp_path, one="a, b = (1, 2)\n")["one"] == "a, b = 1, 2"


def test_what_is_for_other_tools_or_for_cpython_is_left_out(tmp_path):
    made = slim(
        tmp_path,
        one=(
            "import sys\n__all__ = ('x',)\nTYPE_CHECKING = False\nif TYPE_CHECKING:\n    import typing\n"
            "if sys.implementation.name == 'micropython':\n    x = 1\nelse:\n    x = 2\n"
        ),
    )
    assert made["one"] == "import sys\nx = 1"


def test_source_that_is_no_python_is_left_alone(tmp_path):
    texts = slim(tmp_path, good="_private = [1]\n", bad="def f(:\n    _private\n")
    assert texts["bad"] == "def f(:\n    _private\n"
    assert ast.parse(texts["good"])


SAMPLE = '''
from struct import pack
from words import STEP, LIMIT as _CEILING

_FORM = "<HB"
_COUNT_SO_FAR = [0]
_total_ever = 0


class LoudError(ValueError):
    reason = ""

    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason


class Adder:
    """Adds."""

    _factor = 2

    def __init__(self, first, *others, scale=1, **options):
        self._sum = first + sum(others)
        self._scale = scale
        self.options = options

    @property
    def total(self):
        return self._sum * self._scale * self._factor

    def __getitem__(self, place):
        return self.total + place


def counted(amount):
    global _total_ever
    _total_ever += amount
    _COUNT_SO_FAR[0] += 1
    return _total_ever


def nested(width, height=3):
    depth = 0

    def deeper(amount):
        nonlocal depth
        depth += amount * STEP
        return depth

    deeper(width)
    return deeper(height), [deeper(amount) for amount in range(width) if amount != height], depth


def caught(divisor):
    try:
        return 12 // divisor
    except ZeroDivisionError as _failure:
        try:
            raise LoudError("zero", str(_failure))
        except LoudError as failure:
            return f"{failure.reason}: {failure} over {divisor=}, {_CEILING:03d}"


def sorted_by(pairs, *, reverse=False):
    return sorted(pairs, key=lambda pair: (pair[1], -pair[0]), reverse=reverse)


def everything():
    made = Adder(1, 2, 3, scale=STEP, colour="red")
    low, high = made[1], made[2]
    low, high = high, low
    table = {letter: place for place, letter in enumerate("abc")}
    with_walrus = [half for number in range(6) if (half := number // 2)]
    return (
        made.total, made.options, low, high, counted(4), counted(amount=5), _COUNT_SO_FAR, nested(2, 4),
        nested(1, height=5), caught(0), caught(5), pack(_FORM, 513, 7),
        sorted_by([(1, 2), (0, 2), (5, 1)], reverse=True), table, with_walrus,
        sum(number * STEP for number in range(_CEILING) if number % 2),
    )
'''


def test_a_slimmed_module_behaves_as_its_source(tmp_path, package):
    sources = {"words": "STEP = 5\nLIMIT = 7\n", "sample": SAMPLE}
    texts = slim(tmp_path, **sources)
    assert len(texts["sample"]) < len(ast.unparse(ast.parse(SAMPLE)))
    assert "words" not in texts["sample"]
    said = package(sources)["sample"].everything()
    assert package(texts)["sample"].everything() == said
    assert said[0] == 60


def test_a_tuple_of_names_that_only_a_host_reads_is_left_out(tmp_path):
    made = slim(
        tmp_path, one="NAMES = ('a', 'b')\nUSED = ('c', 'd')\n", two="from one import USED\nprint(USED)\n"
    )
    assert made["one"] == "USED = 'c', 'd'"


def test_the_numbers_of_an_array_are_written_as_bytes(tmp_path):
    made = slim(
        tmp_path, one="from array import array\nx = array('h', (1, -2, 300))\ny = array('b', bytes(2))\n"
    )
    values = run(made["one"])
    assert "b'" in made["one"]
    assert (list(values["x"]), list(values["y"])) == ([1, -2, 300], [0, 0])
