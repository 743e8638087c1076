"""A helm that records its calls in helm.jsonl in its folder, and fails for the chart in `helm-fails`."""

import json
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
CRD = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: {name}.example.com\n"


def main() -> None:
    """Record, and answer."""
    arguments = sys.argv[1:]
    text = "" if sys.stdin.isatty() else sys.stdin.read()
    record = {"arguments": arguments, "text": text, "kubeconfig": os.environ["KUBECONFIG"]}
    with (FOLDER / "helm.jsonl").open("a", encoding="utf-8") as calls:
        calls.write(json.dumps(record) + "\n")
    fails = FOLDER / "helm-fails"
    if fails.exists() and fails.read_text(encoding="utf-8") in arguments:
        sys.exit("Error: UPGRADE FAILED: context deadline exceeded")
    if arguments[:2] == ["show", "crds"]:
        print(CRD.format(name=arguments[2]))  # noqa: T201  its standard output is the answer
    if "--dry-run=client" in arguments:
        print(f"# what {arguments[2]} would be")  # noqa: T201  its standard output is the answer


main()
