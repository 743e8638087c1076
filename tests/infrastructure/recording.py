"""Recorded requests as calls of IAM: action and resource, as far as the policies tell resources apart."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import botocore.loaders  # type: ignore[import-untyped]  # boto3 carries no types

from tests.infrastructure.emulator import ACCOUNT

PREFIXES = {"monitoring": "cloudwatch", "email": "ses"}
"""Prefix of actions, where a service signs by another name."""

REST = {"backup": "backup", "eks": "eks", "route53": "route53", "s3": "s3", "scheduler": "scheduler", "ses": "sesv2"}
"""Services whose operation is a method and a path, and botocore's name for them."""

S3_ACTIONS = {
    # Operations that share a method and path; Terraform calls only the simple ones.
    "AbortMultipartUpload": "DeleteObject",
    "CopyObject": "PutObject",
    "DeleteObjects": "DeleteObject",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
}
ROLE = re.compile(rf"arn:aws:iam::{ACCOUNT}:role/[\w+=,.@/-]+")


def _part(text: str) -> str:
    """A part of a path as a pattern: a parameter goes up to the next slash, but for keys and ARNs."""
    if not text.startswith("{"):
        return re.escape(text)
    name = text[1:-1].rstrip("+")
    return f"(?P<{name.replace('-', '_')}>{'.+' if text.endswith('+}') or name.endswith('Arn') else '[^/]+'})"


@cache
def _operations(service: str) -> list[tuple[str, re.Pattern[str], frozenset[str], str]]:
    """Method, path, query and name of every operation of a REST service, those with the most query parameters first."""
    loaded = botocore.loaders.Loader().load_service_model(service, "service-2")
    found = []
    for name, operation in loaded["operations"].items():
        path, _, query = operation["http"]["requestUri"].partition("?")
        pattern = "".join(_part(part) for part in re.split(r"(\{[^}]+\})", path) if part)
        found.append((operation["http"]["method"], re.compile(pattern.rstrip("/") + "/?"), frozenset(filter(None, query.split("&"))), name))
    return sorted(found, key=lambda each: -len(each[2]))


def _rest(line: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    given = set(line["query"].split("&")) | {part.partition("=")[0] for part in line["query"].split("&")}
    for method, path, query, name in _operations(REST[line["service"]]):
        matched = path.fullmatch(line["path"])
        if method == line["method"] and matched and query <= given:
            return name, {key: unquote(value) for key, value in matched.groupdict().items()}
    message = f"no operation of {line['service']} is {line['method']} {line['path']}?{line['query']}"
    raise LookupError(message)


def _iam(form: Mapping[str, list[str]]) -> str:
    if "RoleName" in form:
        return f"arn:aws:iam::{ACCOUNT}:role/{form['RoleName'][0]}"
    if "Url" in form:
        return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{form['Url'][0].removeprefix('https://')}"
    return next((form[name][0] for name in ("PolicyArn", "OpenIDConnectProviderArn") if name in form), "*")


def _json(service: str, region: str, name: str, body: Mapping[str, Any]) -> str:
    if (service, name) == ("ecr", "DescribeImages"):
        return f"arn:aws:ecr:{region}:{ACCOUNT}:repository/{body['repositoryName']}"
    if service == "secretsmanager" and (secret := body.get("SecretId") or body.get("Name")):
        return secret if secret.startswith("arn:") else f"arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:{secret}-AbCdEf"
    if service == "ssm" and (parameter := body.get("Name") or body.get("ResourceId")):
        account = "" if parameter.startswith("/aws/") else ACCOUNT
        return f"arn:aws:ssm:{region}:{account}:parameter{parameter}"
    return "*"


def _eks(region: str, name: str, parts: Mapping[str, str]) -> str:
    cluster = parts.get("name") or parts.get("clusterName")
    if not cluster:
        return "*"
    kind = {"AccessEntry": "access-entry", "AccessPolicy": "access-entry", "PodIdentityAssociation": "podidentityassociation"}
    found = next((path for word, path in kind.items() if name.endswith(word) and not name.startswith("Create")), None)
    return f"arn:aws:eks:{region}:{ACCOUNT}:{f'{found}/{cluster}/any' if found else f'cluster/{cluster}'}"


def calls(file: Path, start: int = 0, *, refused: bool = True) -> Iterator[tuple[str, str, str]]:
    """Yield the recorded calls: access key, `service:Operation`, resource. PassRole follows from roles that are handed over.

    `start` is the byte to read from. Calls that the emulator refused can be left out.
    """
    with file.open(encoding="utf-8") as lines:
        lines.seek(start)
        for text in lines:
            line = json.loads(text)
            if line["refused"] and not refused:
                continue
            service = PREFIXES.get(line["service"], line["service"])
            resource, form = "*", parse_qs(line["body"])
            if line["service"] in REST and not line["target"]:
                name, parts = _rest(line)
                if service == "s3":
                    name = S3_ACTIONS.get(name, name)
                    resource = "arn:aws:s3:::" + "/".join(filter(None, (parts.get("Bucket"), parts.get("Key"))))
                elif service == "eks":
                    resource = _eks(line["region"], name, parts)
            elif line["target"]:
                name = line["target"].rpartition(".")[2]
                resource = _json(service, line["region"], name, json.loads(line["body"] or "{}"))
            else:
                name = form["Action"][0]
                resource = _iam(form) if service == "iam" else "*"
            yield line["who"], f"{service}:{name}", resource
            # An access entry grants access to a cluster, but passes no role.
            if service not in {"iam", "sts", "kms", "s3", "sns", "secretsmanager", "ssm"} and not name.endswith("AccessEntry"):
                for role in set(ROLE.findall(unquote(line["body"]))):
                    yield line["who"], "iam:PassRole", role


def of_projects(file: Path) -> set[str]:
    """Calls of the platform's and service's roots and of the scripts, each `service-environment action resource`, without random names."""
    found = set()
    for who, action, resource in calls(file):
        root, _, whose = who.partition("-")
        if root in {"platform", "service", "script"}:
            plain = re.sub(r"(oidc\.eks\.[^/]+/id/).*", r"\1any", resource)
            plain = re.sub(r"(:secret:.*)-\w{6}$", r"\1-AbCdEf", plain)
            found.add(f"{whose} {action} {plain}")
    return found
