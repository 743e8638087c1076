"""The form of `sampan web`: answers in the URL, refusals beside the fields, and downloads that are what Copier renders."""

import hashlib
import io
import re
import shlex
import zipfile
from html import unescape
from pathlib import Path

import copier
import pytest
import yaml
from starlette.testclient import TestClient

from sampan import estimates, reference
from sampan.questionnaire import Questionnaire
from sampan.source import opened
from sampan.web.app import create_app
from tests.harness import ROOT, Renderer, commit_all, copy_questionnaire, files_of, git
from tests.web.conftest import GENEROUS
from tests.web.pages import part, query, text_of

Answers = dict[str, str]


def test_every_question_has_a_field_with_its_help(client: TestClient) -> None:
    page = client.get("/").text
    for name, details in reference.questions().items():
        if name == "destroyed":
            assert f'name="{name}"' not in page
            continue
        field = part(page, f"{name}-field")
        assert f'name="{name}"' in field
        assert str(details["help"]).rstrip("?") in text_of(field)
    assert 'name="project_name" value="FastAPI Service"' in page


@pytest.mark.parametrize("profile", ["sandbox", "startup", "production", "regulated"])
def test_a_profile_brings_its_defaults_and_the_cost_that_the_readme_names(client: TestClient, profile: str) -> None:
    answers = {name: str(answer) for name, answer in estimates.data_of(profile).items()}
    page = client.get(query(**answers), follow_redirects=True).text
    [row] = [
        line
        for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| `{profile}` |") and "$" in line
    ]
    assert text_of(part(page, "cost-total")) == " to ".join(re.findall(r"\$[\d,]+", row))


def test_a_link_has_the_answers_that_differ_and_restores_the_page(client: TestClient) -> None:
    shown = client.get(query(profile="startup", db_storage_gb="50", spot="false", waf="yes", environments="dev, production"))
    assert shown.status_code == 303
    assert shown.headers["location"] == "/?db_storage_gb=50&waf=true"
    page = client.get(shown.headers["location"])
    assert page.status_code == 200
    assert text_of(part(page.text, "link")) == "http://localhost/?db_storage_gb=50&waf=true"


def form_of(page: str) -> list[tuple[str, str]]:
    """The values that a browser sends for the form of a page."""
    form = re.search(r'<form id="answers".*?</form>', page, re.DOTALL)
    assert form
    sent = []
    for select in re.findall(r"<select .*?</select>|<input [^>]*>", form[0], re.DOTALL):
        name = re.search(r'name="(\w+)"', select)
        value = re.search(r'value="([^"]*)" selected', select) if select.startswith("<select") else re.search(r'value="([^"]*)"', select)
        assert name
        assert value
        if not re.search(r'type="(radio|checkbox)"', select) or " checked" in select:
            sent.append((name[1], unescape(value[1])))
    return sent


def test_a_form_without_scripts_tells_what_the_last_change_did(client: TestClient) -> None:
    sent = [(name, "true" if name == "waf" else text) for name, text in form_of(client.get("/?profile=sandbox").text)]
    changed = client.get("/", params=[*sent, ("was", "profile=sandbox")])
    assert changed.headers["location"] == "/?profile=sandbox&waf=true&was=profile%3Dsandbox"
    page = client.get(changed.headers["location"]).text
    assert re.fullmatch(r"\+\$\d+ to \+\$\d+ by the last change", text_of(part(page, "cost-delta")))
    assert text_of(part(page, "link")) == "http://localhost/?profile=sandbox&waf=true"
    assert 'href="/files?profile=sandbox&amp;waf=true&amp;was=profile%3Dsandbox"' in part(page, "files-link")


