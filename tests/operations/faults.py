"""Faults that are planted in a healthy environment, and the words by which `ops doctor` names each."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pytest

from tests.infrastructure.cloud import account
from tests.infrastructure.cloud.additions import held
from tests.operations.world import REGION, World

Plant = Callable[[World], AbstractContextManager[None]]
SERVICE = "infra/environments/dev.service.tfvars"
PLATFORM = "infra/environments/dev.platform.local.tfvars"
LOCAL = "infra/environments/dev.service.local.tfvars"
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def subscriptions() -> list[Any]:
    from moto.sns.models import sns_backends  # noqa: PLC0415  the emulator's inside: its subscriptions need no confirmation

    return list(sns_backends["123456789012"][REGION].subscriptions.values())


def edited(name: str, old: str, new: str) -> Plant:
    """A file of the project says something else."""

    def plant(world: World) -> AbstractContextManager[None]:
        world.edit(name, old, new)
        return nullcontext()

    return plant


def github(change: Callable[[dict[str, Any]], object]) -> Plant:
    """GitHub has something else."""

    def plant(world: World) -> AbstractContextManager[None]:
        state = world.read("gh.json")
        change(state)
        world.write("gh.json", state)
        return nullcontext()

    return plant


def pod(**status: Any) -> Plant:
    """A pod is in another state."""

    def plant(world: World) -> AbstractContextManager[None]:
        world.holds(**{"pods/--output=json": {"items": [{"metadata": {"name": "api-2"}, "status": status}]}})
        return nullcontext()

    return plant


def helm(**releases: Any) -> Plant:
    """Another release of a chart is installed, or None."""

    def plant(world: World) -> AbstractContextManager[None]:
        state = world.read("helm.json") | releases
        world.write("helm.json", {name: value for name, value in state.items() if value is not None})
        return nullcontext()

    return plant


def without_tool(name: str) -> Plant:
    """A tool is not on PATH."""

    def plant(world: World) -> AbstractContextManager[None]:
        world.folder.joinpath(name).unlink()
        return nullcontext()

    return plant


def patched(target: str, name: str, value: Any) -> Plant:
    """Something of this process is another, inside the block."""

    @contextmanager
    def plant(_: World) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(f"{target}.{name}", value)
            yield

    return plant


def granted(table: dict[str, Any], key: str, value: Any) -> Plant:
    """The account has another quota or status."""

    @contextmanager
    def plant(_: World) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(table, key, value)
            yield

    return plant


@contextmanager
def no_credentials(_: World) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_ACCESS_KEY_ID")
        patch.setattr("boto3.DEFAULT_SESSION", None)
        patch.setenv("HOME", "/nowhere")
        yield


@contextmanager
def root_user(_: World) -> Iterator[None]:
    import ops.doctor.context  # noqa: PLC0415  of the rendered project

    client = ops.doctor.context.Context.aws

    class Sts:
        def get_caller_identity(self) -> dict[str, str]:
            return {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:root"}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            ops.doctor.context.Context, "aws", lambda self, name, region="": Sts() if name == "sts" else client(self, name, region)
        )
        yield


@contextmanager
def before_the_platform(quota: str, value: float) -> Iterator[None]:
    """The platform's contract is not there yet, and a quota is low."""
    import ops.doctor.context  # noqa: PLC0415  of the rendered project

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ops.doctor.context.Context, "has_platform", False)
        patch.setitem(account.QUOTAS, quota, value)
        yield


@contextmanager
def not_opted_in(_: World) -> Iterator[None]:
    from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend  # noqa: PLC0415  the emulator's inside

    region = next(each for each in RegionsAndZonesBackend.regions if each.name == REGION)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(region, "opt_in_status", "not-opted-in")
        yield


@contextmanager
def certificate(**values: Any) -> Iterator[None]:
    """The certificate is in another state, and describes itself as that."""
    from moto.acm.models import CertBundle  # noqa: PLC0415  the emulator's inside

    describe = CertBundle.describe
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CertBundle, "describe", lambda self: {"Certificate": describe(self)["Certificate"] | values})
        yield


@contextmanager
def nobody_subscribes(_: World) -> Iterator[None]:
    from moto.sns.models import sns_backends  # noqa: PLC0415  the emulator's inside

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sns_backends["123456789012"][REGION], "subscriptions", {})
        yield


@contextmanager
def unconfirmed(_: World) -> Iterator[None]:
    (subscription,) = subscriptions()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subscription, "arn", "PendingConfirmation")
        yield


