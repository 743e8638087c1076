"""`ops plan`, `ops apply`, `ops destroy` and `ops terraform`."""

from typing import Annotated

import typer

from ops import project
from ops.destroy.environment import Choice, destroy_environment
from ops.errors import OpsError
from ops.secrets import free_secrets, require_free_names
from ops.terraform import BOOTSTRAP, Root, roots_of

app = typer.Typer()
Where = Annotated[str, typer.Argument(metavar="ENVIRONMENT", help=f"An environment of this project, or {BOOTSTRAP}.")]
Only = Annotated[str, typer.Option("--root", metavar="ROOT", help="platform or service; default: all roots.")]
_ARGUMENTS = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command()
def plan(environment: Where, *, root: Only = "") -> None:
    """Show what Terraform would change in an environment."""
    for each in roots_of(project.find(), environment, root):
        each.run("plan", "-input=false")


@app.command()
def apply(
    environment: Where,
    *,
    root: Only = "",
    yes: Annotated[bool, typer.Option("--yes", help="Apply without asking. For automation.")] = False,
) -> None:
    """Show the plan of each root in order, ask, and apply it.

    `ops apply bootstrap`, run once per account, creates the state bucket with a local state and moves that state there.
    """
    for each in roots_of(project.find(), environment, root):
        free_secrets(each, yes=yes)
        each.run("apply", *(["-input=false", "-auto-approve"] if yes else []))


@app.command()
def destroy(
    environment: Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="An environment, or bootstrap.")],
    *,
    service: Annotated[bool, typer.Option("--service", help="Destroy the service only.")] = False,
    delete_backups: Annotated[bool, typer.Option("--delete-backups", help="Delete the backups in vaults too.")] = False,
    never_deployed: Annotated[
        bool, typer.Option("--never-deployed", help="The cluster has no Ingress of this service.")
    ] = False,
    yes: Annotated[
        str | None, typer.Option(metavar="NAME", help="Confirm with the name, <service>-<environment>.")
    ] = None,
) -> None:
    """Destroy an environment: the service, then the platform where this project has one.

    `ops destroy bootstrap` destroys GitHub's roles and the state bucket, once nothing else is left. Resources that are
    locked against deletion stay: they are removed from the state and listed at the end.
    """
    destroy_environment(environment, Choice(service, delete_backups, never_deployed), yes)


@app.command(context_settings=_ARGUMENTS)
def terraform(context: typer.Context, environment: Where) -> None:
    """Run any Terraform command with the backend and the variables of a root.

    ops terraform ENVIRONMENT ROOT COMMAND [ARGUMENT…], such as `ops terraform dev service state list`;
    ops terraform bootstrap COMMAND [ARGUMENT…]. The exit status is Terraform's own.
    """
    words = list(context.args)
    name = BOOTSTRAP if environment == BOOTSTRAP else words.pop(0) if words else ""
    if not name or not words:
        raise typer.BadParameter("give ENVIRONMENT ROOT COMMAND, or bootstrap COMMAND")
    root = Root.of(project.find(), environment, name)
    _refuse_a_whole_destroy(environment, words)
    if words[0] == "apply":
        require_free_names(root, words[-1])
    raise typer.Exit(root.call(*words))


def _refuse_a_whole_destroy(environment: str, words: list[str]) -> None:
    """Raise OpsError: AWS would refuse to delete the protected database after most resources are destroyed."""
    destroys = words[0] == "destroy" or (words[0] == "apply" and "-destroy" in words)
    if destroys and environment != BOOTSTRAP and not any(word.startswith("-target") for word in words):
        raise OpsError(
            f"Terraform alone fails midway: AWS keeps a protected database. Run `ops destroy {environment}`,"
            " or name a part with -target"
        )
