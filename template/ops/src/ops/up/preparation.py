"""Steps before the release: settings, the account, the repository, and Terraform's roots."""

from collections.abc import Sequence

from ops import tfvars
from ops.doctor import account, repository, settings, tools
from ops.doctor.context import Context
from ops.doctor.domain import certificate_of, name_servers
from ops.doctor.finding import Check, Finding, Severity
from ops.doctor.run import findings_of
from ops.output import confirm, say
from ops.secrets import free_secrets
from ops.terraform import BOOTSTRAP, Root
from ops.up.github import protect_environments, set_variables
from ops.up.step import PersonNeededError, Step, Walk

ACCOUNT: Sequence[Check] = (tools.tools, account.credentials, account.region)
SETTINGS: Sequence[Check] = (settings.placeholders, settings.administrators, settings.endpoint)
SAVED = "up.tfplan"


def errors(checks: Sequence[Check], context: Context) -> list[Finding]:
    """Findings that stop the deployment."""
    return [finding for finding in findings_of(checks, context) if finding.severity is Severity.ERROR]


def person(name: str, takes: str, checks: Sequence[Check]) -> Step:
    """A step for a person. It is done if the checks find no error."""

    def act(run: Walk) -> None:
        lines = [str(finding) for finding in errors(checks, run.context)]
        raise PersonNeededError("\n".join([*lines, "Do that, then run this again"]))

    return Step(name, takes, lambda run: not errors(checks, run.context), act)


def _identified(run: Walk) -> bool:
    return not errors([repository.login, repository.identity], run.context)


def _write_ids(run: Walk) -> None:
    """Copy the ids of the repository into bootstrap.local.tfvars: AWS trusts the repository by them."""
    context = run.context
    if found := errors([repository.login], context) or repository.is_placeholder(context):
        lines = [str(finding) for finding in found] if isinstance(found, list) else []
        lines.append(f"Push this project to GitHub, give its owner ({repository.OWNER}), then run this again")
        raise PersonNeededError("\n".join(lines))
    answer = context.repository.read()
    path = context.root / repository.FILE
    for name, value in {"github_owner_id": answer["owner"]["id"], "github_repository_id": answer["id"]}.items():
        tfvars.assign(path, name, str(value))
    say(f"wrote the ids of {context.repository.name} into {repository.FILE}")


def _root(run: Walk, name: str) -> Root:
    return Root.of(run.context.root, run.context.environment, name)


def _apply(run: Walk, name: str) -> None:
    """Apply the saved plan after confirmation."""
    root = _root(run, name)
    confirm(f"Apply this plan of {root.name}?", yes=run.yes)
    free_secrets(root, yes=run.yes, plan=SAVED)
    root.run("apply", "-input=false", SAVED)
    (root.folder / SAVED).unlink(missing_ok=True)


def terraform(name: str, takes: str) -> Step:
    """A Terraform root. It is done if its plan changes nothing, and applied after the plan is shown and confirmed."""
    return Step(
        name,
        takes,
        done=lambda run: not _root(run, name).plan(SAVED),
        act=lambda run: _apply(run, name),
        applies=lambda context: (context.root / "infra" / name).is_dir(),
        # Terraform's exit status shows the result; another plan would take a minute.
        verify=False,
    )


def _protected(run: Walk) -> bool:
    return not errors([repository.protection, repository.variables], run.context)


def _protect(run: Walk) -> None:
    confirm("Create and protect GitHub's environments, and set their variables?", yes=run.yes)
    protect_environments(run.context)
    set_variables(run.context)


def _delegated(run: Walk) -> bool:
    """Return whether the contract has the certificate: after its issue, and once Terraform knows of the delegation."""
    return run.context.contract is not None and bool(run.context.contract.certificate_arn)


def _delegate(run: Walk) -> None:
    """Tell Terraform about an existing delegation; ask the person for a missing one."""
    context, domain = run.context, str(run.context.settings["domain"])
    found = certificate_of(context, domain)
    if found is None or found["Status"] != "ISSUED":
        records = "\n".join(f"  {domain}.  NS  {server}" for server in name_servers(context, domain))
        raise PersonNeededError(
            f"At the parent zone of {domain}, add these records:\n{records}\n"
            "AWS issues the certificate within the hour. Then run this again"
        )
    path = tfvars.local_file(context.root, context.environment, "service")
    tfvars.assign(path, "domain_delegated", True)
    say(f"set domain_delegated in {path.name}")
    if _root(run, "service").plan(SAVED):
        _apply(run, "service")


def _has_domain(context: Context) -> bool:
    return bool(context.settings.get("domain"))


STEPS: Sequence[Step] = (
    person("tools and account", "10 minutes of yours", ACCOUNT),
    person("settings", "5 minutes of yours", SETTINGS),
    Step("repository", "a second", _identified, _write_ids),
    person("quotas", "up to a day at AWS", [account.quotas]),
    terraform(BOOTSTRAP, "2 minutes"),
    Step("GitHub", "a few seconds", _protected, _protect, lambda context: context.plan.environments),
    terraform("platform", "20 minutes"),
    terraform("service", "20 minutes"),
    Step("delegation", "a minute of yours, and up to an hour at AWS", _delegated, _delegate, _has_domain),
)
"""In their order."""
