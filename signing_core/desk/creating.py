"""Creating a document: the source is looked at, prepared, rehearsed (`taking_in`) and stored before the first row is written.

A refused source leaves nothing behind. When the process dies between storing the bytes and writing the rows, what stays is
an object that nothing refers to.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from signing_core import flow
from signing_core.audit_log import events as audit
from signing_core.audit_log.personal import Personal
from signing_core.delivery import contacts
from signing_core.desk import records, taking_in
from signing_core.desk.people import LABELS, Author, Signer
from signing_core.desk.sources import check_size
from signing_core.desk.taking_in import TakenIn
from signing_core.errors import MarkRefused, UsageError
from signing_core.flow import Channel, Limits, Role
from signing_core.flow.values import spoken
from signing_core.storage.database import writing
from signing_core.storage.identifiers import new_id
from signing_core.storage.schema import document_parties, documents
from signing_core.storage.settings import Settings
from signing_core.storage.workspace import Workspace

if TYPE_CHECKING:
    from signing_core.pdf.conversion import MadeFrom

_MAX_TITLE = 300
_LONGEST_EXPIRY = timedelta(days=3650)
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Direction overrides: with one, a text could be read as another."""


@dataclass(frozen=True)
class NewDocument:
    """What an author gives. `source` is the PDF that will be signed; a filled form or template is one already, other files become one
    by `sources.from_files`."""

    source: bytes
    title: str
    author: Author
    first_party: Signer
    client: Signer
    language: str | None = None
    expires_in: timedelta | None = None
    source_name: str = "document.pdf"
    made_from: MadeFrom | None = None
    template_id: str | None = None
    template_data: dict[str, str] | None = None
    supersedes: str | None = None
    document_id: str | None = None
    """From `new_id`, for who must find the document again when the process dies while it is created."""


def create(workspace: Workspace, new: NewDocument, now: datetime) -> str:
    """Create a draft; returns its document id.

    Raises `UsageError`, `ContactRefused` or `DocumentRefused`; then nothing was stored.
    """
    from signing_core.pdf import prepare

    settings = workspace.settings
    language = _language(new.language or settings.language)
    title = _shown(new.title, "title", _MAX_TITLE)
    people = _people(new, settings, language)
    if new.expires_in is not None and new.expires_in > _LONGEST_EXPIRY:
        raise UsageError(f"A document may wait for {_LONGEST_EXPIRY.days} days at most; choose an earlier expiry.")
    expires_at = now + (new.expires_in or settings.limits.document_lifetime)
    check_size(settings, new.source_name, len(new.source))
    document_id = new.document_id or new_id(now)
    labels = LABELS[language]
    request = prepare.PrepareRequest(
        document_id=document_id,
        title=title,
        language=language,
        fields=(
            prepare.FieldRequest(
                Role.FIRST_PARTY, _field_label(labels, people, Role.FIRST_PARTY), new.first_party.placement
            ),
            prepare.FieldRequest(Role.CLIENT, _field_label(labels, people, Role.CLIENT), new.client.placement),
        ),
        created_at=now,
    )
    taken = taking_in.take_in(
        new.source,
        request,
        name=new.source_name,
        names={str(role): str(people[role]["name"]) for role in Role},
        template_id=new.template_id,
    )
    prepared = taken.prepared
    prepared_sha256 = hashlib.sha256(prepared.data).hexdigest()
    state = flow.draft(
        document_id,
        prepared_sha256,
        channels={role: Channel(str(people[role]["channel"])) for role in Role},
        now=now,
        expires_at=expires_at,
        limits=limits(settings),
    )
    source_sha256 = workspace.objects.put(new.source)
    workspace.objects.put(prepared.data)
    with writing(workspace.engine) as connection:
        connection.execute(
            sa.insert(documents).values(
                id=document_id,
                title=title,
                status=str(state.status),
                version=0,
                state=state.to_json(),
                language=language,
                author=new.author.name,
                created_at=now,
                updated_at=now,
                expires_at=expires_at,
                pages=prepared.pages,
                fields={
                    role: {"page": field.page, "width_pt": field.width_pt, "height_pt": field.height_pt}
                    for role, field in prepared.fields.items()
                },
                told=list(prepared.told),
                embedded=[asdict(file) for file in prepared.embedded],
                template_id=new.template_id,
                supersedes=new.supersedes,
            )
        )
        connection.execute(
            sa.insert(document_parties), [{"document_id": document_id, **row} for row in people.values()]
        )
        records.add_file(connection, document_id, "source", source_sha256, len(new.source), now)
        records.add_file(connection, document_id, "prepared", prepared_sha256, len(prepared.data), now)
        _record(connection, new, document_id, title, people, source_sha256, prepared_sha256, taken, now)
    return document_id


def limits(settings: Settings) -> Limits:
    """The limits of the flow that the settings set."""
    return Limits(code_sendings=settings.links.codes_per_hour, link_sendings=settings.links.resends_per_hour)


