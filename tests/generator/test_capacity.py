"""Capacity: the macros against a scheduler that places pods in any order, and the page that shows the sums."""

import random
import re
from itertools import product
from typing import Any, NamedTuple

import pytest
import yaml

from tests.generator.test_macros import environment, macro  # noqa: F401  fixtures
from tests.harness import ROOT, Renderer

WORKLOAD = yaml.safe_load((ROOT / "extensions/catalogue/workload.yaml").read_text(encoding="utf-8"))
INSTANCES = yaml.safe_load((ROOT / "extensions/catalogue/instances.yaml").read_text(encoding="utf-8"))
TYPES = ("t3.medium", "t4g.medium", "t3.large", "m7g.large", "m6i.large")
PROFILES: dict[str, dict[str, Any]] = {
    "sandbox": {},
    "startup": {},
    "production": {"domain": "api.example.com"},
    "regulated": {"domain": "api.example.com"},
}


class Pod(NamedTuple):
    """The requests of one pod: millicores and MiB."""

    cpu: int
    memory: int


def pods(api: int, worker: int, *, queue: bool) -> list[Pod]:
    """The service's pods with surge, and the cluster's own in equal shares, rounded up."""
    found = [Pod(WORKLOAD["api.cpu"], WORKLOAD["api.memory"])] * -(-api * 5 // 4)
    found += [Pod(WORKLOAD["worker.cpu"], WORKLOAD["worker.memory"])] * -(-worker * 5 // 4)
    for name in ("system", "queue") if queue else ("system",):
        count = WORKLOAD[f"{name}.pods"]
        found += [Pod(WORKLOAD[f"{name}.cpu"] // count, WORKLOAD[f"{name}.memory"] // count)] * count
    return found


def placed(wanted: list[Pod], nodes: int, room: Pod, order: random.Random) -> bool:
    """Return whether each pod fits, if it is placed on any node with enough capacity."""
    free = [room] * nodes
    for pod in wanted:
        fitting = [index for index, left in enumerate(free) if left.cpu >= pod.cpu and left.memory >= pod.memory]
        if not fitting:
            return False
        index = order.choice(fitting)
        free[index] = Pod(free[index].cpu - pod.cpu, free[index].memory - pod.memory)
    return True


# For each size of the replica counts: the macros of nodes and API replicas, the row of workers, and the macros' last argument.
COUNTS = {
    "fewest": ("smallest", "api_least", "worker.min", ()),
    "most": ("largest", "api_most", "worker.max", (False,)),
    "most of a sandbox": ("largest", "api_most", "lower.worker.max", (True,)),
}


@pytest.mark.parametrize(("type_", "which", "scaling", "delivery"), product(TYPES, COUNTS, ("cpu", "queue"), ("rolling", "canary")))
def test_pods_fit_in_whatever_order_they_come(type_: str, which: str, scaling: str, delivery: str, macro: Any) -> None:  # noqa: F811  the fixture
    queue = scaling == "queue"
    nodes_macro, api_macro, worker, low = COUNTS[which]
    nodes = int(macro("capacity", nodes_macro, type_, queue, delivery, *low))
    api = int(macro("capacity", api_macro, delivery, *low))
    room = Pod(int(macro("capacity", "node_cpu", type_)), int(macro("capacity", "node_memory", type_)))
    wanted = pods(api, WORKLOAD[worker], queue=queue)
    order = random.Random(7)  # noqa: S311  the same orders in each run
    for _ in range(300):
        order.shuffle(wanted)
        assert placed(wanted, nodes, room, order), f"{nodes} x {type_}"


def test_the_scheduler_of_these_tests_can_fail(macro: Any) -> None:  # noqa: F811  the fixture
    room = Pod(int(macro("capacity", "node_cpu", "t3.medium")), int(macro("capacity", "node_memory", "t3.medium")))
    assert not placed(pods(10, 10, queue=False), 3, room, random.Random(7))  # noqa: S311  the same order in each run


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    section = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("delivery", ["rolling", "canary"])
@pytest.mark.parametrize("profile", PROFILES)
def test_the_page_shows_that_every_environment_fits(render: Renderer, profile: str, delivery: str) -> None:
    project = render({"profile": profile, "delivery": delivery} | PROFILES[profile])
    page = (project / "docs/capacity.md").read_text(encoding="utf-8")
    environments = [path.name for path in (project / "deploy/overlays").iterdir()]
    nodes = rows(page, "Nodes")
    assert len(nodes) == 4 * len(environments)
    for needed, fits in zip(nodes[::2], nodes[1::2], strict=True):
        for need, room in zip(needed[3:], fits[3:], strict=True):
            assert 0 < int(need) <= int(room), needed
    connections = rows(page, "Connections to PostgreSQL")
    assert len(connections) == len(environments)
    for _environment, _class, total, usable, processes, pool in connections:
        assert WORKLOAD["connections.pool_minimum"] <= int(pool) <= WORKLOAD["connections.pool_maximum"]
        assert int(pool) * int(processes) <= int(usable) < int(total)
    assert ("canary" in page) == (delivery == "canary")


def test_the_pages_pool_is_the_one_that_is_deployed(render: Renderer) -> None:
    project = render({})
    for row in rows((project / "docs/capacity.md").read_text(encoding="utf-8"), "Connections to PostgreSQL"):
        settings = (project / "deploy/overlays" / row[0] / "kustomization.yaml").read_text(encoding="utf-8")
        assert f"- DATABASE_POOL_SIZE={row[5]}\n" in settings


def test_the_page_tells_the_tasks_that_a_deployed_worker_runs_at_a_time(render: Renderer) -> None:
    project = render({})
    page = (project / "docs/capacity.md").read_text(encoding="utf-8")
    tasks, connections = rows(page, "Tasks"), rows(page, "Connections to PostgreSQL")
    assert [row[0] for row in tasks] == [row[0] for row in connections]
    base = (project / "deploy/base/kustomization.yaml").read_text(encoding="utf-8")
    for (_, each, bulk, shared, _), (*_, pool) in zip(tasks, connections, strict=True):
        assert f"- WORKER_CONCURRENCY={each}\n" in base
        assert int(shared) == int(pool) - 1
        assert int(bulk) == max(1, int(shared) // 2)


def test_a_service_that_joins_says_what_it_asks_of_the_platform(render: Renderer) -> None:
    page = (render({"platform": "join"}) / "docs/capacity.md").read_text(encoding="utf-8")
    # 3 + 3 and 13 + 13 pods
    least, most = r"6 pods,\s900 m of CPU and 1536 MiB of memory", r"with the maximum, in production, 26 pods, 3900 m and 6656 MiB"
    assert re.search(f"{least};\\s{most}", page)
