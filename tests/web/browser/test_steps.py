"""Steps through the history of the browser, with the focus in a text field."""

import pytest
from playwright.sync_api import expect

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
    expect(page.locator("#tree-summary")).to_contain_text("files.")
    page.locator("#more-operation summary").click()
    page.locator("#waf").check()
    expect(page.locator("#tree-summary")).to_contain_text("The last change added", timeout=20_000)
    button = page.locator("li.changed button").first
    path = button.get_attribute("value")
    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(str(path))
    expect(dialog.get_by_role("heading", name="Differences")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()
