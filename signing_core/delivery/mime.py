"""E-mail as bytes: the same message always becomes the same bytes, so that what was sent can be hashed again.

Everything is 7-bit text with CRLF (RFC 5322, RFC 2045), so no server on the way has a reason to recode it. Headers are
set through `email.policy.SMTP`, which encodes names (RFC 2047) and file names (RFC 2231) and refuses line breaks.
"""

from __future__ import annotations

import binascii
import email
import hashlib
import io
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.generator import BytesGenerator
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.policy import SMTP, compat32
from typing import Final

from signing_core.delivery.channels.interface import Sender
from signing_core.delivery.messages.content import Content
from signing_core.delivery.messages.wording import one_line

_POLICY: Final = SMTP.clone(cte_type="7bit", raise_on_defect=False)

_LINE: Final = 76
"""Characters of base64 in a line (RFC 2045, section 6.8)."""
_LONG: Final = re.compile(rb"(?:[A-Za-z0-9+/]{76}\r?\n){64,}[A-Za-z0-9+/=]{0,76}")
"""A block of base64 that is worth keeping from the parser, which goes through it line by line."""


@dataclass(frozen=True)
class Companion:
    """A small text file that goes with the attachment, such as the proof of a document's place in the audit log."""

    name: str
    text: str
    verbatim: bool = False
    """Whether every byte counts: then it travels as binary data, since mail programs may change the line ends of text."""


def build(
    content: Content,
    *,
    message_id: str,
    sender: Sender,
    recipient: str,
    recipient_name: str = "",
    date: datetime,
    attachment: bytes | None = None,
    attachment_name: str = "document.pdf",
    companions: Sequence[Companion] = (),
) -> bytes:
    """The whole message, ready for SMTP's DATA or an `.eml` file. `companions` come after the attachment.

    `date` is when the message was written, not when it is sent, so that every try has the same bytes.
    """
    message = EmailMessage(policy=_POLICY)
    message["From"] = _address(sender.name, sender.address)
    message["To"] = _address(recipient_name, recipient)
    if sender.reply_to:
        message["Reply-To"] = _address("", sender.reply_to)
    message["Subject"] = one_line(content.subject)
    message["Date"] = date.astimezone(UTC).replace(microsecond=0)
    message["Message-ID"] = f"<{message_id}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it
    message.set_content(content.text, cte="quoted-printable")
    if content.html is not None:
        message.add_alternative(content.html, subtype="html", cte="quoted-printable")
    # The generator takes a file apart line by line: it is given a few bytes that stand for the file, the file's own
    # base64 takes their place in what it made.
    place = hashlib.sha256(f"{message_id}/attachment".encode()).digest()
    if attachment is not None:
        message.add_attachment(place, maintype="application", subtype="pdf", filename=file_name(attachment_name))
    for companion in companions:
        if companion.verbatim:
            data = companion.text.encode()
            message.add_attachment(data, maintype="application", subtype="octet-stream", filename=companion.name)
        else:
            message.add_attachment(companion.text, subtype="plain", cte="quoted-printable", filename=companion.name)
    message["Content-Language"] = content.language  # last: adding parts moves Content-* into the first of them
    _set_boundaries(message, message_id)
    out = io.BytesIO()
    BytesGenerator(out, mangle_from_=False, policy=_POLICY).flatten(message)
    if attachment is None:
        return out.getvalue()
    before, after = out.getvalue().split(_base64(place))
    return b"".join((before, _base64(attachment), after))


def attachment_sha256(data: bytes) -> str | None:
    """SHA-256 of the attachment as a recipient's program takes it out of the message `data`; None without one."""
    blocks: list[bytes] = []
    mark = secrets.token_hex(8)  # no message can hold what is drawn after it was written

    def set_aside(found: re.Match[bytes]) -> bytes:
        blocks.append(found[0])
        return f"@{mark}-{len(blocks) - 1}@".encode()

    # Read by the plainest policy: the others parse every header anew whenever one is asked for.
    message = email.message_from_bytes(_LONG.sub(set_aside, data), policy=compat32)
    parts = message.get_payload() if message.get_content_type() == "multipart/mixed" else []
    for part in parts:
        if not isinstance(part, Message) or part.get_content_disposition() != "attachment":
            continue
        text = part.get_payload()
        if isinstance(text, str) and mark in text:
            whole = re.sub(f"@{mark}-([0-9]+)@", lambda found: blocks[int(found[1])].decode("ascii"), text)
            part.set_payload(whole)
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            return hashlib.sha256(content).hexdigest()
    return None


def wire_length(length: int) -> int:
    """How many bytes a file of `length` bytes adds to a message, rounded up to a line: base64 in lines of 76 characters and CRLF."""
    return -(-length // 57) * 78


def file_name(name: str) -> str:
    """`name` without what file systems or mail programs could take for a path or a command."""
    cleaned = one_line(name, 120)
    cleaned = "".join("_" if character in '/\\:*?"<>|' else character for character in cleaned)
    stem = cleaned[:-4] if cleaned.lower().endswith(".pdf") else cleaned
    return f"{stem.strip(' .') or 'document'}.pdf"


def _address(name: str, address: str) -> Address:
    return Address(display_name=one_line(name, 120), addr_spec=address)


def _base64(data: bytes) -> bytes:
    """In lines as RFC 2045, section 6.8 wants them, each with its CRLF."""
    text = binascii.b2a_base64(data, newline=False)
    return b"".join(text[start : start + _LINE] + b"\r\n" for start in range(0, len(text), _LINE))


def _set_boundaries(message: EmailMessage, message_id: str) -> None:
    """Boundaries from the message's id instead of a random generator. The parts are base64 and quoted-printable text,
    where no line begins with `--=_`."""
    multiparts = [part for part in message.walk() if part.is_multipart()]
    for number, part in enumerate(multiparts):
        part.set_boundary(f"=_{hashlib.sha256(f'{message_id}/{number}'.encode()).hexdigest()[:32]}")
