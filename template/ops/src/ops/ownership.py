"""Fields of deployed objects that somebody else has written.

Server-side apply removes a field only if its own manager owned it. A field written by `kubectl edit`, `kubectl set`,
`kubectl patch` or `kubectl rollout undo` belongs to that command (operation Update), stays in the object after a
release has dropped it, and appears in no diff. Before it applies, the deploy takes over those fields, so that the
apply removes every field that the manifest lacks.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ops.kubectl import FIELD_MANAGER, Cluster
from ops.manifests import Manifest, describe

Fields = dict[str, Any]

# Field managers of people and their tools. Controllers have other names, and keep their fields.
_PEOPLE = "kubectl"
# Fields that keep their owner: the autoscalers set the replicas, and a restart its own annotation.
_THEIRS = ("f:replicas", "f:kubectl.kubernetes.io/restartedAt", "f:deployment.kubernetes.io/")


def adopt(cluster: Cluster, manifests: Sequence[Manifest]) -> None:
    """Take over fields that people wrote into these objects. An apply then removes those that the manifest lacks."""
    for live in cluster.held(manifests):
        entries = live["metadata"].get("managedFields", [])
        if adopted := adopt_entries(entries, live["apiVersion"]):
            name = live["metadata"]["name"]
            cluster.replace_managed_fields(live["kind"].lower(), name, live["metadata"]["resourceVersion"], adopted)


def written_by_others(cluster: Cluster, manifests: Sequence[Manifest]) -> list[str]:
    """Return one line per field that a person wrote and the manifest lacks. The next apply removes these."""
    wanted = {describe(manifest): manifest for manifest in manifests}
    found = []
    for live in cluster.held(manifests):
        for entry in filter(_is_a_persons, live["metadata"].get("managedFields", [])):
            taken, _ = _split(entry["fieldsV1"])
            for path in _leaves(taken):
                if not _has(wanted[describe(live)], path):
                    found.append(f"{describe(live)}: {_readable(path)} ({entry['manager']})")
    return sorted(set(found))


def adopt_entries(entries: Sequence[Mapping[str, Any]], version: str) -> list[dict[str, Any]]:
    """Return the entries with people's fields moved into the deploy's own; empty if there is nothing to move."""
    ours: Fields = {}
    rest: list[dict[str, Any]] = []
    moved = False
    for entry in entries:
        if _is_ours(entry):
            ours = _union(ours, entry["fieldsV1"])
        elif _is_a_persons(entry):
            taken, kept = _split(entry["fieldsV1"])
            moved = moved or bool(taken)
            ours = _union(ours, taken)
            if kept:
                rest.append({**entry, "fieldsV1": kept})
        else:
            rest.append(dict(entry))
    if not moved:
        return []
    own = {"manager": FIELD_MANAGER, "operation": "Apply", "apiVersion": version, "fieldsType": "FieldsV1"}
    return [{**own, "fieldsV1": ours}, *rest]


def _is_ours(entry: Mapping[str, Any]) -> bool:
    return entry["manager"] == FIELD_MANAGER and entry["operation"] == "Apply" and not entry.get("subresource")


def _is_a_persons(entry: Mapping[str, Any]) -> bool:
    update = entry["operation"] == "Update" and not entry.get("subresource")
    return update and entry["manager"].startswith(_PEOPLE)


def _split(fields: Fields) -> tuple[Fields, Fields]:
    """Split fields into those that the deploy takes over and those that stay."""
    taken: Fields = {}
    kept: Fields = {}
    for key, below in fields.items():
        if key.startswith(_THEIRS):
            kept[key] = below
            continue
        if not below:
            taken[key] = below
            continue
        mine, theirs = _split(below)
        if mine:
            taken[key] = mine
        if theirs:
            kept[key] = theirs
    return taken, kept


def _union(one: Fields, other: Fields) -> Fields:
    both = {**one}
    for key, below in other.items():
        both[key] = _union(both.get(key, {}), below)
    return both


def _leaves(fields: Fields, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, below in fields.items():
        if key == ".":
            continue
        inner = {name: value for name, value in below.items() if name != "."}
        if inner:
            yield from _leaves(inner, (*above, key))
        else:
            yield (*above, key)


def _has(value: object, path: Sequence[str]) -> bool:
    """Return whether a manifest has a field, by a path of managed fields."""
    for step in path:
        kind, _, name = step.partition(":")
        if kind == "f":
            if not isinstance(value, dict) or name not in value:
                return False
            value = value[name]
        elif kind == "k":
            keys = json.loads(name)
            items = value if isinstance(value, list) else []
            found = [item for item in items if all(item.get(key) == wanted for key, wanted in keys.items())]
            if not found:
                # A manifest may omit a key that has a default, such as the protocol of a port.
                found = [item for item in items if all(item.get(key, wanted) == wanted for key, wanted in keys.items())]
            if not found:
                return False
            value = found[0]
        else:
            return isinstance(value, list) and json.loads(name) in value
    return True


def _readable(path: Sequence[str]) -> str:
    """spec.template.spec.containers[name=api].env[name=DEBUG].value."""
    text = ""
    for step in path:
        kind, _, name = step.partition(":")
        if kind == "k":
            text += f"[{','.join(f'{key}={value}' for key, value in json.loads(name).items())}]"
        elif kind == "v":
            text += f"[{name}]"
        else:
            text += f".{name}"
    return text.removeprefix(".")
