"""A terminal of 80 x 24 for tests: a command runs on a real pseudo-terminal, and a test presses keys and reads the screen."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import pytest

UP, DOWN, ENTER, CTRL_C = "\x1b[A", "\x1b[B", "\r", "\x03"
TIMEOUT = 120
"""Seconds until a screen is given up."""


class Terminal:
    """A command on a pseudo-terminal of 80 x 24, and what it printed."""

    def __init__(self, command: list[str], cwd: Path, extra: Mapping[str, str] | None = None) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", **(extra or {})}
        self._process = subprocess.Popen(command, cwd=cwd, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True)
        os.close(slave)
        self.text = ""
        self._read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(TIMEOUT)
        os.close(self._master)

    def _more(self, deadline: float) -> bool:
        """Read what there is; False at the end of the output."""
        ready, _, _ = select.select([self._master], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            pytest.fail(f"nothing more after\n{self.text[-2000:]}")
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux reports a closed other end in this way
            return False
        self.text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode(errors="replace"))
        return bool(data)

    def expect(self, words: str) -> None:
        """Wait until `words` are printed, after what was expected before."""
        deadline = time.monotonic() + TIMEOUT
        while (found := self.text.find(words, self._read)) < 0:
            if not self._more(deadline):
                pytest.fail(f"{words!r} was not printed, but\n{self.text[-2000:]}")
        self._read = found + len(words)

    def send(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def end(self) -> int:
        """Wait for the end. Return the exit code."""
        deadline = time.monotonic() + TIMEOUT
        while self._more(deadline):
            pass
        return self._process.wait(TIMEOUT)
