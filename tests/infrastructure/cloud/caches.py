"""ElastiCache: parameter groups, user groups, changes of a user's password, readable members, and a way to delete it all."""

from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult
from moto.elasticache.models import ElastiCacheBackend, ReplicationGroup
from moto.elasticache.responses import ElastiCacheResponse

from tests.infrastructure.cloud.additions import adds_to, body, held

_describe_clusters, _delete_group = ElastiCacheResponse.describe_cache_clusters, ElastiCacheBackend.delete_replication_group
_list_tags = ElastiCacheResponse.list_tags_for_resource


class NotFoundError(ServiceException):
    """The requested object does not exist."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _arn(response: Any, kind: str, name: str) -> str:
    return f"arn:aws:elasticache:{response.region}:{response.current_account}:{kind}:{name}"


def _found(response: Any, kind: str, key: str, code: str) -> list[dict[str, Any]]:
    """Return all objects of a kind, or the object that the request names."""
    things, name = held(response.elasticache_backend, kind), response._get_param(key)
    if name and name not in things:
        raise NotFoundError(code)
    return [things[name]] if name else list(things.values())


@adds_to(ElastiCacheResponse)
def list_tags_for_resource(self: Any) -> ActionResult:
    arn = self._get_param("ResourceName")
    for kind in ("parameter group", "user group"):
        for thing in held(self.elasticache_backend, kind).values():
            if thing["ARN"] == arn:
                return ActionResult({"TagList": thing["Tags"]})
    return _list_tags(self)


@adds_to(ElastiCacheResponse)
def create_cache_parameter_group(self: Any) -> ActionResult:
    name = self._get_param("CacheParameterGroupName")
    group = {
        "Tags": [],
        **body(self, "CacheParameterGroupName", "CacheParameterGroupFamily", "Description", "Tags"),
        "ARN": _arn(self, "parametergroup", name),
        "IsGlobal": False,
        "parameters": {},
    }
    held(self.elasticache_backend, "parameter group")[name] = group
    return ActionResult({"CacheParameterGroup": group})


def _parameter_group(response: Any) -> dict[str, Any]:
    return _found(response, "parameter group", "CacheParameterGroupName", "CacheParameterGroupNotFound")[0]


@adds_to(ElastiCacheResponse)
def describe_cache_parameter_groups(self: Any) -> ActionResult:
    groups = _found(self, "parameter group", "CacheParameterGroupName", "CacheParameterGroupNotFound")
    return ActionResult({"CacheParameterGroups": groups})


@adds_to(ElastiCacheResponse)
def modify_cache_parameter_group(self: Any) -> ActionResult:
    group = _parameter_group(self)
    group["parameters"] |= {each["ParameterName"]: each["ParameterValue"] for each in self._get_param("ParameterNameValues", [])}
    return ActionResult({"CacheParameterGroupName": group["CacheParameterGroupName"]})


@adds_to(ElastiCacheResponse)
def reset_cache_parameter_group(self: Any) -> ActionResult:
    group = _parameter_group(self)
    for each in self._get_param("ParameterNameValues", []):
        group["parameters"].pop(each["ParameterName"], None)
    return ActionResult({"CacheParameterGroupName": group["CacheParameterGroupName"]})


@adds_to(ElastiCacheResponse)
def describe_cache_parameters(self: Any) -> ActionResult:
    known = {"Source": "user", "DataType": "string", "IsModifiable": True}
    parameters = _parameter_group(self)["parameters"]
    return ActionResult({"Parameters": [{"ParameterName": k, "ParameterValue": v, **known} for k, v in parameters.items()]})


@adds_to(ElastiCacheResponse)
def delete_cache_parameter_group(self: Any) -> EmptyResult:
    del held(self.elasticache_backend, "parameter group")[_parameter_group(self)["CacheParameterGroupName"]]
    return EmptyResult()


@adds_to(ElastiCacheResponse)
def create_user_group(self: Any) -> ActionResult:
    name = self._get_param("UserGroupId")
    group = {
        "Tags": [],
        "UserIds": [],
        **body(self, "Engine", "Tags", "UserGroupId", "UserIds"),
        "ARN": _arn(self, "usergroup", name),
        "MinimumEngineVersion": "7.2",
        "ReplicationGroups": [],
        "Status": "active",
    }
    held(self.elasticache_backend, "user group")[name] = group
    return ActionResult(group)


@adds_to(ElastiCacheResponse)
def describe_user_groups(self: Any) -> ActionResult:
    return ActionResult({"UserGroups": _found(self, "user group", "UserGroupId", "UserGroupNotFound")})


@adds_to(ElastiCacheResponse)
def delete_user_group(self: Any) -> ActionResult:
    (group,) = _found(self, "user group", "UserGroupId", "UserGroupNotFound")
    del held(self.elasticache_backend, "user group")[group["UserGroupId"]]
    return ActionResult({**group, "Status": "deleting"})


@adds_to(ElastiCacheResponse)
def modify_user(self: Any) -> ActionResult:
    """A user may hold two passwords at once, so that one can be replaced without a gap."""
    (user,) = self.elasticache_backend.describe_users(self._get_param("UserId"))
    mode = self._get_param("AuthenticationMode") or {}
    user.passwords = mode.get("Passwords") or self._get_param("Passwords") or user.passwords
    user.access_string = self._get_param("AccessString") or user.access_string
    return ActionResult(user)


def _member(group: ReplicationGroup, name: str, response: Any) -> dict[str, Any]:
    return {
        "ARN": _arn(response, "cluster", name),
        "AtRestEncryptionEnabled": group.at_rest_encryption_enabled,
        "AutoMinorVersionUpgrade": group.auto_minor_version_upgrade,
        "CacheClusterId": name,
        "CacheClusterStatus": "available",
        "CacheNodeType": group.cache_node_type,
        "CacheParameterGroup": {"CacheParameterGroupName": group.cache_parameter_group_name, "ParameterApplyStatus": "in-sync"},
        "CacheSubnetGroupName": group.cache_subnet_group_name,
        "Engine": group.engine,
        "EngineVersion": group.engine_version,
        "NumCacheNodes": 1,
        "PreferredMaintenanceWindow": group.preferred_maintenance_window,
        "ReplicationGroupId": group.replication_group_id,
        "SecurityGroups": [{"SecurityGroupId": each, "Status": "active"} for each in group.security_group_ids or []],
        "SnapshotRetentionLimit": group.snapshot_retention_limit,
        "SnapshotWindow": group.snapshot_window,
        "TransitEncryptionEnabled": group.transit_encryption_enabled,
        "TransitEncryptionMode": group.transit_encryption_mode,
    }


@adds_to(ElastiCacheResponse)
def describe_cache_clusters(self: Any) -> ActionResult:
    """Terraform reads a group's settings from its first member, which moto does not show."""
    name = self._get_param("CacheClusterId")
    for group in self.elasticache_backend.replication_groups.values():
        if name in group.member_clusters:
            return ActionResult({"CacheClusters": [_member(group, name, self)]})
    return _describe_clusters(self)


@adds_to(ElastiCacheResponse)
def delete_cache_subnet_group(self: Any) -> EmptyResult:
    self.elasticache_backend.cache_subnet_groups.pop(self._get_param("CacheSubnetGroupName"), None)
    return EmptyResult()


@adds_to(ElastiCacheBackend)
def delete_replication_group(self: Any, replication_group_id: str, *arguments: Any, **settings: Any) -> Any:
    """Delete a group at once: moto's deleted groups keep the status "deleting"."""
    group = _delete_group(self, replication_group_id, *arguments, **settings)
    del self.replication_groups[replication_group_id]
    return group
