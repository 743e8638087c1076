"""A Backstage software template with a form for the questions, made from the JSON Schema of the answers.

Backstage renders with Copier through an action that a company adds to its backend, `fetch:copier`; see docs/cli.md.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sampan.questionnaire import Questionnaire
from sampan.schema import Schema, Writer

REQUIRED: Final = ("project_name", "service", "github_owner", "profile")
"""Questions without a default that fits."""
CONFIRMATION: Final = "destroyed"
"""A new project has nothing to destroy."""


def template(url: str) -> Schema:
    """Return the entity of kind Template that renders from the template at `url`."""
    with Questionnaire() as questionnaire:
        writer = Writer(questionnaire)
        return {
            "apiVersion": "scaffolder.backstage.io/v1beta3",
            "kind": "Template",
            "metadata": {
                "name": "sampan",
                "title": "FastAPI service on AWS",
                "description": "A FastAPI service with its worker, images, Kubernetes manifests, Terraform and workflows.",
                "tags": ["aws", "fastapi", "kubernetes", "python", "terraform"],
            },
            "spec": {
                "type": "service",
                "parameters": [*_pages(writer.document(), questionnaire), REPOSITORY],
                "steps": [
                    {"id": "render", "name": "Render", "action": "fetch:copier", "input": {"url": url, "values": "${{ parameters }}"}},
                    {
                        "id": "publish",
                        "name": "Create the repository",
                        "action": "publish:github",
                        "input": {
                            "repoUrl": "${{ parameters.repoUrl }}",
                            "description": "${{ parameters.description }}",
                            "defaultBranch": "main",
                        },
                    },
                ],
                "output": {"links": [{"title": "Repository", "url": "${{ steps.publish.output.remoteUrl }}"}]},
            },
        }


REPOSITORY: Final[Schema] = {
    "title": "Repository",
    "required": ["repoUrl"],
    "properties": {
        "repoUrl": {
            "title": "Repository",
            "type": "string",
            "ui:field": "RepoUrlPicker",
            "ui:options": {"allowedHosts": ["github.com"]},
        }
    },
}


def _pages(schema: Schema, questionnaire: Questionnaire) -> Iterable[Schema]:
    """Return the questions that Copier asks as the first page, and the others, whose defaults follow the profile, as the second."""
    asked = [name for name, details in questionnaire.details.items() if details.get("ask", True)]
    others = [name for name in questionnaire.names if name not in asked and name != CONFIRMATION]
    yield _page("Service", asked, schema, questionnaire)
    yield _page("Details (the profile has a default for each)", others, schema, questionnaire)


def _page(title: str, names: list[str], schema: Schema, questionnaire: Questionnaire) -> Schema:
    properties = {name: _field(name, schema["properties"][name], questionnaire) for name in names}
    rules = [rule for rule in schema["allOf"] if _mentioned(rule) <= set(names)]
    page: Schema = {"title": title, "properties": properties}
    if required := [name for name in REQUIRED if name in names]:
        page["required"] = required
    return {**page, "allOf": rules} if rules else page


def _field(name: str, described: Mapping[str, Any], questionnaire: Questionnaire) -> Schema:
    """Return the property as a form shows it: a title, labels of choices, check boxes for lists, nothing that offers the empty text."""
    field: Schema = {"title": name.replace("_", " ").capitalize(), **described}
    if field["type"] == "array" and "enum" in field:
        field |= {"items": {"type": "string", "enum": max(field.pop("enum"), key=len)}, "minItems": 1, "uniqueItems": True}
    if field["type"] == "array" and "enum" in field.get("items", {}):
        field |= {"ui:widget": "checkboxes"}
    if "choices" in questionnaire.details[name] and "enum" in field:
        titles = {json.dumps(value): title for title, value in questionnaire.offered(name, questionnaire.check({}).answers).items()}
        field["enumNames"] = [titles.get(json.dumps(value), str(value)) for value in field["enum"]]
    for alternative in field.pop("anyOf", []):
        if "const" not in alternative:
            field |= alternative
    if field.get("default") == "":
        del field["default"]
    return field


def _mentioned(rule: Any) -> set[str]:
    """Return the questions that a rule names."""
    if isinstance(rule, Mapping):
        named = set(rule.get("properties", {})) | set(rule["required"] if isinstance(rule.get("required"), list) else ())
        return named.union(*(_mentioned(part) for part in rule.values()))
    return set[str]().union(*(_mentioned(part) for part in rule)) if isinstance(rule, list) else set()
