"""A JSON Schema (2020-12) of an answers file, made from copier.yml: types, choices, patterns, bounds and the rules between answers.

Rules between answers are found by asking: a question whose choices or validator read other answers is put once for each combination of
them. Comparisons of two numbers and arithmetic on networks cannot be expressed; `sampan lint` checks them too.
"""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import yaml

from sampan import root
from sampan.questionnaire import Questionnaire

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
TYPES: Final = {str: "string", bool: "boolean", int: "integer", list: "array"}
PRIVATE: Final = r"^(10|172\.(1[6-9]|2[0-9]|3[01])|192\.168)\.[0-9.]+/(1[6-9]|20)$"
"""A private network of /16 to /20: the part of the arithmetic in extensions/network.jinja that the text shows."""
MOST_NODES: Final = 64
"""The highest minimum of nodes to look for: no combination needs more."""

LONGEST_TRIED: Final = 3
"""Items of the lists that are put to a question of a list."""

Schema = dict[str, Any]
Combination = Mapping[str, Any]
"""Answers to the questions that another one depends on."""


class Writer:
    """Writes the schema of one template's answers."""

    def __init__(self, questionnaire: Questionnaire) -> None:
        self.ask = questionnaire
        self.usual: Mapping[str, Any] = questionnaire.check({}).answers
        self.by_profile = {profile: questionnaire.check({"profile": profile}).answers for profile in root.profiles()}
        self.levels: dict[str, list[Any]] = {}
        """The values of each question with a finite number of them, in any combination."""

    def document(self) -> Schema:
        """Return the schema."""
        properties, conditions = {}, []
        for name in self.ask.names:
            properties[name], rules = self._question(name)
            conditions += rules
        return {
            "$schema": DIALECT,
            "title": "Answers to Sampan's questions",
            "description": "A file for --data-file, or the .copier-answers.yml of a project.",
            "type": "object",
            "properties": {
                **properties,
                "_commit": {"type": "string", "description": "The release of the template, written by Copier"},
                "_src_path": {"type": "string", "description": "The URL of the template, written by Copier"},
                "_kept": {"type": "object", "description": "Stored answers to questions that do not apply at present"},
            },
            "additionalProperties": False,
            "allOf": conditions,
        }

    def _question(self, name: str) -> tuple[Schema, list[Schema]]:
        """Return the property of a question and the rules that join it to earlier ones."""
        kind = self.ask.types[name]
        described = {"type": TYPES[kind], "description": str(self.ask.details[name]["help"])}
        defaults = [answers[name] for answers in self.by_profile.values()]
        if name not in self._computed_defaults and all(default == defaults[0] for default in defaults):
            described["default"] = defaults[0]
        if "choices" in self.ask.details[name]:
            values, rules = self._choices(name)
        elif kind is str:
            values, rules = self._text(name)
        elif kind is int:
            values, rules = self._number(name)
        else:
            values, rules = (self._list(name) if kind is list else {}), []
        return described | values, rules

    @cached_property
    def _computed_defaults(self) -> set[str]:
        """Questions whose defaults follow other answers."""
        return {"service", "platform_name", "nat_gateways", "node_min", "node_max", "spot", "audit_trail", "off_hours_shutdown", "waf"}

    def _combinations(self, name: str) -> list[Combination]:
        """Return every combination of the answers that a question depends on and that are finite in number."""
        others = [other for other in self.ask.depends_on(name) if other in self.levels]
        return [dict(zip(others, values, strict=True)) for values in itertools.product(*(self.levels[other] for other in others))]

    def _choices(self, name: str) -> tuple[Schema, list[Schema]]:
        if name == "default_language":
            return self._default_language()
        combinations = self._combinations(name)
        offered = [list(self.ask.offered(name, {**self.usual, **combination}).values()) for combination in combinations]
        levels = self.levels[name] = list({_key(value): value for values in offered for value in values}.values())
        refused = {
            _key(level): [combination for combination, values in zip(combinations, offered, strict=True) if level not in values]
            for level in levels
        }
        groups: dict[str, list[Any]] = {}
        for level in levels:
            groups.setdefault(_key(refused[_key(level)]), []).append(level)
        rules = [
            self._rule(box, name, {"not": {"enum": group}})
            for group in groups.values()
            for box in boxes(refused[_key(group[0])], combinations)
        ]
        return {} if self.ask.types[name] is bool else {"enum": levels}, rules

    def _default_language(self) -> tuple[Schema, list[Schema]]:
        """A language other than English is one of the list."""
        others = [code for code in self._languages if code != self.usual["default_language"]]
        self.levels["default_language"] = self._languages
        return {"enum": self._languages}, [
            {
                "if": {"properties": {"default_language": {"const": code}}, "required": ["default_language"]},
                "then": {"properties": {"languages": {"contains": {"const": code}}}, "required": ["languages"]},
            }
            for code in others
        ]

    @cached_property
    def _languages(self) -> list[str]:
        return list(_facts("languages"))

    def _text(self, name: str) -> tuple[Schema, list[Schema]]:
        listed = {"currency": currencies, "time_zone": time_zones}
        if name in listed:
            return {"enum": listed[name]()}, []
        found = self.ask.rules(name)
        parts: list[Schema] = [{"pattern": portable(pattern)} for pattern in found.required]
        parts += [{"not": {"pattern": portable(pattern)}} for pattern in found.forbidden]
        parts += [{"not": taken} for taken in reserved(name)]
        if name == "vpc_cidr":
            parts.append({"pattern": PRIVATE})
        limits = {f"{side}Length": found.length[key] for key, side in (("least", "min"), ("most", "max")) if key in found.length}
        combinations = self._combinations(name)
        empty = [combination for combination in combinations if self.ask.refuses(name, "", {**self.usual, **combination})]
        if len(empty) == len(combinations):
            return joined(limits if found.required else {"minLength": 1, **limits}, parts), []
        rules = [
            {**self._rule(box, name, {"minLength": 1}), "then": {"properties": {name: {"minLength": 1}}, "required": [name]}}
            for box in boxes(empty, combinations)
        ]
        return {"anyOf": [{"const": ""}, joined(limits, parts)]}, rules

    def _number(self, name: str) -> tuple[Schema, list[Schema]]:
        found = self.ask.rules(name).number
        least: dict[int, list[Combination]] = {}
        combinations = self._combinations(name)
        for combination in combinations:
            others = {**self.usual, **combination, "node_min": 2}
            accepted = (n for n in range(MOST_NODES) if not self.ask.refuses(name, n, others))
            least.setdefault(found["least"] if "least" in found else next(accepted), []).append(combination)
        lowest, *higher = sorted(least)
        limits = {"minimum": lowest, "maximum": found["most"]}
        rules = []
        for bound in higher:
            concerned = [combination for other in higher if other >= bound for combination in least[other]]
            rules += [self._rule(box, name, {"minimum": bound}) for box in boxes(concerned, combinations)]
        return limits, rules

    def _list(self, name: str) -> Schema:
        """Put short lists, to see which items a list takes, in which order, and which one it always holds."""
        longest = max((answers["environments"] for answers in self.by_profile.values()), key=len)
        candidates = {"languages": self._languages, "environments": longest}
        if name not in candidates:
            found = self.ask.rules(name)
            return {"items": joined({"type": "string"}, [{"pattern": portable(pattern)} for pattern in found.required])}
        items = candidates[name]
        tried = [list(some) for count in range(1, LONGEST_TRIED + 1) for some in itertools.permutations(items, count)]
        taken = [some for some in tried if not self.ask.refuses(name, some, self.usual)]
        if len(items) <= LONGEST_TRIED:
            self.levels[name] = taken
            return {"enum": taken}
        always = [code for code in items if all(code in answer for answer in taken)]
        return {
            "items": {"enum": items},
            "minItems": 1,
            "uniqueItems": True,
            **({"contains": {"const": always[0]}} if always else {}),
        }

    def _rule(self, box: Mapping[str, Sequence[Any]], name: str, then: Schema) -> Schema:
        """Return a rule: with answers inside the box, the property also satisfies `then`."""
        conditions = [self._is(other, values) for other, values in box.items()]
        return {"if": conditions[0] if len(conditions) == 1 else {"allOf": conditions}, "then": {"properties": {name: then}}}

    def _is(self, name: str, values: Sequence[Any]) -> Schema:
        """Return the condition that a question has one of the values, given or by the profile's default."""
        given: Schema = {"properties": {name: {"enum": list(values)}}, "required": [name]}
        absent: Schema = {"not": {"required": [name]}}
        if name == "profile":
            return {"anyOf": [given, absent]} if self.usual["profile"] in values else given
        profiles = [profile for profile, answers in self.by_profile.items() if answers[name] in values]
        if not profiles:
            return given
        if len(profiles) < len(self.by_profile):
            absent = {"allOf": [absent, self._is("profile", profiles)]}
        return {"anyOf": [given, absent]}


