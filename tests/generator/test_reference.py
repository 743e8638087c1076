"""The documentation of the questions says what the questions are."""

from sampan import reference
from tests.harness import ROOT


def test_the_reference_is_up_to_date() -> None:
    assert (ROOT / "docs/questions.md").read_text(encoding="utf-8") == reference.markdown()


def test_the_reference_names_every_question() -> None:
    for name in reference.questions():
        assert f"| `{name}` |" in reference.markdown()
