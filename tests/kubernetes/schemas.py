"""Holds a manifest against its schema: Kubernetes' own for the cluster's version, the CRD's for a custom resource."""

# jsonschema carries no types; what it returns here is text.
# mypy: disable-error-code="import-untyped"

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

from tests.harness import ROOT
from tests.kubernetes.overlays import Manifest

CRDS = Path(__file__).parent / "crds"
KUBERNETES_VERSION: str = yaml.safe_load((ROOT / "extensions/catalogue/versions.yaml").read_text(encoding="utf-8"))["kubernetes"]


def problems(manifest: Manifest) -> Iterator[str]:
    """Yield the faults of one manifest. A kind without a schema is a problem too: nothing would have been checked."""
    name = f"{manifest['kind']}/{manifest['metadata']['name']}"
    custom = custom_schemas().get((manifest["apiVersion"], manifest["kind"]))
    if custom is not None:
        for error in jsonschema.Draft7Validator(custom).iter_errors(manifest):
            yield f"{name}: {error.json_path}: {error.message}"
        return
    try:
        kubernetes_validate.validate(manifest, KUBERNETES_VERSION, strict=True)
    except (
        kubernetes_validate.ValidationError,
        kubernetes_validate.SchemaNotFoundError,
        kubernetes_validate.InvalidSchemaError,
    ) as error:
        yield f"{name}: {getattr(error, 'message', error)}"


@cache
def custom_schemas() -> dict[tuple[str, str], dict[str, Any]]:
    """(apiVersion, kind) to a JSON schema that refuses unknown fields, as strict validation does."""
    documents = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(CRDS.glob("*.yaml"))]
    assert documents, "no CRD lies here"
    return {(document["apiVersion"], document["kind"]): _with_metadata(_strict(document["schema"])) for document in documents}


def _with_metadata(schema: dict[str, Any]) -> dict[str, Any]:
    return schema | {"properties": schema["properties"] | {"metadata": {"type": "object"}}}


def _strict(node: Any) -> Any:
    """A structural schema as JSON schema: no unknown field, and int-or-string where the CRD says so."""
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    strict = {key: _strict(value) for key, value in node.items()}
    if node.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    open_ended = node.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in node
    if node.get("type") == "object" and isinstance(node.get("properties"), dict) and not open_ended:
        strict["additionalProperties"] = False
    return strict
