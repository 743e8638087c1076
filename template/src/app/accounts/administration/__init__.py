"""Administration: users, their roles, and the audit log."""
