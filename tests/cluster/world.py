"""Everything that the rollouts need, once a session: images of two releases, databases, a load balancer, and the service under load."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tests.cluster import images, stack
from tests.cluster.certificates import Authority
from tests.cluster.cluster import Cluster
from tests.cluster.namespaces import access
from tests.cluster.service import Service, pods
from tests.harness import Renderer
from tests.kubernetes.overlays import Manifest
from tests.service.conftest import run_uv

SERVICE = "sampan-shop"
ANSWERS = {"service": SERVICE, "environments": ["dev"]}
# A single user's load exceeds the default limits. Valkey's certificate is verified with the same bundle as PostgreSQL's.
SETTINGS_LINES = 'SSL_CERT_FILE=/app/certs/rds.pem\nRATE_LIMITS={"products": "6000/60", "tasks": "6000/60"}\n'


@dataclass(frozen=True)
class World:
    """The service under load, and the digests of two releases of it."""

    service: Service
    load: stack.Load
    first: Mapping[str, str]
    second: Mapping[str, str]

    def current(self) -> Mapping[str, str]:
        """The digests of the release that is deployed."""
        return self.first if self._api() == self.first["api"] else self.second

    def other(self) -> Mapping[str, str]:
        """The digests of the release that is not."""
        return self.second if self._api() == self.first["api"] else self.first

    def _api(self) -> str:
        return str(self.service.container("api")["image"].rpartition("@")[2])


@contextmanager
def emulated_aws() -> Iterator[str]:
    """The URL of an emulated AWS, for the block."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextmanager
def _folder() -> Iterator[Path]:
    """The folder of the Docker engine: SAMPAN_IMAGES_ROOT, whose images stay for the next run, or a temporary folder."""
    if kept := os.environ.get("SAMPAN_IMAGES_ROOT"):
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory(prefix="sampan-images-", dir="/tmp", ignore_cleanup_errors=True) as name:
        yield Path(name)


def user_patches() -> list[Manifest]:
    """The metrics agent needs AWS: a program that listens where its probes ask takes its place."""
    agent = {"name": "agent", "image": f"{images.REGISTRY}/standin:tests", "command": ["python3", "-m", "http.server", "25888"]}
    return [pods("metrics", {"containers": [agent | {"imagePullPolicy": "IfNotPresent"}]})]


@contextmanager
def world(cluster: Cluster, render: Renderer, load_command: str | None) -> Iterator[World]:
    """Build, set up, deploy and put under load; all of it is gone after the block."""
    if os.geteuid() != 0:
        pytest.skip("a Docker engine of the tests' own needs root")
    with ExitStack() as scope:
        root = scope.enter_context(_folder())
        work = Path(scope.enter_context(tempfile.TemporaryDirectory(prefix="sampan-cluster-")))
        endpoint = scope.enter_context(emulated_aws())
        authority, passwords = Authority(), stack.Passwords()
        project = _project(render, work / "project", authority)
        service = Service(project, SERVICE, cluster, work / "tools", endpoint)
        service.prepare()
        scope.enter_context(stack.own_namespace(cluster))
        scope.enter_context(access(cluster, project))
        scope.enter_context(stack.readiness_gates(cluster, SERVICE))
        engine = scope.enter_context(images.engine(root))
        registry = scope.enter_context(images.registry(cluster, engine, project, load_command))
        built = {release: images.build_release(registry, project, SERVICE, release) for release in ("first", "second")}
        for digests in built.values():
            for target, digest in digests.items():
                service.publish_image(target, registry.manifests[digest], digest)
        made = World(service, stack.Load(cluster), built["first"], built["second"])
        _start(made, authority, passwords)
        yield made


def _project(render: Renderer, folder: Path, authority: Authority) -> Path:
    """The project, whose images trust the suite's authority as they trust that of RDS."""
    project = render.workspace(folder, ANSWERS)
    with (project / "deploy/certs/rds.pem").open("a", encoding="utf-8") as bundle:
        bundle.write(authority.pem)
    run_uv(project, "lock", "--quiet")
    shutil.rmtree(project / ".venv", ignore_errors=True)
    return project


def _start(made: World, authority: Authority, passwords: stack.Passwords) -> None:
    """Databases and their roles, the first release, a user, and the load."""
    service, cluster = made.service, made.service.cluster
    image = f"{images.REGISTRY}/standin:tests"
    manifests = [stack.programs(), *stack.databases(image, authority, passwords)]
    cluster.apply([*manifests, *stack.balancer(image, SERVICE, _route_prefix(service.project), passwords)])
    for name in ("postgres", "valkey", "balancer"):
        where = (f"deployment/{name}", f"--namespace={stack.NAMESPACE}", f"--timeout={stack.STARTED_SECONDS}s")
        cluster.kubectl("rollout", "status", *where)
    cluster.apply(_secrets(passwords))
    _publish(made, passwords)
    service.settings(SETTINGS_LINES)
    service.patches(user_patches())
    service.commit("First release")
    print(service.succeed("database-roles", f"--image-migrate={made.first['migrate']}", administrator=True))  # noqa: T201  for -s
    print(service.succeed("deploy", images=made.first))  # noqa: T201  for -s
    _create_user(service, passwords)
    made.load.await_start()


def _route_prefix(project: Path) -> str:
    lines = (project / "project.env").read_text(encoding="utf-8").splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith("ROUTE_PREFIX="))


def _secrets(passwords: stack.Passwords) -> list[Manifest]:
    """What External Secrets would write."""
    app = {
        "DATABASE_USER": "app",
        "DATABASE_PASSWORD": passwords.app,
        "REDIS_USERNAME": "default",
        "REDIS_PASSWORD": passwords.cache,
        "JWT_SECRET": passwords.jwt,
        "SESSION_SECRET": passwords.session,
    }
    migrate = {"DATABASE_USER": "migrations", "DATABASE_PASSWORD": passwords.migrations}
    return [stack.secret(SERVICE, "app", app), stack.secret(SERVICE, "migrate", migrate)]


def _publish(made: World, passwords: stack.Passwords) -> None:
    """The contract: names and networks of the replacements of RDS, ElastiCache and the load balancer."""
    service = made.service
    addresses = {name: _networks(service.cluster, name) for name in ("postgres", "valkey", "balancer")}
    service.publish(
        images.REGISTRY,
        database_host=stack.DATABASE,
        database_name="service",
        cache_host=stack.CACHE,
        database_master_secret_arn=service.publish_logins(passwords),
        database_app_secret=f"{SERVICE}/database-app",
        database_migrations_secret=f"{SERVICE}/database-migrations",
        public_subnet_cidrs=addresses["balancer"],
        database_subnet_cidrs=addresses["postgres"] + addresses["valkey"],
    )


def _networks(cluster: Cluster, name: str) -> list[str]:
    """The addresses of a stand-in: its pod's, and its Service's where it has one."""
    found = cluster.items("pods", f"--namespace={stack.NAMESPACE}", f"--selector=app={name}")
    addresses = [pod["status"]["podIP"] for pod in found if pod["status"].get("podIP")]
    services = cluster.items("services", f"--namespace={stack.NAMESPACE}")
    addresses += [each["spec"]["clusterIP"] for each in services if each["metadata"]["name"] == name]
    return [f"{address}/32" for address in addresses]


def _create_user(service: Service, passwords: stack.Passwords) -> None:
    """The person whose requests the load sends."""
    command = ("env", f"USER_PASSWORD={passwords.person}", "app", "users", "create", stack.EMAIL, "--admin")
    service.cluster.kubectl("exec", f"--namespace={service.name}", "deployment/api", "--", *command)