def schema() -> Schema:
    """Return the schema of the template's answers."""
    with Questionnaire() as questionnaire:
        return Writer(questionnaire).document()


Box = dict[str, list[Any]]
"""Some answers to each of some questions."""


def boxes(inside: Sequence[Combination], every: Sequence[Combination]) -> list[Box]:
    """Cover combinations with few products of answers: those of one question first."""
    left, found = list(inside), list[Box]()
    for size in range(1, len(every[0]) + 1):
        for fixed in itertools.combinations(every[0], size):
            for combination in list(left):
                same = [other for other in every if all(other[key] == combination[key] for key in fixed)]
                if combination in left and all(other in inside for other in same):
                    found.append({key: [combination[key]] for key in fixed})
                    left = [other for other in left if other not in same]
    return merged(found)


def merged(found: list[Box]) -> list[Box]:
    """Join boxes that differ in the answers to one question."""
    for one, other in itertools.combinations(found, 2):
        different = [key for key in one if one[key] != other.get(key)]
        if one.keys() == other.keys() and len(different) == 1:
            together = {**one, different[0]: one[different[0]] + other[different[0]]}
            return merged([together, *(box for box in found if box is not one and box is not other)])
    return found


def portable(pattern: str) -> str:
    """Return a Python pattern as ECMA 262 reads it: `$` without the m flag is the end, and invisible characters are escaped."""
    escaped = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in pattern)
    return escaped.replace(r"\Z", "$")


