"""Settings of accounts: keys that are refused, pages of links, and the developer's user."""

import pytest

from app.accounts.development import EMAIL, seed
from app.accounts.settings import DEVELOPMENT_JWT_SECRET, DEVELOPMENT_SESSION_SECRET, AccountsSettings
from app.composition import Resources
from app.kit.configuration import ConfigurationError
from tests.accounts.fixtures import log_in
from tests.identity import SignedIn

SECRET, OTHER = "a-signing-key-of-these-tests-alone", "a-session-key-that-only-they-have"


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Set the variables of an environment with users and its own keys."""
    for name, value in {"ENVIRONMENT": "production", "JWT_SECRET": SECRET, "SESSION_SECRET": OTHER}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_keys_of_ones_own_are_enough(production: pytest.MonkeyPatch) -> None:
    settings = AccountsSettings.load()
    assert settings.require_verified_email is False
    assert settings.verify_email_page().endswith("/v1/auth/pages/verify-email")


@pytest.mark.parametrize("name", ["JWT_SECRET", "SESSION_SECRET", "JWT_SECRET_PREVIOUS"])
@pytest.mark.parametrize("value", ["short", "x" * 31])
def test_a_short_key_is_refused_by_name(production: pytest.MonkeyPatch, name: str, value: str) -> None:
    production.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"^{name}: has {len(value)} characters"):
        AccountsSettings.load()


@pytest.mark.parametrize("name", ["JWT_SECRET", "SESSION_SECRET"])
def test_a_key_that_everybody_knows_is_refused(production: pytest.MonkeyPatch, name: str) -> None:
    production.delenv(name)
    with pytest.raises(ConfigurationError, match=f"^{name}: is the development default"):
        AccountsSettings.load()


@pytest.mark.parametrize("name", ["JWT_SECRET", "SESSION_SECRET", "JWT_SECRET_PREVIOUS"])
@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (DEVELOPMENT_JWT_SECRET, "is the development default"),
        (DEVELOPMENT_SESSION_SECRET, "is the development default"),
        ("x" * 40, "repeats itself"),
        ("ab" * 20, "repeats itself"),
        ("0123456789abcdef" * 3, "repeats itself"),
    ],
)
def test_a_key_that_anybody_could_guess_is_refused(
    production: pytest.MonkeyPatch, name: str, value: str, fault: str
) -> None:
    production.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"^{name}: {fault}"):
        AccountsSettings.load()
    production.setenv("ENVIRONMENT", "development")
    AccountsSettings.load()


def test_each_key_is_one_of_its_own(production: pytest.MonkeyPatch) -> None:
    production.setenv("SESSION_SECRET", SECRET)
    production.setenv("JWT_SECRET_PREVIOUS", SECRET)
    with pytest.raises(ConfigurationError) as caught:
        AccountsSettings.load()
    assert [str(fault).partition(";")[0] for fault in caught.value.faults] == [
        "JWT_SECRET_PREVIOUS: is JWT_SECRET too",
        "SESSION_SECRET: is JWT_SECRET too",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOGIN_FAILURES", "0"),
        ("LOGIN_WAIT_SECONDS", "0"),
        ("VERIFY_EMAIL_URL", "https://shop.example.com/#/verify"),
        ("RESET_PASSWORD_URL", "javascript:alert(1)"),
        ("CHANGE_EMAIL_URL", "//evil.example.com"),
        ("RESTORE_EMAIL_URL", "https://shop.example.com/a b"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(production: pytest.MonkeyPatch, name: str, value: str) -> None:
    production.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        AccountsSettings.load()


def test_links_lead_to_the_pages_that_are_set(production: pytest.MonkeyPatch) -> None:
    production.setenv("RESET_PASSWORD_URL", "https://shop.example.com/account/password?from=mail")
    assert AccountsSettings.load().reset_password_page() == "https://shop.example.com/account/password?from=mail"


async def test_the_developers_user_is_made_once_and_given_each_runs_password(
    resources: Resources, ann: SignedIn
) -> None:
    for password in ("the first password", "the second password"):
        assert (await seed(resources, password))[0] == f"user      {EMAIL}, password {password}"
        assert (await log_in(ann.client, EMAIL, password)).status_code == 200
    assert (await log_in(ann.client, EMAIL, "the first password")).status_code == 401
