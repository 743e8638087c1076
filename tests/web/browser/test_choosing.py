"""Choosing in a browser: the effects follow, a refusal stands beside its field, and nothing that was answered is lost."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest
import yaml
from playwright.sync_api import Page, expect

from sampan import estimates
from sampan.questionnaire import Questionnaire
from sampan.web import links
from tests.harness import ROOT
from tests.web.browser.conftest import Open

pytestmark = pytest.mark.slow

PROFILES = ("sandbox", "startup", "production", "regulated")
DOMAIN = "api.example.com"


def total(answers: Mapping[str, Any]) -> str:
    """Return what `sampan cost` has for answers."""
    costs = estimates.estimate("answers", dict(answers)).costs
    return f"${costs['low']:,.0f} to ${costs['high']:,.0f}"


def words_of_diagram(questionnaire: Questionnaire, given: Mapping[str, Any]) -> str:
    """Return what docs/architecture.svg of a project with these answers says in words."""
    answers = questionnaire.check(given).answers
    computed = questionnaire.computed_values(answers, "sizes", "costs")
    source = "{% import 'extensions/diagram.jinja' as diagram with context %}{= diagram.description(environments | last) =}"
    return " ".join(questionnaire.rendered(source, {**answers, **computed}).split())


def unfold(page: Page) -> None:
    """Open every group of further questions."""
    page.evaluate("for (const part of document.querySelectorAll('form details')) part.open = true")


def write(page: Page, name: str, text: str) -> None:
    """Write into a field and leave it, as a person does."""
    page.locator(f"#{name}").fill(text)
    page.locator(f"#{name}").blur()


def open_tree(page: Page) -> None:
    """Show the tree of the files."""
    page.locator("#files-link a").click()
    expect(page.locator("#tree")).to_be_visible(timeout=60_000)


def settled(page: Page) -> None:
    """Wait until the page shows the answers of its form."""
    expect(page.locator("body")).not_to_have_class(re.compile("is-waiting"))


@pytest.mark.parametrize("profile", PROFILES)
def test_each_profile_is_chosen_and_its_cost_shown(profile: str, open_page: Open) -> None:
    page = open_page(f"/?profile={'sandbox' if profile == 'startup' else 'startup'}")
    page.locator(f"#profile-{profile}").check()
    expect(page).to_have_url(re.compile(r"/$" if profile == "startup" else f"profile={profile}$"))
    if profile in {"production", "regulated"}:
        expect(page.locator("#domain-error")).to_have_text(f"write a host such as api.example.com: profile {profile} needs TLS")
        expect(page.locator("#part-take")).to_contain_text("once every answer is accepted")
        write(page, "domain", DOMAIN)
        expect(page.locator("#domain-error")).to_have_count(0)
    expect(page.locator("#cost-total")).to_have_text(total(estimates.data_of(profile)))
    expect(page.locator("#part-take a[href^='/project.zip']")).to_be_visible()


TEXTS = {
    "project_name": "Orders",
    "service": "orders",
    "description": "Takes orders",
    "team": "orders",
    "owner_email": "orders@example.org",
    "github_owner": "acme",
    "default_language": "id",
    "currency": "USD",
    "time_zone": "UTC",
    "route_prefix": "/orders/api",
    "platform_name": "shared",
    "vpc_cidr": "10.64.0.0/16",
    "api_public_cidrs": "203.0.113.0/24, 198.51.100.0/24",
    "node_min": "3",
    "node_max": "7",
    "db_storage_gb": "50",
    "cache_replicas": "2",
    "domain": DOMAIN,
    "alert_email": "alerts@example.org",
    "monthly_budget_usd": "5000",
}
CHOICES = {"repository_visibility": "public"}
"""Choices in place of the first other one: an internal repository has the files of a private one."""
BESIDE = {"default_language": "languages=en,id", "mail": f"domain={DOMAIN}", "profile": f"domain={DOMAIN}"}
"""Answers that the other answer to a question needs."""


def change(page: Page, name: str) -> None:
    """Change the answer to a question."""
    field = page.locator(f"#{name}-field")
    kind = re.sub(r"field | is-.*", "", field.get_attribute("class") or "")
    if kind == "switch":
        page.locator(f"#{name}").set_checked(not page.locator(f"#{name}").is_checked())
    elif kind in {"cards", "several"}:
        field.locator("input:not([type=hidden]):not(:checked)").first.check()
    elif kind == "choice":
        options = page.locator(f"#{name} option:not([disabled])")
        values = [str(option.get_attribute("value")) for option in options.all()]
        shown = page.locator(f"#{name}").input_value()
        page.locator(f"#{name}").select_option(CHOICES.get(name) or next(value for value in values if value != shown))
    else:
        write(page, name, TEXTS[name])


def questions() -> list[str]:
    with Questionnaire() as questionnaire:
        return [name for name in questionnaire.names if name != "destroyed"]


@pytest.mark.parametrize("name", questions())
def test_each_question_is_changed_and_its_effect_follows(name: str, open_page: Open) -> None:
    page = open_page(f"/?{BESIDE.get(name, '')}")
    unfold(page)
    open_tree(page)
    change(page, name)
    expect(page).to_have_url(re.compile(rf"[?&]{name}="))
    settled(page)
    expect(page.locator(f"#{name}-field")).to_have_class(re.compile("is-given"))
    assert page.locator("form .error").all_text_contents() == []
    with Questionnaire() as questionnaire:
        given = {each: links.value(text, questionnaire.types[each]) for each, text in links.pairs(page.url.partition("?")[2])}
        words = words_of_diagram(questionnaire, given)
    assert name in given
    expect(page.locator("#cost-total")).to_have_text(total(given))
    assert " ".join((page.locator("#part-diagram desc").text_content() or "").split()) == words
    expect(page.locator("#tree .changed button[value='.copier-answers.yml']")).to_be_attached(timeout=60_000)
    assert page.locator("#tree :is(.added, .removed, .changed) button").count() > 1


OPTIONS = yaml.safe_load((ROOT / "extensions/catalogue/options.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "kind"), [("waf", "added"), ("tracing", "added"), ("db_read_replica", "added"), ("sample", "removed")])
def test_the_tree_marks_the_files_of_an_option(name: str, kind: str, open_page: Open) -> None:
    page = open_page("/")
    unfold(page)
    open_tree(page)
    assert page.locator("#tree :is(.added, .removed, .changed)").count() == 0
    change(page, name)
    expect(page.locator(f"#tree .{kind}").first).to_be_attached(timeout=60_000)
    marked = [str(button.get_attribute("value")) for button in page.locator(f"#tree .{kind} button").all()]
    for pattern in OPTIONS[f"{name}.files"].split():
        if pattern != "docs/runbooks/alarms/dr-replica-lag.md" and "dr_replica" not in pattern and "replica_network" not in pattern:
            assert [path for path in marked if fnmatchcase(path, pattern) or path.startswith(f"{pattern}/")], pattern
    expect(page.locator("#tree-summary")).to_contain_text(f"{kind} {len(marked)}")
    page.locator("#tree .changed button[value='pyproject.toml'], #tree .changed button").first.click()
    expect(page.locator("#file-dialog #diff-title")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#file-dialog")).not_to_be_visible()


WRONG = {
    "project_name": ("x" * 61, "write at most 60 characters; these are 61"),
    "service": ("Orders!", "choose orders: 2 to 24 of a-z, 0-9, single hyphens"),
    "description": ("x" * 121, "write at most 120 characters; these are 121"),
    "team": ("A team", "choose platform, or 2 to 40 of a-z, 0-9 and hyphens, a letter first"),
    "owner_email": ("nobody", "write an email address such as team@example.com"),
    "github_owner": ("-acme", "write a login such as acme: letters, digits, single hyphens, at most 39"),
    "currency": ("usd", "choose USD: a code of ISO 4217, in capitals"),
    "time_zone": ("singapore", "choose Singapore: a time zone of IANA's list"),
    "route_prefix": ("api", "choose /api or /billing/api: 1 to 3 lower-case words, 40 characters"),
    "platform_name": ("Shared!", "choose shared: 2 to 24 of a-z, 0-9, single hyphens"),
    "vpc_cidr": ("10.0.0.0/8", "choose /16 to /20, such as 10.0.0.0/16"),
    "api_public_cidrs": ("203.0.113.0/24,everyone", "write networks such as 203.0.113.0/24; item 2 is not"),
    "node_min": ("1", "choose 2 or more, or larger nodes: 2000 mCPU do not fit in 1480"),
    "node_max": ("3", "choose 5 or more, or larger nodes: 5000 mCPU do not fit in 4040"),
    "db_storage_gb": ("many", "choose 20 to 16384, the sizes of gp3 on RDS"),
    "cache_replicas": ("6", "choose 0 to 5"),
    "domain": ("https://api", "write a host such as api.example.com: lower case, at most 56 characters"),
    "alert_email": ("nobody", "write an email address such as alerts@example.com"),
    "monthly_budget_usd": ("0", "choose 1 to 10000000, a whole number"),
}
"""An answer that a person can write into a field, and the line beside it. Switches and lists of choices take no other."""


def test_every_field_that_a_person_writes_into_has_a_wrong_answer_here(open_page: Open) -> None:
    page = open_page("/")
    written = {field.get_attribute("name") for field in page.locator("form input[type=text]").all()}
    assert written == set(WRONG)


@pytest.mark.parametrize("name", WRONG)
def test_each_refusal_stands_beside_its_field_and_no_other_answer_is_lost(name: str, open_page: Open) -> None:
    text, line = WRONG[name]
    kept = {"log_retention_days": "90", "description": "Takes orders"} if name != "description" else {"log_retention_days": "90"}
    page = open_page("/?" + links.query(kept))
    unfold(page)
    write(page, name, text)
    expect(page.locator(f"#{name}-error")).to_have_text(line)
    settled(page)
    control = page.locator(f"#{name}")
    assert control.input_value() == text
    assert control.get_attribute("aria-invalid") == "true"
    assert f"{name}-error" in str(control.get_attribute("aria-describedby")).split()
    expect(page.locator("#problems")).to_contain_text(line)
    expect(page.locator("#part-take")).to_contain_text("once every answer is accepted")
    for other, value in kept.items():
        assert page.locator(f"#{other}").input_value() == value, other
    page.locator("#problems a").first.click()
    assert page.evaluate("document.activeElement.id") == name
    write(page, name, TEXTS[name])
    expect(page.locator(f"#{name}-error")).to_have_count(0)
    for other, value in kept.items():
        assert page.locator(f"#{other}").input_value() == value, other


def test_two_lists_refuse_what_does_not_go_together(open_page: Open) -> None:
    """A list of boxes can be emptied, and a choice can be refused because of another answer."""
    page = open_page("/")
    unfold(page)
    while page.locator("#environments-field input:checked").count():
        page.locator("#environments-field input:checked").first.uncheck()
        settled(page)
    expect(page.locator("#environments-error")).to_have_text("write a list such as [dev, production]")
    page.goto("/?aws_region=ap-southeast-2&dr_region=ap-southeast-2")
    expect(page.locator("#dr_region-error")).to_have_text("choose another or none: it is the first region")


def test_a_link_restores_the_page(open_page: Open) -> None:
    page = open_page("/?profile=sandbox&db_storage_gb=50&waf=true")
    unfold(page)
    change(page, "cache_replicas")
    expect(page).to_have_url(re.compile("cache_replicas=2"))
    settled(page)
    link = page.locator("#link").inner_text()
    restored = open_page(link)
    assert restored.locator("#cost-total").inner_text() == page.locator("#cost-total").inner_text()
    for name, value in {"db_storage_gb": "50", "cache_replicas": "2"}.items():
        assert restored.locator(f"#{name}").input_value() == value
    assert restored.locator("#waf").is_checked()
    assert restored.locator("#profile-sandbox").is_checked()


def test_the_back_button_undoes_a_change_and_forward_repeats_it(open_page: Open) -> None:
    page = open_page("/")
    page.locator("#profile-sandbox").check()
    expect(page).to_have_url(re.compile("profile=sandbox$"))
    settled(page)
    sandbox = page.locator("#cost-total").inner_text()
    unfold(page)
    write(page, "db_storage_gb", "5")
    expect(page.locator("#db_storage_gb-error")).to_be_visible()
    page.go_back()
    expect(page.locator("#db_storage_gb-error")).to_have_count(0)
    assert page.locator("#db_storage_gb").input_value() == "20"
    page.go_back()
    expect(page.locator("#profile-startup")).to_be_checked()
    expect(page.locator("#cost-total")).to_have_text(total({}))
    page.go_forward()
    expect(page.locator("#profile-sandbox")).to_be_checked()
    expect(page.locator("#cost-total")).to_have_text(sandbox)


def test_the_form_works_without_scripts(open_page: Open) -> None:
    page = open_page("/", java_script_enabled=False)
    page.locator("#profile-sandbox").check()
    page.locator("form button[type=submit]").click()
    expect(page).to_have_url(re.compile(r"profile=sandbox&was=$"))
    expect(page.locator("#cost-total")).to_have_text(total({"profile": "sandbox"}))
    expect(page.locator("#cost-delta")).to_have_text(re.compile("^\N{MINUS SIGN}\\$\\d+ to \N{MINUS SIGN}\\$[\\d,]+ by the last change$"))
    page.get_by_role("link", name="Show the files of the project").click()
    expect(page.locator("#tree-summary")).to_contain_text("The last change added", timeout=60_000)


def test_the_page_is_used_by_keyboard_alone(open_page: Open) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "profile"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page).to_have_url(re.compile("profile=sandbox$"))
    settled(page)
    assert page.evaluate("document.activeElement.id") == "profile-sandbox", "the focus stays where it was"
    expect(page.locator("#status")).to_contain_text("a month")
