"""How tests sign in users, whether this service or another one stores them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user and a client that carries the user's token."""

    client: httpx.AsyncClient
    user_id: str
    email: str
    token: str

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """GET as the user."""
        return await self.client.get(path, headers=self._headers(headers))

    async def post(self, path: str, json: object = None, files: object = None) -> httpx.Response:
        """POST as the user."""
        return await self.client.post(path, json=json, files=files, headers=self._headers({}))  # type: ignore[arg-type]  # httpx spells out every form of `files`

    async def patch(self, path: str, json: object) -> httpx.Response:
        """PATCH as the user."""
        return await self.client.patch(path, json=json, headers=self._headers({}))

    async def delete(self, path: str) -> httpx.Response:
        """DELETE as the user."""
        return await self.client.delete(path, headers=self._headers({}))

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", **headers}


# Signs in the user with an email address and roles, and creates the user if necessary.
SignIn = Callable[..., Awaitable[SignedIn]]

# Confirms the email address of a signed-in user.
Confirm = Callable[[SignedIn], Awaitable[None]]
