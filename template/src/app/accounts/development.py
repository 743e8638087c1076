"""A user to log in with on a developer's machine."""

from app.accounts.administration.service import save_user
from app.accounts.service import accounts_of
from app.composition import Resources

EMAIL = "dev@example.com"


async def seed(resources: Resources, password: str) -> list[str]:
    """Create the user, or set its password. Return a line with both, and a command that logs in."""
    await save_user(accounts_of(resources), EMAIL, password, "Developer", admin=True)
    settings = resources.settings
    login = f"{settings.public_url}{settings.route_prefix}/v1/auth/login"
    extract = """sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'"""
    return [
        f"user      {EMAIL}, password {password}",
        "Log in, in another terminal:",
        f"  TOKEN=$(curl -fsS {login} -d username={EMAIL} -d password={password} | {extract})",
    ]
