"""Record the terminal of docs/tutorial.md: the text of a walk through `sampan new`, and a picture of it for README.md.

A person's run in tmux at 80 columns, with Enter as the answer to every question. Needs tmux and `sampan` on PATH.

    PATH="$PWD/.venv/bin:$PATH" .venv/bin/python -m tests.cli.record
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.harness import ROOT

PICTURE = ROOT / "docs/images/sampan-new.svg"
QUESTION = "\N{MICROPHONE}"
CONFIRMATION = "Write the project? [Y/n]:"
LAST = "uv run ops up"
"""The last line worth a record: the advice after it depends on the machine."""
TIMEOUT = 120
FORMAT = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="sampan new in a terminal">
<style>
.{unique_id}-matrix {{ font: {char_height}px/{line_height}px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""
"""Rich's own format loads its font from the network."""


def tmux(*arguments: str) -> str:
    """Run a command of tmux's. Return its output."""
    return subprocess.run(["tmux", "-L", "sampan-record", *arguments], check=True, capture_output=True, text=True).stdout


def screen(*options: str) -> str:
    """All that the terminal has shown, without the empty lines at its end."""
    return tmux("capture-pane", "-p", "-S", "-", *options).rstrip() + "\n"


def settled() -> str:
    """Wait until the screen no longer changes. Return its text."""
    deadline, before = time.monotonic() + TIMEOUT, ""
    while time.monotonic() < deadline:
        time.sleep(1.5)
        if (now := screen()) == before:
            return now
        before = now
    sys.exit(f"The terminal did not come to rest:\n{before}")


def walk(folder: Path) -> None:
    """Answer every question with Enter, and confirm."""
    tmux("new-session", "-d", "-x", "80", "-y", "24", "-c", str(folder), "env PS1='$ ' bash --norc")
    settled()  # the prompt is there: typed earlier, the command would be shown twice
    tmux("send-keys", "sampan new shop", "Enter")
    deadline = time.monotonic() + TIMEOUT
    while LAST not in (now := settled()) and time.monotonic() < deadline:
        if now.rstrip().endswith(CONFIRMATION):
            tmux("send-keys", "y", "Enter")
        elif QUESTION in now and CONFIRMATION not in now:
            tmux("send-keys", "Enter")


def kept(text: str) -> str:
    """The lines until LAST."""
    lines = text.splitlines(keepends=True)
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    return "".join(lines[: next(number for number, line in enumerate(plain) if LAST in line) + 1])


def main() -> None:
    """Write the picture, and print the text."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            walk(Path(folder))
            coloured, text = kept(screen("-e")), kept(screen())
        finally:
            tmux("kill-server")
    console = Console(record=True, width=80, file=sys.stderr, force_terminal=True)
    console.print(Text.from_ansi(coloured))
    PICTURE.write_text(console.export_svg(title="sampan new shop", code_format=FORMAT, unique_id="sampan"), encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
