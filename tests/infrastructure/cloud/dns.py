"""Route 53: health checks that read an alarm. Moto forgets which, and answers with settings that only a check by address has."""

from typing import Any

from moto.route53.models import HealthCheck
from moto.route53.responses import Route53

from tests.infrastructure.cloud.additions import adds_to

_create, _config = Route53.create_health_check, HealthCheck.health_check_config
_BY_ALARM = ("Type", "Inverted", "Disabled", "AlarmIdentifier", "InsufficientDataHealthStatus")


@adds_to(Route53)
def create_health_check(self: Any) -> Any:
    made: Any = _create(self)
    made.result["HealthCheck"].asked = dict(self._get_param("HealthCheckConfig"))
    return made


def _described(self: Any) -> dict[str, Any]:
    config: dict[str, Any] = _config.fget(self)  # type: ignore[attr-defined]  # a property's own function
    if self.type_ != "CLOUDWATCH_METRIC":
        return config
    return {name: value for name, value in {**config, **self.asked}.items() if name in _BY_ALARM}


HealthCheck.health_check_config = property(_described)  # type: ignore[assignment, method-assign]  # moto has no other place for it
