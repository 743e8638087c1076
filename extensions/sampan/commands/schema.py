"""`sampan schema`."""

from typing import Annotated

import typer
import yaml

from sampan import backstage, console
from sampan.errors import UserError
from sampan.schema import schema

PLACEHOLDER = "https://github.com/your-github-owner/sampan"


def command(
    as_backstage: Annotated[
        bool, typer.Option("--backstage", help="Print a Backstage software template, template.yaml.")
    ] = False,  # Typer's way
    url: Annotated[str | None, typer.Option(metavar="URL", help="With --backstage: repository of the template.")] = None,
) -> None:
    """Print the JSON Schema of an answers file, for editors and forms.

    It contains types, choices, patterns and the rules across answers. `sampan lint` also checks sums, such as the capacity of a node.
    """
    if url and not as_backstage:
        message = "Add --backstage: --url is the template's repository in the Backstage template."
        raise UserError(message)
    if as_backstage:
        typer.echo(yaml.safe_dump(backstage.template(url or PLACEHOLDER), sort_keys=False, allow_unicode=True, width=120), nl=False)
    else:
        console.print_json(schema())