@contextmanager
def alarm(world: World) -> Iterator[None]:
    cloudwatch = world.aws("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName="shop-dev-database-cpu", StateValue="ALARM", StateReason="test")
    yield
    cloudwatch.set_alarm_state(AlarmName="shop-dev-database-cpu", StateValue="OK", StateReason="test")


@contextmanager
def unhealthy_target(_: World) -> Iterator[None]:
    from moto.elbv2.models import FakeHealthStatus, FakeTargetGroup  # noqa: PLC0415  the emulator's inside

    bad = FakeHealthStatus("10.0.0.1", "8000", "8000", "unhealthy", reason="Target.Timeout")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeTargetGroup, "health_for", lambda *_, **__: bad)
        yield


@contextmanager
def unresolved(_: World) -> Iterator[None]:
    from ops.doctor import domain  # noqa: PLC0415  of the rendered project

    def resolve(_: str) -> None:
        raise OSError(-2, "Name or service not known")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(domain, "resolve", resolve)
        yield


NO_DATA = ("DataUnavailableException", "Data is not available. Please try to adjust the time period.")


@contextmanager
def unopened_cost_explorer(world: World) -> Iterator[None]:
    """As AWS answers until somebody has opened Cost Explorer once and a day has passed: API_GetCostAndUsage, "Errors"."""
    from moto.ce.models import CostExplorerBackend  # noqa: PLC0415  the emulator's inside
    from moto.core.exceptions import JsonRESTError  # noqa: PLC0415  the emulator's inside

    def refuse(*_: object) -> None:
        raise JsonRESTError(*NO_DATA)

    path = world.project / PLATFORM
    path.write_text(path.read_text(encoding="utf-8") + 'anomaly_detection = "services"\n', encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CostExplorerBackend, "get_cost_and_usage", refuse)
        yield


@contextmanager
def eks_addon(*, gone: bool = False, **values: str) -> Iterator[None]:
    """The add-on vpc-cni is in another state, or is gone."""
    from moto.eks.models import eks_backends  # noqa: PLC0415  the emulator's inside

    parts = held(eks_backends["123456789012"][REGION].clusters["shop-dev"], "addon")
    kept = parts["vpc-cni"]
    if gone:
        del parts["vpc-cni"]
    else:
        parts["vpc-cni"] = kept | values
    yield
    parts["vpc-cni"] = kept


def kubectl_fails(world: World) -> AbstractContextManager[None]:
    """The cluster's endpoint is out of reach."""
    world.folder.joinpath("kubectl").write_text(
        f'#!/bin/sh\ncase $1 in kustomize) exec {world.folder}/real-kubectl "$@";; version) echo v1.36.1;; *)'
        ' echo "Unable to connect to the server: dial tcp: i/o timeout" >&2; exit 1;; esac\n',
        encoding="utf-8",
    )
    return nullcontext()


