"""The measuring half of observation.py, run by the rendered project's Python. Prints one JSON list."""

import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
from pathlib import Path

from app.dev.services import free_port
from service_cases import User, execute, prepare
from service_rounds import demand, load
from service_servers import addresses, running, service, service_environment, until_ready

QUIET = Path(__file__).with_name("service_quiet.py")


def main() -> None:
    """Measure the cases whose name holds a text."""
    project, rounds, wanted = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found = stack.enter_context(addresses(folder / "data"))
        environment = service_environment(found)
        servers = {"service": stack.enter_context(service(environment, project, folder / "service.log"))}
        for name, without in {"unlogged": ["log"], "quiet": ["log", "metrics"]}.items():
            port = free_port()
            command = [sys.executable, str(QUIET), ",".join(without), "api", "--host", "127.0.0.1", "--port", str(port)]
            log = folder / f"{name}.log"
            servers[name] = stack.enter_context(running(name, command, environment=environment, port=port, directory=project, log=log))
            until_ready(f"http://127.0.0.1:{port}/api/health/ready")
        report = []
        for case in prepare(User(servers["service"]), found.database_url, found.redis_url):
            if wanted not in case.name:
                continue
            figures: dict[str, list[float]] = {name: [] for name in servers}
            for turn in range(rounds + 1):
                for name, server in servers.items():
                    if case.before:
                        asyncio.run(execute(found.database_url, case.before))
                    answered = demand(load(server, case.service, case.requests, 32), f"{case.name}, {name}")
                    if turn:  # the first round warms up
                        figures[name].append(answered["cpu"])
            report.append({"case": case.name, **{name: statistics.median(values) for name, values in figures.items()}})
    print(json.dumps(report))


if __name__ == "__main__":
    main()
