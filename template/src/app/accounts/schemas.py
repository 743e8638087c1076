"""Bodies of the account routes."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, EmailStr, Field, StringConstraints

from app.kit.text import ONE_LINE

# Long enough for a passphrase; argon2 costs the same for all lengths.
MAX_PASSWORD = 128
Password = Annotated[str, Field(min_length=10, max_length=MAX_PASSWORD, examples=["correct horse battery staple"])]
Email = Annotated[EmailStr, AfterValidator(str.lower)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=ONE_LINE)]


class UserCreate(BaseModel):
    """A registration."""

    email: Email
    password: Password
    name: Name


class UserRead(BaseModel):
    """A user, as the user sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    email: str
    name: str
    roles: list[str]
    language: str | None
    email_verified: bool
    created_at: datetime


class LoginForm(BaseModel):
    """OAuth2's password form (RFC 6749, section 4.3.2). `username` is the e-mail address."""

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


class SessionRead(BaseModel):
    """One login on one device. `current` is the one that asks."""

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
    """What a token stands for (RFC 7662). All but `active` are absent when it does not stand."""

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
