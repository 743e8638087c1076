"""Releases, failures, drains and rollbacks under load: no request fails and no task is lost.

The tests run in this order on one service. Each starts from a service that is up, and leaves one behind.
"""

import json
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster import stack
from tests.cluster.cluster import Cluster
from tests.cluster.service import pods
from tests.cluster.world import SETTINGS_LINES, World, user_patches, world
from tests.harness import Renderer

pytestmark = pytest.mark.cluster

ROLLOUT_SECONDS = 600
DRAIN_SECONDS = 600


@pytest.fixture(scope="module")
def shop(cluster: Cluster, nodes: list[str], render: Renderer, pytestconfig: pytest.Config) -> Iterator[World]:
    """The service under load, from its first release on."""
    assert len(nodes) >= 2
    with world(cluster, render, pytestconfig.getoption("--load-image")) as made:
        yield made


def named(pod: dict[str, Any]) -> str:
    return str(pod["metadata"]["name"])


def pods_of(shop: World, name: str) -> list[dict[str, Any]]:
    """The pods of a Deployment, without those that end."""
    found = shop.service.cluster.items("pods", f"--namespace={shop.service.name}", f"--selector=app.kubernetes.io/name={name}")
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def is_ready(pod: dict[str, Any]) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", []))


def await_settled(shop: World) -> None:
    """Wait until every Deployment has what it wants, and nothing else."""

    def settled() -> bool:
        found = [shop.service.get("deployment", name) for name in ("api", "worker")]
        wanted = [(each["spec"]["replicas"], each["metadata"]["generation"]) for each in found]
        status = [each["status"] for each in found]
        up = [(each.get("readyReplicas", 0), each["observedGeneration"]) for each in status]
        return up == wanted and all(each.get("replicas") == each.get("updatedReplicas") == each.get("readyReplicas") for each in status)

    shop.service.cluster.await_true("the Deployments are not up", settled, ROLLOUT_SECONDS)


def runs(shop: World, digests: Any) -> None:
    """Assert that the pods of API and worker, not their Deployments alone, have these digests."""
    await_settled(shop)
    for name in ("api", "worker"):
        images = {pod["spec"]["containers"][0]["image"].rpartition("@")[2] for pod in pods_of(shop, name)}
        assert images == {digests[name]}, name


def release(shop: World, settings: str = "", patches: list[Any] | None = None) -> None:
    """Set what the environment's user sets, and commit it: the state that the next deploy takes."""
    shop.service.settings(SETTINGS_LINES + settings)
    shop.service.patches([*user_patches(), *(patches or [])])
    shop.service.commit("Next release")


def test_the_first_release_is_up(shop: World) -> None:
    runs(shop, shop.first)
    assert [pod["spec"]["readinessGates"] for pod in pods_of(shop, "api")] == [[{"conditionType": stack.GATE}]] * len(pods_of(shop, "api"))
    nodes = {pod["spec"]["nodeName"] for pod in pods_of(shop, "api")}
    assert len(nodes) == 2, "the pods are spread over the nodes"


def test_the_databases_take_tls_connections_alone(shop: World) -> None:
    query = "select bool_and(ssl) from pg_stat_ssl join pg_stat_activity using (pid) where usename in ('app', 'migrations')"
    where = ("exec", f"--namespace={stack.NAMESPACE}", "deployment/postgres", "--", "psql", "-U", "postgres", "-At", "-c")
    assert shop.service.cluster.kubectl(*where, query).strip() == "t"
    assert shop.service.cluster.kubectl(*where, "show server_version").startswith("17")


def test_a_release_replaces_every_pod(shop: World) -> None:
    release(shop)
    wanted = shop.other()
    with shop.load.unharmed():
        shop.service.succeed("deploy", images=wanted)
        runs(shop, wanted)


def test_a_rollback_brings_the_release_before(shop: World) -> None:
    before = shop.current()
    release(shop)
    shop.service.succeed("deploy", images=shop.other())
    with shop.load.unharmed():
        shop.service.succeed("rollback")
        runs(shop, before)


@pytest.mark.parametrize("turn", [0, 1])
def test_a_drained_node_takes_no_request_with_it(shop: World, nodes: list[str], turn: int) -> None:
    """Drain a node as node updates and the autoscaler do: cordon it, evict within the disruption budgets, and uncordon it."""
    cluster, node = shop.service.cluster, nodes[turn]
    await_settled(shop)
    rest = "--pod-selector=app.kubernetes.io/part-of=" + shop.service.name
    try:
        with shop.load.unharmed():
            options = ("--ignore-daemonsets", "--delete-emptydir-data", rest, f"--timeout={DRAIN_SECONDS}s")
            cluster.kubectl("drain", node, *options, timeout=DRAIN_SECONDS + 60)
            await_settled(shop)
            assert {pod["spec"]["nodeName"] for pod in pods_of(shop, "api")} == set(nodes[:2]) - {node}
    finally:
        cluster.kubectl("uncordon", node)


