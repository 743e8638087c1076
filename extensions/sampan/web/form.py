"""The form: a field for each question that applies, with its help, choices and refusal."""

from dataclasses import dataclass
from typing import Final

from sampan.questionnaire import Offer
from sampan.web import links
from sampan.web.desk import Desk, View

CARDS: Final = "profile"
"""The question that is shown as cards: it decides all others."""


@dataclass(frozen=True)
class Option:
    """A choice of a field."""

    text: str
    detail: str
    value: str
    is_chosen: bool
    refusal: str


@dataclass(frozen=True)
class Field:
    """A question and its answer. `kind` is cards, choice, switch, number, several or text."""

    name: str
    label: str
    kind: str
    text: str
    default: str
    options: tuple[Option, ...]
    message: str
    is_given: bool
    is_common: bool
    """Whether `sampan new` asks it; the other questions are folded."""

    @property
    def default_shown(self) -> str:
        """The default as a person reads it."""
        chosen = next((option.text for option in self.options if option.value == self.default), self.default)
        return {"true": "yes", "false": "no", "": "empty"}.get(chosen, chosen)


@dataclass(frozen=True)
class Group:
    """Questions under one heading."""

    title: str
    fields: tuple[Field, ...]

    @property
    def id(self) -> str:
        """The name of the group in an id."""
        return self.title.lower().replace(" ", "-")

    @property
    def common(self) -> list[Field]:
        """The fields that are always in sight."""
        return [field for field in self.fields if field.is_common]

    @property
    def more(self) -> list[Field]:
        """The fields that are folded."""
        return [field for field in self.fields if not field.is_common]

    @property
    def is_open(self) -> bool:
        """Whether a folded field has something to see."""
        return any(field.is_given or field.message for field in self.more)


def groups(desk: Desk, view: View) -> list[Group]:
    """Return the form of a view, the profile first."""
    made = [
        Group(title, tuple(_field(desk, view, name) for name in names if name in view.verdict.asked))
        for title, names in sorted(desk.groups.items(), key=lambda group: CARDS not in group[1])
    ]
    return [group for group in made if group.fields]


def _field(desk: Desk, view: View, name: str) -> Field:
    details, kind = desk.details[name], desk.types[name]
    offers = view.verdict.offers.get(name, ())
    text = view.shown(name)
    options = tuple(_option(offer, text) for offer in offers) if offers else _several(desk, name, text)
    return Field(
        name=name,
        label=str(details["help"]).rstrip("?"),
        kind=_kind(name, kind, has_options=bool(options)),
        text=text,
        default=links.text(view.verdict.defaults[name]),
        options=options,
        message=view.messages.get(name, ""),
        is_given=name in view.given,
        is_common=name in view.verdict.prompted,
    )


def _kind(name: str, kind: type, *, has_options: bool) -> str:
    if name == CARDS:
        return "cards"
    if kind is bool:
        return "switch"
    if has_options:
        return "several" if kind is list else "choice"
    return "number" if kind is int else "text"


def _option(offer: Offer, text: str) -> Option:
    """Return a choice; the catalogue writes `value: description` for those that need one."""
    value = links.text(offer.value)
    title, _, detail = offer.title.partition(": ")
    return Option(title, detail, value, value == text, offer.refusal)


def _several(desk: Desk, name: str, text: str) -> tuple[Option, ...]:
    """Return the items of a list that has a known set of them."""
    chosen = text.split(",")
    return tuple(Option(title, "", item, item in chosen, "") for item, title in desk.items.get(name, {}).items())


def submitted(pairs: list[tuple[str, str]], desk: Desk, base: View) -> dict[str, str]:
    """Return the answers after a form was sent: those of its page, and each field that differs from what the page showed."""
    sent = desk.parse(pairs)
    kept = {**base.given, **{name: text for name, text in sent.items() if text != base.shown(name)}}
    return {name: kept[name] for name in desk.types if name in kept}
