"""Bodies of the account routes."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints, field_validator

from app.accounts.addresses import deliverable
from app.accounts.models import User
from app.kit.i18n import N_
from app.kit.text import ONE_LINE, without_encoded_words
from app.kit.times import time_zones

# Long enough for a passphrase; argon2 costs the same for all lengths.
MAX_PASSWORD = 128
Password = Annotated[str, Field(min_length=10, max_length=MAX_PASSWORD, examples=["correct horse battery staple"])]
Email = Annotated[str, Field(max_length=320, json_schema_extra={"format": "email"}), AfterValidator(deliverable)]
MailedSecret = Annotated[str, Field(min_length=1, max_length=200, description="what stands behind `#token=` in a link")]
Role = Annotated[str, Field(pattern="^[a-z][a-z0-9-]{0,39}$")]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=ONE_LINE),
    AfterValidator(without_encoded_words),
]


class UserCreate(BaseModel):
    """A registration."""

    email: Email
    password: Password
    name: Name


class UserRead(BaseModel):
    """A user, as the user and administrators see it."""

    id: UUID
    email: str
    name: str
    roles: list[str]
    language: str | None
    time_zone: str | None
    email_verified: bool
    disabled: bool
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        """Return the public fields of a user."""
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            roles=user.roles,
            language=user.language,
            time_zone=user.time_zone,
            email_verified=user.email_verified_at is not None,
            disabled=user.disabled_at is not None,
            created_at=user.created_at,
        )


class ProfileChange(BaseModel):
    """A user's changes to their own profile. Absent fields are unchanged; null restores the service's default."""

    model_config = ConfigDict(extra="forbid")

    name: Name = ""
    language: Annotated[str | None, Field(max_length=10, examples=["id"])] = None
    time_zone: Annotated[str | None, Field(max_length=64, examples=["Asia/Jakarta"])] = None

    @field_validator("time_zone")
    @classmethod
    def _known_time_zone(cls, name: str | None) -> str | None:
        if name is not None and name not in time_zones():
            raise ValueError(N_("Must be an IANA time zone, such as Asia/Singapore"))
        return name


class LoginForm(BaseModel):
    """OAuth2's password form (RFC 6749, section 4.3.2). `username` is the email address."""

    grant_type: Literal["password"] = "password"
    # 320 is the longest address of RFC 5321.
    username: Annotated[str, Field(min_length=1, max_length=320, pattern=ONE_LINE)]
    password: Annotated[str, Field(min_length=1, max_length=MAX_PASSWORD, json_schema_extra={"format": "password"})]


class TokenPair(BaseModel):
    """The tokens of a login. `expires_in` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  RFC 6749's name of the type
    expires_in: int


class RefreshRequest(BaseModel):
    """A refresh token to be exchanged for a new pair."""

    refresh_token: Annotated[str, Field(max_length=200)]


class EmailRequest(BaseModel):
    """The email address of a user who requests a link."""

    email: Email


class VerifyRequest(BaseModel):
    """A mailed token."""

    token: MailedSecret


class ResetRequest(BaseModel):
    """A mailed token and the new password."""

    token: MailedSecret
    password: Password


class PasswordChange(BaseModel):
    """The current password and the new one."""

    current_password: Annotated[str, Field(min_length=1, max_length=MAX_PASSWORD)]
    new_password: Password


class EmailChange(BaseModel):
    """A new email address, and the current password."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    current_password: Annotated[str, Field(min_length=1, max_length=MAX_PASSWORD)]


class DeletionRequest(BaseModel):
    """The password of users who delete their accounts."""

    model_config = ConfigDict(extra="forbid")

    current_password: Annotated[str, Field(min_length=1, max_length=MAX_PASSWORD)]


class Export(BaseModel):
    """Everything that is stored about a user: the rows of each table, without secrets."""

    exported_at: datetime
    records: Annotated[
        dict[str, list[dict[str, JsonValue]]],
        Field(examples=[{"users": [{"email": "ann@example.com", "name": "Ann", "roles": []}], "sessions": []}]),
    ]


class SessionRead(BaseModel):
    """One login on one device. `current` marks the session of this request."""

    id: UUID
    user_agent: str
    address: str
    created_at: datetime
    last_used_at: datetime
    current: bool


class SessionList(BaseModel):
    """All live sessions of a user, the last used first."""

    items: list[SessionRead]


class Introspection(BaseModel):
    """The state of a token (RFC 7662). All fields but `active` are absent when it is not valid.

    `email` is absent until the user has confirmed it.
    """

    active: bool
    sub: UUID | None = None
    sid: UUID | None = None
    email: str | None = None
    language: str | None = None
    roles: list[str] | None = None


class JsonWebKey(BaseModel):
    """A public Ed25519 key (RFC 8037)."""

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    use: Literal["sig"] = "sig"
    alg: Literal["EdDSA"] = "EdDSA"
    kid: str
    x: str


class JsonWebKeySet(BaseModel):
    """The keys that may have signed a token."""

    keys: list[JsonWebKey]


class RolesChange(BaseModel):
    """All roles of a user after the change."""

    model_config = ConfigDict(extra="forbid")

    roles: Annotated[set[Role], Field(max_length=20, examples=[["admin"]])]
