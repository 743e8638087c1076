"""The counting half of instructions.py, run by the rendered project's Python."""

import asyncio
import contextlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from app.dev.services import free_port
from service_cases import Case, User, execute, prepare
from service_rounds import demand, load
from service_servers import Server, addresses, service, service_environment

# Valgrind runs a program some fifty times slower.
START_SECONDS = 240
CONNECTIONS = 32


class Counted:
    """The service under callgrind, which counts only between `begin` and `end`."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, output: Path) -> None:
        self.server = Server("counted", process, port)
        self._pid = str(process.pid)
        self._output = output

    def begin(self) -> None:
        """Count from zero."""
        self._control("--instr=on")
        self._control("--zero")

    def end(self) -> int:
        """Return the number of instructions since `begin`."""
        before = set(self._dumps())
        self._control("--dump=case")
        self._control("--instr=off")
        (dump,) = set(self._dumps()) - before
        totals = re.search(r"^(?:summary|totals): (\d+)", dump.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        if totals is None:
            message = f"{dump.name} has no totals"
            raise SystemExit(message)
        return int(totals[1])

    def _control(self, order: str) -> None:
        subprocess.run(["callgrind_control", order, self._pid], check=True, capture_output=True)

    def _dumps(self) -> list[Path]:
        return [path for path in self._output.parent.glob(f"{self._output.name}.*") if path.suffix != ".log"]


@contextlib.contextmanager
def counted(project: Path, environment: dict[str, str], folder: Path) -> Iterator[Counted]:
    """The service under callgrind for the length of a block."""
    port, output = free_port(), folder / "counted"
    command = [sys.executable, "-m", "app", "api", "--host", "127.0.0.1", "--port", str(port)]
    valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={output}", f"--log-file={output}.log"]
    with (folder / "counted.txt").open("wb") as log:
        process = subprocess.Popen([*valgrind, *command], cwd=project, env=environment, stdout=log, stderr=log)
        try:
            _until_ready(f"http://127.0.0.1:{port}/api/health/ready")
            yield Counted(process, port, output)
        finally:
            process.terminate()
            process.wait()


def _until_ready(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, timeout=30).status_code == httpx.codes.OK:
                return
        time.sleep(0.5)
    message = f"{url} does not answer"
    raise SystemExit(message)


def instructions(case: Case, one: Counted, requests: int, database_url: str) -> float:
    """Return the instructions of a request, in thousands. Some requests come first, to warm up."""
    demand(load(one.server, case.service, 2 * CONNECTIONS, CONNECTIONS), case.name)
    if case.before:
        asyncio.run(execute(database_url, case.before))
    one.begin()
    demand(load(one.server, case.service, requests, CONNECTIONS), case.name)
    return one.end() / requests / 1_000


def main() -> None:
    """Count, and print a line per case."""
    project, requests, wanted = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found = stack.enter_context(addresses(folder / "data"))
        environment = service_environment(found)
        with service(environment, project, folder / "service.txt") as quick:
            cases = [case for case in prepare(User(quick), found.database_url, found.redis_url) if wanted in case.name]
        measured = stack.enter_context(counted(project, environment, folder))
        for case in cases:
            print(f"  {case.name:<26} {instructions(case, measured, requests, found.database_url):>9,.0f} thousand", flush=True)


if __name__ == "__main__":
    main()
