"""EC2: descriptions of rules between security groups, and launch templates without tags that nobody asked for."""

from typing import Any

from moto.ec2.models.launch_templates import LaunchTemplateBackend
from moto.ec2.models.security_groups import SecurityGroupRule

from tests.infrastructure.cloud.additions import adds_to

_create_template = LaunchTemplateBackend.create_launch_template


@adds_to(LaunchTemplateBackend)
def create_launch_template(self: Any, name: str, description: str, template_data: dict[str, Any], tag_spec: dict[str, Any]) -> Any:
    """Moto adds the template's own tags to those of what the template starts."""
    tags = [each for each in template_data.get("TagSpecifications", []) if each["ResourceType"] != "launch-template"]
    return _create_template(self, name, description, {**template_data, "TagSpecifications": tags}, tag_spec)


def _description(self: Any) -> Any:
    """Moto reads the descriptions of address ranges alone."""
    return self.ip_range.get("Description") or self.source_group.get("Description")


SecurityGroupRule.description = property(_description)  # type: ignore[assignment, method-assign]  # moto has no other place for it
