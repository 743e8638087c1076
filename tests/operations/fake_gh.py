"""A gh that answers from gh.json beside it, and records in gh.jsonl the changes that were requested."""

import json
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def missing() -> None:
    """GitHub's answer to what is not there."""
    sys.exit("gh: Not Found (HTTP 404)")


def read(state: dict[str, Any], path: str) -> Any:
    """GET a path below repos/OWNER/NAME."""
    parts = path.partition("?")[0].strip("/").split("/")
    if parts == [""]:
        return state["repository"]
    if parts[0] == "actions":
        return {"variables": [{"name": name, "value": value} for name, value in state["variables"].get("", {}).items()]}
    name = parts[1]
    if name not in state["environments"]:
        missing()
    if parts[2:] == ["variables"]:
        return {"variables": [{"name": key, "value": value} for key, value in state["variables"].get(name, {}).items()]}
    if parts[2:] == ["deployment-branch-policies"]:
        return {"branch_policies": [{"name": branch} for branch in state["environments"][name].get("branches", [])]}
    return state["environments"][name]


def write(state: dict[str, Any], path: str, body: dict[str, Any]) -> None:
    """PUT an environment, or POST one of its branch policies."""
    name = path.strip("/").split("/")[1]
    if path.endswith("deployment-branch-policies"):
        state["environments"][name].setdefault("branches", []).append(body["name"])
        return
    found = state["environments"].setdefault(name, {})
    rules = [{"type": "required_reviewers", "reviewers": body["reviewers"]}] if "reviewers" in body else []
    found |= {"deployment_branch_policy": body["deployment_branch_policy"], "protection_rules": rules}


def main() -> None:
    """Answer."""
    file = FOLDER / "gh.json"
    state = json.loads(file.read_text(encoding="utf-8"))
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        print(state.get("version", "gh version 2.80.0"))  # noqa: T201  its standard output is the answer
        return
    if not state["logged_in"]:
        sys.exit("To get started with GitHub CLI, please run:  gh auth login")
    with (FOLDER / "gh.jsonl").open("a", encoding="utf-8") as calls:
        calls.write(json.dumps(arguments) + "\n")
    if state.get("fails") in arguments:
        del state["fails"]
        file.write_text(json.dumps(state), encoding="utf-8")
        sys.exit("gh: Server Error (HTTP 502)")
    if arguments[:2] == ["variable", "set"]:
        options = dict(argument.partition("=")[::2] for argument in arguments[3:])
        state["variables"].setdefault(options.get("--env", ""), {})[arguments[2]] = options["--body"]
    elif arguments[1] == "--method":
        write(state, arguments[3].partition(state["name"])[2], json.load(sys.stdin))
    elif arguments[1].startswith("user"):
        print(json.dumps({"id": 7, "login": "ann"}))  # noqa: T201  the answer
    else:
        name = arguments[1].removeprefix("repos/")
        if not name.startswith(state["name"]):
            missing()
        print(json.dumps(read(state, name.removeprefix(state["name"]))))  # noqa: T201  the answer
    file.write_text(json.dumps(state), encoding="utf-8")


main()
