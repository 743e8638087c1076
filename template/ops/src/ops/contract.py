"""The service's contract: Terraform's values for the deploy, one JSON document in SSM Parameter Store."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Self

from ops.errors import OpsError

VERSION = 1


def parameter_name(service: str, environment: str) -> str:
    """The parameter that `infra/service` publishes."""
    return f"/service/{service}/{environment}/contract"


@dataclass(frozen=True, slots=True)
class Contract:
    """The keys that the deploy reads. An empty host or certificate means HTTP alone.

    `others` holds the texts under all other keys: components take them from there.
    """

    service: str
    environment: str
    region: str
    cluster_name: str
    namespace: str
    api_repository_url: str
    worker_repository_url: str
    migrate_repository_url: str
    database_host: str
    database_port: int
    database_name: str
    database_app_secret: str
    database_migrations_secret: str
    cache_host: str
    cache_port: int
    cache_secret: str
    jwt_secret: str
    session_secret: str
    external_api_keys_secret: str
    secrets_reader_role_arn: str
    certificate_arn: str
    host: str
    alb_security_group_id: str
    alb_log_bucket: str
    public_subnet_ids: tuple[str, ...]
    public_subnet_cidrs: tuple[str, ...]
    database_subnet_cidrs: tuple[str, ...]
    lru_cache_host: str = ""
    lru_cache_port: int = 0
    others: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a contract. Raises OpsError with every key that is missing or has a wrong type."""
        try:
            document = json.loads(text)
        except ValueError as error:
            raise OpsError(f"the contract is not JSON: {error}") from None
        if not isinstance(document, dict):
            raise OpsError("the contract is not a JSON object")
        if document.get("version") != VERSION:
            raise OpsError(f"the contract has version {document.get('version')}, and this deploy reads {VERSION}")
        own = [each for each in fields(cls) if each.name != "others"]
        required = [each.name for each in own if each.default is MISSING]
        if missing := [name for name in required if name not in document]:
            raise OpsError(f"the contract lacks {', '.join(missing)}: apply infra/service again")
        known = {each.name: each.type for each in own}
        values = {name: value for name, value in document.items() if name in known}
        if wrong := [name for name, value in values.items() if not _fits(value, known[name])]:
            raise OpsError(f"the contract has an unusable value for {', '.join(wrong)}")
        frozen: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        others = {k: v for k, v in document.items() if k not in known and isinstance(v, str)}
        return cls(**frozen, others=others)


def _fits(value: object, kind: object) -> bool:
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is str:
        return isinstance(value, str)
    # An empty list of networks would be a policy that allows everything.
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) and item for item in value)