def test_every_suggestion_is_an_answer_that_the_questionnaire_takes(client: TestClient) -> None:
    page = client.get("/").text
    listed = re.search(r'data-lists="(/lists\?[0-9a-f]{12})"', page)
    assert listed
    lists = client.get(listed[1]).text
    with Questionnaire() as questionnaire:
        for name, most in (("time_zone", 500), ("currency", 200)):
            assert f'list="{name}-list"' in part(page, f"{name}-field")
            [options] = re.findall(f'<datalist id="{name}-list">(.*?)</datalist>', lists)
            values = re.findall(r'value="([^"]+)"', options)
            assert 100 < len(set(values)) == len(values) < most
            for value in values[:: len(values) // 20]:
                assert name not in questionnaire.check({name: value}).refused, value


def test_the_link_to_a_comparison_has_the_answers_of_the_page(client: TestClient) -> None:
    for path, link in {
        "/": "/compare?a=&amp;b=profile%3Dsandbox",
        "/?profile=sandbox&waf=true": "/compare?a=profile%3Dsandbox%26waf%3Dtrue&amp;b=profile%3Dstartup",
    }.items():
        assert f'href="{link}"' in part(client.get(path).text, "nav-compare")


def test_a_form_that_is_sent_keeps_the_defaults_open(client: TestClient) -> None:
    sent = [pair for pair in form_of(client.get("/?db_storage_gb=50").text) if pair[0] != "profile"]
    changed = client.get("/", params=[*sent, ("profile", "sandbox")])
    assert changed.headers["location"] == "/?profile=sandbox&db_storage_gb=50"


def test_a_wrong_answer_stays_with_its_reason_and_loses_no_other(client: TestClient) -> None:
    page = client.get("/?db_storage_gb=5&cache_replicas=many&log_retention_days=90").text
    assert 'id="db_storage_gb-error">choose 20 to 16384, the sizes of gp3 on RDS<' in page
    assert 'id="cache_replicas-error">choose 0 to 5<' in page
    assert 'name="db_storage_gb" value="5"' in page
    assert 'name="cache_replicas" value="many"' in page
    assert '<option value="90" selected>' in page
    assert "2 answers need another value" in page
    assert "/project.zip" not in page
    refused = client.get("/project.zip?db_storage_gb=5")
    assert refused.status_code == 422
    assert "db_storage_gb: choose 20 to 16384" in refused.text


def test_an_answer_to_a_question_that_does_not_apply_leaves_the_link(client: TestClient) -> None:
    assert client.get("/?platform=join&az_count=2&off_hours_shutdown=weekends").headers["location"] == "/?platform=join"
    assert 'name="az_count"' not in client.get("/?platform=join").text


def test_text_is_never_markup(client: TestClient) -> None:
    for text in ("<script>alert(1)</script>", "{= 7 * 191 =}", "{{ 7 * 191 }}", '"><b>', "#% set a = 1"):
        page = client.get("/", params={"project_name": text}, follow_redirects=True).text
        assert text not in page or not text.startswith("<"), text
        assert "1337" not in page


@pytest.mark.parametrize("name", ["environments", "node_min", "sample", "api_public_cidrs", "languages"])
def test_an_answer_is_not_read_as_yaml(client: TestClient, name: str) -> None:
    page = client.get("/", params={name: "&a [*a, *a]"}, follow_redirects=True)
    assert page.status_code == 200
    assert f'id="{name}-error"' in page.text


ORDERS = {"profile": "sandbox", "project_name": "Orders & more", "environments": "dev,production", "waf": "true"}


def test_the_zip_is_the_project_that_copier_renders(client: TestClient, render: Renderer) -> None:
    downloaded = client.get("/project.zip?waf=true")
    assert downloaded.headers["content-disposition"] == 'attachment; filename="fastapi-service.zip"'
    rendered = render({"waf": True})
    expected = files_of(rendered)
    with zipfile.ZipFile(io.BytesIO(downloaded.content)) as archive:
        assert archive.testzip() is None
        found = {entry.filename.removeprefix("fastapi-service/"): entry for entry in archive.infolist()}
        assert sorted(found) == sorted(expected)
        for name, entry in found.items():
            assert archive.read(entry) == expected[name], name
            assert bool(entry.external_attr >> 16 & 0o100) == bool((rendered / name).stat().st_mode & 0o100), name
    assert client.get("/project.zip?waf=true").content == downloaded.content


def test_the_command_and_the_file_have_the_answers(client: TestClient, template: object) -> None:
    page = client.get("/", params=ORDERS, follow_redirects=True).text
    found = re.search(r'id="command">(.*?)</code>', page)
    assert found
    assert shlex.split(unescape(found[1])) == [
        *("copier", "copy", "--defaults", "-d", "project_name=Orders & more", "-d", "profile=sandbox"),
        *("-d", "environments=[dev, production]", "-d", "waf=true", str(template), "orders-more"),
    ]
    document = yaml.safe_load(client.get("/answers.yml", params=ORDERS).text)
    assert document == {"project_name": "Orders & more", "profile": "sandbox", "environments": ["dev", "production"], "waf": True}


@pytest.fixture
def versioned(tmp_path: Path) -> Path:
    """A template with few files in a git repository, with a release and a commit after it."""
    template = copy_questionnaire(tmp_path / "template", "docs/cost.md.jinja")
    commit_all(template, "Release")
    git("tag", "v1.0.0", cwd=template)
    commit_all(template, "Later")
    return template


def test_the_command_makes_the_project_of_the_zip_and_both_store_template_and_version(versioned: Path, tmp_path: Path) -> None:
    """The command's texts are put to Copier, which reads them as YAML, and the zip file has what Copier then writes."""
    given = {**ORDERS, "project_name": "Orders: 'new' & \"more\"", "api_public_cidrs": "203.0.113.0/24,198.51.100.0/24", "node_max": "7"}
    with opened(str(versioned)) as template, TestClient(create_app(template, GENEROUS), base_url="http://localhost") as client:
        command = shlex.split(text_of(part(client.get("/", params=given).text, "command")))
        downloaded = client.get("/project.zip", params=given)
    assert command[:5] == ["copier", "copy", "--defaults", "--vcs-ref", "v1.0.0"]
    location, folder = command[-2:]
    data = dict(pair.split("=", 1) for pair in command[6:-2:2])
    copier.run_copy(location, tmp_path / folder, data=data, defaults=True, quiet=True, vcs_ref="v1.0.0")
    with zipfile.ZipFile(io.BytesIO(downloaded.content)) as archive:
        archive.extractall(tmp_path / "zip")
    assert files_of(tmp_path / "zip" / folder) == files_of(tmp_path / folder)
    stored = yaml.safe_load((tmp_path / folder / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert (stored["_commit"], stored["_src_path"], stored["node_max"]) == ("v1.0.0", str(versioned), 7)


def test_a_kind_of_resource_keeps_its_letter_and_colour(client: TestClient) -> None:
    shown = [part(client.get(path).text, "part-cost") for path in ("/", "/?platform=join")]
    letters = [dict(re.findall(r'<span class="swatch (g\d)" aria-hidden="true">\w</span>([\w ]+)', page)) for page in shown]
    assert letters[1].items() < letters[0].items()


def test_a_browser_keeps_what_a_page_names_by_its_digest(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["cache-control"] == "no-cache"
    named = re.findall(r'(?:href|src)="(/[\w/.]+\?[0-9a-f]{12})"', page.text)
    assert [path.partition("?")[0] for path in named] == ["/static/icon.svg", "/static/app.css", "/diagram.css", "/static/app.js"]
    for path in named:
        response = client.get(path)
        assert "immutable" in response.headers["cache-control"]
        assert path.endswith(f"?{hashlib.sha256(response.content).hexdigest()[:12]}")
