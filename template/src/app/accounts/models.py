"""Tables of users, their sessions and refresh tokens, mailed tokens, and login attempts."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.database import Model
from app.kit.ids import new_id


class User(Model):
    """A person with a password. Email addresses are stored in the form of `accounts.addresses`."""

    __tablename__ = "users"
    # Serves `LIKE 'prefix%'`, whatever the database's collation.
    __table_args__ = (Index("ix_users_email_prefix", "email", postgresql_ops={"email": "text_pattern_ops"}),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    # Incremented by changes that open sessions must see at once. Copies of sessions with an older value are invalid.
    generation: Mapped[int] = mapped_column(default=0)
    language: Mapped[str | None] = mapped_column(Text)
    time_zone: Mapped[str | None] = mapped_column(Text)
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    email_verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class LoginSession(Model):
    """One login on one device. It ends by logout, by expiry, or when a used refresh token is presented again."""

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_user_id", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    user_agent: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    last_used_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class RefreshToken(Model):
    """A refresh token of a session, as an HMAC. Used ones are kept as long as the session, to detect their reuse."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index("ix_refresh_tokens_session_id", "session_id"),)

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Purpose(StrEnum):
    """The purpose of a token that was sent by email."""

    VERIFY_EMAIL = "verify-email"
    RESET_PASSWORD = "reset-password"  # noqa: S105  the name of a purpose
    CHANGE_EMAIL = "change-email"
    RESTORE_EMAIL = "restore-email"


class MailedToken(Model):
    """A token that was mailed to a user, as an HMAC. It can be used once: using it deletes it."""

    __tablename__ = "mailed_tokens"
    __table_args__ = (
        Index("ix_mailed_tokens_user_id_purpose", "user_id", "purpose"),
        # Former addresses stay reserved as long as they can be restored.
        Index("ix_mailed_tokens_reserved", "email", postgresql_where=text("purpose = 'restore-email'")),
    )

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(Text)
    # The recipient: the token proves access to this mailbox only, not to that of a later address.
    email: Mapped[str] = mapped_column(Text)
    # The session that requested the token. It survives the use of the token.
    session_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class LoginAttempts(Model):
    """Failures in a row of one name or device, as an HMAC. The row does not reveal whether the name exists."""

    __tablename__ = "login_attempts"
    __table_args__ = (Index("ix_login_attempts_last_at", "last_at"),)

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    # Number of attempts whose password is being checked.
    pending: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    locked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
