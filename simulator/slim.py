"""What the compiler for the board is given: the source less what only a reader or CPython needs.

Compiled files keep names as text, each its own, and every import is code. Of 66.1 kB this saves 6.4 kB. Each
rule alone: numbers of other modules written where they are used 2.8, constants that mpy-cross may fold 1.5,
short names for what is private 1.7 and for arguments that nobody gives by name 0.4, leaving out what is said
to other tools or known on a board 0.4; arrays as bytes and no tuples that only hosts read, 0.3. A name has
one meaning in all modules; none is touched that is given another value, told to the outside or stands in a
string. What is flashed as source is left as it is.
"""

from __future__ import annotations

import ast
import builtins
import re
import struct
from collections import Counter
from itertools import product
from string import ascii_letters
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_COMPAT = "herdcore.compat"
_PRIVATE = re.compile(r"_[A-Za-z]\w*")
# A short name for an argument is one for every variable of that name: none of these may be hidden.
_KNOWN = frozenset({*dir(builtins), "self"})
_NOT_HERE = ("__all__", "TYPE_CHECKING")  # say something to other tools only


def slimmed(sources: Mapping[Path, str]) -> dict[Path, str]:
    """Return the text to compile for each source. `sources`: path -> dotted name of its module.

    A file that is no Python is left as it is: the compiler says what is wrong with it.
    """
    texts = {path: path.read_text(encoding="utf-8") for path in sources}
    trees = {path: tree for path, text in texts.items() if (tree := _parsed(text))}
    numbers = {
        (sources[path], name): value
        for path, tree in trees.items()
        for name, value in _numbers_of(tree)
        if name not in _NOT_HERE
    }
    every = list(trees.values())
    for mixed in [place for tree in every for place in _mixed(tree) if place in numbers]:
        del numbers[mixed]
    short, asked_for, unused = _short_names(every), _attributes(every), _unused(every)
    for path, tree in trees.items():
        slim = _Slim(sources[path], numbers, short, asked_for, unused)
        texts[path] = ast.unparse(ast.fix_missing_locations(slim.visit(tree)))
    return texts


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except SyntaxError:
        return None


def _assigned(node: ast.stmt) -> str:
    """Return the name that a statement gives a value, "" if it is not just that."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return ""


def _constant(node: ast.expr) -> ast.Constant | None:
    """Return the constant that an expression is, bare or in const()."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "const":
        node = node.args[0]
    return node if isinstance(node, ast.Constant) and type(node.value) in (int, str, bytes) else None


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield each name that a node, without those below it, gives a value or says to be another scope's."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.alias):
        yield node.asname or node.name
    elif isinstance(node, ast.Global | ast.Nonlocal):
        yield from node.names
    elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler) and node.name:
        yield node.name


def _times(tree: ast.Module) -> Counter[str]:
    """Return how often each name is given a value anywhere in a module."""
    return Counter(name for node in ast.walk(tree) for name in _bound(node))


def _numbers_of(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield (name, value) of each number that a module defines; what is ever given another value is none."""
    times = _times(tree)
    for node in tree.body:
        name = _assigned(node)
        constant = _constant(node.value) if isinstance(node, ast.Assign) else None
        if constant and isinstance(constant.value, int) and times[name] == 1:
            yield name, constant.value


def _mixed(tree: ast.Module) -> set[tuple[str, str]]:
    """Return (module, name) of what is imported under a name that the module gives another value too."""
    times = _times(tree)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = [(node.module or "", alias) for node in imports for alias in node.names]
    return {(module, alias.name) for module, alias in names if times[alias.asname or alias.name] > 1}


def _attributes(trees: Sequence[ast.Module]) -> frozenset[str]:
    """Return every name that is asked of some object, perhaps a module."""
    return frozenset(
        node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    )


def _unused(trees: Sequence[ast.Module]) -> frozenset[str]:
    """Return the name of each public tuple of constants that no module uses: only a host reads it."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    used |= {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    tables = {
        _assigned(node)
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Tuple)
        and all(isinstance(each, ast.Constant) for each in node.value.elts)
    }
    return frozenset(name for name in tables - used - _attributes(trees) if name.isupper())


def _short_names(trees: Sequence[ast.Module]) -> dict[str, str]:
    """Return a short name for each private one that we make, and for each argument never given by name."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    count = Counter(name for node in nodes for name in _said(node))
    given = {node.arg for node in nodes if isinstance(node, ast.keyword)}
    given |= {node.value for node in nodes if isinstance(node, ast.Constant) and type(node.value) is str}
    imported = {name for node in nodes if isinstance(node, ast.alias) for name in (node.name, node.asname)}
    folded = {name for tree in trees for name, _ in _numbers_of(tree)}
    fixed = given | imported | folded
    made = {name for node in nodes for name in _made(node)}
    short = [name for name in made - fixed if _PRIVATE.fullmatch(name)]
    arguments = {node.arg for node in nodes if isinstance(node, ast.arg)}
    fixed |= _attributes(trees) | _KNOWN | {name for tree in trees for name in _public(tree)}
    short += [name for name in arguments - fixed if name[0] != "_" and len(name) > len("_ab")]
    short.sort(key=lambda name: (-count[name], name))
    free = ("_" + "".join(letters) for size in (1, 2) for letters in product(ascii_letters, repeat=size))
    return dict(zip(short, (name for name in free if name not in count and name not in fixed), strict=False))


def _made(node: ast.AST) -> Iterator[str]:
    """Yield each name that a node, without those below it, makes: a variable, an attribute, a function."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        yield node.attr
    else:
        yield from _bound(node)


