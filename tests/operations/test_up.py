"""`ops up`: from an empty account to a service that runs, stopped at every step and continued."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness import Renderer
from tests.infrastructure.cloud import account
from tests.operations.world import ANSWERS, World, world_of

PERSON = 3


@pytest.fixture
def world(render: Renderer, tmp_path: Path) -> Iterator[World]:
    with world_of(render, tmp_path, ANSWERS) as made:
        yield made


def changes(world: World) -> dict[str, int]:
    """How often each tool was called to change something."""
    kubectl = [call for call in world.calls("calls") if call]
    return {
        "terraform": len([call for call in world.calls("terraform") if call[1] == "apply"]),
        "helm": len([call for call in world.calls("helm") if call[0] == "upgrade"]),
        "gh": len([call for call in world.calls("gh") if "--method" in call or call[:2] == ["variable", "set"]]),
        "kubectl": len(kubectl) and len([row for row in verbs(world) if row in ("apply", "create", "patch", "scale", "delete")]),
    }


def verbs(world: World) -> list[str]:
    """Verbs of the calls of kubectl."""
    import json  # noqa: PLC0415  this helper alone

    path = world.folder / "calls.jsonl"
    return [json.loads(line)["verb"] for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def test_a_first_deployment_goes_on_after_everything_a_person_does(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    assert world.ops("up", "dev", "--yes") == PERSON
    said = capfd.readouterr()
    assert "1/14 tools and account: done" in said.out
    assert "cluster_admin_role_arns is empty" in said.err
    assert world.calls("terraform") == []

    world.set_up()
    assert world.ops("up", "dev", "--yes") == PERSON
    said = capfd.readouterr()
    for step in ("repository", "quotas", "bootstrap", "GitHub", "platform", "service"):
        assert f" {step}: done" in said.out
    assert "At the parent zone of api.example.com, add these records" in said.err
    assert said.err.count("api.example.com.  NS  ns-") == 4
    assert 'github_repository_id = "42"' in (world.project / "infra/environments/bootstrap.local.tfvars").read_text(encoding="utf-8")
    github = world.read("gh.json")
    assert github["variables"]["dev"] == {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/shop-dev-deploy"}
    assert github["environments"]["dev-infrastructure"]["protection_rules"][0]["type"] == "required_reviewers"
    assert {environment["branches"][0] for environment in github["environments"].values()} == {"main"}

    world.delegate()
    assert world.ops("up", "dev", "--yes") == PERSON
    said = capfd.readouterr()
    assert "add-ons: done" in said.out
    assert "access: done" in said.out
    assert "Push the main branch" in said.err

    world.push_images()
    assert world.ops("up", "dev", "--yes") == 0
    assert "dev is up" in capfd.readouterr().out
    assert world.ops("doctor", "dev") == 0


def test_a_second_run_changes_nothing(world: World) -> None:
    finish(world)
    before = changes(world)
    assert all(before.values())
    assert world.ops("up", "dev", "--yes") == 0
    assert changes(world) == before


def finish(world: World) -> None:
    """All that a person does, done in advance as far as that goes."""
    world.set_up()
    assert world.ops("up", "dev", "--yes") == PERSON
    world.delegate()
    assert world.ops("up", "dev", "--yes") == PERSON
    world.push_images()
    assert world.ops("up", "dev", "--yes") == 0


def fails(name: str, text: str) -> Callable[[World], None]:
    """The recorded tool fails once."""

    def plant(world: World) -> None:
        world.folder.joinpath(name).write_text(text, encoding="utf-8")

    return plant


def mishap(verb: str, text: str, **what: str | int) -> Callable[[World], None]:
    """A call of kubectl goes wrong once."""
    return lambda world: world.holds(mishap={"verb": verb, "text": text, **what})


def github_fails(world: World) -> None:
    world.write("gh.json", world.read("gh.json") | {"fails": "AWS_ROLE_ARN"})


def hide(world: World, tool: str) -> None:
    world.folder.joinpath(tool).rename(world.folder / f"hidden-{tool}")


def unhide(world: World, tool: str) -> None:
    world.folder.joinpath(f"hidden-{tool}").rename(world.folder / tool)


def logged_in(*, here: bool) -> Callable[[World], None]:
    return lambda world: world.write("gh.json", world.read("gh.json") | {"logged_in": here})


def quota(vcpus: float) -> Callable[[World], None]:
    return lambda _: account.QUOTAS.update({"L-1216C47A": vcpus})


TERMINATED = 15
# Each fault with a part of its message, and the remedy to apply before the next run.
MISHAPS: list[tuple[str, Callable[[World], object], str, Callable[[World], object] | None]] = [
    ("a tool is missing", lambda world: hide(world, "helm"), "helm is not on PATH", lambda world: unhide(world, "helm")),
    ("settings are missing", lambda _: None, "cluster_admin_role_arns is empty", World.set_up),
    ("nobody is logged in at GitHub", logged_in(here=False), "cannot read acme/shop", logged_in(here=True)),
    ("a quota is low", quota(1.0), "the account may run 1 vCPUs", quota(32.0)),
    ("bootstrap breaks off with a local state", fails("terraform-fails", "bootstrap"), "terraform apply failed in bootstrap", None),
    ("GitHub fails at a variable", github_fails, "gh variable set failed", None),
    ("the platform breaks off", fails("terraform-fails", "platform"), "terraform apply failed in platform of dev", None),
    ("the service breaks off", fails("terraform-fails", "service"), "terraform apply failed in service of dev", None),
    ("the zone is not delegated", lambda _: None, "At the parent zone", World.delegate),
    ("a chart does not come up", fails("helm-fails", "external-secrets"), "Not touched: external-dns", None),
    ("access is refused", mishap("apply", "Role", fails="Error from server (Forbidden)"), "Forbidden", None),
    ("there are no images", lambda _: None, "Push the main branch", World.push_images),
    ("the roles' Job is refused", mishap("create", "database-roles", fails="denied", undone=1), "denied", None),
    ("somebody interrupts the migration", mishap("apply", "migrate", signal=TERMINATED), "interrupted: it is safe to run this again", None),
    ("pods crash", lambda world: world.holds(stuck=["deployment/api"]), "rollout", lambda world: world.holds(stuck=None)),
]


def test_a_run_that_breaks_off_is_continued_at_every_step(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    for name, plant, words, afterwards in MISHAPS:
        plant(world)
        assert world.ops("up", "dev", "--yes") != 0, name
        said = capfd.readouterr()
        assert words in said.err, f"{name}: {said.err[-2000:]}"
        assert "Traceback" not in said.err
        if afterwards:
            afterwards(world)
    assert world.ops("up", "dev", "--yes") == 0
    assert world.read("state.json")["configmap/deploy-lock"]["data"]["holder"] == ""


@pytest.mark.parametrize(
    ("question", "prepare"),
    [
        ("Create or update these in the cluster shop-dev", lambda _: None),
        ("Create the database's roles", lambda world: world.push_images()),
        ("Deploy the images that were pushed last to dev?", lambda world: world.push_images()),
    ],
)
def test_nothing_reaches_the_cluster_without_an_answer(
    question: str, prepare: Callable[[World], object], world: World, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user confirms every question up to the given one, and answers that one with no."""
    asked: list[str] = []
    refusal = importlib.import_module("ops.errors").OpsError

    def answer(text: str, *, yes: bool) -> None:
        assert not yes
        asked.append(text)
        if text.startswith(question):
            raise refusal(text)

    world.set_up()
    assert world.ops("up", "dev", "--yes") == PERSON
    world.delegate()
    prepare(world)
    for module in ("ops.up.preparation", "ops.up.release", "ops.secrets"):
        monkeypatch.setattr(importlib.import_module(module), "confirm", answer)
    before = changes(world)
    assert world.ops("up", "dev") == 1
    assert asked[-1].startswith(question)
    assert capfd.readouterr().err.splitlines()[-1].startswith(question)
    now = changes(world)
    if question.startswith("Create or update"):
        assert now["kubectl"] == before["kubectl"]
    resources = world.read("state.json")
    assert "job/database-roles" not in resources
    assert "deployment/api" not in resources
    assert ("namespace/shop" in resources) is not question.startswith("Create or update")


