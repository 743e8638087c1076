"""Email messages about accounts, in the user's language and time zone."""

from dataclasses import dataclass
from datetime import datetime

from app.accounts.models import User
from app.kit.i18n import N_, translate
from app.kit.mail import Message
from app.kit.times import format_time

_GREETING = N_("Hello %(name)s,")
_CONFIRM = N_("Please confirm that this address is yours.")
_CONFIRM_ACTION = N_("Confirm address")
_GOOD_UNTIL = N_("The link can be used once, until %(time)s.")
_IGNORE = N_("If you did not request this, you do not need to do anything.")
_NEW_PASSWORD = N_("Set a new password")


@dataclass(frozen=True, slots=True)
class Reader:
    """The reader of a message: language and time zone are the user's own, or the service's.

    `name` is empty until the address is confirmed, because a stranger may have chosen it.
    """

    name: str
    email: str
    language: str
    time_zone: str

    @classmethod
    def of(cls, user: User, language: str, time_zone: str) -> "Reader":
        """Return the user as a reader, with defaults for the language and time zone."""
        name = user.name if user.email_verified_at else ""
        return cls(name, user.email, user.language or language, user.time_zone or time_zone)

    def say(self, text: str, **parameters: object) -> str:
        """Return a text in the reader's language."""
        return translate(text, self.language, **parameters)

    def time(self, moment: datetime) -> str:
        """Format a moment in the reader's language and time zone."""
        return format_time(moment, self.language, self.time_zone)

    @property
    def greeting(self) -> str:
        """The greeting of a message; empty without a name."""
        return self.say(_GREETING, name=self.name) if self.name else ""


def welcome(reader: Reader, link: str, expires_at: datetime) -> Message:
    """Return the message to a new user."""
    return Message(
        subject=reader.say(N_("Welcome")),
        greeting=reader.greeting,
        paragraphs=[
            reader.say(N_("Your account is ready. You can log in as %(email)s."), email=reader.email),
            reader.say(_CONFIRM),
        ],
        action=reader.say(_CONFIRM_ACTION),
        link=link,
        small=[reader.say(_GOOD_UNTIL, time=reader.time(expires_at))],
    )


def verification(reader: Reader, link: str, expires_at: datetime) -> Message:
    """Return the message that asks a user to confirm an email address."""
    return Message(
        subject=reader.say(N_("Confirm your email address")),
        greeting=reader.greeting,
        paragraphs=[reader.say(_CONFIRM)],
        action=reader.say(_CONFIRM_ACTION),
        link=link,
        small=[reader.say(_GOOD_UNTIL, time=reader.time(expires_at)), reader.say(_IGNORE)],
    )


def reset(reader: Reader, link: str, expires_at: datetime) -> Message:
    """Return the message about a requested password reset, which somebody else may have requested."""
    return Message(
        subject=reader.say(_NEW_PASSWORD),
        greeting=reader.greeting,
        paragraphs=[reader.say(N_("Somebody, probably you, requested a new password for your account."))],
        action=reader.say(_NEW_PASSWORD),
        link=link,
        small=[reader.say(_GOOD_UNTIL, time=reader.time(expires_at)), reader.say(_IGNORE)],
    )


def new_address(reader: Reader, link: str, expires_at: datetime) -> Message:
    """Return the message to a new address. It contains nothing about the user: the mailbox may be a stranger's."""
    asked = N_("Somebody, probably you, asked to use this email address for an account.")
    ignore = N_("If you did not request this, do not open the link.")
    return Message(
        subject=reader.say(N_("Confirm your new email address")),
        greeting=reader.greeting,
        paragraphs=[reader.say(asked), reader.say(_CONFIRM)],
        action=reader.say(_CONFIRM_ACTION),
        link=link,
        small=[reader.say(_GOOD_UNTIL, time=reader.time(expires_at)), reader.say(ignore)],
    )


def email_changed(reader: Reader, link: str, moment: datetime, address: str) -> Message:
    """Return the message to the former address, without the new one: somebody else may read this mailbox now."""
    changed = N_("The email address of your account was changed on %(time)s from the IP address %(address)s.")
    restore = N_(
        "If this was not you, restore this address within 7 days. You then set a new password, and all sessions end."
    )
    return Message(
        subject=reader.say(N_("Your email address was changed")),
        greeting=reader.greeting,
        paragraphs=[
            reader.say(changed, time=reader.time(moment), address=address),
            reader.say(N_("If you changed it, you do not need to do anything.")),
            reader.say(restore),
        ],
        action=reader.say(N_("Restore this address")),
        link=link,
    )


def account_deleted(reader: Reader, moment: datetime, address: str) -> Message:
    """Return the message about a deleted account. `address` is empty if an administrator deleted it."""
    if address:
        text = N_("Your account was deleted on %(time)s from the IP address %(address)s.")
        deleted = reader.say(text, time=reader.time(moment), address=address)
    else:
        deleted = reader.say(N_("An administrator deleted your account on %(time)s."), time=reader.time(moment))
    return Message(
        subject=reader.say(N_("Your account was deleted")),
        greeting=reader.greeting,
        paragraphs=[
            deleted,
            reader.say(N_("It cannot be restored. You can register again with this email address at any time.")),
        ],
    )


def password_changed(reader: Reader, link: str, moment: datetime, address: str) -> Message:
    """Return the message about a changed password, which somebody else may have changed."""
    changed = N_("The password of your account was changed on %(time)s from the IP address %(address)s.")
    return Message(
        subject=reader.say(N_("Your password was changed")),
        greeting=reader.greeting,
        paragraphs=[
            reader.say(changed, time=reader.time(moment), address=address),
            reader.say(N_("All other sessions have ended.")),
            reader.say(N_("If this was not you, set a new password now.")),
        ],
        action=reader.say(_NEW_PASSWORD),
        link=link,
    )
