"""A board at the end of a pseudo terminal: the real interpreter at its prompt, for tools that want a port.

mpremote and serial terminals work on it unmodified. Its file system is a folder. It is no ESP32: there is no
machine module and no flash below the files. A soft reset ends the interpreter and starts the next one, as
on a board; the unix interpreter says nothing then, so what a board prints is printed here.
"""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import tty
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_CTRL_A, _CTRL_B, _CTRL_C, _CTRL_D = b"\x01", b"\x02", b"\x03", b"\x04"
_RAW_PROMPT = b"\x04>"  # a program sent to the raw prompt has ended
_SOFT_REBOOT = b"MPY: soft reboot\r\n"
_CHUNK_BYTES = 4096
_HEAP = "110wK"  # what a program has on a board, scaled to this interpreter's words
_ANGRY_BOOTS = 5  # interpreters that leave in a row without a word typed: something is wrong with them

# In a session of its own with the terminal as its own, so that Ctrl-C reaches a program that runs.
_LAUNCH = (
    "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); import micropython; "
    "sys.exit(micropython.main())"
)
_MOUNT = (
    "import os, sys, vfs; vfs.umount('/'); vfs.mount(vfs.VfsPosix({root!r}), '/'); os.chdir('/'); "
    "sys.path[:] = ['', '.frozen', '/lib']; del os, sys, vfs"
)


class BoardGoneError(RuntimeError):
    """The interpreter does not stay."""


class PtyBoard:
    """`with PtyBoard(folder) as board: board.serve()`; tools connect to `board.port` meanwhile.

    `folder` holds the board's files and is made if missing. serve() returns after stop(), which any thread
    and any signal handler may call. Raises BoardGoneError if the interpreter leaves again and again.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._root = str(folder.resolve())
        self._child: subprocess.Popen[bytes] | None = None
        self._raw = self._running = False
        self._said = b""
        self._unasked_exits = 0

    def __enter__(self) -> PtyBoard:
        self._host, self._line = pty.openpty()  # the line stays open: a tool that leaves is no end of file
        tty.setraw(self._line)
        self.port = os.ttyname(self._line)
        self._stop_read, self._stop_write = os.pipe()
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        for handle in (self._host, self._line, self._stop_read, self._stop_write):
            os.close(handle)

    def stop(self) -> None:
        """Let serve() return."""
        os.write(self._stop_write, b"x")

    def serve(self) -> None:
        """Carry bytes between the port and the interpreter, and start the next one when one has left."""
        while True:
            ready, _, _ = select.select([self._host, self._tty, self._stop_read], [], [])
            if self._stop_read in ready:
                return
            if self._tty in ready and not self._from_board():
                self._reboot()
            elif self._host in ready:
                self._to_board()

    def _start(self) -> None:
        self._tty, inner = pty.openpty()
        tty.setraw(inner, termios.TCSANOW)  # else the interpreter's line ends come out twice
        attributes = termios.tcgetattr(inner)
        attributes[3] |= termios.ISIG
        termios.tcsetattr(inner, termios.TCSANOW, attributes)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MICROPY"))}
        command = [sys.executable, "-I", "-c", _LAUNCH, "-X", f"heapsize={_HEAP}", "-i", "-c"]
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter
            [*command, _MOUNT.format(root=self._root)],
            stdin=inner, stdout=inner, stderr=inner, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(inner)

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None
            os.close(self._tty)

    def _to_board(self) -> None:
        self._unasked_exits = 0
        data = os.read(self._host, _CHUNK_BYTES)
        for byte in (data[i : i + 1] for i in range(len(data))):
            if byte == _CTRL_C and self._running:
                self._interrupt()
                continue
            if byte in {_CTRL_A, _CTRL_B}:
                self._raw = byte == _CTRL_A
            elif byte == _CTRL_D and self._raw:
                self._running, self._said = True, b""
            _write(self._tty, byte)

    def _interrupt(self) -> None:
        """Make Ctrl-C a signal: a program runs from the raw prompt with the terminal raw, a byte to it."""
        assert self._child is not None
        self._child.send_signal(signal.SIGINT)

    def _from_board(self) -> bool:
        """Carry what the interpreter says; False when it has left."""
        try:
            data = os.read(self._tty, _CHUNK_BYTES)
        except OSError:
            return False  # Linux tells the end of a terminal's last user so
        self._said = (self._said + data)[-len(_RAW_PROMPT) :]
        if self._said == _RAW_PROMPT:
            self._running = False
        _write(self._host, data)
        return bool(data)

    def _reboot(self) -> None:
        self._unasked_exits += 1
        if self._unasked_exits >= _ANGRY_BOOTS:
            raise BoardGoneError(f"the interpreter left {self._unasked_exits} times without being asked to")
        self._end()
        self._running = False
        _write(self._host, _SOFT_REBOOT)
        self._start()
        if self._raw:
            _write(self._tty, _CTRL_A)


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    with suppress(OSError):  # whoever was to read it is gone
        while view:
            view = view[os.write(handle, view) :]
