"""The questionnaire in a terminal of 80 x 24, as a person answers it: every profile can be chosen."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Self

import pytest

from sampan import reference
from tests.harness import copy_questionnaire

PROFILES = ("sandbox", "startup", "production", "regulated")
NEEDS_DOMAIN = ("production", "regulated")
UP, DOWN, ENTER = "\x1b[A", "\x1b[B", "\r"
TIMEOUT = 120
"""Seconds until a screen is given up."""


class Terminal:
    """A command on a pseudo-terminal of 80 x 24, and what it printed."""

    def __init__(self, command: list[str], cwd: Path) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
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
        except OSError:  # how Linux says that the other end is closed
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
        """Wait for the end; the exit code."""
        deadline = time.monotonic() + TIMEOUT
        while self._more(deadline):
            pass
        return self._process.wait(TIMEOUT)


def asked() -> list[tuple[str, str]]:
    """The questions that are asked of a service with a platform of its own, in order: name and help."""
    return [(name, details["help"]) for name, details in reference.questions().items() if details.get("ask", True) is True]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_can_be_chosen(profile: str, tmp_path: Path) -> None:
    template = copy_questionnaire(tmp_path / "template")
    command = [sys.executable, "-m", "copier", "copy", str(template), "project"]
    with Terminal(command, tmp_path) as terminal:
        for name, words in asked():
            terminal.expect(words[:60])
            if name == "profile":
                distance = PROFILES.index(profile) - PROFILES.index("startup")
                terminal.send((DOWN if distance > 0 else UP) * abs(distance) + ENTER)
            elif name == "domain" and profile in NEEDS_DOMAIN:
                terminal.send(ENTER)
                terminal.expect("write a host such as api.example.com")
                terminal.send(f"api.example.com{ENTER}")
            else:
                terminal.send(ENTER)
        code = terminal.end()
    assert code == 0, terminal.text[-2000:]
    assert "Traceback" not in terminal.text
    assert "is ready in" in terminal.text
