"""The domain: delegation, certificate and DNS."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from ops import clock, tfvars
from ops.doctor.context import Context
from ops.doctor.finding import Finding, error, warning

RENEWAL = timedelta(days=30)
"""ACM renews 60 days before the end: half of that means that renewal fails."""


def delegation(context: Context) -> Iterator[Finding]:
    """Yield a finding if the parent zone does not delegate to the environment's zone, or `domain_delegated` is not set.

    ACM looks the validation record up from outside, so an issued certificate proves the delegation.
    """
    domain = str(context.settings.get("domain") or "")
    if not domain or context.contract is None:
        return
    file = tfvars.local_file(context.root, context.environment, "service").relative_to(context.root)
    if (found := certificate_of(context, domain)) is None or found["Status"] != "ISSUED":
        servers = ", ".join(name_servers(context, domain)) or "its name servers"
        problem = f"{domain} is not delegated: its certificate is {found['Status'] if found else 'missing'}"
        yield error("domain", problem, f"At the parent zone, add NS records for {domain}: {servers}", "delegation")
    elif not context.settings.get("domain_delegated"):
        remedy = f"Set domain_delegated = true in {file}, then: uv run ops apply {context.environment} --root service"
        yield error("domain", f"{domain} is delegated, and domain_delegated is false", remedy, "delegation")
    elif found["NotAfter"] - clock.now() < RENEWAL:
        problem = f"the certificate of {domain} ends on {found['NotAfter']:%Y-%m-%d} and was not renewed"
        yield error("domain", problem, "Find the missing validation record in ACM", "delegation")


def address(context: Context) -> Iterator[Finding]:
    """Yield a finding where the host name of a running service does not resolve."""
    if context.contract is None or not context.contract.host or not context.contract.certificate_arn:
        return
    try:
        resolve(context.contract.host)
    except OSError as failure:
        remedy = f"Run external-dns again (uv run ops addons {context.environment}) and read its log"
        yield warning("dns", f"{context.contract.host} does not resolve: {failure}", remedy, "delegation")


def resolve(host: str) -> None:
    """Look a host name up. Raises OSError."""
    socket.getaddrinfo(host, 443)


def certificate_of(context: Context, domain: str) -> dict[str, Any] | None:
    """The certificate of a domain, as ACM describes it."""
    acm = context.aws("acm")
    pages = acm.get_paginator("list_certificates").paginate()
    arns = [c["CertificateArn"] for page in pages for c in page["CertificateSummaryList"] if c["DomainName"] == domain]
    found: list[dict[str, Any]] = [acm.describe_certificate(CertificateArn=arn)["Certificate"] for arn in arns]
    issued = [each for each in found if each["Status"] == "ISSUED"]
    return next(iter([*issued, *found]), None)


def name_servers(context: Context, domain: str) -> list[str]:
    """Name servers of the environment's zone; empty without one."""
    dns = context.aws("route53")
    for zone in dns.list_hosted_zones_by_name(DNSName=domain)["HostedZones"]:
        if zone["Name"] == f"{domain}." and not zone["Config"]["PrivateZone"]:
            servers: list[str] = dns.get_hosted_zone(Id=zone["Id"])["DelegationSet"]["NameServers"]
            return servers
    return []
