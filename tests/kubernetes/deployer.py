"""Runs a rendered project's deploy command: SSM, EKS and load balancers on an emulated AWS, kubectl recorded."""

# boto3 carries no types; what it returns is compared with literals.
# mypy: disable-error-code="import-untyped"

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml

from tests.harness import required

DIGESTS = {name: f"sha256:{number:064x}" for number, name in enumerate(("api", "worker", "migrate"), start=1)}
CONTRACT_VALUES = {
    "region": "ap-southeast-1",
    "cluster_name": "shop-dev",
    "namespace": "shop",
    "service": "shop",
    "environment": "dev",
    "host": "dev.example.com",
    "database_host": "db.example.internal",
    "cache_host": "cache.example.internal",
    **{f"{name}_repository_url": f"123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/shop/dev/{name}" for name in DIGESTS},
}

# Records what it is asked in calls.jsonl and answers from state.json, which maps kind/name to what the cluster holds.
# Rendering needs no cluster, so that is the real kubectl's.
_KUBECTL = """#!{python}
import json, os, pathlib, re, sys
folder = pathlib.Path({folder!r})
arguments = sys.argv[1:]
if arguments[0] == "kustomize":
    os.execv({kubectl!r}, [{kubectl!r}, *arguments])
state = json.loads((folder / "state.json").read_text())
text = "" if sys.stdin.isatty() else sys.stdin.read()
verb, rest = arguments[1], arguments[2:]
with (folder / "calls.jsonl").open("a") as file:
    file.write(json.dumps({{"verb": verb, "arguments": rest, "text": text, "kubeconfig": os.environ["KUBECONFIG"]}}) + "\\n")
def save():
    (folder / "state.json").write_text(json.dumps(state))
if verb == "get":
    key = f"{{rest[0]}}/{{rest[1]}}".lower()
    if key in state.get("applied-jobs", []) and key not in state and state.get("job-outcome"):
        state[key] = {{"status": {{"conditions": [{{"type": state["job-outcome"], "status": "True"}}]}}}}
        save()
    if key in state:
        print(json.dumps(state[key]))
elif verb == "apply" and "kind: Job" in text and "kind: Deployment" not in text:
    state["applied-jobs"] = ["job/" + re.search("name: (migrate-.*)", text)[1]]
    save()
elif verb == "delete":
    state.pop(f"{{rest[0]}}/{{rest[1]}}".lower(), None)
    save()
elif verb == "create":
    import yaml
    made = yaml.safe_load(text)
    key = f"{{made['kind']}}/{{made['metadata']['name']}}".lower()
    if key in state:
        sys.exit(f"Error from server (AlreadyExists): {{key}} already exists")
    made["metadata"]["resourceVersion"] = "1"
    state[key] = made
    save()
elif verb == "patch":
    change = json.loads(rest[3].partition("=")[2])
    held = state[f"{{rest[0]}}/{{rest[1]}}".lower()]
    version = change.pop("metadata", {{}}).get("resourceVersion")
    if version not in (None, held["metadata"]["resourceVersion"]):
        sys.exit("Error from server (Conflict): the object has been modified")
    held["data"].update(change["data"])
    held["metadata"]["resourceVersion"] = str(int(held["metadata"]["resourceVersion"]) + 1)
    save()
elif verb == "annotate":
    key, value = rest[2].split("=", 1)
    state["ingress/api"]["metadata"]["annotations"][key] = value
    save()
elif verb == "rollout" and rest[0] == "status" and rest[1] in state.get("stuck", []):
    sys.exit("error: deployment exceeded its progress deadline")
elif verb == "logs":
    print("the last lines of the migration")
"""


@dataclass
class Call:
    """One call of kubectl: verb, the arguments after it, and what it read."""

    verb: str
    arguments: list[str]
    text: str
    kubeconfig: str

    @property
    def applied(self) -> list[str]:
        """Kind and name of what an apply was given."""
        return [f"{document['kind']}/{document['metadata']['name']}" for document in yaml.safe_load_all(self.text)]


class Deployer:
    """One project, one fake cluster, one emulated AWS at `endpoint`."""

    def __init__(self, project: Path, folder: Path, endpoint: str) -> None:
        self.project = project
        self.folder = folder
        self.environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "PYTHONPATH": str(project / "deploy/src"),
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        }
        kubectl = folder / "kubectl"
        kubectl.write_text(_KUBECTL.format(python=sys.executable, folder=str(folder), kubectl=required("kubectl")), encoding="utf-8")
        kubectl.chmod(0o755)
        self.holds({"namespace/shop": {}, "job-outcome": "Complete"})

    def aws(self, service: str) -> Any:
        """A client of the emulated AWS."""
        return boto3.client(
            service,
            region_name="ap-southeast-1",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id="testing",
            aws_secret_access_key="testing",  # noqa: S106  the emulator's
        )

    def publish(self, **values: Any) -> None:
        """Publish the contract, a value of None left out, and a cluster."""
        example = json.loads((self.project / "deploy/contract.example.json").read_text(encoding="utf-8"))
        document = {name: value for name, value in (example | CONTRACT_VALUES | values).items() if value is not None}
        self.aws("ssm").put_parameter(Name="/service/shop/dev/contract", Value=json.dumps(document), Type="String", Overwrite=True)
        eks = self.aws("eks")
        if "shop-dev" not in eks.list_clusters()["clusters"]:
            eks.create_cluster(name="shop-dev", roleArn="arn:aws:iam::123456789012:role/eks", resourcesVpcConfig={"subnetIds": []})

    def holds(self, state: Mapping[str, Any]) -> None:
        """Set what the cluster holds."""
        (self.folder / "state.json").write_text(json.dumps(state), encoding="utf-8")

    def history(self) -> list[tuple[str, str]]:
        """Release and state of each entry of the environment's history, newest first."""
        rows = json.loads(self.state["configmap/deploy-history"]["data"]["releases"])
        return [(row["release"], row["state"]) for row in rows]

    @property
    def lock(self) -> str:
        """Who holds the environment; empty when nobody does."""
        holder: str = self.state["configmap/deploy-lock"]["data"]["holder"]
        return holder

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
        return found

    def run(
        self, *arguments: str, environment: str = "dev", module: str = "deploy", images: Mapping[str, str] = DIGESTS
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the package in the project's root."""
        named = [part for name, digest in images.items() for part in (f"--image-{name}", digest)]
        if module == "deploy.rollback":
            named = []
        code = f"import sys; from {module} import main; sys.exit(main())"
        if module == "deploy":
            code = "import runpy; runpy.run_module('deploy', run_name='__main__')"
        return subprocess.run(
            [sys.executable, "-c", code, environment, *named, *arguments],
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def calls(self) -> Iterator[Call]:
        path = self.folder / "calls.jsonl"
        if path.exists():
            yield from (Call(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines())

    def applies(self) -> list[list[str]]:
        """What each apply was given, in order."""
        return [call.applied for call in self.calls() if call.verb == "apply"]
