"""Free text in the answers: whatever is accepted ends up in files that parse; whatever is not is refused with one line."""

import tomllib
from pathlib import Path

import copier
import pytest
import yaml
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.generator.formats import parser_of
from tests.harness import Renderer, fast_copier

PHASES = [Phase.explicit, Phase.generate]
"""No shrinking: an example renders a project, and the text that failed says enough."""

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=60).map(str.strip).filter(bool)


@settings(max_examples=6, phases=PHASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(name=TEXT, description=TEXT)
@example(name="no", description="1e3")
@example(name="\"quoted\" 'twice' \\ \\n", description="{{ x }} {= y =} #% if ${z} %{w} `v` <b>&amp;")
@example(name="ร้านค้า 🛶", description="- item: [a, b] # c | d > e")
@example(name="null\ufffe", description="~")
def test_any_one_line_text_ends_up_in_files_that_parse(name: str, description: str, render: Renderer) -> None:
    answers = {"project_name": name, "description": description, "environments": ["dev"]}
    project = render(answers)
    stored = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert (stored["project_name"], stored["description"]) == (name, description)
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["description"] == description
    assert yaml.safe_load((project / "mkdocs.yml").read_text(encoding="utf-8"))["site_name"] == name
    for path in project.rglob("*"):
        if path.is_file() and path.suffix not in {".py", ".tf"} and (parser := parser_of(path)):
            parser(path.read_text(encoding="utf-8"))
    assert description in (project / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("service", ["no", "on", "null", "true", "yes", "e1e3", "o0x10", "n-1"])
def test_a_service_name_that_yaml_could_take_for_something_else_stays_text(service: str, render: Renderer) -> None:
    project = render({"service": service, "environments": ["dev"]})
    for path in project.rglob("*.y*ml"):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            namespace = (document or {}).get("namespace", service) if isinstance(document, dict) else service
            assert namespace == service, path


@settings(max_examples=10, phases=PHASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(categories=("Cc", "Zl", "Zp")), min_size=1, max_size=3), around=st.text("abc", min_size=1, max_size=3))
def test_control_characters_are_refused(text: str, around: str, template: Path, tmp_path: Path) -> None:
    with fast_copier(), pytest.raises(ValueError, match="Validation error for question 'project_name': ") as refusal:
        copier.run_copy(
            str(template), tmp_path / "p", data={"project_name": f"{around}{text}{around}"}, defaults=True, quiet=True, pretend=True
        )
    assert len(str(refusal.value).splitlines()) == 1
