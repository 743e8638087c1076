"""A token is verified once in a process, without loss of security."""

import time

import jwt
import pytest

from app.accounts.sessions import tokens as accounts_tokens
from app.accounts.sessions.tokens import LEEWAY, Tokens
from app.accounts.settings import AccountsSettings
from app.kit.ids import new_id
from app.kit.problems import Unauthorized


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(AccountsSettings.model_validate({"access_token_seconds": 60}))


def test_a_signature_is_checked_once(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    user, session = new_id(), new_id()
    token = tokens.access(user, session)
    first = tokens.read(token)
    monkeypatch.setattr(jwt, "decode", None)
    assert tokens.read(token) == first
    assert (first.user_id, first.session_id) == (user, session)


def test_a_remembered_token_expires_all_the_same(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    token = tokens.access(new_id(), new_id())
    tokens.read(token)
    later = time.time() + 60 + LEEWAY
    monkeypatch.setattr(time, "time", lambda: later)
    for _ in range(2):
        with pytest.raises(Unauthorized):
            tokens.read(token)


def test_a_token_with_a_changed_signature_is_not_the_remembered_one(tokens: Tokens) -> None:
    token = tokens.access(new_id(), new_id())
    tokens.read(token)
    head, body, signature = token.split(".")
    with pytest.raises(Unauthorized):
        tokens.read(f"{head}.{body}.{signature[:-4]}AAAA")


def test_refused_tokens_are_not_remembered_and_the_oldest_make_room(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts_tokens, "MOST_REMEMBERED", 3)
    for _ in range(5):
        tokens.read(tokens.access(new_id(), new_id()))
        with pytest.raises(Unauthorized):
            tokens.read("not.a.token")
    assert len(tokens._verified) == 3
