"""The files of the project on the page: their tree, what a change touches, one file's text, and two sets of answers side by side."""

import re

from starlette.testclient import TestClient

from tests.harness import Renderer, files_of
from tests.web.pages import part, query, tables, text_of


def listed(page: str) -> set[str]:
    return set(re.findall(r'<button name="path" value="([^"]+)"', page))


def test_the_tree_is_that_of_the_rendered_project(client: TestClient, render: Renderer) -> None:
    page = client.get("/files").text
    assert listed(page) == set(files_of(render()))
    assert f"{len(listed(page))} files." in text_of(part(page, "tree-summary"))
    assert len(page.encode()) < 200_000


def test_the_last_change_is_marked(client: TestClient) -> None:
    page = client.get(query("/files", waf="true", was="")).text
    summary = text_of(part(page, "tree-summary"))
    found = re.search(r"The last change added (\d+), changed (\d+)\.", summary)
    assert found, summary
    assert len(re.findall(r'<li class="added">', page)) == int(found[1])
    assert "added: main.tf" in text_of(part(page, "folder-infra/modules/waf"))
    back = client.get(query("/files", was="waf=true")).text
    assert f"removed {found[1]}" in text_of(part(back, "tree-summary"))


def test_a_file_is_shown_as_text_with_its_differences(client: TestClient, render: Renderer) -> None:
    path = "deploy/components/options/kustomization.yaml"
    page = client.get(query("/file", waf="true", path=path, was="")).text
    text = (render({"waf": True}) / path).read_text(encoding="utf-8")
    assert text_of(part(page, "file")).endswith(" ".join(text.split()))
    assert "changed by the last change" in page
    added = [line for line in re.findall(r'<span class="added">(.*)', page) if "waf" in line]
    assert added


def test_a_file_that_is_not_listed_is_not_found(client: TestClient) -> None:
    for path in ("", "/etc/passwd", "../pyproject.toml", "src/../pyproject.toml", "pyproject.toml/", "PYPROJECT.toml", "src"):
        assert client.get(query("/file", path=path)).status_code == 404, path
    assert client.get(query("/file", path="pyproject.toml")).status_code == 200


def test_files_of_wrong_answers_are_refused_with_their_reason(client: TestClient) -> None:
    for path in ("/files", "/file"):
        refused = client.get(query(path, node_min="1", path="pyproject.toml"))
        assert refused.status_code == 422
        assert "node_min: choose 2 or more" in refused.text


def test_two_sets_of_answers_stand_side_by_side(client: TestClient) -> None:
    page = client.get(query("/compare", a="", b="http://localhost/?waf=true")).text
    differing = tables(part(page, "answers-that-differ"))[1:]
    assert [cells[1:] for cells in differing if cells[0].startswith("waf ")] == [["no", "yes"]]
    totals = [text_of(found) for found in re.findall(r'<p class="total">(.*?)</p>', page)]
    alone = client.get("/?waf=true").text
    assert totals[1] == text_of(part(alone, "cost-total"))
    assert totals[0] != totals[1]
    assert "infra/modules/waf/main.tf" in page
    assert len(page.encode()) < 200_000


def test_a_wrong_set_names_its_answer_and_the_other_is_shown(client: TestClient) -> None:
    page = client.get(query("/compare", a="profile=sandbox", b="profile=production")).text
    assert "domain: write a host such as api.example.com" in text_of(part(page, "b-error"))
    assert "The files can be compared once every answer is accepted." in page


def test_a_comparison_takes_a_link_or_a_profile_and_refuses_other_words(client: TestClient) -> None:
    page = client.get("/compare", params={"a": "sandbox", "b": "http://localhost/?profile=sandbox"}).text
    assert "The answers are the same." in page
    assert '-error"' not in page
    assert '-error"' not in client.get("/compare", params={"a": " ", "b": "http://localhost/"}).text
    for words in ("nonsense", "?nonsense=1"):
        page = client.get("/compare", params={"a": words, "b": "waf=true"}).text
        assert 'id="a-error">write a link, a profile, or answers such as profile=sandbox&amp;waf=true<' in page, words
        assert 'id="b-error"' not in page
        assert "The files can be compared once every answer is accepted." in page


def test_a_page_weighs_little(client: TestClient) -> None:
    heaviest = query(profile="regulated", domain="api.example.com", dr_region="ap-southeast-2", db_read_replica="true")
    page = client.get(heaviest, follow_redirects=True)
    parts = ["/static/app.css", "/static/app.js", "/static/icon.svg", "/diagram.css"]
    weights = [len(page.content), *(len(client.get(path).content) for path in parts)]
    assert sum(weights) < 150_000
