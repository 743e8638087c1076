"""Settings of the service that issues the tokens."""

from collections.abc import Iterator

from pydantic import Field

from app.kit.configuration import Fault, Section

_URL = "^(https?://[^ ]+)?$"


class RemoteAccountsSettings(Section):
    """Which service issues tokens, and for whom."""

    issuer_url: str = Field(
        default="", pattern=_URL, description="the issuer's PUBLIC_URL, such as https://users.example.com"
    )
    issuer_audience: str = Field(default="", description="the audience that its tokens name: the issuer's SERVICE")
    jwks_url: str = Field(default="", pattern=_URL, description="its keys; by default ISSUER_URL/api/v1/auth/jwks")
    introspection_url: str = Field(
        default="", pattern=_URL, description="its answer about a token; by default ISSUER_URL/api/v1/auth/introspect"
    )

    def keys_address(self) -> str:
        """The URL at which the issuer publishes its keys."""
        return self.jwks_url or f"{self.issuer_url}/api/v1/auth/jwks"

    def introspection_address(self) -> str:
        """The URL at which the issuer reports whether a token is valid."""
        return self.introspection_url or f"{self.issuer_url}/api/v1/auth/introspect"

    def faults(self) -> Iterator[Fault]:
        """Refuse to run without an issuer outside a developer's machine, and to trust one over plain HTTP there."""
        if self.environment.is_local:
            return
        if not self.issuer_url:
            yield Fault("ISSUER_URL", "is empty", "set the PUBLIC_URL of the service that holds the users")
        if not self.issuer_audience:
            yield Fault("ISSUER_AUDIENCE", "is empty", "set the SERVICE of the service that holds the users")
        for variable in ("ISSUER_URL", "JWKS_URL", "INTROSPECTION_URL"):
            if str(getattr(self, variable.lower())).startswith("http://"):
                yield Fault(variable, "leaves the connection open", "write an address that begins with https://")