def joined(one: Schema, parts: Sequence[Schema]) -> Schema:
    """Return the schema that satisfies all parts, flat where no keyword repeats."""
    schema: Schema = dict(one)
    rest = []
    for part in parts:
        if schema.keys() & part.keys():
            rest.append(part)
        else:
            schema |= part
    return {**schema, "allOf": rest} if rest else schema


def reserved(name: str) -> Iterator[Schema]:
    """Return the names that a target reserves, from the catalogue."""
    table = _facts("reserved")
    for target in table.get(f"{name.removesuffix('_name')}.targets", "").split():
        yield {"pattern": f"^({table[f'{target}.names']})$"}
        if target == "packages":
            lines = (root.catalogue() / "packages.txt").read_text(encoding="utf-8").splitlines()
            yield {"enum": sorted({line.partition("==")[0] for line in lines})}


def currencies() -> list[str]:
    """Return the codes that the question takes."""
    codes: list[str] = _facts("currencies")["codes"].split()
    return codes


def time_zones() -> list[str]:
    """Return the names that the question takes."""
    return sorted(name for names in _facts("timezones").values() for name in names.split())


def _facts(name: str) -> dict[str, Any]:
    facts: dict[str, Any] = yaml.safe_load((root.catalogue() / f"{name}.yaml").read_text(encoding="utf-8"))
    return facts


def _key(value: Any) -> str:
    return json.dumps(value)