def test_a_release_that_crashes_gives_way_to_the_one_before(shop: World) -> None:
    release(shop, "BROKEN=1\n", [pods("api", {"containers": [{"name": "api", "args": ["app", "no-such-command"]}]})])
    before = shop.current()
    with shop.load.unharmed():
        done = shop.service.run("deploy", images=shop.other())
        assert done.returncode == 1, done.stdout
        runs(shop, before)
    print(done.stdout, done.stderr)  # noqa: T201  for reports of failures
    assert "no-such-command" in done.stderr + done.stdout, "the reason is in what the crashed pod wrote"


def test_after_a_failure_later_releases_remove_what_they_no_longer_have(shop: World) -> None:
    """Server-side apply removes a field only when nobody else owns it: the restored release must not have a second owner."""
    wanted = shop.current()
    release(shop)
    shop.service.succeed("deploy", images=wanted)
    runs(shop, wanted)
    for name in ("api", "worker"):
        assert "no-such-command" not in json.dumps(shop.service.container(name))
        writers = {manager for manager, _ in shop.service.managers("deployment", name)}
        assert "kubectl-rollout" not in writers, writers
    extra = {"name": "worker", "env": [{"name": "EXTRA", "value": "1"}]}
    release(shop, patches=[pods("worker", {"containers": [extra]})])
    shop.service.succeed("deploy", images=wanted)
    assert "EXTRA" in json.dumps(shop.service.container("worker"))
    release(shop)
    shop.service.succeed("deploy", images=wanted)
    assert "EXTRA" not in json.dumps(shop.service.container("worker"))


def await_new_pod(shop: World, name: str, digest: str) -> None:
    """Wait until the rollout of a digest has begun."""

    def begun() -> bool:
        return any(pod["spec"]["containers"][0]["image"].endswith(digest) for pod in pods_of(shop, name))

    shop.service.cluster.await_true(f"{name} gets no new pod", begun, 180, poll=0.5)


def test_a_cancelled_release_gives_way_to_the_one_before(shop: World) -> None:
    release(shop)
    before, wanted = shop.current(), shop.other()
    with shop.load.unharmed(), shop.service.started("deploy", images=wanted) as process:
        await_new_pod(shop, "api", wanted["api"])
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=ROLLOUT_SECONDS)
        assert process.returncode == 130, output
        runs(shop, before)


def test_a_second_release_at_once_is_refused(shop: World) -> None:
    before, wanted = shop.current(), shop.other()
    with shop.load.unharmed(), shop.service.started("deploy", images=wanted) as process:
        await_new_pod(shop, "api", wanted["api"])
        second = shop.service.run("deploy", images=before)
        assert second.returncode == 1
        assert "deploy" in second.stderr, second.stderr
        output, _ = process.communicate(timeout=ROLLOUT_SECONDS)
        assert process.returncode == 0, output
        runs(shop, wanted)


def test_a_killed_release_is_finished_by_the_next(shop: World) -> None:
    wanted = shop.other()
    with shop.load.unharmed():
        with shop.service.started("deploy", images=wanted) as process:
            await_new_pod(shop, "api", wanted["api"])
            process.kill()
            process.communicate()
        shop.service.succeed("deploy", "--take-over", images=wanted)
        runs(shop, wanted)


def test_a_deleted_pod_of_the_api_finishes_its_requests(shop: World) -> None:
    with shop.load.unharmed():
        shop.service.cluster.kubectl("delete", "pod", named(pods_of(shop, "api")[0]), f"--namespace={shop.service.name}", timeout=180)
        await_settled(shop)


def test_a_killed_worker_loses_no_task(shop: World) -> None:
    """No grace period, as when a node dies: the job that it ran starts again elsewhere."""
    with shop.load.unharmed():
        for pod in pods_of(shop, "worker"):
            where = (f"--namespace={shop.service.name}", "--grace-period=0", "--force")
            shop.service.cluster.kubectl("delete", "pod", named(pod), *where)
            time.sleep(5)
        await_settled(shop)


def test_every_accepted_task_was_done_once(shop: World) -> None:
    """Last: the imports of the whole module, through every rollout, drain and kill above."""
    await_settled(shop)
    accepted = len(shop.load.seen()["tasks"])
    assert accepted > 20
    ended = shop.load.settle()
    assert set(ended) == {"succeeded"}, ended
    assert ended["succeeded"] >= accepted
    where = ("exec", f"--namespace={stack.NAMESPACE}", "deployment/postgres", "--", "psql", "-U", "postgres", "-d", "service", "-At", "-c")
    done = shop.service.cluster.kubectl(*where, "select count(*) = count(distinct name), count(*) from products").strip()
    once, rows = done.split("|")
    assert once == "t", "a task was done twice"
    assert int(rows) >= ended["succeeded"]
