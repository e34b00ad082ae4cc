"""The wheel holds exactly what it should, and runs alone."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {
    "herdcore": "firmware/lib/herdcore",
    "collar": "firmware/lib/collar",
    "relay": "relay",
    "simulator": "simulator",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True, capture_output=True,
    )  # fmt: skip
    (path,) = out.glob("herdbell-*.whl")
    return path


def tracked(folder):
    """Return the files of a folder that belong to the product, relative to it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return {
        str(Path(line).relative_to(folder)) for line in listed.stdout.splitlines() if (ROOT / line).exists()
    }


def test_the_wheel_holds_exactly_the_four_packages_and_the_boards_two_files(wheel):
    names = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    expected = {f"{package}/{name}" for package, folder in FOLDERS.items() for name in tracked(folder)}
    assert names == expected | {"simulator/board/boot.py", "simulator/board/main.py"}


@pytest.fixture(scope="module")
def clean_venv(wheel, tmp_path_factory):
    """A virtual environment with nothing but the wheel and what it asks for; no checkout on its path."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True, symlinks=True)
    done = subprocess.run(
        [folder / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", str(wheel)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(
            f"the wheel's dependencies cannot be installed here: {done.stderr.strip().splitlines()[-1]}"
        )
    return folder / "bin"


def run(command, cwd, timeout=120):
    """Run a command far from the checkout; return the finished process."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MICROPYPATH")}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout)


@pytest.mark.timeout(400)
def test_a_venv_with_only_the_wheel_answers_help(clean_venv, tmp_path):
    for tool in ("herdbell", "herdbell-sim"):
        done = run([clean_venv / tool, "--help"], tmp_path)
        assert done.returncode == 0, done.stderr
        assert "Commands:" in done.stdout


@pytest.mark.timeout(400)
def test_a_venv_with_only_the_wheel_runs_the_demo(clean_venv, tmp_path):
    done = run(
        [clean_venv / "herdbell-sim", "demo", "--exit", "--collars", "2", "--sick", "0", "--days", "0.05",
         "--relay-port", "0", "--phone-port", "0"],
        tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    assert "day over" in done.stdout
