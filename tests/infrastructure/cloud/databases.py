"""RDS: replicas that are instances of their own, and settings that moto forgets."""

from operator import attrgetter
from typing import Any

from moto.rds.models import DBInstance, DBParameterGroup, RDSBackend

from tests.infrastructure.cloud.additions import adds_to, identifier

_INSIGHTS = "performance_insights_"
# Attributes that a replica has itself. moto copies the primary's.
_OWN = {
    "backup_retention_period": int,
    "deletion_protection": bool,
    "enable_iam_database_authentication": bool,
    "monitoring_interval": int,
    "multi_az": bool,
}

_init, _update = DBInstance.__init__, DBInstance.update
_create_replica, _delete = RDSBackend.create_db_instance_read_replica, RDSBackend.delete_db_instance


def _resource_id() -> str:
    return f"db-{identifier(26).upper()}"


def _keep_insights(instance: Any, settings: dict[str, Any]) -> None:
    """Moto takes the settings of Performance Insights and answers without them."""
    if (enabled := settings.get("enable_performance_insights")) is not None:
        instance.performance_insights_enabled = bool(enabled)
        instance.performance_insights_kms_key_id = settings.get(f"{_INSIGHTS}kms_key_id") if enabled else None
        instance.performance_insights_retention_period = (settings.get(f"{_INSIGHTS}retention_period") or 7) if enabled else None


def _create(self: Any, *arguments: Any, **settings: Any) -> None:
    """Every instance has its own resource ID, by which Terraform finds it."""
    _init(self, *arguments, **settings)
    self.dbi_resource_id = _resource_id()
    self.__dict__["engine_lifecycle_support"] = settings.get("engine_lifecycle_support")
    _keep_insights(self, settings)


DBInstance.__init__ = _create  # type: ignore[method-assign]  # moto has no other place for it


@adds_to(DBInstance)
def update(self: Any, **settings: Any) -> None:
    _update(self, **settings)
    _keep_insights(self, settings)


# Tests read moto's stored instances, which needs getters for these write-only properties.
for _name in ("db_subnet_group_name", "master_user_password"):
    setattr(DBInstance, _name, getattr(DBInstance, _name).getter(attrgetter(f"_{_name}")))


@adds_to(DBInstance)
def remove_replica(self: Any, replica: Any) -> None:
    """A replica of another region stands here by its ARN."""
    self.replicas = [name for name in self.replicas if name not in (replica.db_instance_identifier, replica.db_instance_arn)]


@adds_to(DBParameterGroup)
def update_parameters(self: Any, parameters: list[dict[str, Any]]) -> None:
    """A parameter that was set says so: Terraform only reads those."""
    for parameter in parameters:
        self.parameters[parameter["ParameterName"]].update({**parameter, "Source": "user", "IsModifiable": True})


@adds_to(RDSBackend)
def create_db_instance_read_replica(self: Any, db_kwargs: dict[str, Any]) -> Any:
    # Set the region first: moto looks there for the groups that follow.
    replica = _create_replica(self, {"backend": self, **db_kwargs})
    replica.backend = self
    replica.dbi_resource_id = _resource_id()
    replica.replicas = []
    replica.manage_master_user_password = False
    for name, kind in _OWN.items():
        setattr(replica, name, kind(db_kwargs.get(name) or 0))
    replica.enabled_cloudwatch_logs_exports = db_kwargs.get("enable_cloudwatch_logs_exports") or []
    replica.max_allocated_storage = db_kwargs.get("max_allocated_storage") or replica.allocated_storage
    _keep_insights(replica, {"enable_performance_insights": False, **db_kwargs})
    return replica


@adds_to(RDSBackend)
def delete_db_instance(self: Any, db_instance_identifier: str, *arguments: Any, **settings: Any) -> Any:
    """The primary of a replica may be in another region; moto looks for it in this one."""
    instance = self.databases.get(db_instance_identifier)
    source = getattr(instance, "source_db_instance_identifier", None) or ""
    if instance is not None and source.startswith("arn:") and not instance.deletion_protection:
        self.find_db_from_id(source).remove_replica(instance)
        instance.is_replica = False
    return _delete(self, db_instance_identifier, *arguments, **settings)