def test_without_a_domain_there_is_no_delegation(render: Renderer, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with world_of(render, tmp_path, ANSWERS | {"domain": "", "mail": "smtp"}) as world:
        mail = "LOG_LEVEL=INFO\nMAIL_FROM=noreply@example.com\nSMTP_HOST=smtp.example.com"
        world.edit("deploy/overlays/dev/settings.env", "LOG_LEVEL=INFO", mail)
        world.set_up()
        assert world.ops("up", "dev", "--yes") == PERSON
        world.push_images()
        assert world.ops("up", "dev", "--yes") == 0
        said = capfd.readouterr()
        assert "delegation" not in said.out
        assert "12/13" in said.out or "13/13" in said.out
        before = changes(world)
        assert world.ops("up", "dev", "--yes") == 0
        assert changes(world) == before


def test_nothing_is_applied_without_an_answer(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    world.set_up()
    assert world.ops("up", "dev") == 1
    assert "Apply this plan of bootstrap?" in capfd.readouterr().err
    assert changes(world) == {"terraform": 0, "helm": 0, "gh": 0, "kubectl": 0}


def test_an_environment_that_is_not_there_is_named(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    assert world.ops("up", "prod") == 1
    assert capfd.readouterr().err == "there is no environment prod; there is dev\n"
