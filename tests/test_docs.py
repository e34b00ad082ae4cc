"""Every command, target, setting and file that a page names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(p for folder in (".", "firmware", "relay", "simulator") for p in (ROOT / folder).glob("*.md"))
TARGETS = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def commands(group, prefix):
    """Yield (words, options) of every command below a click group."""
    import click

    yield prefix, {o for p in group.params for o in p.opts} | {"--help", "-h"}
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            yield from commands(group.get_command(context, name), (*prefix, name))


@pytest.fixture(scope="module")
def known():
    from relay.__main__ import main as herdbell
    from simulator.__main__ import main as herdbell_sim

    return dict([*commands(herdbell, ("herdbell",)), *commands(herdbell_sim, ("herdbell-sim",))])


def code_spans(page):
    """Return what a page shows as code: fenced or indented lines and `spans`."""
    text = page.read_text(encoding="utf-8")
    fenced = re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL)
    indented = re.findall(r"^    (.+)$", text, re.MULTILINE)
    return [
        *(line for block in fenced for line in block.splitlines()),
        *indented,
        *re.findall(r"`([^`\n]+)`", text),
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_make_target_that_a_page_names_exists(page):
    named = {t for span in code_spans(page) for t in re.findall(r"\bmake ([a-z][a-z0-9-]*)", span)}
    assert named - TARGETS == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_command_and_option_that_a_page_names_exists(page, known):
    for span in code_spans(page):
        for tool, rest in re.findall(
            r"\b(herdbell(?:-sim)?) ((?:[a-z]+ ?|--?[a-z-]+[ =]?\S*|[A-Z\"]\S* ?)*)", span
        ):
            words = rest.split()
            path = (tool,)
            while words and (*path, words[0]) in known:
                path = (*path, words.pop(0))
            assert path != (tool,) or not words or words[0].startswith("-"), (
                f"{page.name}: no such command: {span}"
            )
            options = {re.split(r"[= ]", word)[0] for word in words if word.startswith("--")}
            assert options <= known[path], f"{page.name}: {' '.join(path)} has no {options - known[path]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_file_that_a_page_links_to_exists(page):
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_help_explains_every_command(known):
    from relay.__main__ import main as herdbell
    from simulator.__main__ import main as herdbell_sim

    for path in known:
        group = herdbell if path[0] == "herdbell" else herdbell_sim
        result = CliRunner().invoke(group, [*path[1:], "--help"])
        assert result.exit_code == 0, path
        assert len(result.output.splitlines()) > 3, path


def test_make_help_lists_every_target():
    lines = (ROOT / "Makefile").read_text().splitlines()
    described = {m[1] for line in lines if (m := re.match(r"^([a-z][a-z0-9-]*):.*## ", line))}
    assert described == TARGETS
