"""A kubectl that records what it is asked in calls.jsonl, and answers from state.json, both beside it.

The state maps kind/name to what the cluster holds. Rendering needs no cluster, so that is the real kubectl's.
"""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parent
REVISION = "deployment.kubernetes.io/revision"


def apply(state: dict[str, Any], manifest: dict[str, Any]) -> None:
    """Merge as the cluster does: what others wrote stays; a Deployment whose pods change gets a new revision."""
    key = f"{manifest['kind']}/{manifest['metadata']['name']}".lower()
    held = state.get(key) or {}
    if manifest["kind"] == "Job":
        state["applied-jobs"] = [*state.get("applied-jobs", []), key]
        return
    metadata = {**held.get("metadata", {}), **manifest["metadata"]}
    metadata["annotations"] = {**held.get("metadata", {}).get("annotations", {}), **manifest["metadata"].get("annotations", {})}
    state[key] = {**held, **manifest, "metadata": metadata}
    if manifest["kind"] == "Deployment":
        count = held.get("spec", {}).get("replicas", 1)
        state[key]["spec"] = {"replicas": count, **manifest["spec"]}
        if held.get("spec", {}).get("template") != manifest["spec"]["template"]:
            number = int(held.get("metadata", {}).get("annotations", {}).get(REVISION, 0))
            state.setdefault("revisions", {})[f"{key} {number}"] = held.get("spec", {}).get("template")
            metadata["annotations"][REVISION] = str(number + 1)


def apply_all(state: dict[str, Any], text: str) -> None:
    """Apply each document. yaml's loader in Python would take a second."""
    for manifest in yaml.load_all(text, Loader=yaml.CSafeLoader):
        apply(state, manifest)


def get(state: dict[str, Any], key: str) -> None:
    """Print what is held. A Job that was applied ends as the state says."""
    if key in state.get("applied-jobs", []) and key not in state and state.get("job-outcome"):
        state[key] = {"status": {"conditions": [{"type": state["job-outcome"], "status": "True"}]}}
    if key in state:
        print(json.dumps(state[key]))  # noqa: T201  its standard output is the answer


def create(state: dict[str, Any], made: dict[str, Any]) -> None:
    """Of two that create the same, one succeeds."""
    key = f"{made['kind']}/{made['metadata']['name']}".lower()
    if key in state:
        sys.exit(f"Error from server (AlreadyExists): {key} already exists")
    made["metadata"] |= {"resourceVersion": "1", "uid": f"uid-of-{key}"}
    if made["kind"] == "Job" and state.get("job-outcome"):
        made["status"] = {"conditions": [{"type": state["job-outcome"], "status": "True"}]}
    state[key] = made


def patch(held: dict[str, Any], change: dict[str, Any]) -> None:
    """Merge, unless the resource has moved on."""
    version = change.pop("metadata", {}).get("resourceVersion")
    if version not in (None, held["metadata"]["resourceVersion"]):
        sys.exit("Error from server (Conflict): the object has been modified")
    held["data"].update(change["data"])
    held["metadata"]["resourceVersion"] = str(int(held["metadata"]["resourceVersion"]) + 1)


def rollout(state: dict[str, Any], action: str, name: str, number: str) -> None:
    """Undo; a status is told after the state is written."""
    if action == "undo":
        state[name].setdefault("spec", {})["template"] = state.get("revisions", {}).get(f"{name} {number}")


def answer(state: dict[str, Any], verb: str, rest: list[str], text: str) -> None:
    """Do what a verb does."""
    key = "/".join(rest[:2]).lower()
    value = rest[2].partition("=")[2] if len(rest) > 2 else ""
    verbs: dict[str, Callable[[], object]] = {
        "get": lambda: get(state, key),
        "apply": lambda: apply_all(state, text),
        "delete": lambda: state.pop(key, None),
        "create": lambda: create(state, yaml.safe_load(text)),
        "patch": lambda: patch(state[key], json.loads(rest[3].partition("=")[2])),
        "annotate": lambda: state[key]["metadata"]["annotations"].update({rest[2].partition("=")[0]: value}),
        "scale": lambda: state.setdefault(rest[0], {}).setdefault("spec", {}).update(replicas=int(rest[1].partition("=")[2])),
        "rollout": lambda: rollout(state, rest[0], rest[1], value),
        "logs": lambda: print(state.get("logs", "the last lines of the migration")),  # noqa: T201  the answer
        "diff": lambda: print(state.get("diff", ""), end=""),  # noqa: T201  the answer
    }
    verbs[verb]()


def main() -> None:
    """Record, answer, and meet the mishap that a test has prepared."""
    arguments = sys.argv[1:]
    if arguments[0] == "kustomize":
        os.execv(FOLDER / "real-kubectl", ["kubectl", *arguments])  # noqa: S606  the tests' own
    file = FOLDER / "state.json"
    state = json.loads(file.read_text(encoding="utf-8"))
    text = "" if sys.stdin.isatty() else sys.stdin.read()
    verb, rest = arguments[1], arguments[2:]
    with (FOLDER / "calls.jsonl").open("a", encoding="utf-8") as calls:
        record = {"verb": verb, "arguments": rest, "text": text, "kubeconfig": os.environ["KUBECONFIG"]}
        calls.write(json.dumps(record) + "\n")
    mishap = state.get("mishap")
    if mishap and verb == mishap["verb"] and mishap["text"] in " ".join([*rest, text]):
        del state["mishap"]
    else:
        mishap = {}
    if not mishap.get("undone"):
        answer(state, verb, rest, text)
        # What a test lets the cluster do beside it.
        for hook in sorted(FOLDER.glob("*.hook")):
            names = {"folder": FOLDER, "state": state, "verb": verb, "rest": rest, "text": text}
            exec(hook.read_text(encoding="utf-8"), names)  # noqa: S102  the test's own
    file.write_text(json.dumps(state), encoding="utf-8")
    if mishap.get("signal"):
        os.kill(os.getppid(), mishap["signal"])
    if mishap.get("fails"):
        sys.exit(mishap["fails"])
    if verb == "diff" and state.get("diff"):
        sys.exit(1)
    if verb == "rollout" and rest[0] == "status" and rest[1] in state.get("stuck", []):
        sys.exit("error: deployment exceeded its progress deadline")


main()