def _public(node: ast.AST) -> Iterator[str]:
    """Yield each name that a module makes outside of functions: others may know it."""
    for child in ast.iter_child_nodes(node):
        yield from _bound(child)
        if not isinstance(child, ast.FunctionDef | ast.Lambda):
            yield from _public(child)


def _said(node: ast.AST) -> Iterator[str]:
    """Yield each name in a node, without those below it."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    else:
        yield from _bound(node)


class _Slim(ast.NodeTransformer):
    """Rewrites one module."""

    def __init__(
        self,
        module: str,
        numbers: Mapping[tuple[str, str], int],
        short: Mapping[str, str],
        asked_for: frozenset[str],
        unused: frozenset[str],
    ) -> None:
        self._numbers = numbers
        self._unused = unused
        self._once: frozenset[ast.stmt] = frozenset()
        self._new = dict(short)  # old name -> new name
        for where, name in numbers:
            if where == module and name[0] != "_" and name not in asked_for:
                self._new[name] = f"_of_{name}"  # who imports it has it folded

    def visit_Module(self, node: ast.Module) -> ast.AST:
        """Note which constants stand outside of classes and functions and are never given another value."""
        times = _times(node)
        self._once = frozenset(each for each in node.body if times[_assigned(each)] == 1)
        return self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> list[ast.stmt]:
        """Import what is no number, and say the numbers."""
        kept: list[ast.alias] = []
        said: list[ast.stmt] = []
        for alias in node.names:
            value = self._numbers.get((node.module or "", alias.name))
            local = alias.asname or alias.name
            if value is not None:
                self._new[local] = f"_of_{local}"
                said += ast.parse(f"_of_{local} = const({value})").body
            elif (node.module, local) != (_COMPAT, "const"):  # mpy-cross folds every one
                kept.append(alias)
        node.names = kept
        return [node, *said] if kept else said

    def visit_Assign(self, node: ast.Assign) -> ast.stmt | None:
        """Have constants folded."""
        name, constant = _assigned(node), _constant(node.value)
        if name in _NOT_HERE or (node in self._once and name in self._unused):
            return None
        self.generic_visit(node)
        is_number = constant is not None and isinstance(constant.value, int) and name.isupper()
        if constant and node in self._once and (is_number or name.startswith("_")):
            node.value = ast.Call(ast.Name("const", ast.Load()), [constant], [])
        if isinstance(node.value, ast.Tuple) and len(node.value.elts) > 1:
            # Between brackets, where ast puts it, MicroPython makes a tuple first: heap, in hot loops too.
            node.value = ast.Name(", ".join(map(ast.unparse, node.value.elts)), ast.Load())
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Write the numbers of an array as its bytes: every board is little-endian."""
        self.generic_visit(node)
        if ast.unparse(node.func) == "array" and len(node.args) == 2 and isinstance(node.args[1], ast.Tuple):
            kind, numbers = (ast.literal_eval(each) for each in node.args)
            node.args[1] = ast.Constant(struct.pack(f"<{len(numbers)}{kind}", *numbers))
        return node

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt] | None:
        """Leave out what is for a type checker, or for CPython."""
        test = ast.unparse(node.test)
        if test == "TYPE_CHECKING":
            return None
        self.generic_visit(node)
        return node.body if test == "sys.implementation.name == 'micropython'" else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Shorten its name."""
        self.generic_visit(node)
        node.name = self._new.get(node.name, node.name)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Shorten its name."""
        self.generic_visit(node)
        node.name = self._new.get(node.name, node.name)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """Shorten it."""
        node.arg = self._new.get(node.arg, node.arg)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Shorten it."""
        node.id = self._new.get(node.id, node.id)
        return node

    def visit_Global(self, node: ast.Global) -> ast.AST:
        """Shorten the names."""
        node.names = [self._new.get(name, name) for name in node.names]
        return node

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.AST:
        """Shorten the names."""
        node.names = [self._new.get(name, name) for name in node.names]
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        """Shorten the name of what was raised."""
        self.generic_visit(node)
        node.name = self._new.get(node.name, node.name) if node.name else None
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Shorten it if it is private."""
        self.generic_visit(node)
        if node.attr.startswith("_"):
            node.attr = self._new.get(node.attr, node.attr)
        return node
