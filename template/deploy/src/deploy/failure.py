"""What stops a deploy."""


class DeployError(Exception):
    """The deploy cannot go on. Its text is what the person at the terminal reads."""


class TakenOverError(DeployError):
    """Another deploy works on the environment now: this one must not touch it any more."""


class HalfwayError(DeployError):
    """The release failed, and what was there before could not be brought back wholly."""
