"""CloudTrail: a trail is deleted by its ARN, too, as Terraform does; moto knows it by its name alone and says nothing."""

from typing import Any

from moto.cloudtrail.models import CloudTrailBackend

from tests.infrastructure.cloud.additions import adds_to

_delete = CloudTrailBackend.delete_trail


@adds_to(CloudTrailBackend)
def delete_trail(self: Any, name: str) -> None:
    _delete(self, name.rsplit("/", maxsplit=1)[-1])
