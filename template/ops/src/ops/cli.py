"""The command line `ops`: one Typer application whose commands are the modules of `ops.commands`.

An option of the template that adds a command adds a module there, and nothing else.
"""

import importlib
import pkgutil
import sys
from collections.abc import Sequence

import typer
from botocore.exceptions import BotoCoreError, ClientError

from ops import commands
from ops.errors import OpsError
from ops.signals import Interrupted, handle_signals

FAILED, INTERRUPTED = 1, 130
HELP = """Operate this project: infrastructure, releases, add-ons and drills of each environment.

Every command names its environment, works with the AWS credentials of the shell, and reaches the cluster through a
kubeconfig of its own: the current kubectl context is never used.

Exit status: 0 success; 1 the command failed or found an error; 2 wrong usage; 3 `up` needs a person; 130 interrupted,
and safe to run again. `terraform` exits with Terraform's own status.
"""


def application() -> typer.Typer:
    """The application with every command of `ops.commands`."""
    app = typer.Typer(
        name="ops",
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
    )
    for module in pkgutil.iter_modules(commands.__path__):
        app.add_typer(importlib.import_module(f"{commands.__name__}.{module.name}").app)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    handle_signals()
    try:
        application()(arguments)
    except OpsError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"AWS: {error}\n")
        return FAILED
    except Interrupted:
        sys.stderr.write("interrupted: it is safe to run this again\n")
        return INTERRUPTED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0
