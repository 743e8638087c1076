"""Problems of accounts."""

import math
from datetime import timedelta

from app.kit.i18n import N_
from app.kit.problems import Problem


class EmailTaken(Problem):
    """Another user has this email address."""

    status = 409
    slug = "email-taken"
    title = N_("Email address in use")
    detail = N_("An account with this email address already exists.")


class WrongCredentials(Problem):
    """The email address or the password is wrong. The response does not reveal which."""

    status = 401
    slug = "wrong-credentials"
    title = N_("Login failed")
    detail = N_("The email address or the password is wrong.")

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


class RefreshRaced(Problem):
    """The refresh token was used a moment ago, for example by another window of the same client."""

    status = 409
    slug = "refresh-raced"
    title = N_("Session being renewed")
    detail = N_("Another request has just used this token. Use the tokens that it received.")


class LoginLocked(Problem):
    """Too many failed logins under this name, whether or not a user has it."""

    status = 429
    slug = "login-locked"
    title = N_("Too many failed logins")
    detail = N_("Try again in %(seconds)s seconds, or set a new password.")

    def __init__(self, wait: timedelta) -> None:
        seconds = max(1, math.ceil(wait.total_seconds()))
        super().__init__({"Retry-After": str(seconds)}, seconds=seconds)


class EmailUnverified(Problem):
    """The password is right, but the email address is not confirmed. Shown only after the right password."""

    status = 403
    slug = "email-unverified"
    title = N_("Email address not confirmed")
    detail = N_("Confirm your email address first, with the link in the message sent to it.")


class AccountDisabled(Problem):
    """The password is right, but the account is disabled. Shown only after the right password."""

    status = 403
    slug = "account-disabled"
    title = N_("Account disabled")
    detail = N_("An administrator disabled this account.")


class WrongPassword(Problem):
    """The current password, which this request requires, is wrong."""

    status = 403
    slug = "wrong-password"
    title = N_("Wrong password")
    detail = N_("The current password is wrong.")


class LinkRefused(Problem):
    """A mailed token is unknown, expired, or was used before."""

    status = 400
    slug = "link-refused"
    title = N_("Link not valid")
    detail = N_("The link has expired or was already used. Request a new one.")


class LastAdministrator(Problem):
    """The account is that of the only administrator who can log in."""

    status = 409
    slug = "last-administrator"
    title = N_("The last administrator")
    detail = N_("Make another user an administrator first.")


class OwnAccount(Problem):
    """Administrators cannot disable or demote themselves, so at least one always remains."""

    status = 409
    slug = "own-account"
    title = N_("Your own account")
    detail = N_("Another administrator has to change this for you.")
