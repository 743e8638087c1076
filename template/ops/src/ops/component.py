"""The contract as a kustomize component: the one file that a deploy generates.

`components/contract/kustomization.yaml` in the repository is the same file for `contract.example.json`, so that every
overlay renders without AWS.
"""

from collections.abc import Mapping

import yaml

from ops.contract import Contract
from ops.images import Images

# TLS 1.2 and 1.3. The default of the controller is a policy from 2016.
_TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
_ANNOTATION = "alb.ingress.kubernetes.io/"
_SECRETS = "external-secrets.io/v1"
_LOCAL = {"disableNameSuffixHash": True, "annotations": {"config.kubernetes.io/local-config": "true"}}


class _Dumper(yaml.SafeDumper):
    """Writes multi-line text as a block, so that patches in the component stay readable."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def component(contract: Contract, images: Images, address: str = "") -> str:
    """Return the component as YAML. `address` is the load balancer's name if the contract has no host."""
    others = {"region": contract.region, **contract.others}
    document = {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "images": [
            {"name": name, "newName": repository, "digest": digest}
            for name, repository, digest in images.references(contract)
        ],
        "configMapGenerator": [
            {"name": "settings", "behavior": "merge", "literals": _literals(_settings(contract, address))},
            # For replacements in other components; kustomize omits it from its output.
            {"name": "contract", "literals": _literals(others), "options": _LOCAL},
        ],
        "patches": [{"patch": _dump(patch)} for patch in _merges(contract)]
        + [{"target": target, "patch": _dump(operations)} for target, operations in _replacements(contract)],
    }
    return _dump(document)


def _dump(document: object) -> str:
    # Wide enough that no line is folded, because annotations contain long lists.
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=10_000)


def _literals(values: Mapping[str, str | int]) -> list[str]:
    return [f"{key}={value}" for key, value in values.items()]


def _settings(contract: Contract, address: str) -> dict[str, str | int]:
    settings: dict[str, str | int] = {
        "DATABASE_HOST": contract.database_host,
        "DATABASE_PORT": contract.database_port,
        "DATABASE_NAME": contract.database_name,
        "REDIS_HOST": contract.cache_host,
        "REDIS_PORT": contract.cache_port,
    }
    if contract.lru_cache_host:
        settings["CACHE_REDIS_HOST"] = contract.lru_cache_host
    if contract.host:
        settings["PUBLIC_URL"] = f"https://{contract.host}"
    elif address:
        settings["PUBLIC_URL"] = f"http://{address}"
    return settings


def _merges(contract: Contract) -> list[dict[str, object]]:
    """Return the strategic merge patches, which add to resources of the base."""
    return [
        _resource("networking.k8s.io/v1", "Ingress", "api", annotations=_load_balancer(contract)),
        *_secrets(contract),
        _resource("v1", "Service", "postgres-service", spec={"externalName": contract.database_host}),
        _resource("v1", "Service", "redis-service", spec={"externalName": contract.cache_host}),
    ]


def _resource(
    version: str, kind: str, name: str, *, annotations: dict[str, str] | None = None, spec: object = None
) -> dict[str, object]:
    metadata: dict[str, object] = {"name": name}
    if annotations is not None:
        metadata["annotations"] = annotations
    resource: dict[str, object] = {"apiVersion": version, "kind": kind, "metadata": metadata}
    return resource if spec is None else resource | {"spec": spec}


def _load_balancer(contract: Contract) -> dict[str, str]:
    annotations = {
        "security-groups": contract.alb_security_group_id,
        "subnets": ",".join(contract.public_subnet_ids),
        "load-balancer-attributes": ",".join(
            [
                # Seconds; the API keeps its connections open for longer.
                "idle_timeout.timeout_seconds=60",
                "routing.http.drop_invalid_header_fields.enabled=true",
                "access_logs.s3.enabled=true",
                f"access_logs.s3.bucket={contract.alb_log_bucket}",
            ]
        ),
        "listen-ports": '[{"HTTP": 80}]',
    }
    if contract.certificate_arn:
        annotations |= {
            "listen-ports": '[{"HTTP": 80}, {"HTTPS": 443}]',
            "ssl-redirect": "443",
            "ssl-policy": _TLS_POLICY,
            "certificate-arn": contract.certificate_arn,
        }
    return {_ANNOTATION + name: value for name, value in annotations.items()}


def _secrets(contract: Contract) -> list[dict[str, object]]:
    """Return the source of each variable of a secret: the name in Secrets Manager and the property of its JSON."""
    app = {
        "DATABASE_USER": (contract.database_app_secret, "username"),
        "DATABASE_PASSWORD": (contract.database_app_secret, "password"),
        "REDIS_USERNAME": (contract.cache_secret, "username"),
        "REDIS_PASSWORD": (contract.cache_secret, "password"),
        "JWT_SECRET": (contract.jwt_secret, "secret"),
        "SESSION_SECRET": (contract.session_secret, "secret"),
    }
    migrate = {
        "DATABASE_USER": (contract.database_migrations_secret, "username"),
        "DATABASE_PASSWORD": (contract.database_migrations_secret, "password"),
    }
    every_key = {"dataFrom": [{"extract": {"key": contract.external_api_keys_secret}}]}
    return [
        _resource(_SECRETS, "ExternalSecret", "app", spec={"data": _variables(app)}),
        _resource(_SECRETS, "ExternalSecret", "migrate", spec={"data": _variables(migrate)}),
        _resource(_SECRETS, "ExternalSecret", "external-api-keys", spec=every_key),
    ]


def _variables(sources: dict[str, tuple[str, str]]) -> list[dict[str, object]]:
    return [
        {"secretKey": variable, "remoteRef": {"key": key, "property": part}}
        for variable, (key, part) in sources.items()
    ]


def _replacements(contract: Contract) -> list[tuple[dict[str, str], list[dict[str, object]]]]:
    """Return the JSON patches, which replace placeholders inside lists."""
    public = [{"ipBlock": {"cidr": cidr}} for cidr in contract.public_subnet_cidrs]
    database = [{"ipBlock": {"cidr": cidr}} for cidr in contract.database_subnet_cidrs]
    replacements = [
        (_target("NetworkPolicy", "load-balancer"), [_replace("/spec/ingress/0/from", public)]),
        (_target("NetworkPolicy", "database|cache"), [_replace("/spec/egress/0/to", database)]),
    ]
    if contract.host:
        host: dict[str, object] = {"op": "add", "path": "/spec/rules/0/host", "value": contract.host}
        replacements.append((_target("Ingress", "api"), [host]))
    return replacements


def _target(kind: str, name: str) -> dict[str, str]:
    return {"kind": kind, "name": name}


def _replace(path: str, value: object) -> dict[str, object]:
    return {"op": "replace", "path": path, "value": value}