def _record(
    connection: sa.Connection,
    new: NewDocument,
    document_id: str,
    title: str,
    people: dict[str, dict[str, str | None]],
    source_sha256: str,
    prepared_sha256: str,
    taken: TakenIn,
    now: datetime,
) -> None:
    prepared = taken.prepared
    personal: dict[str, Personal] = {"title": Personal("author", title)}
    for role, row in people.items():
        key = role.replace("-", "_")
        for name in ("name", "organisation", "contact", "copy_email"):
            if row[name]:
                personal[f"{key}_{name}"] = Personal(role, row[name])
    if names := _file_names(new):
        personal["file_names"] = Personal("author", names)
    if prepared.embedded:  # what a file is called may say whom it is about
        personal["embedded_names"] = Personal("author", [file.name for file in prepared.embedded])
    if new.template_data:
        personal["template_data"] = Personal("client", new.template_data)
    audit.append(
        connection,
        type="document.created",
        time=now,
        document_id=document_id,
        actor="author",
        data={
            "source_sha256": source_sha256,
            "source_length": len(new.source),
            "made_from": new.made_from.to_json() if new.made_from else None,
            "prepared_sha256": prepared_sha256,
            "prepared_length": len(prepared.data),
            "pages": prepared.pages,
            "changed_in_preparing": list(prepared.told),
            "embedded_files": [{"length": file.length, "sha256": file.sha256} for file in prepared.embedded],
            "template": new.template_id,
            "supersedes": new.supersedes,
            "rehearsed": list(taken.programs),
            "unlike": [list(one) for one in taken.differences],
            "channels": {role: people[role]["channel"] for role in Role},
        },
        personal=personal,
    )


def _file_names(new: NewDocument) -> list[str]:
    """What the author's files were called; none where a template or an earlier document was taken."""
    if new.made_from:
        return [file.name for file in new.made_from.files if file.name]
    return [] if new.template_id or new.supersedes else [new.source_name]


def _people(new: NewDocument, settings: Settings, language: str) -> dict[str, dict[str, str | None]]:
    rows: dict[str, dict[str, str | None]] = {}
    author = contacts.parse_email(new.author.email)
    rows["author"] = _row("author", new.author.name, None, None, author, None, language)
    for role, signer in ((Role.FIRST_PARTY, new.first_party), (Role.CLIENT, new.client)):
        contact = contacts.parse(signer.contact, region=settings.phone_region)
        copy_email = contacts.parse_email(signer.copy_email).value if signer.copy_email else None
        spoken = _language(signer.language or language)
        _signable(signer.name, role)
        rows[role] = _row(role, signer.name, signer.organisation, signer.party_id, contact, copy_email, spoken)
    return rows


def _field_label(labels: dict[Role, str], people: dict[str, dict[str, str | None]], role: Role) -> str:
    """What a screen reader says of the signature field."""
    return f"{labels[role]}, {people[role]['name']}"


def _row(
    role: str,
    name: str,
    organisation: str | None,
    party_id: str | None,
    contact: contacts.Contact,
    copy_email: str | None,
    language: str,
) -> dict[str, str | None]:
    name = _shown(name, f"name of the {spoken(role)}", 200)
    return {
        "role": role,
        "party_id": party_id,
        "name": name,
        "organisation": _shown(organisation, f"organisation of the {spoken(role)}", 200) if organisation else None,
        "contact": contact.value,
        "channel": contact.kind,
        "copy_email": copy_email,
        "language": language,
        "pseudonym": secrets.token_urlsafe(32),
    }


def _signable(name: str, role: str) -> None:
    """The name stands beside the signature as well: what cannot, is refused now and not when the party has signed."""
    from signing_core.marks import written

    try:
        written.readable(name)
    except MarkRefused as error:
        raise UsageError(f"The name of the {spoken(role)} cannot stand in a signature field. {error}") from None


def _shown(text: str, what: str, longest: int) -> str:
    """A text that will be printed: one line, not empty, and every character in some installed font."""
    from signing_core import typesetting

    text = " ".join(text.split())
    if not text:
        raise UsageError(f"The {what} is empty; give one.")
    if len(text) > longest:
        raise UsageError(f"The {what} is longer than {longest} characters; shorten it.")
    if hidden := sorted({f"U+{ord(c):04X}" for c in text if unicodedata.category(c) in ("Cc", "Cs") or c in _TURNING}):
        raise UsageError(f"The {what} has characters that cannot be seen ({', '.join(hidden)}); leave them out.")
    if missing := typesetting.unsupported(text):
        raise UsageError(
            f"The {what} has characters that no installed font can print ({missing}); "
            "install sealtrail[cjk] for Chinese, Japanese and Korean, or write it in another script."
        )
    return text


def _language(code: str) -> str:
    if code not in LABELS:
        raise UsageError(f"The language {code} is not available; use en or de.")
    return code
