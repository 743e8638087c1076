"""`sampan prices`."""

from datetime import UTC, datetime
from typing import Annotated

import typer
import yaml

from sampan import console, prices, root
from sampan.errors import FINDINGS, UserError, suggestion


def command(
    region: Annotated[list[str] | None, typer.Option(help="Region to refresh; can be repeated. Without it, all regions.")] = None,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only check the age of the prices; exit with 1 if they are older than 90 days.")
    ] = False,
) -> None:
    """Refresh the catalogue's prices from AWS's public price list (no credentials; several hundred megabytes per region)."""
    known = prices.table()
    today = datetime.now(UTC).date()
    if check:
        old = prices.stale(today, known)
        console.output().print(old or f"The prices are {prices.age(today, known)} days old.", soft_wrap=True)
        raise typer.Exit(FINDINGS if old else 0)
    if root.is_packaged():
        message = "sampan prices changes the template: run it in a clone of the template's repository."
        raise UserError(message)
    catalogue = yaml.safe_load((root.catalogue() / "regions.yaml").read_text(encoding="utf-8"))
    priced, regions = known["regions"].split(), catalogue["names"].split()
    for name in region or ():
        if name not in regions:
            message = f"extensions/catalogue/regions.yaml lacks region {name!r}.{suggestion(name, regions)}"
            raise UserError(message)
    for name in region or regions:
        if name not in priced:
            prices.add(name, catalogue[f"{name}.name"])
            console.output().print(f"A column for {name} in {prices.PATH.relative_to(root.root())}", soft_wrap=True)
    try:
        written = prices.refresh(today, region or regions)
    except OSError as error:
        message = f"AWS's price list cannot be read: {error}."
        raise UserError(message) from None
    console.output().print(f"{written} prices in {prices.PATH.relative_to(root.root())}", soft_wrap=True)
