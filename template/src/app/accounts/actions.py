"""The actions that accounts write to the audit log."""

from enum import StrEnum


class AuditAction(StrEnum):
    """The recorded actions. Their values are kept for years: add to them, but never change one."""

    REGISTERED = "user.registered"
    LOGIN = "login.succeeded"
    LOGIN_FAILED = "login.failed"
    LOGOUT = "session.ended"
    LOGOUT_EVERYWHERE = "sessions.ended"
    REFRESH_REUSED = "refresh.reused"
    EMAIL_VERIFIED = "email.verified"
    PASSWORD_RESET = "password.reset"  # noqa: S105  the name of an action
    PASSWORD_CHANGED = "password.changed"  # noqa: S105  the name of an action
    EMAIL_CHANGE_REQUESTED = "email.change-requested"
    EMAIL_CHANGED = "email.changed"
    EMAIL_RESTORED = "email.restored"
    PROFILE_CHANGED = "profile.changed"
    ROLES_CHANGED = "roles.changed"
    DISABLED = "user.disabled"
    ENABLED = "user.enabled"
    DELETED = "user.deleted"
    EXPORTED = "user.exported"
    USERS_READ = "users.read"
    USER_READ = "user.read"
    AUDIT_READ = "audit.read"
