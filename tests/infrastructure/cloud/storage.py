"""S3: bucket policies without what they say of TLS. The emulator serves HTTP, and moto reads no conditions."""

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

from tests.infrastructure.cloud.additions import adds_to


@adds_to(FakeBucket)
def get_permission(self: Any, action: str, resource: str) -> PermissionResult:
    """Evaluate the bucket's policy for an action, ignoring statements that only hold for connections without TLS."""
    if self.policy is None:
        return PermissionResult.NEUTRAL
    document = json.loads(self.policy)
    statements = [each for each in document["Statement"] if "aws:SecureTransport" not in each.get("Condition", {}).get("Bool", {})]
    if not statements:
        return PermissionResult.NEUTRAL
    permission: PermissionResult = IAMPolicy(json.dumps({**document, "Statement": statements})).is_action_permitted(action, resource)
    return permission
