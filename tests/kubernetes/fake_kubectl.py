"""A kubectl that records its calls in calls.jsonl and answers from state.json, both in its folder.

The state maps kind/name to what the cluster holds. Rendering needs no cluster, so that is the real kubectl's.
"""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parent
REVISION = "deployment.kubernetes.io/revision"


def documents(text: str) -> list[dict[str, Any]]:
    """The manifests of a text. yaml's loader in Python would take a second."""
    import yaml  # noqa: PLC0415  most calls have no manifests, and the import takes longer than all that they do

    return list(yaml.load_all(text, Loader=yaml.CSafeLoader))


def keep_what_others_wrote(manifest: dict[str, Any], held: dict[str, Any]) -> None:
    """Merge like server-side apply: a field that another manager owns stays, even if the manifest lacks it."""
    for entry in held.get("metadata", {}).get("managedFields", []):
        if (entry["manager"], entry["operation"]) != ("deploy", "Apply"):
            keep(manifest, held, entry["fieldsV1"])


def keep(new: Any, old: Any, fields: dict[str, Any]) -> None:
    """Copy the fields in `fields` that `new` lacks."""
    for key, below in fields.items():
        kind, _, name = key.partition(":")
        if kind == "f" and name in old:
            if name not in new:
                new[name] = old[name]
            elif below:
                keep(new[name], old[name], below)
        elif kind == "k":
            wanted = json.loads(name).items()
            mine, theirs = ([item for item in items if wanted <= item.items()] for items in (new, old))
            if theirs and not mine:
                new.append(theirs[0])
            elif theirs and below:
                keep(mine[0], theirs[0], below)


def apply(state: dict[str, Any], manifest: dict[str, Any]) -> None:
    """Merge as the cluster does: keep fields of others, and give a Deployment with changed pods a new revision."""
    key = f"{manifest['kind']}/{manifest['metadata']['name']}".lower()
    held = state.get(key) or {}
    if manifest["kind"] == "Job":
        state["applied-jobs"] = [*state.get("applied-jobs", []), key]
        return
    keep_what_others_wrote(manifest, held)
    metadata = {**held.get("metadata", {}), **manifest["metadata"]}
    metadata["annotations"] = {**held.get("metadata", {}).get("annotations", {}), **manifest["metadata"].get("annotations", {})}
    state[key] = {**held, **manifest, "metadata": metadata}
    if manifest["kind"] == "Ingress" and state.get("load-balancer"):
        state[key].setdefault("status", {"loadBalancer": {"ingress": [{"hostname": state["load-balancer"]}]}})
    if manifest["kind"] == "Deployment":
        count = held.get("spec", {}).get("replicas", 1)
        state[key]["spec"] = {"replicas": count, **manifest["spec"]}
        if held.get("spec", {}).get("template") != manifest["spec"]["template"]:
            number = int(held.get("metadata", {}).get("annotations", {}).get(REVISION, 0))
            metadata["annotations"][REVISION] = str(number + 1)


def apply_all(state: dict[str, Any], text: str) -> None:
    """Apply each document."""
    for manifest in documents(text):
        apply(state, manifest)


def get(state: dict[str, Any], key: str, rest: list[str], text: str) -> None:
    """Print what is held. A Job that was applied ends as the state says."""
    if rest[0] == "--filename=-":
        keys = [f"{each['kind']}/{each['metadata']['name']}".lower() for each in documents(text)]
        show([state[name] for name in keys if state.get(name, {}).get("kind")])
        return
    if rest[1].startswith(("--selector=", "--field-selector=")):
        labels = dict(pair.split("=", 1) for pair in rest[1].partition("=")[2].split(",") if pair)
        found = {"replicaset": replica_sets, "pod": pods, "targetgroupbinding": bindings}.get(rest[0], lambda _: state.get(rest[0], []))(
            state
        )
        show([each for each in found if labels.items() <= each["metadata"].get("labels", {}).items() or rest[0] == "event"])
        return
    if key in state.get("applied-jobs", []) and key not in state and state.get("job-outcome"):
        state[key] = {"status": {"conditions": [{"type": state["job-outcome"], "status": "True"}]}}
    if key in state:
        print(json.dumps(state[key]))  # noqa: T201  its standard output is the answer


def show(items: list[dict[str, Any]]) -> None:
    """A list, as kubectl prints it."""
    print(json.dumps({"kind": "List", "items": items}))  # noqa: T201  its standard output is the answer


def bindings(state: dict[str, Any]) -> list[dict[str, Any]]:
    """One a Service, once the load balancer is there."""
    names = [key.partition("/")[2] for key in state if key.startswith("service/")]
    return [{"metadata": {}, "spec": {"serviceRef": {"name": name}}} for name in names if state.get("load-balancer")]


def deployments(state: dict[str, Any]) -> list[tuple[str, dict[str, Any], str]]:
    """Name, Deployment and revision of what runs."""
    held = {key: value for key, value in state.items() if key.startswith("deployment/") and "template" in value.get("spec", {})}
    return [(key, value, value["metadata"]["annotations"].get(REVISION, "1")) for key, value in held.items()]


def replica_sets(state: dict[str, Any]) -> list[dict[str, Any]]:
    """One a Deployment: that of its newest revision."""
    return [
        {
            "metadata": {
                "uid": f"{key} {revision}",
                "labels": value["spec"]["template"]["metadata"]["labels"],
                "annotations": {REVISION: revision},
            }
        }
        for key, value, revision in deployments(state)
    ]


