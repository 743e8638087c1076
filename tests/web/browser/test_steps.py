"""Steps through the history of the browser, with the focus in a text field."""

import pytest
from playwright.sync_api import Route, expect

from tests.web.browser.conftest import Open

pytestmark = pytest.mark.slow


def test_a_step_back_restores_the_text_of_the_field_that_has_the_focus(open_page: Open) -> None:
    page = open_page("/")
    field = page.locator("#service")
    before = field.input_value()
    field.fill("orders")
    expect(page).to_have_url("/?service=orders")
    expect(field).to_be_focused()
    page.go_back()
    expect(page).to_have_url("/")
    expect(field).to_have_value(before)


def test_the_files_follow_a_change_and_one_opens_with_its_differences(open_page: Open) -> None:
    page = open_page("/")
    page.get_by_role("link", name="Show the files of the project").click()
    expect(page.locator("#tree-summary")).to_contain_text("files.", timeout=20_000)
    page.locator("#more-operation summary").click()
    page.locator("#waf").check()
    expect(page.locator("#tree-summary")).to_contain_text("The last change added", timeout=20_000)
    button = page.locator("li.changed button").first
    path = button.get_attribute("value")
    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(str(path))
    expect(dialog.get_by_role("heading", name="Differences")).to_be_visible(timeout=20_000)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()


def test_the_step_back_to_the_defaults_marks_its_files_too(open_page: Open) -> None:
    page = open_page("/?waf=true")
    page.get_by_role("link", name="Show the files of the project").click()
    expect(page.locator("#tree-summary")).to_contain_text("files.", timeout=20_000)
    page.locator("#waf").uncheck()
    expect(page.locator("#tree-summary")).to_contain_text("The last change removed", timeout=20_000)


def test_a_refusal_of_the_server_is_seen_and_leaves_with_the_next_answer(open_page: Open) -> None:
    page = open_page("/", refused=True)
    page.route("**/?*", lambda route: route.fulfill(status=429, body="Too many requests: try again in 2 s."))
    page.locator("#spot").check()
    expect(page.locator("#status")).to_have_text("Too many requests: try again in 2 s.")
    assert page.locator("#status").evaluate("notice => notice.getBoundingClientRect().height") > 20
    page.unroute("**/?*")
    page.locator("#spot").uncheck()
    page.locator("#spot").check()
    expect(page).to_have_url("/?spot=true")
    expect(page.locator("#status")).to_have_class("sr")


def test_the_wait_for_the_files_is_seen_and_ends_with_a_refusal_too(open_page: Open) -> None:
    page = open_page("/", refused=True)
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    page.route("**/files?*", hold)
    page.get_by_role("link", name="Show the files of the project").click()
    expect(page.locator("#files-here")).to_have_text("Rendering the project…")
    asked[0].fulfill(status=429, body="Too many requests")
    expect(page.locator("#files-here")).to_be_empty()
    expect(page.locator("#status")).to_have_text("Too many requests")


def test_a_field_suggests_what_has_too_many_values_for_a_list(open_page: Open) -> None:
    page = open_page("/")
    page.locator("#more-service summary").click()
    assert page.locator("datalist").count() == 0, "the first visit does not carry them"
    page.locator("#time_zone").focus()
    expect(page.locator("#time_zone-list option[value='Asia/Ho_Chi_Minh']")).to_be_attached()
    page.locator("#currency").focus()
    assert page.locator("#currency").evaluate("field => [...field.list.options].some(option => option.value === 'VND')")
    assert page.locator("datalist").count() == 2


def test_the_focus_stays_in_the_part_whose_link_is_gone(open_page: Open) -> None:
    page = open_page("/")
    page.locator("#savings summary").click()
    page.get_by_role("link", name="Choose nat_gateways=1").click()
    expect(page).to_have_url("/?nat_gateways=1")
    expect(page.locator("#savings summary")).to_be_focused()
    assert page.locator("#savings").evaluate("part => part.open")


def test_an_answer_replaces_no_other_control(open_page: Open) -> None:
    """A list that is open would close."""
    page = open_page("/")
    page.locator("#aws_region").evaluate("control => { control.kept = true }")
    page.locator("#more-service summary").click()
    page.locator("#accounts").select_option("remote")
    expect(page).to_have_url("/?accounts=remote")
    expect(page.locator("#accounts-field")).to_contain_text("default: local")
    assert page.locator("#aws_region").evaluate("control => control.kept === true")


def test_the_last_change_tells_its_difference_in_cost(open_page: Open) -> None:
    page = open_page("/?profile=sandbox")
    low, high = (float(str(page.locator("#cost-total").get_attribute(f"data-{level}"))) for level in ("low", "high"))
    page.locator("#more-operation summary").click()
    page.locator("#waf").check()
    expect(page).to_have_url("/?profile=sandbox&waf=true")
    after = [float(str(page.locator("#cost-total").get_attribute(f"data-{level}"))) for level in ("low", "high")]
    shown = " to ".join(f"+${round(new) - round(old)}" for old, new in zip((low, high), after, strict=True))
    expect(page.locator("#cost-delta")).to_have_text(f"{shown} by the last change")
    expect(page.locator("#status")).to_contain_text(shown)
    page.locator("#more-service summary").click()
    page.locator("#sample").uncheck()
    expect(page).to_have_url("/?profile=sandbox&sample=false&waf=true")
    expect(page.locator("#cost-delta")).to_have_text("")
