"""From this computer to a board: esptool for images, mpremote for files, both as their own programs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from collar.checks import check_identity
from collar.settings import SECTOR_BYTES, SECTORS, SettingsError, pack_identity
from simulator.collarhost.provision import identity_of
from simulator.partition_table import APP, TABLE_OFFSET, TableError, read_table, to_bytes
from simulator.stage import ARCHITECTURES, PACKAGES, StageError, stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from simulator.partition_table import Entry

IMAGE_OFFSETS = {"esp32": 0x1000, "esp32c3": 0x0, "esp32s3": 0x0}  # where MicroPython's .bin begins, by chip
BOARD_CHECK = Path(__file__).resolve().parent / "onboard" / "board_check.py"
PASSED = "board-test: all checks passed"  # board_check.py's last line

# What an earlier firmware left in our packages would shadow the new files: .py wins over .mpy.
_PRUNE = """
import os
def _prune(folder, keep):
    try:
        rows = list(os.ilistdir(folder))
    except OSError:
        return
    for row in rows:
        path = folder + "/" + row[0]
        if row[1] == 0x4000:
            _prune(path, keep)
        elif path not in keep:
            os.remove(path)
"""
_ASK = "import sys; print('mpy', getattr(sys.implementation, '_mpy', 0) >> 10 & 15)"
# A wake from deep sleep is no abnormal boot to the collar, a reset is. The pause lets mpremote leave first.
_GO = "import time, machine; time.sleep_ms(100); machine.deepsleep(10)"


class FlashingError(RuntimeError):
    """It cannot be done, or was not; one line that says what to do."""


def check_port(port: str, target: str) -> None:
    """Raise FlashingError unless `port` is a device that exists or a URL (socket://, rfc2217://)."""
    if not port:
        raise FlashingError(f"which board? make {target} PORT=/dev/ttyACM0{_found()}")
    if "://" not in port and not Path(port).exists():
        raise FlashingError(f"no such device: {port}{_found()}")


def _found() -> str:
    ports = sorted(
        str(p) for pattern in ("ttyACM*", "ttyUSB*", "cu.usb*") for p in Path("/dev").glob(pattern)
    )
    return (
        f" (there are: {', '.join(ports)})"
        if ports
        else " (no serial port is there: is the board plugged in?)"
    )


def _tool(name: str) -> list[str]:
    if importlib.util.find_spec(name) is None:
        raise FlashingError(f"{name} is missing: pip install 'herdbell[flash]'")
    return [sys.executable, "-m", name]


def _run(command: Sequence[str], what: str, cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, check=False)  # noqa: S603 - our own tools, arguments in a list
    if done.returncode:
        raise FlashingError(f"{what} failed (exit {done.returncode}): what is above says why")


def _mpremote(port: str) -> list[str]:
    return [*_tool("mpremote"), "connect", port]


def _architecture(port: str) -> str:
    """Ask the board for its processor; return its name for mpy-cross. Raises FlashingError."""
    done = subprocess.run([*_mpremote(port), "exec", _ASK], capture_output=True, text=True, check=False)  # noqa: S603 - our own tools
    said = done.stdout.split()
    if done.returncode or len(said) != 2 or said[0] != "mpy":
        why = (done.stderr.strip() or done.stdout.strip() or "no answer").splitlines()[-1]
        raise FlashingError(f"the board did not tell its processor ({why}): name it with --arch")
    if int(said[1]) not in ARCHITECTURES:
        raise FlashingError(f"processor {said[1]} of the board is none that is compiled for: pass --source")
    return ARCHITECTURES[int(said[1])]


def flash_files(port: str, *, source: bool = False, arch: str | None = None) -> None:
    """Put the collar's files on the board, take away what is no longer among them, and start it.

    Compiled for `arch` or for what the board says it is; `source`: as they are. Raises FlashingError.
    """
    check_port(port, "flash")
    if arch is None and not source:
        arch = _architecture(port)
    with tempfile.TemporaryDirectory(prefix="herdbell-flash-") as name:
        folder = Path(name)
        try:
            keep = [path.relative_to(folder).as_posix() for path in stage(folder, arch)]
        except StageError as error:
            raise FlashingError(str(error)) from error
        prune = _PRUNE + "".join(f"_prune('lib/{package}', {keep!r})\n" for package in PACKAGES)
        copy = ["fs", "cp", "-r", "lib", "boot.py", "main.py", ":"]
        _run(
            [*_mpremote(port), "exec", prune, "+", *copy, "+", "exec", "--no-follow", _GO], "mpremote", folder
        )


def flash_image(
    port: str, image: Path | None, *, chip: str, table: Path | None = None, prov: Path | None = None
) -> None:
    """Write a MicroPython image, then the partition table (CSV), then an identity where the table says.

    Any of the three may be left out, but `prov` needs `table`. An image brings a table of its own: ours
    replaces it. Raises FlashingError; nothing is written if a file is missing or makes no sense.
    """
    check_port(port, "flash-image")
    with tempfile.TemporaryDirectory(prefix="herdbell-flash-") as name:
        pieces = [] if image is None else [(IMAGE_OFFSETS[chip], _existing(image))]
        if table is not None:
            built = Path(name) / "partition-table.bin"
            entries = _entries(table)
            if image is not None:
                _require_room(image, chip, entries)
            built.write_bytes(to_bytes(entries))
            pieces.append((TABLE_OFFSET, built))
        if prov is not None:
            pieces.append((_prov_offset(table), _existing(prov)))
        if not pieces:
            raise FlashingError("nothing to write: make flash-image PORT=... IMAGE=ESP32_GENERIC_C3.bin")
        for offset, path in pieces:
            _write(port, chip, offset, path)


def _require_room(image: Path, chip: str, entries: Sequence[Entry]) -> None:
    end = IMAGE_OFFSETS[chip] + image.stat().st_size
    slots_end = [entry.offset + entry.size for entry in entries if entry.kind == APP]
    if not slots_end or end > min(slots_end):
        room = min(slots_end, default=0)
        raise FlashingError(f"{image.name} ends at {end:#x}, the table's application slot at {room:#x}")


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise FlashingError(f"no such file: {path}")
    return path


def _entries(table: Path) -> list[Entry]:
    try:
        return read_table(_existing(table))
    except TableError as error:
        raise FlashingError(str(error)) from error


def _prov_offset(table: Path | None) -> int:
    if table is None:
        raise FlashingError("an identity needs the partition table too: TABLE=firmware/partitions-4MiB.csv")
    offsets = [entry.offset for entry in _entries(table) if entry.label == "prov"]
    if not offsets:
        raise FlashingError(f"{table.name} has no partition called prov for the identity")
    return offsets[0]


def _write(port: str, chip: str, offset: int, path: Path) -> None:
    # Somebody else's bridge (socket://) has no reset lines: whoever runs it has put the chip in its loader.
    before = ["--before", "no-reset", "--after", "no-reset"] if "://" in port else []
    command = [*_tool("esptool"), "--chip", chip, "--port", port, *before]
    _run([*command, "write-flash", f"{offset:#x}", str(path)], f"esptool: {path.name} at {offset:#x}")


def repl(port: str) -> None:
    """Open the board's prompt in this terminal. Raises FlashingError."""
    check_port(port, "repl")
    _run([*_mpremote(port), "resume", "repl"], "mpremote")


def board_test(port: str, say: Callable[[str], None]) -> None:
    """Run board_check.py on the board, each of its lines to `say`. Raises FlashingError unless all passed."""
    check_port(port, "board-test")
    command = [*_mpremote(port), "run", str(BOARD_CHECK), "+", "exec", "--no-follow", _GO]
    last = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:  # noqa: S603 - our own tools
        assert running.stdout is not None
        for line in running.stdout:
            last = line.strip() or last
            say(line.rstrip())
    if last != PASSED:
        raise FlashingError("the board did not pass: each failed check above says what to do")


def write_identities(
    collars: Sequence[Mapping[str, Any]], out: Path, *, host: str, port: int, ssid: str, password: str,
    boot: int = 0, **settings: Any,
) -> list[Path]:  # fmt: skip
    """Write one image of the prov partition per collar to `out`, readable by its owner only; return paths.

    The image covers both sectors: a newer copy from an earlier life must not outlive it. `boot`: boots that
    this key has seen. `settings`: see identity_of. Raises FlashingError naming the collar and the bound.
    """
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for collar in collars:
        try:
            identity = identity_of(collar, host=host, port=port, **settings)
            identity = identity._replace(ssid=ssid, password=password, boot=boot)
            check_identity(identity)
            image = pack_identity(identity, counter=1)
        except (SettingsError, ValueError) as error:
            raise FlashingError(f"collar {collar['device']}: {error}") from error
        path = out / f"collar-{collar['device']}.bin"
        path.unlink(missing_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(image.ljust(SECTORS * SECTOR_BYTES, b"\xff"))
        paths.append(path)
    return paths
