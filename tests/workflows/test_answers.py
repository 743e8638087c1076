"""Which answer changes which files: exactly these, and no others."""

from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.harness import ANSWERS_FILE, Renderer, files_of

ALL = {"environments": ["dev", "staging", "production"]}
REVIEWS = ["build", "deploy", "infrastructure", "promote", "release"]
ENVIRONMENTS = ["drift", "infrastructure", "promote", "release", "rollback"]


def workflows(*names: str) -> list[str]:
    return [f".github/workflows/{name}.yml" for name in names]


TABLE: dict[str, tuple[dict[str, Any], list[str]]] = {
    "public": (
        {"repository_visibility": "public"},
        [*workflows(*REVIEWS, "security"), "docs/compliance.md", "docs/delivery.md", "docs/first-deployment.md"],
    ),
    # Nothing differs from the base: a private repository on the Team plan.
    "internal": ({"repository_visibility": "internal"}, []),
    # Private repositories on this plan have no environments, so there is no place to name a role.
    "free": ({"github_plan": "free"}, ["docs/delivery.md", "docs/first-deployment.md"]),
    "enterprise": (
        {"github_plan": "enterprise"},
        [*workflows(*REVIEWS), "docs/compliance.md", "docs/delivery.md", "docs/first-deployment.md"],
    ),
    "canary": (
        {"delivery": "canary"},
        [
            *workflows("deploy"),
            "deploy/components/canary/*",
            "deploy/components/options/kustomization.yaml",
            # The canary's two processes also use database connections.
            "deploy/overlays/*/kustomization.yaml",
            "docs/architecture.*",
            "docs/capacity.md",
            "docs/decisions/canary.md",
            "docs/delivery.md",
            "docs/runbooks/alarms/canary-stuck.md",
            "infra/bootstrap/canary.tf",
            "infra/service/canary_override.tf",
            "ops/src/ops/canary/*.py",
            "ops/src/ops/commands/canary.py",
        ],
    ),
    "without staging": (
        {"environments": ["dev", "production"]},
        [
            *workflows(*ENVIRONMENTS),
            "deploy/overlays/staging/*",
            "docs/capacity.md",
            "docs/cost.*",
            "docs/delivery.md",
            "docs/users-data.md",
            "infra/environments/bootstrap.tfvars",
            "infra/environments/staging.*",
        ],
    ),
    "joining a platform": (
        {"platform": "join", "off_hours_shutdown": "none"},
        [
            *workflows("build"),
            "README.md",
            # The platform provides the cluster's controllers.
            "deploy/README.md",
            "deploy/addons/*",
            "deploy/base/ingress.yaml",
            "docs/architecture.*",
            "docs/capacity.md",
            "docs/cost.*",
            "docs/first-deployment.md",
            "docs/observability.md",
            "docs/region.md",
            "docs/users-data.md",
            "infra/environments/*.platform.*",
            "infra/environments/*.service.platform_join.tfvars",
            "infra/environments/*.service.tfvars",
            "infra/environments/bootstrap.tfvars",
            "infra/bootstrap/tests/answers.auto.tfvars",
            "infra/modules/cluster/*",
            "infra/modules/network/*",
            "infra/modules/nodes/*",
            "infra/platform/*",
            "infra/service/platform-contract.example.json",
            "infra/service/platform_join.tf",
            "infra/service/tests/answers.auto.tfvars",
            "infra/service/tests/platform_join.auto.tfvars",
            "infra/service/tests/platform_join.tftest.hcl",
            "docs/runbooks/alarms/nodes*.md",
            "docs/runbooks/upgrade.md",
            "ops/src/ops/addons/*.py",
            "ops/src/ops/commands/addons.py",
        ],
    ),
}


@pytest.mark.parametrize("change", TABLE)
def test_an_answer_changes_exactly_its_files(render: Renderer, change: str) -> None:
    answers, patterns = TABLE[change]
    before, after = files_of(render(ALL)), files_of(render(ALL | answers))
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} - {ANSWERS_FILE}
    assert not [name for name in sorted(changed) if not any(fnmatchcase(name, pattern) for pattern in patterns)]
    assert not [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in changed)]


def test_what_needs_a_public_repository_is_in_no_other(render: Renderer) -> None:
    for visibility, plan in (("private", "team"), ("private", "enterprise"), ("internal", "enterprise")):
        project = render(ALL | {"repository_visibility": visibility, "github_plan": plan})
        text = (project / ".github/workflows/security.yml").read_text(encoding="utf-8")
        assert "codeql" not in text.lower()
        assert "dependency-review" not in text
    text = (render(ALL | {"repository_visibility": "public"}) / ".github/workflows/security.yml").read_text(encoding="utf-8")
    assert "github/codeql-action/analyze@" in text
    assert "actions/dependency-review-action@" in text


def test_what_needs_enterprise_or_a_public_repository_is_in_no_other(render: Renderer) -> None:
    for answers, attested in (
        ({"github_plan": "team"}, False),
        ({"github_plan": "enterprise"}, True),
        ({"repository_visibility": "public", "github_plan": "free"}, True),
    ):
        folder = render(ALL | answers) / ".github/workflows"
        assert ("actions/attest@" in (folder / "build.yml").read_text(encoding="utf-8")) is attested
        assert ("gh attestation verify" in (folder / "deploy.yml").read_text(encoding="utf-8")) is attested
