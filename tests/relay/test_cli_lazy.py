"""Commands are imported when they are asked for, and each is there under its name."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from relay.__main__ import main


def groups(group=main, path="herdbell"):
    """Yield (path, group) of it and of every group below."""
    yield path, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from groups(command, f"{path} {name}")


@pytest.mark.parametrize(("path", "group"), list(groups()), ids=lambda it: it if isinstance(it, str) else "")
def test_every_command_of_a_group_is_there_under_its_name(path, group):
    context = click.Context(group)
    names = group.list_commands(context)
    assert names == [group.get_command(context, name).name for name in names], path
    assert group.get_command(context, "nothing") is None


def test_who_adds_a_farm_waits_for_neither_web_server_nor_numbers():
    probe = (
        "import sys, click; from relay.__main__ import main; context = click.Context(main);"
        "main.get_command(context, 'farm'); main.get_command(context, 'collar');"
        "sys.exit(' '.join({'aiohttp', 'numpy', 'matplotlib', 'apprise'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True).stderr == "\n"
