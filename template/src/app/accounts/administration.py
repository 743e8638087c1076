"""What an operator does to accounts from the command line."""

from app.accounts.models import User
from app.accounts.passwords import Passwords
from app.accounts.repository import AccountRepository
from app.kit.database import Database, UnitOfWork
from app.kit.problems import NotFound


async def save_user(database: Database, email: str, password: str, name: str, roles: list[str]) -> bool:
    """Create a user, or give an existing one this password. True when it was created."""
    password_hash = await Passwords().hash(password)
    async with database.unit_of_work() as work:
        accounts = AccountRepository(work.session)
        user = await accounts.user_by_email(email.lower())
        if user is None:
            await accounts.add(User(email=email.lower(), name=name, password_hash=password_hash, roles=roles))
            return True
        user.password_hash = password_hash
        return False


async def grant(work: UnitOfWork, email: str, role: str) -> None:
    """Give a user a role. Raises NotFound."""
    user = await AccountRepository(work.session).user_by_email(email.lower())
    if user is None:
        raise NotFound
    user.roles = sorted({*user.roles, role})
