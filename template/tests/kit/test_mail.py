"""Messages: one layout as text and as HTML, which nothing that people typed can break out of."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from html.parser import HTMLParser

import pytest

from app.kit.mail import Mail, Message, compose, write
from app.kit.text import without_encoded_words
from app.kit.times import format_time, time_zones
from app.settings import Settings

MESSAGE = Message(
    subject="Confirm your address",
    greeting="Hello Ann,",
    paragraphs=["One.", "Two."],
    action="Confirm",
    link="https://shop.example.com/verify-email#token=a&b",
    small=["Small print."],
)


class Elements(HTMLParser):
    """The tags, texts and links of a document."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.links: list[str | None] = []
        self.languages: list[str | None] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Keep what a test asks about."""
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name == "href"]
        self.languages += [value for name, value in attributes if name == "lang"]

    def handle_data(self, text: str) -> None:
        """Keep the text."""
        self.texts.append(text.strip())


def mail(message: Message, language: str = "en") -> Mail:
    return compose(message, to="ann@example.com", language=language, service="shop", key="1")


def test_a_letter_says_the_same_as_text_and_as_html() -> None:
    composed = mail(MESSAGE)
    document = Elements(composed.html)
    for said in (MESSAGE.greeting, *MESSAGE.paragraphs, MESSAGE.action, *MESSAGE.small, MESSAGE.link):
        assert said in composed.text
        assert said in " ".join(document.texts)
    assert document.links == [MESSAGE.link, MESSAGE.link]


def test_a_letter_without_a_link_has_no_button() -> None:
    plain = mail(Message(subject="Done", paragraphs=["Done."]))
    assert Elements(plain.html).links == []
    assert plain.text == "Done.\n\n--\nshop sent this email to ann@example.com.\n"


def test_markup_that_people_typed_is_text() -> None:
    name = "<script>alert(1)</script><a href='https://evil.example.com'>"
    composed = mail(MESSAGE.model_copy(update={"greeting": f"Hello {name},", "subject": name, "paragraphs": [name]}))
    document = Elements(composed.html)
    assert "script" not in document.tags
    assert set(document.links) == {MESSAGE.link}
    assert name in composed.text


def test_a_line_break_in_a_subject_becomes_a_blank() -> None:
    composed = mail(MESSAGE.model_copy(update={"subject": "Hello\r\nBcc: eve@example.com\u2028!"}))
    assert composed.subject == "Hello Bcc: eve@example.com !"


@pytest.mark.parametrize("field", ["to", "subject", "key"])
@pytest.mark.parametrize("line_end", ["\n", "\r", "\u2028", "\x00", "\x85"])
def test_a_line_break_adds_no_header(field: str, line_end: str) -> None:
    values = {"to": "ann@example.com", "subject": "Hi", "text": "", "html": "", "key": "1"}
    with pytest.raises(ValueError, match="line break in a header"):
        Mail(**{**values, field: f"a@example.com{line_end}Bcc: eve@example.com"})


INJECTION = "=?utf-8?q?a=0D=0ABcc:_eve@example.com=0D=0A=0D=0ABody?="


def test_an_encoded_word_in_a_subject_stays_text() -> None:
    """Python 3.11.7's newer policy decodes it, and its line breaks end the header and then all headers."""
    written = write(mail(MESSAGE.model_copy(update={"subject": f"Welcome, {INJECTION}"})), "shop@example.com")
    parsed = message_from_bytes(written)
    assert sorted(parsed.keys()) == [
        "Auto-Submitted", "Content-Type", "From", "MIME-Version", "Message-ID", "Subject", "To",
    ]  # fmt: skip
    assert str(make_header(decode_header(parsed["Subject"]))) == f"Welcome, {INJECTION}"


@pytest.mark.parametrize("to", ["ann@example.com, eve@example.com", "Ann <ann@example.com>", ""])
def test_a_mail_goes_to_one_address(to: str) -> None:
    with pytest.raises(ValueError, match="one address"):
        Mail(to=to, subject="Hi", text="", html="", key="1")


def test_names_hold_no_encoded_words() -> None:
    for name in (INJECTION, "=?UTF-8?B?QQ==?=", "a =?x?Q?b?= c"):
        with pytest.raises(ValueError, match="encoded words"):
            without_encoded_words(name)
    for name in ("Ann =? Bob", "1=2?", "=?", "What?= Yes"):
        assert without_encoded_words(name) == name


def test_a_letter_names_its_language_and_speaks_it(settings: Settings) -> None:
    footers = set()
    for language in settings.language_codes:
        composed = mail(MESSAGE, language)
        assert Elements(composed.html).languages == [language]
        footers.add(composed.text.splitlines()[-1])
    assert len(footers) == len(settings.language_codes)


def test_a_time_is_shown_in_the_readers_zone_and_language(settings: Settings) -> None:
    noon = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    # A narrow no-break space precedes PM.
    shown = format_time(noon, "en", "Asia/Singapore").replace("\u202f", " ")
    assert shown == "November 22, 2026, 8:00 PM (Singapore Standard Time)"
    assert "(Coordinated Universal Time)" in format_time(noon, "en", "UTC")
    for language in settings.language_codes:
        shown = format_time(noon, language, "Asia/Jakarta")
        assert "2026" in shown
        assert "7:00" in shown or "19" in shown
    assert {"Asia/Singapore", "UTC"} <= time_zones()
