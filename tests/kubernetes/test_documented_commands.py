"""Every command of README, docs and runbooks is accepted by its program, in any place and with any kubectl context."""

from pathlib import Path

import pytest

from tests.generator.test_removal import EVERYTHING
from tests.harness import Renderer
from tests.kubernetes.documented import Checker, Command, commands

JOIN = {"platform": "join", "off_hours_shutdown": "none", "spot": False}
VARIANTS = {"startup": {}, "everything": EVERYTHING, "join": JOIN, "ses": {"mail": "ses", "domain": "shop.example.com"}}


def documents(project: Path) -> list[Path]:
    """Return the documents from which people run commands. Decision records mention commands, and those of rejected alternatives too.

    The project's `test_walk.py` runs the commands of `docs/products.md`.
    """
    return sorted(path for path in project.rglob("*.md") if "decisions" not in path.parts and path.name != "products.md")


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_documented_command_parses(render: Renderer, variant: str) -> None:
    project = render(VARIANTS[variant])
    every = [command for document in documents(project) for command in commands(document, project)]
    assert len(every) > 40
    assert {"uv", "aws", "kubectl"} <= {command.words[0] for command in every}
    assert Checker(project).faults(every) == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_who_calls_aws_is_said_where_a_command_does(render: Renderer, variant: str) -> None:
    """The AWS command line works with whatever profile is current."""
    project = render(VARIANTS[variant])
    calling = {command.document for document in documents(project) for command in commands(document, project) if command.words[0] == "aws"}
    assert calling
    silent = [name for name in sorted(calling) if "credentials" not in (project / name).read_text(encoding="utf-8")]
    assert silent == []


WRONG = {
    "an unknown program": (("frobnicate", "--all"), "nothing here knows it"),
    "an unknown command": (("uv", "run", "ops", "deplo", "dev"), "there is no command deplo"),
    "an unknown option": (("uv", "run", "ops", "restart", "dev", "--hard"), "No such option"),
    "a missing argument": (("uv", "run", "ops", "rollback"), "Missing argument"),
    "an unknown command of the service": (("uv", "run", "app", "serve", "--port", "1"), "there is no command serve"),
    "a context of somebody": (("kubectl", "apply", "-k", "deploy/access"), "depends on the current kubectl context"),
    "an unknown option of kubectl": (("kubectl", "get", "pods", "--kubeconfig=x", "--everywhere"), "unknown options --everywhere"),
    "an unknown operation of AWS": (("aws", "rds", "rename-db-instance"), "rds has no rename-db-instance"),
    "an unknown option of AWS": (("aws", "rds", "describe-db-instances", "--names", "a"), "describe-db-instances has no --names"),
    "an unknown command of git": (("git", "comit"), "git has no comit"),
    "an unknown option of git": (("git", "add", "--everything"), "unknown options --everything"),
    "an unknown option of terraform": (("terraform", "init", "-backends=false"), "unknown options -backends"),
    "an unknown command of terraform": (("terraform", "tests"), "terraform has no tests"),
    "an unknown option of gh": (("gh", "api", "user", "--jqq", "."), "unknown options --jqq"),
    "an unknown command of gh": (("gh", "authenticate"), "nothing here knows it"),
    "an unknown option of docker": (("docker", "compose", "up", "--rebuild"), "unknown options --rebuild"),
    "an unknown command of uv": (("uv", "locks"), "uv has no locks"),
    "an unknown option of uv": (("uv", "sync", "--lockd"), "unknown options --lockd"),
    "an unknown option of a command of uv tool": (("uv", "tool", "install", "--edit", "."), "unknown options --edit"),
    "an unknown command of uv tool": (("uv", "tool", "installs", "x"), "uv has no tool installs"),
    "an unknown option of copier": (("copier", "update", "--answer", "x=1"), "unknown options --answer"),
    "an unknown option of pytest": (("uv", "run", "pytest", "--numprocess=2"), "unknown options --numprocess"),
    "an unknown option of alembic": (("uv", "run", "alembic", "revision", "--auto"), "unknown options --auto"),
    "an unknown command of sampan": (("sampan", "fleet", "list"), "there is no command list"),
    "an unknown option of sampan": (("sampan", "new", "shop", "--force"), "unknown options --force"),
    "a script that is not there": (("infra/terraform.sh", "dev"), "nothing here knows it"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_command_is_found(render: Renderer, wrong: str) -> None:
    words, fault = WRONG[wrong]
    (found,) = Checker(render({})).faults([Command("README.md", words, block=True)])
    assert fault in found


def test_every_command_of_the_templates_own_documents_parses(render: Renderer) -> None:
    """README.md's two commands are run elsewhere: they build a path, which nothing parses."""
    root = Path(__file__).parents[2]
    written = [path for path in root.glob("docs/**/*.md") if not {"decisions", "upstream"} & set(path.parts)]
    written += [root / "CONTRIBUTING.md", root / "benchmarks/README.md"]
    every = [command for document in written for command in commands(document, root)]
    assert {"copier", "git", "uv"} <= {command.words[0] for command in every}
    assert Checker(render({})).faults([command for command in every if not command.words[0].startswith((".venv/", "python3"))]) == []


def test_blocks_and_sentences_are_read(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text(
        "Run `aws sts get-caller-identity`, not `settings.env`.\n\n"
        "```sh\nuv run ops deploy ENVIRONMENT \\\n  --dry-run && cd x  # why\n```\n",
        encoding="utf-8",
    )
    assert list(commands(document, tmp_path)) == [
        Command("a.md", ("uv", "run", "ops", "deploy", "dev", "--dry-run"), block=True),
        Command("a.md", ("cd", "x"), block=True),
        Command("a.md", ("aws", "sts", "get-caller-identity"), block=False),
    ]
