"""Runs the checks."""

# boto3 has no type hints; only its exceptions are used here.
# mypy: disable-error-code="import-untyped"

import importlib
import importlib.util
from collections.abc import Iterator, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from ops.doctor import account, domain, repository, running, settings, tools
from ops.doctor.context import Context
from ops.doctor.finding import Check, Finding, error
from ops.errors import OpsError

BEFORE: Sequence[Check] = (tools.tools, account.credentials)
"""Without tools and credentials nothing else can be looked at: a finding here is the only one."""
PREPARATION: Sequence[Check] = (
    account.region, account.quotas, account.cost_explorer,
    settings.placeholders, settings.plain_http, settings.alerts, settings.administrators, settings.endpoint,
    repository.login, repository.identity, repository.protection, repository.variables,
)  # fmt: skip
AFTER: Sequence[Check] = (
    domain.delegation, domain.address,
    running.reachable, running.release, running.pods, running.targets, running.subscribers, running.firing,
)  # fmt: skip


def optional_checks() -> list[Check]:
    """Checks that exist only with some options of the template."""
    optional = [("ops.doctor.ses", "mail"), ("ops.addons.check", "eks_addons"), ("ops.addons.check", "addons")]
    return [getattr(importlib.import_module(module), check) for module, check in optional if _exists(module)]


def _exists(module: str) -> bool:
    """Return whether this project has a module. Its package may be missing, too."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def diagnose(context: Context) -> list[Finding]:
    """Return all findings. A check that cannot run yields a finding that says so."""
    findings = list(findings_of(BEFORE, context))
    if findings:
        return findings
    return findings + list(findings_of([*PREPARATION, *optional_checks(), *AFTER], context))


def findings_of(checks: Sequence[Check], context: Context) -> Iterator[Finding]:
    """Findings of some checks, in their order."""
    for check in checks:
        try:
            yield from check(context)
        except (OpsError, BotoCoreError, ClientError) as failure:
            reason = str(failure).splitlines()[0]
            name = check.__name__.replace("_", "-")
            yield error(name, f"cannot look: {reason}", "Mend that, and run this again", "when-something-is-wrong")
