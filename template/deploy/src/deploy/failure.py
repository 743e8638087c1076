"""What stops a deploy."""


class DeployError(Exception):
    """The deploy cannot go on. Its text is what the person at the terminal reads."""
