"""What can go wrong with accounts."""

from app.kit.i18n import N_
from app.kit.problems import Problem


class EmailTaken(Problem):
    """Somebody registered with this address before."""

    status = 409
    slug = "email-taken"
    title = N_("Address in use")
    detail = N_("An account with this e-mail address exists.")


class WrongCredentials(Problem):
    """Address or password is wrong; which one is not told."""

    status = 401
    slug = "wrong-credentials"
    title = N_("Login failed")
    detail = N_("The e-mail address or the password is wrong.")

    def __init__(self) -> None:
        super().__init__({"WWW-Authenticate": "Bearer"})


class RefreshRefused(Problem):
    """The refresh token is unknown, expired, revoked, or was used before."""

    status = 401
    slug = "refresh-refused"
    title = N_("Session ended")
    detail = N_("The session has ended. Log in again.")

    def __init__(self) -> None:
        super().__init__({"WWW-Authenticate": "Bearer"})
