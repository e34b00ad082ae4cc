"""herdbell doctor."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from relay.cli.common import config_option, json_option
from relay.config import ConfigError
from relay.doctor import FAIL, Finding, examine
from relay.settings import load_config

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@config_option
@json_option
def doctor(config_path: Path | None, as_json: bool) -> None:
    """Check settings, keys, disk, clock and port, and say what to do.

    Exit code 0: the relay can run, perhaps with warnings. 1: something has to be put right first.
    """
    try:
        findings = examine(load_config(config_path))
    except ConfigError as error:
        findings = [Finding("configuration", FAIL, str(error), "correct the setting")]
    for finding in findings:
        cure = f" -> {finding.cure}" if finding.cure else ""
        line = f"{finding.level:4}  {finding.check}: {finding.text}{cure}"
        click.echo(json.dumps(asdict(finding)) if as_json else line)
    raise SystemExit(1 if any(finding.level == FAIL for finding in findings) else 0)
