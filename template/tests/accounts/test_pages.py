"""The pages behind the links in mails."""

import re

import httpx
import pytest

from app.settings import Settings
from tests.accounts.fixtures import Mailbox
from tests.conftest import RunQueue
from tests.identity import SignedIn, SignIn

MAILED = ["/v1/auth/pages/verify-email", "/v1/auth/pages/reset-password"]
PAGES = [*MAILED, "/v1/auth/pages/change-email", "/v1/auth/pages/restore-email"]


@pytest.fixture
def sign_in(register: SignIn) -> SignIn:
    """Sign in by requests, because these tests check the effects of a registration."""
    return register


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_runs_its_own_script_and_no_other(client: httpx.AsyncClient, path: str) -> None:
    first, second = [await client.get(path) for _ in range(2)]
    assert first.status_code == 200
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    policy = first.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'nonce-")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    nonces = set(re.findall(r'nonce="([^"]+)"', first.text))
    assert len(nonces) == 1
    assert f"'nonce-{nonces.pop()}'" in policy
    assert policy != second.headers["content-security-policy"]
    assert first.headers["referrer-policy"] == "no-referrer"
    assert first.headers["cache-control"] == "no-store"
    assert not re.search(r"(src|href)=", first.text)


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_speaks_the_readers_language(client: httpx.AsyncClient, settings: Settings, path: str) -> None:
    titles = set()
    for language in settings.language_codes:
        page = (await client.get(path, headers={"Accept-Language": language})).text
        assert f'<html lang="{language}">' in page
        titles.update(re.findall("<h1>(.*)</h1>", page))
    assert len(titles) == len(settings.language_codes)


@pytest.mark.parametrize("path", PAGES)
async def test_the_forms_send_to_operations_of_the_service(
    client: httpx.AsyncClient, settings: Settings, path: str
) -> None:
    page = (await client.get(path)).text
    targets = re.findall(r'data-path="([^"]+)"', page)
    # Only a signed-in user can request another change of address.
    assert len(targets) == (2 if path in MAILED else 1)
    assert ('id="without-token"' in page) == (path in MAILED)
    assert f'data-prefix="{settings.route_prefix}"' in page
    for target in targets:
        assert (await client.post(target, json={})).status_code == 422


async def test_a_mails_link_leads_to_its_page(
    ann: SignedIn, mailbox: Mailbox, run_queue: RunQueue, settings: Settings
) -> None:
    await ann.client.post("/v1/auth/password/forgot", json={"email": ann.email})
    await run_queue()
    links = {link.partition("#")[0] for mail in mailbox.mails for link in re.findall(r"https?://\S+", mail.text)}
    assert links == {f"{settings.public_url}{settings.route_prefix}{path}" for path in MAILED}
    for link in links:
        assert (await ann.client.get(link.removeprefix(settings.public_url + settings.route_prefix))).status_code == 200
