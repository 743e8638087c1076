"""Settings of accounts: the keys that sign tokens and sessions, and how long each lasts."""

from collections.abc import Iterator

from pydantic import Field

from app.kit.configuration import Fault, Section, secret_faults

# Known to everybody, so refused outside a developer's machine.
DEVELOPMENT_JWT_SECRET = "development-only-jwt-secret-0123456789"  # noqa: S105  refused outside development
DEVELOPMENT_SESSION_SECRET = "development-only-session-secret-012345"  # noqa: S105  refused outside development


class AccountsSettings(Section):
    """Keys and lifetimes. Lifetimes are in seconds."""

    service: str = Field(default="app", description="the service's name, a DNS label")
    public_url: str = Field(default="http://127.0.0.1:8000", description="scheme and host, without a path")
    jwt_secret: str = Field(default=DEVELOPMENT_JWT_SECRET, description="32 random characters or more")
    jwt_secret_previous: str = Field(default="", description="the secret before the last rotation, or empty")
    session_secret: str = Field(default=DEVELOPMENT_SESSION_SECRET, description="32 random characters or more")
    access_token_seconds: int = Field(default=900, ge=60, le=3600, description="60 to 3600")
    session_seconds: int = Field(default=30 * 86_400, ge=3600, description="seconds a login lasts without use")

    def faults(self) -> Iterator[Fault]:
        """Refuse short secrets anywhere, and default ones outside a developer's machine."""
        yield from secret_faults("JWT_SECRET", self.jwt_secret, DEVELOPMENT_JWT_SECRET, self.environment)
        yield from secret_faults("SESSION_SECRET", self.session_secret, DEVELOPMENT_SESSION_SECRET, self.environment)
        if self.jwt_secret_previous:
            yield from secret_faults("JWT_SECRET_PREVIOUS", self.jwt_secret_previous, "", self.environment)
