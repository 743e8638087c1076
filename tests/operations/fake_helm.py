"""A helm that holds releases in helm.json beside it, and records its calls in helm.jsonl."""

import json
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
LIST = {"--all-namespaces", "--deployed", "--failed", "--output=json", "--pending", "--uninstalling"}
"""Options of `helm list` that Helm 3.14 and Helm 4 have in common: cmd/helm/list.go at v3.14.0, pkg/cmd/list.go at v4.2.4."""


def main() -> None:
    """Record, and answer."""
    arguments = sys.argv[1:]
    with (FOLDER / "helm.jsonl").open("a", encoding="utf-8") as calls:
        calls.write(json.dumps(arguments) + "\n")
    file = FOLDER / "helm.json"
    state = json.loads(file.read_text(encoding="utf-8"))
    if arguments[0] == "version":
        print(state.get("version", "v4.2.4+gabcdef"))  # noqa: T201  its standard output is the answer
    if arguments[0] == "list":
        if unknown := sorted(set(arguments[1:]) - LIST):
            sys.exit(f"Error: unknown flag: {unknown[0]}")
        print(json.dumps([{"name": name, **row} for name, row in state.items() if name != "version"]))  # noqa: T201  the answer
    if arguments[0] == "upgrade":
        (version,) = (argument.partition("=")[2] for argument in arguments if argument.startswith("--version="))
        fails = FOLDER / "helm-fails"
        if fails.exists() and fails.read_text(encoding="utf-8") == arguments[2]:
            fails.unlink()
            sys.exit("Error: UPGRADE FAILED: context deadline exceeded")
        state[arguments[2]] = {"chart": f"{arguments[2]}-{version}", "status": "deployed"}
    file.write_text(json.dumps(state), encoding="utf-8")


main()
