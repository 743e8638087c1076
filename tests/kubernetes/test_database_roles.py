"""The command that makes the database's roles: a Job with a Secret that lives as long, on an emulated AWS and a recorded kubectl."""

import json
import re
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.kubernetes.deployer import Deployer
from tests.kubernetes.overlays import kustomize, one

COMMAND = "database-roles"
LOGINS = {
    "rds!db-1": {"username": "master", "password": "masters-secret-password"},
    "shop/dev/database-app": {"username": "app", "password": "apps-secret-password"},
    "shop/dev/database-migrations": {"username": "migrations", "password": "migrations-secret-password"},
}
MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"
DIGEST = f"sha256:{7:064x}"
NAMED = ("--image-migrate", DIGEST)


@pytest.fixture
def service(deployer: Deployer) -> Iterator[Deployer]:
    """An environment whose database has a master, and whose three secrets are there."""
    secrets = deployer.aws("secretsmanager")
    names = [secrets.create_secret(Name=name, SecretString=json.dumps(login))["ARN"] for name, login in LOGINS.items()]
    _, app, migrations = LOGINS
    deployer.publish(database_master_secret_arn=names[0], database_app_secret=app, database_migrations_secret=migrations)
    deployer.holds(deployer.state | {"logs": "role migrations: created\nrole app: created"})
    yield deployer
    for name in names:
        secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def roles(service: Deployer, *arguments: str) -> Any:
    return service.run(*arguments, command=COMMAND, images={})


def made(service: Deployer, kind: str) -> dict[str, Any]:
    """The only thing of a kind that was created."""
    documents = [yaml.safe_load(call.text) for call in service.calls() if call.verb == "create"]
    (found,) = [document for document in documents if document["kind"] == kind]
    return dict(found)


def test_a_job_gets_the_masters_login_and_nothing_is_left(service: Deployer) -> None:
    run = roles(service, *NAMED)
    assert run.returncode == 0, run.stderr
    assert "role app: created" in run.stdout
    kinds = [yaml.safe_load(call.text)["kind"] for call in service.calls() if call.verb == "create"]
    assert kinds == ["ConfigMap", "Job", "Secret"]
    secret = made(service, "Secret")
    assert secret["stringData"] == {
        "DATABASE_USER": "master",
        "DATABASE_PASSWORD": "masters-secret-password",
        "APP_DATABASE_USER": "app",
        "APP_DATABASE_PASSWORD": "apps-secret-password",
        "MIGRATIONS_DATABASE_USER": "migrations",
        "MIGRATIONS_DATABASE_PASSWORD": "migrations-secret-password",
    }
    assert not {"secret/database-roles", "job/database-roles"} & set(service.state)
    assert service.lock == ""


