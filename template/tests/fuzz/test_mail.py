"""Messages with arbitrary text, parsed by the standard library: typed text never ends up in another field."""

from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32, default

import pytest
from hypothesis import example, given
from hypothesis import settings as generation
from hypothesis import strategies as st

from app.kit.mail import Mail, Message, compose, write

pytestmark = pytest.mark.fuzz

SENDER = "Shop <shop@example.com>"
HEADERS = ["Content-Type", "MIME-Version", "From", "To", "Subject", "Message-ID", "Auto-Submitted"]
# Text that has a meaning for parsers.
PIECES = [
    "=?utf-8?q?=0D=0ABcc:_eve@example.com?=", "=?utf-8?b?DQpCY2M6IGV2ZQ==?=", "\r\n", "\n.\n", "Bcc: eve@example.com",
    "--", "=?",
]  # fmt: skip
# Without surrogates, which cannot arrive in a JSON body.
CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXT = st.lists(st.one_of(st.text(CHARACTERS), st.sampled_from(PIECES)), max_size=8).map("".join)
INJECTION = "=?utf-8?q?a=0D=0ABcc:_eve@example.com=0D=0A=0D=0ABody?="


@given(subject=TEXT, paragraph=TEXT, greeting=TEXT)
@example(subject=f"Welcome, {INJECTION}", paragraph=INJECTION, greeting=INJECTION)
@example(subject="x" * 500, paragraph="", greeting="")
@generation(max_examples=1_000, deadline=None)
def test_a_mail_reads_back_as_it_was_meant(subject: str, paragraph: str, greeting: str) -> None:
    message = Message(subject=subject, greeting=greeting, paragraphs=[paragraph])
    mail = compose(message, to="ann@example.com", language="en", service="shop", key="018f-1")
    check(mail, write(mail, SENDER))


def check(mail: Mail, message: bytes) -> None:
    """Exactly our headers with our values, and two parts with the texts."""
    assert all(len(line) <= 998 for line in message.split(b"\r\n"))
    assert b"\n" not in message.replace(b"\r\n", b"")
    for policy in (default, compat32):
        parsed = message_from_bytes(message, policy=policy)
        assert sorted(parsed.keys()) == sorted(HEADERS)
        assert parsed["To"] == mail.to
    old = message_from_bytes(message, policy=compat32)
    assert " ".join(str(make_header(decode_header(old["Subject"]))).split()) == " ".join(mail.subject.split())
    parts = [(part.get_content_type(), part.get_payload(decode=True)) for part in old.walk() if not part.is_multipart()]
    assert parts == [("text/plain", mail.text.encode()), ("text/html", mail.html.encode())]
