"""Settings of accounts: the keys that sign tokens and sessions, and how long each lasts."""

from collections.abc import Iterator

from pydantic import Field

from app.kit.configuration import Fault, Section, equal_faults, secret_faults

# Known to everybody, so refused outside a developer's machine.
DEVELOPMENT_JWT_SECRET = "development-only-jwt-secret-0123456789"  # noqa: S105  refused outside development
DEVELOPMENT_SESSION_SECRET = "development-only-session-secret-012345"  # noqa: S105  refused outside development

# The token is appended after a `#`. Browsers do not send that part to a server, so it appears in no log.
_PAGE = "^(https?://[^ #]+)?$"


class AccountsSettings(Section):
    """Keys and lifetimes. Lifetimes are in seconds."""

    service: str = Field(default="app", description="the service's name, a DNS label")
    public_url: str = Field(default="http://127.0.0.1:8000", description="scheme and host, without a path")
    route_prefix: str = Field(default="/api", description="a path such as /api")
    jwt_secret: str = Field(default=DEVELOPMENT_JWT_SECRET, description="32 random characters or more")
    jwt_secret_previous: str = Field(default="", description="the secret before the last rotation, or empty")
    session_secret: str = Field(default=DEVELOPMENT_SESSION_SECRET, description="32 random characters or more")
    access_token_seconds: int = Field(default=900, ge=60, le=3600, description="60 to 3600")
    session_seconds: int = Field(default=30 * 86_400, ge=3600, description="seconds a login lasts without use")

    # N consecutive failures are free. Each further failure under that name doubles the wait.
    login_failures: int = Field(default=5, ge=1, le=100, description="failed logins before a wait, 1 to 100")
    login_wait_seconds: int = Field(default=30, ge=1, le=3600, description="the first wait, seconds; the next doubles")
    login_wait_most_seconds: int = Field(default=900, ge=1, le=86_400, description="the longest wait, seconds")
    # Off by default: without working mail delivery, nobody could confirm an address and log in.
    require_verified_email: bool = Field(default=False, description="true: no login before the address is confirmed")
    verify_email_url: str = Field(
        default="", pattern=_PAGE, description="the page of your front end that a mail's link opens, or empty"
    )
    reset_password_url: str = Field(
        default="", pattern=_PAGE, description="the page of your front end that a mail's link opens, or empty"
    )

    change_email_url: str = Field(
        default="", pattern=_PAGE, description="the page of your front end that a mail's link opens, or empty"
    )
    restore_email_url: str = Field(
        default="", pattern=_PAGE, description="the page of your front end that a mail's link opens, or empty"
    )

    def verify_email_page(self) -> str:
        """The page that confirms an address with the token behind `#token=`."""
        return self.verify_email_url or f"{self.public_url}{self.route_prefix}/v1/auth/pages/verify-email"

    def reset_password_page(self) -> str:
        """The page that sets a new password with the token behind `#token=`, or asks for one without."""
        return self.reset_password_url or f"{self.public_url}{self.route_prefix}/v1/auth/pages/reset-password"

    def change_email_page(self) -> str:
        """The page that changes an address with the token behind `#token=`."""
        return self.change_email_url or f"{self.public_url}{self.route_prefix}/v1/auth/pages/change-email"

    def restore_email_page(self) -> str:
        """The page that restores a former address and sets a new password with the token behind `#token=`."""
        return self.restore_email_url or f"{self.public_url}{self.route_prefix}/v1/auth/pages/restore-email"

    def faults(self) -> Iterator[Fault]:
        """Refuse short secrets anywhere, and published, equal or repeating ones outside a developer's machine."""
        published = {DEVELOPMENT_JWT_SECRET, DEVELOPMENT_SESSION_SECRET}
        secrets = {
            "JWT_SECRET": self.jwt_secret,
            "JWT_SECRET_PREVIOUS": self.jwt_secret_previous,
            "SESSION_SECRET": self.session_secret,
        }
        for variable, value in secrets.items():
            if value:
                yield from secret_faults(variable, value, published, self.environment)
        yield from equal_faults(secrets, self.environment)
