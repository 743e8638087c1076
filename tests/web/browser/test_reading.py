"""Everybody can use the page: axe-core's rules in light and dark, wide and narrow; nothing is cut off on a telephone."""

import itertools
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.web.browser.conftest import Open

pytestmark = pytest.mark.slow

PRODUCTION = "profile=production&domain=api.example.com"
STATES = {
    "start": "/",
    "everything": f"/?{PRODUCTION}&db_read_replica=true&dr_region=ap-southeast-2&cache_replicas=5&accounts=remote&tracing=true",
    "errors": "/?profile=production&db_storage_gb=5&service=Orders%21",
    "joined": "/?platform=join&platform_name=shared",
    "files": "/files?waf=true&was=",
    "file": "/file?waf=true&was=&path=pyproject.toml",
    "compare": "/compare?a=profile%3Dstartup&b=profile%3Dproduction%26domain%3Dapi.example.com",
    "architecture": f"/architecture?{PRODUCTION}",
    "refused": "/project.zip?db_storage_gb=5",
    "unknown": "/nothing",
}
REFUSED = {"refused", "unknown"}
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


def violations(page: Page) -> list[str]:
    """Return what axe-core finds: the rule, and the elements."""
    response = Axe().run(page).response
    assert response["testEngine"]["name"] == "axe-core"
    return [f"{rule['id']}: {[node['html'][:120] for node in rule['nodes']]}" for rule in response["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(state: str, viewport: dict[str, int], scheme: str, open_page: Open) -> None:
    page = open_page(STATES[state], refused=state in REFUSED, viewport=viewport, color_scheme=scheme)
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    found = violations(page)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("state", STATES)
def test_nothing_is_cut_off_on_a_narrow_screen(state: str, open_page: Open) -> None:
    page = open_page(STATES[state], refused=state in REFUSED, viewport=NARROW)
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


@pytest.mark.parametrize("state", ["start", "errors"])
def test_every_control_has_a_name_and_its_help(state: str, open_page: Open) -> None:
    page = open_page(STATES[state])
    controls = page.locator("form#answers :is(input:not([type=hidden]), select, fieldset)")
    assert controls.count() > 40
    for control in controls.all():
        described = control.get_attribute("aria-describedby")
        for identifier in (described or "").split():
            assert page.locator(f"#{identifier}").count() == 1, identifier
        kind = control.evaluate("element => element.tagName")
        named = control.evaluate(
            "element => element.tagName === 'FIELDSET' ? element.querySelector('legend').textContent : element.labels[0].textContent"
        )
        assert re.search(r"\w", named), kind
    identifiers = page.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(identifiers) == len(set(identifiers))


def test_headings_and_landmarks_make_an_outline(open_page: Open) -> None:
    page = open_page("/")
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map(heading => Number(heading.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    for role in ("banner", "main", "form", "complementary"):
        assert page.get_by_role(role).count() == 1, role