def test_the_job_is_the_migrations_with_another_command(service: Deployer) -> None:
    assert roles(service, *NAMED).returncode == 0
    task = made(service, "Job")
    pod = task["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert container["args"] == ["app", "database-roles"]
    assert container["image"].endswith(f"/shop/dev/migrate@{DIGEST}")
    assert [source.get("secretRef", {}).get("name") for source in container["envFrom"]] == [None, "database-roles"]
    # The pod's labels let it reach PostgreSQL, and its service account has no rights.
    migration = one(kustomize(service.project / "deploy/overlays/dev"), "Job", "migrate")
    assert pod["metadata"]["labels"] == migration["spec"]["template"]["metadata"]["labels"]
    assert pod["spec"]["serviceAccountName"] == "migrate"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    settings = container["envFrom"][0]["configMapRef"]["name"]
    (applied,) = service.applies()
    assert {f"ConfigMap/{settings}", "ServiceAccount/migrate"} <= set(applied)
    assert {name.partition("/")[0] for name in applied} == {"ConfigMap", "ServiceAccount"}


def test_a_killed_command_leaves_what_ends_by_itself(service: Deployer) -> None:
    service.environment["GITHUB_RUN_ID"] = "1"
    service.meets("create", "kind: Secret", signal=signal.SIGKILL)
    assert roles(service, *NAMED).returncode == -signal.SIGKILL
    task, secret = made(service, "Job"), made(service, "Secret")
    assert (task["spec"]["activeDeadlineSeconds"], task["spec"]["ttlSecondsAfterFinished"]) == (300, 60)
    (owner,) = secret["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Job", "database-roles", "uid-of-job/database-roles")
    again = roles(service, *NAMED)
    assert again.returncode == 0, again.stderr
    assert not {"secret/database-roles", "job/database-roles"} & set(service.state)


@pytest.mark.parametrize(
    ("verb", "text", "mishap"),
    [
        ("get", "job database-roles", {"signal": signal.SIGTERM}),
        ("create", "kind: Secret", {"signal": signal.SIGTERM}),
        ("create", "kind: Secret", {"fails": "error: out of reach"}),
        ("logs", "", {"signal": signal.SIGINT}),
    ],
)
def test_however_it_ends_the_masters_login_does_not_stay(service: Deployer, verb: str, text: str, mishap: dict[str, Any]) -> None:
    service.meets(verb, text, **mishap)
    assert roles(service, *NAMED).returncode in (1, 130)
    assert not {"secret/database-roles", "job/database-roles"} & set(service.state)
    assert service.lock == ""


def test_a_job_that_fails_shows_its_last_lines(service: Deployer) -> None:
    service.holds(service.state | {"job-outcome": "Failed", "logs": "PostgreSQL refused: no such master"})
    run = roles(service, *NAMED)
    assert run.returncode == 1
    assert "database-roles: Failed" in run.stderr
    assert "PostgreSQL refused: no such master" in run.stderr
    assert not {"secret/database-roles", "job/database-roles"} & set(service.state)


def test_no_password_is_an_argument_or_is_printed(service: Deployer) -> None:
    service.holds(service.state | {"job-outcome": "Failed"})
    run = roles(service, *NAMED)
    seen = run.stdout + run.stderr + "".join(" ".join(call.arguments) for call in service.calls())
    assert "-secret-password" not in seen
    files = [path for path in (service.project / ".deploy").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if "-secret-password" in path.read_text(encoding="utf-8")]


def test_a_dry_run_names_the_secrets_and_reads_none(service: Deployer) -> None:
    secrets = service.aws("secretsmanager")
    secrets.delete_secret(SecretId="shop/dev/database-app", ForceDeleteWithoutRecovery=True)
    run = roles(service, *NAMED, "--dry-run")
    assert run.returncode == 0, run.stderr
    assert "secret:rds!db-1" in run.stdout
    assert "shop/dev/database-app" in run.stdout
    assert not list(service.calls())
    # Without the dry run, the missing secret is reported by name before anything is created.
    real = roles(service, *NAMED)
    assert real.returncode == 1
    assert "cannot read the secret shop/dev/database-app" in real.stderr
    assert {yaml.safe_load(call.text)["kind"] for call in service.calls() if call.verb == "create"} == {"ConfigMap"}


def test_a_secret_of_another_form_is_named_and_not_quoted(service: Deployer) -> None:
    service.aws("secretsmanager").put_secret_value(SecretId="shop/dev/database-app", SecretString="app:a-secret-password")
    run = roles(service, *NAMED)
    assert run.returncode == 1
    assert "shop/dev/database-app is not a JSON object with username and password" in run.stderr
    assert "a-secret-password" not in run.stderr


def test_a_contract_without_the_masters_secret_is_refused_by_name(service: Deployer) -> None:
    service.publish(database_master_secret_arn=None)
    run = roles(service, *NAMED)
    assert run.returncode == 1
    assert "the contract lacks database_master_secret_arn" in run.stderr


def test_it_waits_for_no_deploy_that_is_under_way(service: Deployer) -> None:
    note = {"holder": "ann@laptop, process 1", "until": "2099-01-01T00:00:00+00:00"}
    service.holds(service.state | {"configmap/deploy-lock": {"metadata": {"resourceVersion": "1"}, "data": note}})
    run = roles(service, *NAMED)
    assert run.returncode == 1
    assert "ann@laptop, process 1 deploys to this environment" in run.stderr
    assert {call.verb for call in service.calls()} == {"get"}


def test_without_a_digest_it_takes_the_image_that_was_pushed_last(service: Deployer) -> None:
    registry = service.aws("ecr")
    registry.create_repository(repositoryName="shop/dev/migrate")
    try:
        none = roles(service)
        assert none.returncode == 1
        assert "the registry holds no image in shop/dev/migrate yet" in none.stderr
        digests = []
        for number in (1, 2, 3):
            # The emulator's clock has a resolution of one second.
            time.sleep(1.1)
            manifest = json.dumps({"schemaVersion": 2, "mediaType": MEDIA_TYPE, "layers": []})
            digests.append(f"sha256:{number + 20:064x}")
            registry.put_image(
                repositoryName="shop/dev/migrate", imageManifest=f"{manifest}{' ' * number}", imageTag=str(number), imageDigest=digests[-1]
            )
        assert roles(service).returncode == 0
        assert made(service, "Job")["spec"]["template"]["spec"]["containers"][0]["image"].endswith(digests[-1])
    finally:
        registry.delete_repository(repositoryName="shop/dev/migrate", force=True)


def test_the_variables_are_those_that_the_image_reads(service: Deployer) -> None:
    assert roles(service, *NAMED).returncode == 0
    source = (service.project / "src/app/migrations/roles.py").read_text(encoding="utf-8")
    read = set(re.findall(r"^    (\w+_database_\w+): str = Field", source, re.MULTILINE))
    assert {name.upper() for name in read} == {name for name in made(service, "Secret")["stringData"] if name.count("_") > 1}
    assert "def database_roles()" in (service.project / "src/app/cli.py").read_text(encoding="utf-8")
