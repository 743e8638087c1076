"""The measuring half of service.py, run by the rendered project's Python. Prints one JSON object."""

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from service_cases import Case, User, claims, execute, prepare, public_key
from service_servers import Server, addresses, image, peer, service, service_environment

BARE = "GET / HTTP/1.1\r\nHost: benchmark\r\n\r\n"
IMPORT = "import time, app.{}, app.composition; app.composition.discover(); print(time.process_time())"


def load(server: Server, messages: Sequence[str], requests: int, connections: int) -> dict[str, Any]:
    """Ask a server. Adds `cpu`, the CPU milliseconds of a request, and `rate`, requests per second."""
    order = {"port": server.port, "connections": connections, "requests": requests, "messages": list(messages)}
    command = [sys.executable, str(Path(__file__).with_name("service_load.py"))]
    before = server.cpu_seconds()
    run = subprocess.run(command, input=json.dumps(order), capture_output=True, text=True, check=True)
    report: dict[str, Any] = json.loads(run.stdout)
    report["cpu"] = 1_000 * (server.cpu_seconds() - before) / requests
    report["rate"] = requests / report["seconds"]
    return report


def demand(report: dict[str, Any], what: str) -> dict[str, Any]:
    """Refuse figures of requests that failed."""
    if not all(status.startswith("2") for status in report["statuses"]):
        message = f"{what}: {report['statuses']}"
        raise SystemExit(message)
    return report


def measure(case: Case, servers: dict[str, Server], rounds: int, database_url: str) -> dict[str, Any]:
    """The medians of one case, the three servers in turn."""
    figures: dict[str, list[float]] = {name: [] for name in servers}
    asked = {"service": case.service, "floor": case.floor, "bare": [BARE]}
    for turn in range(rounds + 1):
        if case.before:
            asyncio.run(execute(database_url, case.before))
        for name, server in servers.items():
            requests = 6_000 if name == "bare" else case.requests
            report = demand(load(server, asked[name], requests, 32), f"{case.name}, {name}")
            if turn:  # the first round warms up
                figures[name].append(report["cpu"])
    medians = {name: statistics.median(values) for name, values in figures.items()}
    print(case.name, {name: round(value, 3) for name, value in medians.items()}, file=sys.stderr)
    return {"case": case.name, "goal": case.goal, **medians, "ratio": medians["service"] / medians["floor"]}


def concurrency(server: Server, messages: Sequence[str], rounds: int) -> dict[str, Any]:
    """Rates at 32 and 128 connections in turn, and the statuses at 256."""
    rates: dict[int, list[float]] = {32: [], 128: []}
    for _ in range(rounds):
        for connections, values in rates.items():
            values.append(demand(load(server, messages, 3_000, connections), f"{connections} connections")["rate"])
    many = load(server, messages, 6_000, 256)
    medians = {connections: statistics.median(values) for connections, values in rates.items()}
    return {"rate_32": medians[32], "rate_128": medians[128], "share": medians[128] / medians[32], "statuses_256": many["statuses"]}


def import_seconds(python: str, module: str, project: Path, environment: dict[str, str]) -> float:
    """CPU seconds of a process that imports the API (`main`) or the worker, the median of five."""
    command = [python, "-c", IMPORT.format(module)]
    runs = [subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=True) for _ in range(5)]
    return statistics.median(float(run.stdout) for run in runs)


def log_in_often(server: Server) -> None:
    """Eight users at a time log in, 25 times each."""
    users = [User(server) for _ in range(8)]
    with ThreadPoolExecutor(len(users)) as pool:
        for tokens in pool.map(lambda user: [user.log_in() for _ in range(25)], users):
            if not all(tokens):
                raise SystemExit(tokens)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("project", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", help="only the cases whose name contains this")
    parser.add_argument("--log", type=Path, help="where the service's log is kept")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found = stack.enter_context(addresses(folder))
        python, variables = image(given.project, folder)
        environment = service_environment(found)
        served = stack.enter_context(service(environment | variables, given.project, given.log or folder / "service.log", python))
        user = User(served)
        cases = prepare(user, found.database_url, found.redis_url)
        environment |= {"PUBLIC_KEY": public_key(served), "AUDIENCE": claims(user.token)["aud"]}
        floor = stack.enter_context(peer("floor", "/live", environment, folder / "floor.log"))
        bare = stack.enter_context(peer("bare", "/", environment, folder / "bare.log"))
        servers = {"service": served, "floor": floor, "bare": bare}
        chosen = [case for case in cases if not given.case or given.case in case.name]
        report: dict[str, Any] = {"cases": [measure(case, servers, given.rounds, found.database_url) for case in chosen]}
        if not given.case:
            report["concurrency"] = concurrency(served, [message for case in cases for message in case.service], given.rounds)
            log_in_often(served)
            report["memory"] = served.memory()
            report["import"] = {
                name: import_seconds(python, module, given.project, environment | variables)
                for name, module in {"API": "main", "worker": "worker"}.items()
            }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