ADMIN = '["arn:aws:iam::123456789012:role/Admin"]'
FAULTS: dict[str, tuple[Plant, str]] = {
    "no credentials": (no_credentials, "credentials: cannot look: Unable to locate credentials"),
    "root user": (root_user, "account: the credentials are those of the root user"),
    "region not enabled": (not_opted_in, "region: the account has not enabled ap-southeast-1"),
    "Elastic IPs": (lambda _: before_the_platform("L-0263D0A3", 0), "quotas: 0 of 0 Elastic IPs are free"),
    "vCPUs": (lambda _: before_the_platform("L-1216C47A", 1), "quotas: the account may run 1 vCPUs"),
    "SES sandbox": (granted(account.SES, "ProductionAccessEnabled", False), "mail: SES is in its sandbox"),
    "terraform missing": (without_tool("terraform"), "tools: terraform is not on PATH"),
    "helm missing": (without_tool("helm"), "tools: helm is not on PATH"),
    "gh too old": (github(lambda state: state.update(version="gh version 2.4.0")), "tools: gh is 2.4, and 2.40 is needed"),
    "a placeholder": (
        edited("deploy/overlays/dev/settings.env", "LOG_LEVEL=INFO", "LOG_LEVEL=INFO\nSMTP_HOST=smtp.invalid"),
        "settings: SMTP_HOST is still smtp.invalid",
    ),
    "plain HTTP": (edited(SERVICE, '= "api.example.com"', '= ""'), "http: domain is empty"),
    "no alert_email": (edited(SERVICE, "alerts@example.com", ""), "alarms: alert_email is empty"),
    "no administrator": (edited(PLATFORM, ADMIN, "[]"), "cluster: cluster_admin_role_arns is empty"),
    "private endpoint": (edited(PLATFORM, '["203.0.113.0/24"]', "[]"), "cluster: the cluster's endpoint is private"),
    "not logged in at GitHub": (github(lambda state: state.update(logged_in=False)), "github: cannot read acme/shop"),
    "no owner": (edited("infra/environments/github.tfvars", '"acme"', '"your-github-owner"'), "github: github_owner"),
    "another repository": (edited("infra/environments/bootstrap.local.tfvars", '"42"', '"41"'), "github: github_repository_id"),
    "no environment": (
        github(lambda state: (state["environments"].pop("dev"), state["variables"].pop("dev"))),
        "github: there is no environment dev.",
    ),
    "any branch": (
        github(lambda state: state["environments"]["dev"].update(deployment_branch_policy=None)),
        "github: every branch may use the environment dev.",
    ),
    "no reviewer": (
        github(lambda state: state["environments"]["dev-infrastructure"].update(protection_rules=[])),
        "github: the environment dev-infrastructure has no required reviewer",
    ),
    "no AWS_ROLE_ARN": (
        github(lambda state: state["variables"]["dev"].clear()),
        "github: the variable AWS_ROLE_ARN of the environment dev",
    ),
    "a wrong apply role": (
        github(lambda state: state["variables"]["dev-infrastructure"].update(AWS_APPLY_ROLE_ARN="arn:aws:iam::1:role/x")),
        "github: the variable AWS_APPLY_ROLE_ARN of the environment dev-infrastructure is arn:aws:iam::1:role/x",
    ),
    "no plan role": (github(lambda state: state["variables"][""].clear()), "github: the variable AWS_PLAN_ROLE_ARN of the repository"),
    "certificate pending": (
        lambda _: certificate(Status="PENDING_VALIDATION"),
        "domain: api.example.com is not delegated: its certificate is PENDING_VALIDATION",
    ),
    "certificate ends": (lambda _: certificate(NotAfter=1.0), "domain: the certificate of api.example.com ends on 1970-01-01"),
    "delegated and not said": (
        edited(LOCAL, "domain_delegated = true", "domain_delegated = false"),
        "domain: api.example.com is delegated, and domain_delegated is false",
    ),
    "no DNS": (unresolved, "dns: api.example.com does not resolve"),
    "cluster out of reach": (kubectl_fails, "cluster: it does not answer"),
    "a pod without its image": (
        pod(phase="Pending", containerStatuses=[{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]),
        "pods: api-2 is not ready: ImagePullBackOff",
    ),
    "a pod that is not ready": (
        pod(phase="Running", conditions=[{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]),
        "pods: api-2 is not ready: ContainersNotReady",
    ),
    "an unhealthy target": (unhealthy_target, "targets: the load balancer holds 10.0.0.1 for unhealthy: Target.Timeout"),
    "no subscriber": (nobody_subscribes, "alarms: nobody subscribes to shop-dev-alerts"),
    "unconfirmed": (unconfirmed, "alarms: alerts@example.com has not confirmed"),
    "an alarm": (alarm, "alarms: shop-dev-database-cpu is firing"),
    "Cost Explorer": (unopened_cost_explorer, "cost: anomaly_detection is on, and Cost Explorer is not (DataUnavailableException)"),
    "an EKS add-on is behind": (
        lambda _: eks_addon(addonVersion="v1.0.0-eksbuild.1"),
        "add-ons: the EKS add-on vpc-cni is v1.0.0-eksbuild.1, and v",
    ),
    "an EKS add-on is degraded": (lambda _: eks_addon(status="DEGRADED"), "add-ons: the EKS add-on vpc-cni is DEGRADED"),
    "an EKS add-on is missing": (lambda _: eks_addon(gone=True), "add-ons: the EKS add-on vpc-cni is not installed"),
    "an add-on is missing": (helm(**{"external-secrets": None}), "add-ons: external-secrets is not installed"),
    "an add-on is behind": (
        helm(**{"external-secrets": {"chart": "external-secrets-2.0.0", "status": "deployed"}}),
        "add-ons: external-secrets-2.0.0 is installed, not 2.8.0",
    ),
    "an add-on failed": (
        helm(**{"external-secrets": {"chart": "external-secrets-2.8.0", "status": "failed"}}),
        "add-ons: external-secrets is failed",
    ),
}
