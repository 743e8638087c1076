"""A user to log in with on a developer's machine."""

from app.accounts.administration import save_user
from app.accounts.service import accounts_of
from app.kit.resources import Resources

EMAIL = "dev@example.com"


async def seed(resources: Resources, password: str) -> list[str]:
    """Make the user, or give it this run's password. Returns the line that tells the developer."""
    await save_user(accounts_of(resources), EMAIL, password, "Developer", admin=True)
    return [f"user      {EMAIL}, password {password}"]
