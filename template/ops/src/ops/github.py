"""GitHub, through its command line: the only module that starts `gh`."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ops.errors import OpsError

BRANCH = "main"
"""The branch that deploys: the rendered workflows name it."""


class NotFoundError(OpsError):
    """GitHub has no such object, or does not show it to this login."""


@dataclass(frozen=True, slots=True)
class Repository:
    """The project's repository at GitHub, `owner/name`."""

    name: str

    def read(self, path: str = "") -> Any:
        """GET repos/OWNER/NAME/path. Raises NotFoundError or OpsError."""
        return json.loads(gh("api", f"repos/{self.name}{path}"))

    def write(self, method: str, path: str, body: object) -> None:
        """Send JSON to repos/OWNER/NAME/path. Raises OpsError."""
        gh("api", "--method", method, f"repos/{self.name}{path}", "--input", "-", text=json.dumps(body))

    def set_variable(self, name: str, value: str, environment: str = "") -> None:
        """Set a variable of the repository, or of one of its environments."""
        where = [f"--env={environment}"] if environment else []
        gh("variable", "set", name, f"--repo={self.name}", f"--body={value}", *where)

    def variables(self, environment: str = "") -> dict[str, str]:
        """Return variables of the repository or of an environment; none if that does not exist."""
        where = f"/environments/{environment}" if environment else "/actions"
        try:
            rows = self.read(f"{where}/variables?per_page=30")["variables"]
        except NotFoundError:
            return {}
        return {row["name"]: row["value"] for row in rows}

    def environment(self, name: str) -> dict[str, Any] | None:
        """An environment with its protection, or None."""
        try:
            found: dict[str, Any] = self.read(f"/environments/{name}")
        except NotFoundError:
            return None
        return found

    def protect(self, name: str, reviewer: int | None) -> None:
        """Create an environment for the main branch only. With a reviewer, each use waits for approval."""
        policy = {"protected_branches": False, "custom_branch_policies": True}
        body: dict[str, object] = {"deployment_branch_policy": policy}
        if reviewer is not None:
            body["reviewers"] = [{"type": "User", "id": reviewer}]
        self.write("PUT", f"/environments/{name}", body)
        known = self.read(f"/environments/{name}/deployment-branch-policies")["branch_policies"]
        if BRANCH not in {policy["name"] for policy in known}:
            self.write("POST", f"/environments/{name}/deployment-branch-policies", {"name": BRANCH})


@dataclass(frozen=True, slots=True)
class Plan:
    """The features of the project's GitHub plan, by the answers of the template."""

    environments: bool
    reviewers: bool

    @classmethod
    def of(cls, root: Path) -> "Plan":
        """Read the project's answers, from the file that docs/ownership.json names."""
        path = root / json.loads((root / "docs/ownership.json").read_text(encoding="utf-8"))["answers"]
        answers = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
        plan, public = answers.get("github_plan", "team"), answers.get("repository_visibility") == "public"
        return cls(environments=public or plan != "free", reviewers=public or plan == "enterprise")


def needs_reviewer(environment: str) -> bool:
    """Return whether an environment of GitHub waits for an approval, if the plan has reviewers."""
    return environment == "production" or environment.endswith("-infrastructure")


def gh(*arguments: str, text: str = "") -> str:
    """Run `gh`. Return its output. Raises NotFoundError or OpsError."""
    program = shutil.which("gh")
    if program is None:
        raise OpsError("gh is not on PATH: https://cli.github.com")
    done = subprocess.run(  # noqa: S603  no shell, and the arguments are this command's own
        [program, *arguments], input=text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit status {done.returncode}"
        kind = NotFoundError if "HTTP 404" in done.stderr else OpsError
        raise kind(f"gh {' '.join(arguments[:2])} failed: {reason}")
    return done.stdout
