from __future__ import annotations

import hashlib
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signing_core.delivery import mime
from signing_core.delivery.channels.interface import Sender

PDF = b"%PDF-1.7\r\n.\r\n..\r\nFrom here\r\n" + bytes(range(256)) * 40


def built(sample: SimpleNamespace, **values: Any) -> bytes:
    defaults: dict[str, Any] = {
        "content": sample.message("completed"),
        "message_id": "01JMESSAGE0000000000000000@sample-company.example",
        "sender": sample.sender,
        "recipient": "erika@example.org",
        "date": sample.start,
    }
    arguments = defaults | values
    return mime.build(arguments.pop("content"), **arguments)


def parsed(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=SMTP)
    assert isinstance(message, EmailMessage)
    return message


def test_headers_and_both_texts(sample: SimpleNamespace) -> None:
    content = sample.message("link", title="Vertrag über Äpfel № 5 – 中文")
    message = parsed(
        built(
            sample,
            content=content,
            recipient_name="Erika Müller",
            sender=Sender("a@example.org", "Söhne", "b@example.org"),
        )
    )
    assert message["Message-ID"] == "<01JMESSAGE0000000000000000@sample-company.example>"
    assert message["From"].addresses[0].display_name == "Söhne"
    assert message["To"].addresses[0].display_name == "Erika Müller"
    assert message["To"].addresses[0].addr_spec == "erika@example.org"
    assert message["Reply-To"] == "b@example.org"
    assert message["Subject"] == content.subject
    assert message["Date"].datetime == sample.start
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "en"
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None and html is not None
    assert plain.get_content().replace("\r\n", "\n") == content.text
    assert html.get_content().replace("\r\n", "\n").strip() == (content.html or "").strip()


def test_the_attachment_arrives_as_it_was_stored(sample: SimpleNamespace) -> None:
    data = built(sample, attachment=PDF, attachment_name="Vertrag über Äpfel.pdf")
    (part,) = parsed(data).iter_attachments()
    assert part.get_content_type() == "application/pdf"
    assert part.get_filename() == "Vertrag über Äpfel.pdf"
    assert part.get_content() == PDF
    assert mime.attachment_sha256(data) == hashlib.sha256(PDF).hexdigest()
    assert b"filename*=utf-8''" in data  # RFC 2231
    assert mime.attachment_sha256(built(sample)) is None


@pytest.mark.parametrize("length", [0, 1, 57, 63 * 57, 64 * 57, 64 * 57 + 1, 200_000])
@pytest.mark.parametrize("harm", [None, b"=", b"A", b"\r\n"])
def test_the_attachment_is_read_as_a_mail_program_reads_it(
    sample: SimpleNamespace, length: int, harm: bytes | None
) -> None:
    """Long blocks of base64 are kept from the parser; what comes out is what it would have made of them."""
    data = built(sample, attachment=(bytes(range(251)) * 800)[:length], companions=[mime.Companion("a.txt", "@0@\n")])
    if harm is not None:
        middle = data.index(b"application/pdf") + (len(data) - data.index(b"application/pdf")) // 2
        data = data[:middle] + harm + data[middle + len(harm) :]
    first = next(iter(parsed(data).iter_attachments()))
    assert mime.attachment_sha256(data) == hashlib.sha256(first.get_payload(decode=True)).hexdigest()


def test_the_same_message_becomes_the_same_bytes(sample: SimpleNamespace) -> None:
    assert built(sample, attachment=PDF) == built(sample, attachment=PDF)
    assert built(sample, attachment=PDF) != built(sample, attachment=PDF + b"x")


def test_it_is_seven_bit_text_in_short_crlf_lines(sample: SimpleNamespace) -> None:
    content = sample.message("declined", title="Ж" * 300, reason="x" * 2000)
    data = built(sample, content=content, attachment=PDF, attachment_name="Ж" * 200 + ".pdf", recipient_name="Ж" * 200)
    assert data.isascii()
    assert data.replace(b"\r\n", b"").find(b"\n") == data.replace(b"\r\n", b"").find(b"\r") == -1
    assert max(len(line) for line in data.split(b"\r\n")) <= 998  # RFC 5322, section 2.1.1
    assert data.endswith(b"\r\n")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Contract.pdf", "Contract.pdf"),
        ("Contract", "Contract.pdf"),
        ("../../etc/passwd", "_.._etc_passwd.pdf"),
        ("a\r\nContent-Type: text/html\r\n\r\n<b>", "a Content-Type_ text_html _b_.pdf"),
        ("  ", "document.pdf"),
        (".pdf", "document.pdf"),
        ('x";y="z', "x_;y=_z.pdf"),
        ("exe\u202efdp.pdf", "exefdp.pdf"),
    ],
)
def test_file_names_lead_nowhere(sample: SimpleNamespace, name: str, file: str) -> None:
    assert mime.file_name(name) == file
    (part,) = parsed(built(sample, attachment=PDF, attachment_name=name)).iter_attachments()
    assert part.get_filename() == file


def test_wire_length_is_what_a_file_adds(sample: SimpleNamespace) -> None:
    for length in (0, 1, 57, 58, 10_000):
        with_file = len(built(sample, attachment=bytes(length)))
        without = len(built(sample, attachment=b""))
        assert 0 <= mime.wire_length(length) - (with_file - without) <= 78


EXPECTED = {
    "From", "To", "Subject", "Date", "Message-ID", "Content-Language", "Auto-Submitted", "MIME-Version", "Content-Type",
}  # fmt: skip


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200), st.binary(max_size=3000))
def test_no_name_adds_a_header_and_every_file_arrives(
    sample: SimpleNamespace, title: str, name: str, file: str, attachment: bytes
) -> None:
    content = sample.message("completed", title=title)
    data = built(
        sample, content=content, recipient_name=name, sender=Sender("a@example.org", name),
        attachment=attachment, attachment_name=file,
    )  # fmt: skip
    message = parsed(data)
    assert set(message.keys()) == EXPECTED
    assert [address.addr_spec for address in message["To"].addresses] == ["erika@example.org"]
    assert [address.addr_spec for address in message["From"].addresses] == ["a@example.org"]
    assert mime.attachment_sha256(data) == hashlib.sha256(attachment).hexdigest()
    (part,) = message.iter_attachments()
    assert part.get_filename() == mime.file_name(file)
