"""`ops canary`: releases that receive a share of the traffic first.

The share rises step by step; the last step, to 100 %, is the rollout. At each step the new pods are compared with the
old ones for a time, and a worse result moves all traffic back. Safe to interrupt and to repeat: a run begins and ends
with all traffic on `api`.
"""

from enum import StrEnum
from typing import Annotated

import typer

from ops import options
from ops.canary.metrics import Metrics
from ops.canary.steps import BAKE_SECONDS, MINIMUM_REQUESTS, CanaryRelease, Patience
from ops.canary.weights import VERIFY_SECONDS, Weights
from ops.environment import Environment, Target
from ops.errors import OpsError
from ops.images import Images

app = typer.Typer()
canary = typer.Typer(no_args_is_help=True, help="Release to a share of the traffic first.")
app.add_typer(canary, name="canary")


class Inconclusive(StrEnum):
    """The action when there was too little traffic for a verdict."""

    WITHDRAW = "withdraw"
    CONTINUE = "continue"


@canary.command()
def deploy(
    environment: options.EnvironmentName,
    *,
    image_api: options.ImageApi,
    image_worker: options.ImageWorker,
    image_migrate: options.ImageMigrate,
    release: options.ReleaseName = "",
    weights: Annotated[str, typer.Option(metavar="PERCENTS", help="Rising shares of the traffic.")] = "5,25,50",
    bake: Annotated[float, typer.Option(metavar="SECONDS", help="Time at each share.")] = BAKE_SECONDS,
    minimum_requests: Annotated[
        int, typer.Option(metavar="N", help="Requests that the canary needs for a verdict.")
    ] = MINIMUM_REQUESTS,
    inconclusive: Annotated[
        Inconclusive, typer.Option(help="The action if there was too little traffic for a verdict.")
    ] = Inconclusive.WITHDRAW,
    patience: Annotated[
        float, typer.Option(metavar="SECONDS", help="Time that the load balancer may take to follow a weight.")
    ] = VERIFY_SECONDS,
    dry_run: options.DryRun = False,
    take_over: options.TakeOver = False,
) -> None:
    """Deploy a release step by step, and withdraw it if it is worse than the running release."""
    steps = _steps(weights)
    images = Images.of(image_api, image_worker, image_migrate)
    target = Target.of(Environment.load(environment, take_over=take_over), images, release)
    if dry_run:
        target.show_difference()
        return
    here = target.environment
    with target.under_way() as lock:
        CanaryRelease(
            target, Weights(here.cluster, here.contract, patience=patience), Metrics(here.contract.region), lock
        ).run(steps, Patience(bake, minimum_requests, goes_on=inconclusive is Inconclusive.CONTINUE))
    target.summarise("is deployed to")


@canary.command()
def withdraw(environment: options.EnvironmentName, *, take_over: options.TakeOver = False) -> None:
    """Move all traffic back to the running release, and remove the canary that a killed deploy left behind."""
    here = Environment.load(environment, take_over=take_over)
    with here.lock():
        CanaryRelease.withdraw(here.cluster, Weights(here.cluster, here.contract))


def _steps(text: str) -> list[int]:
    """Parse rising percentages between 0 and 100. Raises OpsError."""
    parts = text.split(",")
    steps = [int(part) for part in parts if part.isascii() and part.isdigit()]
    if len(steps) != len(parts) or steps != sorted(set(steps)) or not all(0 < step < 100 for step in steps):
        raise OpsError(f"--weights takes rising percentages between 1 and 99, such as 5,25,50, not {text!r}")
    return steps
