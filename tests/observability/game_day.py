"""The game day: faults planted one after the other in a running service, and what its alarms, its messages and its runbooks make of them.

`python -m tests.observability.game_day` renders and installs a project, plans its service on the emulated AWS, runs
`benchmarks/game_day_run.py` with it, and writes docs/game-day.md. `--recording FILE` takes a recording that is there instead of a new one.

The scrapes of the running processes go through the agent's arithmetic (`agent.py`), and its samples through CloudWatch's rules
(`cloudwatch.py`), for every alarm of the plan that reads the application's metrics. The lines that were logged during a fault answer the
saved query of its runbook (`insights.py`), printed by the project's own `ops`. benchmarks/game_day_run.py says which parts are simulated.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.harness import ROOT, Renderer, copy_template, required
from tests.infrastructure.emulator import emulated_aws
from tests.infrastructure.terraform import Plan, Planner
from tests.infrastructure.test_watch import alarms, composites
from tests.infrastructure.variants import VARIANTS, Case
from tests.observability.agent import Agent
from tests.observability.cloudwatch import MINUTE, Alarm, Metrics, State, acts, composite
from tests.observability.insights import Event, event, run

CASE = Case("startup", "service", "production")
PAGE = ROOT / "docs/game-day.md"

PLANTED = {
    "errors": "a release in which one route raises an exception; 3 of 20 requests meet it",
    "slow-requests": "a release in which one route takes 0.7 s longer; 3 of 20 requests meet it",
    "dead-tasks": "a mail server that answers 451 to every attempt",
    "login-failures": "ten wrong passwords a minute, each from another IP address",
    "database-unreachable": "PostgreSQL is stopped for six minutes",
    "redis-unreachable": "Valkey is stopped for six minutes",
    "oldest-task": "a mail server that takes connections and says nothing, and 20 mails",
}
WEAKER = {
    "errors": "1 of 20 requests meets it",
    "slow-requests": "1 of 20 requests meets it",
    "dead-tasks": "451 once, and the repeated attempt succeeds",
    "login-failures": "19 in five minutes",
    "database-unreachable": "for one minute",
    "redis-unreachable": "for one minute",
    "oldest-task": "for four minutes",
}
"""The same fault below its threshold."""


@dataclass(frozen=True)
class Day:
    """A recording, and everything that follows from it."""

    recording: Mapping[str, Any]
    agent: Agent
    plan: Plan
    project: Path

    @cached_property
    def metrics(self) -> Metrics:
        """The samples that reach CloudWatch."""
        found = Metrics()
        living: dict[str, str] = {}
        for at, job, instance, text in self.recording["scrapes"]:
            if living.get(job, instance) != instance:
                self.agent.miss(job, living[job])
            living[job] = instance
            if text is None:
                self.agent.miss(job, instance)
            else:
                found.put(self.agent.scrape(job, instance, text, at))
        return found

    @cached_property
    def minutes(self) -> int:
        """The length of the day."""
        return int(max(at for at, *_ in self.recording["scrapes"]) // MINUTE) + 1

    @cached_property
    def alarms(self) -> dict[str, Alarm]:
        """The alarms on the application's metrics; nothing feeds the others."""
        namespace = CASE.variant
        found = {}
        for name, resource in alarms(self.plan).items():
            spaces = {resource["namespace"]} if resource["metric_name"] else set()
            spaces |= {query["metric"][0]["namespace"] for query in resource["metric_query"] or [] if query["metric"]}
            if spaces == {namespace}:
                found[name] = Alarm(resource.values)
        return found

    @cached_property
    def states(self) -> dict[str, list[State]]:
        """The state of each alarm at the end of each minute, composite alarms among them."""
        found: dict[str, list[State]] = {}
        for name, alarm in self.alarms.items():
            states, before = [], State.INSUFFICIENT_DATA
            for minute in range(1, self.minutes + 1):
                before = alarm.state(self.metrics, minute * MINUTE, before)
                states.append(before)
            found[name] = states
        prefix = f"{CASE.variant}-{CASE.environment}-"
        for name, resource in composites(self.plan).items():
            rule = resource["alarm_rule"].replace(prefix, "")
            parts = set(re.findall(r'ALARM\("([^"]+)"\)', rule))
            if parts <= set(found):
                found[name] = [
                    State.ALARM if composite(rule, {part: found[part][minute] for part in parts}) else State.OK
                    for minute in range(self.minutes)
                ]
        return found

    def fired(self, name: str, begin: float, end: float) -> list[int]:
        """The minutes in which an alarm was in ALARM, of those that end in (begin, end]."""
        return [minute for minute in range(int(begin // MINUTE), int(end // MINUTE)) if self.states[name][minute] is State.ALARM]

    @cached_property
    def messages(self) -> dict[str, list[int]]:
        """The minutes in which each alarm sent that it fires."""
        every = {**alarms(self.plan), **composites(self.plan)}
        found = {}
        for name, states in self.states.items():
            if every[name].given("alarm_actions"):
                firing = [state is State.ALARM for state in states]
                suppressors = every[name].values.get("actions_suppressor") or [{}]
                cause = str(suppressors[0].get("alarm", "")).removeprefix(f"{CASE.variant}-{CASE.environment}-")
                silenced = [state is State.ALARM for state in self.states[cause]] if cause else [False] * self.minutes
                wait, extension = (int(suppressors[0].get(f"{word}_period", 0)) // 60 for word in ("wait", "extension"))
                found[name] = acts(firing, silenced, wait=wait, extension=extension)
        return found

    def runbook(self, name: str) -> Path:
        """The runbook that the message of an alarm names."""
        description = {**alarms(self.plan), **composites(self.plan)}[name]["alarm_description"]
        return self.project / "docs" / str(description).rpartition("/blob/main/docs/")[2]

    def look(self, runbook: Path) -> list[str]:
        """The two commands of a runbook's first look."""
        (block,) = re.findall(r"```sh\n(.*?)```", runbook.read_text(encoding="utf-8"), re.DOTALL)
        return [str(line) for line in block.splitlines()]

    def events(self, fault: str) -> list[Event]:
        """The lines that were logged during a fault."""
        return [event(line, pod=pod, namespace=CASE.variant) for pod, line in self.recording["lines"][fault]]

    def answer(self, fault: str, query: str) -> str:
        """The output of `ops query`, of the lines that were logged during a fault."""
        saved = {row["name"].rpartition("/")[2]: row["query_string"] for row in self.plan.of("aws_cloudwatch_query_definition")}
        return _printed(self.project, run(saved[query], self.events(fault)))


def _printed(project: Path, rows: list[dict[str, str]]) -> str:
    """Rows as the project's own `ops query` prints them."""
    program = "import json, sys; from ops.queries import text_of; print(text_of(json.load(sys.stdin)))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "ops/src"), "PYTHONDONTWRITEBYTECODE": "1"},
        input=json.dumps(rows),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@dataclass(frozen=True)
class Finding:
    """The effects of one fault. Minutes count from its planting, and from its end."""

    fault: str
    fired_after: int | None
    recovered_after: int | None
    below: bool
    below_messages: tuple[str, ...]
    messages: tuple[tuple[str, int], ...]
    left: tuple[str, ...]
    runbook: Path
    query: str
    answer: str


def finding(day: Day, fault: str) -> Finding:
    """Read the day for one fault."""
    marks = day.recording["marks"][fault]
    during = day.fired(fault, marks["planted"], marks["end"])
    below, planted, mended, end = (int(marks[name] // MINUTE) for name in ("below", "planted", "mended", "end"))
    runbook = day.runbook(fault)
    query = next(words.group(1) for line in day.look(runbook) if (words := re.search(r"ops query ENVIRONMENT ([a-z-]+)", line)))
    return Finding(
        fault=fault,
        fired_after=during[0] + 1 - planted if during else None,
        recovered_after=during[-1] + 2 - mended if during and during[-1] + 1 < end else None,
        below=bool(day.fired(fault, marks["calm"], marks["planted"])),
        below_messages=tuple(sorted(name for name, sent in day.messages.items() if any(below <= minute < planted for minute in sent))),
        messages=tuple(
            (name, minute + 1 - planted) for name, sent in sorted(day.messages.items()) for minute in sent if planted <= minute < end
        ),
        left=tuple(name for name in day.messages if day.states[name][end - 1] is State.ALARM),
        runbook=runbook,
        query=query,
        answer=day.answer(fault, query),
    )


@contextmanager
def planned(project: Path) -> Iterator[Plan]:
    """The plan of the service in production."""
    with tempfile.TemporaryDirectory() as folder, emulated_aws(Path(folder) / "moto.log") as aws:
        planner = Planner(aws, Path(folder) / "plans")
        planner.start(CASE, project)
        try:
            yield planner(CASE)
        finally:
            planner.pool.shutdown()


def record(project: Path, recording: Path, faults: Sequence[str] = ()) -> None:
    """Spend the day with an installed project."""
    script = str(ROOT / "benchmarks/game_day_run.py")
    command = [str(project / ".venv/bin/python"), script, str(project), str(recording), *(f"--fault={fault}" for fault in faults)]
    environment = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-5000:]}"


def install(project: Path) -> None:
    """Install a rendered project, as a developer does."""
    environment = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    subprocess.run([required("uv"), "sync", "-q"], cwd=project, env=environment, check=True)


HEAD = """# A game day

Seven faults, planted one after the other in a running service: a project of the profile `startup`, whose API, worker, PostgreSQL,
Valkey and mail server run as processes, in production mode. `python -m tests.observability.game_day` spends the day again and writes
this page, and `tests/observability/test_game_day.py` asserts it every week.

Real are the processes, the requests, the faults, the scrapes of `/metrics` and the log lines. Simulated are the clock, the agent and
CloudWatch: half a minute of the day is a batch of requests and a scrape, the samples follow the agent's source, and the alarms are
those of the plan, by the rules of CloudWatch's user guide. Waiting tasks are aged by what the clock gains, and a task has two attempts
instead of ten. What AWS measures itself (pods, nodes, RDS, ElastiCache) is not part of the day.

| Fault | Alarm | Fires after | Recovers after | Messages | Below its threshold | Runbook in `docs/runbooks` |
|---|---|--:|--:|---|---|---|
"""
TAIL = """Minutes count from the fault, and from its end. A message is sent by the alarm itself, or by the composite alarm of which it is a
part: `users`, `tasks` and `error-budget` wait two minutes for `database-unreachable`, and stay quiet while it fires. `users` and
`error-budget` also watch the error budget, which every failed or slow request spends: logins of a busy machine among them."""
FIRST_LOOK = """## The first look

The saved query of each runbook, asked of the lines that were logged during its fault; the first three rows."""


def page(day: Day, findings: Sequence[Finding]) -> str:
    """docs/game-day.md."""
    rows = []
    for one in findings:
        sent = ", ".join(f"`{name}` ({minute} min)" for name, minute in one.messages)
        others = " and ".join(f"`{name}`" for name in one.below_messages)
        quiet = f"{WEAKER[one.fault]}: {'fires' if one.below else 'quiet'}{f'; {others} by the error budget' if others else ''}"
        fired, recovered = (f"{minutes} min" if minutes is not None else "never" for minutes in (one.fired_after, one.recovered_after))
        rows.append(f"| {PLANTED[one.fault]} | `{one.fault}` | {fired} | {recovered} | {sent} | {quiet} | `alarms/{one.runbook.name}` |")
    newborn = sorted({name for name in day.messages if day.fired(name, 0, min(m["calm"] for m in day.recording["marks"].values()))})
    parts = [
        HEAD + "\n".join(rows),
        TAIL,
        f"In the first half hour, without a request, {', '.join(newborn) or 'no alarm'} fired.",
        FIRST_LOOK,
    ]
    for one in findings:
        lines = [f"$ uv run ops query production {one.query}", *one.answer.splitlines()[:3]]
        for command, output in day.recording["commands"].get(one.fault, ()):
            lines += [f"$ {command}", *output.splitlines()[:2]]
        parts += [f"`{one.fault}`:", "```\n" + "\n".join(lines) + "\n```"]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Spend the day, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, help="an installed project of the profile startup, named startup")
    parser.add_argument("--recording", type=Path, help="a recording that is there")
    parser.add_argument("--page", type=Path, default=PAGE)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # PostgreSQL's own user must be able to enter the directory.
        Path(folder).chmod(0o711)
        project = given.project.absolute() if given.project else Path(folder) / "project"
        if given.project is None:
            renderer = Renderer(copy_template(Path(folder) / "template"), Path(folder))
            renderer.fresh(project, VARIANTS[CASE.variant])
        recording = given.recording or Path(folder) / "recording.json"
        if given.recording is None:
            install(project)
            record(project, recording)
        with planned(project) as plan:
            agent = Agent.of(CASE.variant, CASE.environment, project / "deploy/components/metrics/agent.yaml")
            day = Day(json.loads(recording.read_text(encoding="utf-8")), agent, plan, project)
            given.page.write_text(page(day, [finding(day, fault) for fault in day.recording["marks"]]), encoding="utf-8")


if __name__ == "__main__":
    main()
