"""Errors that end a command with exit status 1. Their text is shown to the person at the terminal."""


class OpsError(Exception):
    """The command cannot go on."""


class LockLostError(OpsError):
    """Another deploy holds the environment's lock now. Abort without changing anything."""


class RollbackFailedError(OpsError):
    """The release failed, and the previous release could not be restored completely."""
