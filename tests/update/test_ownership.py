"""Answers are generated, the team's values win, and an update takes nothing that a team owns."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import copier
import hcl2
import pytest
import yaml
from copier import Worker

from sampan import cli
from tests.harness import ANSWERS_FILE, commit_all, copy_questionnaire, fast_copier, files_of, git
from tests.infrastructure.variants import Case
from tests.update.gate import git_identity
from tests.update.test_update import release

PARTS = ("infra/environments", "deploy/overlays", "src/app/products", "README.md.jinja")
START = {"service": "shop", "environments": ["dev", "staging", "production"], "audit_trail": True, "dr_region": "ap-southeast-2"}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with the parts that teams edit, at v1.0.0."""
    target = copy_questionnaire(tmp_path_factory.mktemp("owned") / "template", *PARTS)
    release(target, "v1.0.0")
    return target


@pytest.fixture(scope="module")
def started(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("started") / "project"
    with fast_copier():
        copier.run_copy(str(source), target, data=START, vcs_ref="v1.0.0", defaults=True, quiet=True)
    commit_all(target, "Start")
    return target


@pytest.fixture
def project(started: Path, tmp_path: Path) -> Path:
    """A committed project that the test may change."""
    return shutil.copytree(started, tmp_path / "project", symlinks=True)


def update(project: Path, **answers: Any) -> dict[str, Any]:
    """Change answers and commit. Return the stored answers after that."""
    with fast_copier():
        copier.run_update(project, data=answers, vcs_ref="v1.0.0", defaults=True, overwrite=True)
    commit_all(project, "Change")
    loaded: dict[str, Any] = yaml.safe_load((project / ANSWERS_FILE).read_text(encoding="utf-8"))
    return loaded


def edit(project: Path, *names: str) -> dict[str, bytes]:
    """Add a line to files of the team, commit, and give their contents."""
    for name in names:
        with (project / name).open("a", encoding="utf-8") as file:
            file.write("# ours\n")
    commit_all(project, "Ours")
    return {name: (project / name).read_bytes() for name in names}


def variables(project: Path, root: str, environment: str = "production") -> dict[str, Any]:
    """The values that Terraform gets, in its order."""
    found: dict[str, Any] = {}
    for path in Case("startup", root, environment).var_files(project / "infra/environments"):
        found |= hcl2.loads(path.read_text(encoding="utf-8"))
    return {name: value.strip('"') if isinstance(value, str) else value for name, value in found.items()}


def test_a_changed_answer_reaches_terraform_and_the_teams_values_win(project: Path) -> None:
    local = project / "infra/environments/production.service.local.tfvars"
    local.write_text(local.read_text(encoding="utf-8") + "db_storage_gb = 77\nwaf = true\n", encoding="utf-8")
    commit_all(project, "Ours")
    assert variables(project, "service")["db_instance_class"] == "db.t3.micro"
    update(project, db_instance_class="db.t4g.small", db_storage_gb=40)
    found = variables(project, "service")
    assert (found["db_instance_class"], found["db_storage_gb"]) == ("db.t4g.small", 77)


def test_the_teams_values_come_after_every_options_file(project: Path) -> None:
    names = [path.name for path in Case("startup", "service", "production").var_files(project / "infra/environments")]
    assert names[0] == "production.service.tfvars"
    assert names[-1] == "production.service.local.tfvars"
    assert len(names) > 2
    assert [path.name for path in Case("startup", "bootstrap", "").var_files(project / "infra/environments")][-2:] == [
        "github.tfvars",
        "bootstrap.local.tfvars",
    ]


LOSSES: dict[str, tuple[dict[str, Any], str]] = {
    "service": ({"service": "orders"}, "keep service=shop"),
    "region": ({"aws_region": "ap-southeast-3"}, "keep aws_region=ap-southeast-1"),
    "platform": ({"platform": "join", "platform_name": "shared"}, "keep platform=create"),
    "platform's name": ({"platform_name": "orders"}, "keep platform_name=shop"),
    "network": ({"vpc_cidr": "10.64.0.0/16"}, "keep vpc_cidr=10.0.0.0/16"),
    "second region": ({"dr_region": ""}, "keep dr_region=ap-southeast-2"),
    "audit trail": ({"audit_trail": False}, "keep audit_trail=true"),
    "environment": ({"environments": ["dev", "production"]}, r"keep environments=\[staging\]"),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_change_that_destroys_is_refused_until_it_is_confirmed(loss: str, source: Path, started: Path) -> None:
    answers, reason = LOSSES[loss]
    with fast_copier():
        worker = Worker(src_path=str(source), dst_path=started, data=answers, defaults=True, quiet=True)
        with pytest.raises(ValueError, match=f"{reason}, or add -d destroyed=true$") as refusal:
            worker._ask()
        assert len(str(refusal.value).split("'destroyed': ")[1]) <= 72
        replace(worker, data=answers | {"destroyed": True})._ask()


def test_a_confirmation_holds_for_one_update(project: Path) -> None:
    with pytest.raises(ValueError, match="keep service=shop"):
        update(project, service="orders")
    assert git("status", "--porcelain", cwd=project) == ""
    stored = update(project, service="orders", destroyed=True)
    assert stored["service"] == "orders"
    assert "destroyed" not in stored
    with pytest.raises(ValueError, match="keep service=orders"):
        update(project, service="shop")


def test_a_removed_environment_leaves_what_a_team_owns_and_a_destroy_needs(project: Path) -> None:
    owned = edit(
        project,
        "infra/environments/staging.service.local.tfvars",
        "infra/environments/staging.platform.local.tfvars",
        "infra/environments/staging.service.s3.tfbackend",
        "infra/environments/staging.platform.s3.tfbackend",
        "deploy/overlays/staging/settings.env",
        "deploy/overlays/staging/patches.yaml",
    )
    update(project, environments=["dev", "production"], destroyed=True)
    files = files_of(project)
    assert {name: content for name, content in files.items() if "staging" in name} == owned
    update(project, environments=["dev", "staging", "production"])
    files = files_of(project)
    assert {name: files[name] for name in owned} == owned
    assert "infra/environments/staging.service.tfvars" in files


def test_a_service_that_joins_keeps_the_values_of_its_platform(project: Path) -> None:
    owned = edit(project, "infra/environments/production.platform.local.tfvars", "infra/environments/production.platform.s3.tfbackend")
    update(project, platform="join", platform_name="shared", destroyed=True)
    files = files_of(project)
    assert {name: files[name] for name in owned} == owned
    assert "infra/environments/production.platform.tfvars" not in files


def test_an_option_that_goes_leaves_the_teams_values(project: Path) -> None:
    owned = edit(project, "infra/environments/production.service.local.tfvars")
    update(project, dr_region="", destroyed=True)
    assert {name: files_of(project)[name] for name in owned} == owned
    assert "infra/environments/production.service.dr_region.tfvars" not in files_of(project)


def test_an_option_that_goes_takes_managed_files_whose_edits_git_still_shows(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Plain Copier offers a template no rule that depends on the content of a project's file. `sampan update` writes nothing."""
    name = "infra/environments/production.service.dr_region.tfvars"
    edit(project, name)
    with git_identity():
        assert cli.run(["update", str(project), "--to", "v1.0.0", "-d", "dr_region=", "--yes"]) == 1
    assert f"! {name}: the template removes it, and you edited it" in capsys.readouterr().err
    assert git("status", "--porcelain", cwd=project) == ""
    with fast_copier():
        copier.run_update(project, data={"dr_region": "", "destroyed": True}, vcs_ref="v1.0.0", defaults=True, overwrite=True)
    assert not (project / name).exists()
    assert "(`git diff --diff-filter=D` shows deleted files with your edits)" in capsys.readouterr().err
    assert "-# ours\n" in git("diff", "--diff-filter=D", cwd=project)


def test_a_new_name_reaches_every_file_of_answers(project: Path) -> None:
    update(project, service="orders", platform_name="orders", aws_region="us-east-1", github_owner="acme", destroyed=True)
    service, bootstrap = variables(project, "service"), variables(project, "bootstrap")
    assert (service["service"], service["region"], service["permissions_boundary"]) == ("orders", "us-east-1", "orders-production-boundary")
    assert (bootstrap["service"], bootstrap["region"]) == ("orders", "us-east-1")
    assert (bootstrap["github_owner"], bootstrap["github_repository"]) == ("acme", "orders")


def test_the_sample_goes_off_and_on_around_an_edit(project: Path) -> None:
    owned = edit(project, "src/app/products/service.py")
    git("rm", "-q", "src/app/products/schemas.py", cwd=project)
    commit_all(project, "Not needed")
    update(project, sample=False)
    assert {name: files_of(project)[name] for name in owned} == owned
    update(project, sample=True)
    assert {name: files_of(project)[name] for name in owned} == owned
    assert "src/app/products/schemas.py" in files_of(project)


def test_the_message_after_an_update_lists_what_changed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    update(project, environments=["dev", "production"], db_multi_az=False, alert_email="alerts@example.com", destroyed=True)
    printed = capsys.readouterr().err
    assert 'environments: ["dev", "staging", "production"] is now ["dev", "production"]' in printed
    assert "db_multi_az: true is now false" in printed
    assert "alert_email: empty is now alerts@example.com" in printed
    assert "README.md and docs/architecture.md are yours: update the old answers there." in printed
    assert "Removed: staging." in printed
    update(project)
    assert "Changed answers" not in capsys.readouterr().err


def test_a_recopy_keeps_seeded_files_and_replaces_managed_ones(project: Path) -> None:
    owned = edit(project, "infra/environments/production.service.local.tfvars", "deploy/overlays/production/settings.env", "README.md")
    managed = "infra/environments/production.service.tfvars"
    before = (project / managed).read_bytes()
    edit(project, managed)
    with fast_copier():
        copier.run_recopy(project, vcs_ref="v1.0.0", defaults=True, quiet=True, overwrite=True)
    assert {name: files_of(project)[name] for name in owned} == owned
    assert (project / managed).read_bytes() == before


def test_an_answer_edited_by_hand_changes_no_file(project: Path) -> None:
    """As docs/updating.md says: Copier takes the old values in the files for edits of the team."""
    answers = project / ANSWERS_FILE
    answers.write_text(answers.read_text(encoding="utf-8").replace("- staging\n", ""), encoding="utf-8")
    commit_all(project, "By hand")
    update(project)
    assert (project / "infra/environments/staging.service.tfvars").is_file()
    assert '"staging"' in (project / "infra/environments/bootstrap.tfvars").read_text(encoding="utf-8")