def pods(state: dict[str, Any]) -> list[dict[str, Any]]:
    """One a Deployment: it crashes where the Deployment is stuck."""
    return [pod_of(state, *deployment) for deployment in deployments(state)]


def pod_of(state: dict[str, Any], key: str, value: dict[str, Any], revision: str) -> dict[str, Any]:
    """The newest pod."""
    stuck = is_stuck(state, key)
    ready = "False" if stuck else "True"
    gate = "target-health.elbv2.k8s.aws/k8s-shop-api"
    conditions = [{"type": "Ready", "status": ready}, {"type": gate, "status": ready}]
    container = {"name": value["spec"]["template"]["spec"]["containers"][0]["name"], "restartCount": 3 if stuck else 0, "state": {}}
    if stuck:
        container["state"] = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}}
        container["lastState"] = {"terminated": {"exitCode": 1, "reason": "Error"}}
    return {
        "metadata": {
            "name": f"{key.partition('/')[2]}-{revision}",
            "labels": value["spec"]["template"]["metadata"]["labels"],
            "ownerReferences": [{"uid": f"{key} {revision}"}],
        },
        "spec": {"readinessGates": [{"conditionType": gate}] if state.get("load-balancer") else []},
        "status": {"phase": "Running", "conditions": conditions, "containerStatuses": [container]},
    }


def is_stuck(state: dict[str, Any], key: str) -> bool:
    """Whether new pods of a Deployment fail to start. Pods of earlier releases still start."""
    template = state.get(key, {}).get("spec", {}).get("template")
    return key in state.get("stuck", []) and template not in state.get("came-up", {}).get(key, [])


def create(state: dict[str, Any], made: dict[str, Any]) -> None:
    """Of two that create the same, one succeeds."""
    key = f"{made['kind']}/{made['metadata']['name']}".lower()
    if key in state:
        sys.exit(f"Error from server (AlreadyExists): {key} already exists")
    made["metadata"] |= {"resourceVersion": "1", "uid": f"uid-of-{key}"}
    if made["kind"] == "Job" and state.get("job-outcome"):
        made["status"] = {"conditions": [{"type": state["job-outcome"], "status": "True"}]}
    state[key] = made


def patch(held: dict[str, Any], change: Any) -> None:
    """Merge, or replace the managers of fields, unless the resource has changed meanwhile."""
    if isinstance(change, list):
        held["metadata"]["managedFields"] = change[1]["value"]
        return
    version = change.pop("metadata", {}).get("resourceVersion")
    if version not in (None, held["metadata"]["resourceVersion"]):
        sys.exit("Error from server (Conflict): the object has been modified")
    held["data"].update(change["data"])
    held["metadata"]["resourceVersion"] = str(int(held["metadata"]["resourceVersion"]) + 1)


def rollout(state: dict[str, Any], action: str, name: str) -> None:
    """Remember what came up. How the rollout ends is told after the state is written."""
    if action != "status":
        sys.exit(f"error: kubectl rollout {action} writes as another field manager; no command here uses it")
    template = state.get(name, {}).get("spec", {}).get("template")
    if template and not is_stuck(state, name):
        state.setdefault("came-up", {}).setdefault(name, []).append(template)


def answer(state: dict[str, Any], verb: str, rest: list[str], text: str) -> None:
    """Do what a verb does."""
    key = "/".join(rest[:2]).lower()
    value = rest[2].partition("=")[2] if len(rest) > 2 else ""
    verbs: dict[str, Callable[[], object]] = {
        "get": lambda: get(state, key, rest, text),
        "apply": lambda: apply_all(state, text),
        "delete": lambda: state.pop(key, None),
        "create": lambda: create(state, *documents(text)),
        "patch": lambda: patch(state[key], json.loads(rest[3].partition("=")[2])),
        "annotate": lambda: state[key]["metadata"]["annotations"].update({rest[2].partition("=")[0]: value}),
        "scale": lambda: state.setdefault(rest[0], {}).setdefault("spec", {}).update(replicas=int(rest[1].partition("=")[2])),
        "rollout": lambda: rollout(state, rest[0], rest[1]),
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
    if arguments[0] == "version":
        print(json.dumps({"clientVersion": {"gitVersion": state.get("version", "v1.36.1")}}))  # noqa: T201  the answer
        return
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
        # Hooks through which a test changes the cluster during a call.
        for hook in sorted(FOLDER.glob("*.hook")):
            names = {"folder": FOLDER, "state": state, "verb": verb, "rest": rest, "text": text}
            exec(hook.read_text(encoding="utf-8"), names)  # noqa: S102  the test's own
    # Atomic, because another kubectl may read at this moment, or a signal may end this one.
    new = file.with_name(f"state.{os.getpid()}")
    new.write_text(json.dumps(state), encoding="utf-8")
    new.replace(file)
    if mishap.get("signal"):
        os.kill(os.getppid(), mishap["signal"])
    if mishap.get("fails"):
        sys.exit(mishap["fails"])
    if verb == "diff" and state.get("diff"):
        sys.exit(1)
    if verb == "rollout" and is_stuck(state, rest[1]):
        sys.exit(state.get("how-stuck", "error: deployment exceeded its progress deadline"))


main()
