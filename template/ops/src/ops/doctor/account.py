"""The AWS account: credentials, region, quotas, Cost Explorer."""

# boto3 has no type hints, so its responses are checked where they are read.
# mypy: disable-error-code="import-untyped"

from collections.abc import Iterator
from datetime import timedelta

from botocore.exceptions import ClientError

from ops import clock
from ops.doctor.context import Context
from ops.doctor.finding import Finding, error, warning

ELASTIC_IPS, STANDARD_VCPUS = "L-0263D0A3", "L-1216C47A"
"""Quota codes of EC2: Elastic IPs, and vCPUs of running on-demand standard instances (T, M, C, R and others)."""
RAISE = "aws service-quotas request-service-quota-increase --service-code ec2 --quota-code"


def credentials(context: Context) -> Iterator[Finding]:
    """Yield a finding for the account's root user. Without credentials, the check itself fails and reports that."""
    identity = context.aws("sts").get_caller_identity()
    if identity["Arn"].endswith(":root"):
        remedy = "Log in with an administrator role"
        yield error(
            "account", f"the credentials are those of the root user of {identity['Account']}", remedy, "account"
        )


def region(context: Context) -> Iterator[Finding]:
    """Yield a finding for a region that the account has not enabled."""
    # Query another region, because a disabled region does not answer.
    found = context.aws("ec2", "us-east-1").describe_regions(AllRegions=True, RegionNames=[context.region])["Regions"]
    if found and found[0]["OptInStatus"] == "not-opted-in":
        remedy = f"aws account enable-region --region-name {context.region}"
        yield error("region", f"the account has not enabled {context.region}", remedy, "account")


def quotas(context: Context) -> Iterator[Finding]:
    """Yield quotas that the platform would exceed; nothing once the platform exists."""
    if not context.creates_platform or context.has_platform:
        return
    needed = int(context.platform.get("nat_gateways", 1))
    limit, used = _quota(context, ELASTIC_IPS), len(context.aws("ec2").describe_addresses()["Addresses"])
    if limit - used < needed:
        problem = f"{limit - used} of {limit} Elastic IPs are free, and the NAT gateways need {needed}"
        yield error("quotas", problem, f"{RAISE} {ELASTIC_IPS} --desired-value {used + needed}", "quotas")
    kind = str(context.platform["node_instance_type"])
    (described,) = context.aws("ec2").describe_instance_types(InstanceTypes=[kind])["InstanceTypes"]
    # The quota must suffice for the smallest cluster to start; it can be raised later for the largest.
    vcpus = int(described["VCpuInfo"]["DefaultVCpus"])
    first, most = vcpus * int(context.platform["node_min"]), vcpus * int(context.platform["node_max"])
    if (limit := _quota(context, STANDARD_VCPUS)) < most:
        report = error if limit < first else warning
        problem = f"the account may run {limit} vCPUs, and {context.platform['node_max']} nodes of {kind} have {most}"
        yield report("quotas", problem, f"{RAISE} {STANDARD_VCPUS} --desired-value {most}", "quotas")


def _quota(context: Context, code: str) -> int:
    client = context.aws("service-quotas")
    try:
        return int(client.get_service_quota(ServiceCode="ec2", QuotaCode=code)["Quota"]["Value"])
    except client.exceptions.NoSuchResourceException:
        # The account may not list a quota that was never raised: use the default.
        return int(client.get_aws_default_service_quota(ServiceCode="ec2", QuotaCode=code)["Quota"]["Value"])


def cost_explorer(context: Context) -> Iterator[Finding]:
    """Yield a finding if anomaly detection is on, but Cost Explorer, which it needs, is off."""
    if context.platform.get("anomaly_detection", "none") == "none":
        return
    today = clock.now().date()
    period = {"Start": (today - timedelta(days=1)).isoformat(), "End": today.isoformat()}
    try:
        context.aws("ce", "us-east-1").get_cost_and_usage(
            TimePeriod=period, Granularity="DAILY", Metrics=["UnblendedCost"]
        )
    except ClientError as failure:
        problem = f"anomaly_detection is on, and Cost Explorer is not ({failure.response['Error']['Code']})"
        remedy = "Open Cost Explorer once in the console, wait a day; until then set anomaly_detection to none"
        yield error("cost", problem, remedy, "costs")
