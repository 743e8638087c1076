"""A release that meets a share of the traffic first: `uv run canary ENVIRONMENT --image-api … [--weights 5,25,50]`.

The shares rise, and then the release is rolled out: that is the step to 100 %. At each one the new pods are compared
with the old ones for a time, and whatever is worse brings all traffic back. Safe to interrupt and to repeat: it begins
with all traffic on `api`, and ends there.
"""

import argparse
from collections.abc import Sequence

from deploy import cli
from deploy.canary_metrics import Metrics
from deploy.canary_steps import BAKE_SECONDS, MINIMUM_REQUESTS, CanaryRelease, Patience
from deploy.canary_weights import VERIFY_SECONDS, Weights
from deploy.ending import ended_in_order
from deploy.failure import DeployError


def main(arguments: Sequence[str] | None = None) -> int:
    """Release one environment by steps; the exit status is 0, or 1 with the reason on standard error."""
    options = _parser().parse_args(arguments)
    with ended_in_order() as status:
        steps = _steps(options.weights)
        target = cli.target(options)
        if options.dry_run:
            target.show_difference()
        else:
            _release(target, steps, options)
    return status.code


def _release(target: cli.Target, steps: Sequence[int], options: argparse.Namespace) -> None:
    weights = Weights(target.place.cluster, target.place.contract, patience=options.patience)
    metrics = Metrics(target.place.contract.region)
    patience = Patience(options.bake, options.minimum_requests, goes_on=options.inconclusive == "continue")
    with target.under_way() as lock:
        CanaryRelease(target, weights, metrics, lock).run(steps, patience)
    target.summarise("is deployed to")


def withdraw(arguments: Sequence[str] | None = None) -> int:
    """Bring all traffic back to what ran before and remove the canary; the exit status is 0, or 1 with the reason."""
    parser = cli.environment_parser("canary-withdraw", "Bring all traffic back after a canary that nobody looks after.")
    options = parser.parse_args(arguments)
    with ended_in_order() as status:
        here = cli.place(options)
        with here.lock():
            CanaryRelease.withdraw(here.cluster, Weights(here.cluster, here.contract))
    return status.code


def _parser() -> argparse.ArgumentParser:
    parser = cli.parser("canary", "Release the service to one environment, a share of the traffic first.")
    parser.add_argument("--weights", default="5,25,50", metavar="PERCENTS", help="rising shares of the traffic")
    parser.add_argument("--bake", default=BAKE_SECONDS, type=float, metavar="SECONDS", help="time at each share")
    parser.add_argument(
        "--minimum-requests", default=MINIMUM_REQUESTS, type=int, metavar="N", help="fewer on the canary tell nothing"
    )
    parser.add_argument(
        "--inconclusive",
        default="withdraw",
        choices=["withdraw", "continue"],
        help="after too little traffic",
    )
    parser.add_argument(
        "--patience",
        default=VERIFY_SECONDS,
        type=float,
        metavar="SECONDS",
        help="time to follow a weight",
    )
    return parser


def _steps(text: str) -> list[int]:
    """Percentages above 0 and below 100 that rise. Raises DeployError."""
    parts = text.split(",")
    steps = [int(part) for part in parts if part.isascii() and part.isdigit()]
    if len(steps) != len(parts) or steps != sorted(set(steps)) or not all(0 < step < 100 for step in steps):
        raise DeployError(f"--weights takes rising percentages between 1 and 99, such as 5,25,50, not {text!r}")
    return steps
