"""Tools on PATH, and their versions."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator

from ops.doctor.context import Context
from ops.doctor.finding import Finding, error

TOOLS = {
    "aws": (("--version",), (2, 0), "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"),
    "terraform": (("version", "-json"), (1, 11), "https://developer.hashicorp.com/terraform/install"),
    "kubectl": (("version", "--client", "--output=json"), (1, 35), "https://kubernetes.io/docs/tasks/tools"),
    "gh": (("--version",), (2, 40), "https://cli.github.com"),
}
"""Arguments that print a version, the oldest that works, and where to get it. kubectl may be one minor version from the
cluster's, which is 1.36."""
HELM = (("version", "--short"), (3, 14), "https://helm.sh/docs/intro/install")


def tools(context: Context) -> Iterator[Finding]:
    """Yield what is missing or too old."""
    wanted = TOOLS | ({"helm": HELM} if context.creates_platform else {})
    for name, (arguments, oldest, url) in wanted.items():
        program = shutil.which(name)
        if program is None:
            yield error("tools", f"{name} is not on PATH", f"Install it: {url}", "before-you-start")
            continue
        found = _version(program, arguments)
        if found is not None and found < oldest:
            had, needed = (".".join(map(str, version)) for version in (found, oldest))
            yield error("tools", f"{name} is {had}, and {needed} is needed", f"Upgrade it: {url}", "before-you-start")


def _version(program: str, arguments: tuple[str, ...]) -> tuple[int, int] | None:
    """Return the major and minor version, or None if the tool does not print them."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)  # noqa: S603  fixed commands
    found = re.search(r"(\d+)\.(\d+)\.\d+", _text(done.stdout))
    return (int(found[1]), int(found[2])) if found else None


def _text(output: str) -> str:
    """Return only the version from a tool's JSON output."""
    try:
        document = json.loads(output)
    except ValueError:
        return output
    return str(document.get("terraform_version") or document.get("clientVersion", {}).get("gitVersion", ""))
