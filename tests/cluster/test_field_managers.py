"""Owners of the fields of deployed objects, after failures and rollbacks too. Needs no node: pods become ready on paper.

Server-side apply removes a field only when nobody else owns it, so the deploy must stay the only owner of what it applies.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.namespaces import access
from tests.cluster.paper import BROKEN, NODE_SELECTOR, paper_kubelet
from tests.cluster.service import Service, pods
from tests.cluster.stack import readiness_gates
from tests.cluster.world import emulated_aws
from tests.harness import Renderer
from tests.kubernetes.deployer import DIGESTS
from tests.kubernetes.overlays import Manifest

pytestmark = pytest.mark.cluster

SERVICE = "sampan-paper"
WORKLOADS = ("api", "worker", "metrics")
NEXT = {name: digest.replace("sha256:0", "sha256:f") for name, digest in DIGESTS.items()}
MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True)
class Paper:
    """The service whose pods run on paper."""

    service: Service

    def release(self, *patches: Manifest) -> None:
        """Set the overlay's patches, and commit them."""
        selector = {"nodeSelector": NODE_SELECTOR}
        migrate = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "migrate"},
            "spec": {"template": {"spec": selector}},
        }
        self.service.patches([migrate, *(pods(name, selector) for name in WORKLOADS), *patches])
        self.service.commit("Release")

    def people(self) -> set[tuple[str, str, str]]:
        """Workloads that a person or a tool at a terminal owns fields of, with its name and operation."""
        found = {(name, *each) for name in WORKLOADS for each in self.service.managers("deployment", name)}
        return {(name, manager, operation) for name, manager, operation in found if manager.startswith("kubectl")}


@pytest.fixture(scope="module")
def paper(cluster: Cluster, render: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paper]:
    """A service that was deployed once."""
    folder = tmp_path_factory.mktemp("paper")
    project = render.workspace(folder / "project", {"service": SERVICE, "environments": ["dev"]})
    with (
        emulated_aws() as endpoint,
        access(cluster, project),
        readiness_gates(cluster, SERVICE),
        paper_kubelet(cluster, SERVICE),
    ):
        service = Service(project, SERVICE, cluster, folder / "tools", endpoint)
        service.prepare()
        service.publish("registry.example.com")
        for digests in (DIGESTS, NEXT):
            for target, digest in digests.items():
                manifest = {"schemaVersion": 2, "mediaType": MEDIA_TYPE, "config": {"digest": digest}}
                service.publish_image(target, json.dumps(manifest), digest)
        made = Paper(service)
        made.release()
        service.succeed("deploy", images=DIGESTS)
        yield made


def variables(paper: Paper, name: str) -> set[str]:
    return {each["name"] for each in paper.service.container(name).get("env", [])}


def extra(name: str, variable: str, **container: Any) -> Manifest:
    """A patch that gives the pods of a Deployment one more variable."""
    return pods(name, {"containers": [{"name": name, "env": [{"name": variable, "value": "1"}], **container}]})


def test_only_the_deploy_owns_what_it_applied(paper: Paper) -> None:
    assert paper.people() == set()
    for name in WORKLOADS:
        assert ("deploy", "Apply") in paper.service.managers("deployment", name)


def test_a_release_that_crashes_leaves_no_second_owner_and_no_field(paper: Paper) -> None:
    paper.release(extra("worker", "BAD"), extra("api", "BAD", args=[BROKEN]))
    done = paper.service.run("deploy", images=NEXT)
    assert done.returncode == 1, done.stdout
    assert "CrashLoopBackOff" in done.stdout + done.stderr
    assert paper.people() == set()
    assert "BAD" not in variables(paper, "api") | variables(paper, "worker")
    assert {paper.service.container(name)["image"].rpartition("@")[2] for name in ("api", "worker")} == {DIGESTS["api"], DIGESTS["worker"]}


def test_a_field_that_a_release_drops_is_gone(paper: Paper) -> None:
    paper.release(extra("worker", "EXTRA", resources={"limits": {"cpu": "1"}}))
    paper.service.succeed("deploy", images=DIGESTS)
    assert "EXTRA" in variables(paper, "worker")
    paper.release()
    paper.service.succeed("deploy", images=DIGESTS)
    assert "EXTRA" not in variables(paper, "worker")
    assert "cpu" not in paper.service.container("worker")["resources"]["limits"]


def test_a_rollback_leaves_no_second_owner(paper: Paper) -> None:
    paper.release(extra("worker", "NEWER"))
    paper.service.succeed("deploy", images=NEXT)
    paper.service.succeed("rollback")
    assert paper.people() == set()
    assert "NEWER" not in variables(paper, "worker")


def test_what_an_undo_has_left_is_taken_over(paper: Paper) -> None:
    """Roll back like `kubectl rollout undo` in earlier releases of this template: a second manager owns every field of the pods."""
    where = f"--namespace={SERVICE}"
    paper.service.cluster.kubectl("set", "env", "deployment/worker", "LEFT=1", where)
    paper.service.cluster.kubectl("rollout", "undo", "deployment/worker", where)
    paper.service.cluster.kubectl("set", "env", "deployment/worker", "LEFT=1", where)
    assert paper.people()
    paper.service.succeed("deploy", images=NEXT)
    assert "LEFT" not in variables(paper, "worker")
    assert paper.people() == set()
