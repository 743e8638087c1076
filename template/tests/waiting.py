"""Wait until a condition is met. The limits are generous for busy machines, and only end a wait that hangs."""

import contextlib
import subprocess
import time
from collections.abc import Callable

import httpx

PATIENCE = 90.0


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait until a condition is met. Raises AssertionError."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)


def await_answer(url: str, process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> httpx.Response:
    """Wait until a process answers 200. Raises AssertionError, also when the process ends."""
    answers: list[httpx.Response] = []

    def answered() -> bool:
        assert process.poll() is None, f"{url}: the process ended"
        with contextlib.suppress(httpx.TransportError):
            answers.append(client.get(url))
        return bool(answers) and answers[-1].status_code == 200

    # One client for all attempts, because creating one reads the machine's certificates, which takes 20 ms.
    with httpx.Client() as client:
        until(answered, f"{url} answers 200")
    return answers[-1]
