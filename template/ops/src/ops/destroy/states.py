"""What Terraform's states hold."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import boto3

from ops.destroy.contents import Resource
from ops.terraform import Root


def resources_of(root: Root) -> list[Resource]:
    """Return the resources in the root's state. Raises OpsError."""
    state = json.loads(root.read("show", "-json"))
    return list(_resources(state.get("values", {}).get("root_module", {})))


def _resources(module: Mapping[str, Any]) -> Iterator[Resource]:
    for each in module.get("resources", []):
        if each["mode"] == "managed":
            yield Resource(each["address"], each["type"], each["values"])
    for child in module.get("child_modules", []):
        yield from _resources(child)


def other_states(bucket: str, region: str) -> list[str]:
    """Return the other states in the bucket that still contain resources."""
    s3 = boto3.client("s3", region_name=region)
    try:
        listed = s3.list_objects_v2(Bucket=bucket)
    except s3.exceptions.NoSuchBucket:
        return []
    keys = [each["Key"] for each in listed.get("Contents", [])]
    kept = [key for key in keys if key.endswith(("/platform.tfstate", "/service.tfstate"))]
    states = {key: json.load(s3.get_object(Bucket=bucket, Key=key)["Body"]) for key in kept}
    return [key for key, state in states.items() if state["resources"]]


def fetch_state(root: Root) -> None:
    """Move the first root's state from the bucket into a local file before the bucket is destroyed."""
    if (root.folder / "terraform.tfstate").is_file():
        # An interrupted run has fetched the state already; the bucket may be empty.
        return
    text = root.read("state", "pull")
    (root.folder / "terraform.tfstate").write_text(text, encoding="utf-8")


def drop_local_state(root: Root) -> None:
    """The file has served its turn."""
    for name in ("terraform.tfstate", "terraform.tfstate.backup"):
        (root.folder / name).unlink(missing_ok=True)
