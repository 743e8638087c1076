"""Users, logins and sessions of this service."""
