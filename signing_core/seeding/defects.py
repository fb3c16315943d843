"""The defects that are planted, one of each kind, and how each comes about in life."""

from __future__ import annotations

import email
import email.policy
import json
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec

from signing_core import marks, testing
from signing_core.audit_log import events as audit
from signing_core.desk import Desk, certificate_facts, sealing, signing
from signing_core.flow import Role, State
from signing_core.keys.software import SoftwareKey
from signing_core.seeding.plan import Story, chosen
from signing_core.storage.database import reading, writing
from signing_core.storage.schema import audit_events, documents, outbox
from signing_core.storage.workspace import Workspace

FEWEST_DOCUMENTS: Final = 20

KINDS: Final = {
    "changed-byte": "One byte of a stored, completed file was changed.",
    "swapped-certificate-page": "A stored file was sealed anew with the certificate page of another document.",
    "missing-file": "The stored file of a completed document is gone.",
    "log-event-edited": "An event of the audit log was edited in the database.",
    "mail-with-another-attachment": "What was mailed on completion is the file of another document.",
    "same-contact-twice": "First party and client were reached at the same address.",
    "stuck-in-sealing": "Both signed days ago, and the document was never sealed.",
    "duplicate": "The same file came in twice under different names.",
    "unsigned": "A file that came in has no signature.",
    "encrypted": "A file that came in is encrypted and its password is not known.",
    "foreign": "A file that came in was signed and sealed by another company.",
    "expired-certificate": "A file that came in was signed after its X.509 certificate had expired.",
}
"""What each kind means. The last five lie in the folder `inbox` of the workspace, the others in its archive."""

INBOX: Final = "inbox"


@dataclass(frozen=True)
class Planted:
    """One planted defect: of a document, or of files in the inbox."""

    kind: str
    document_id: str | None
    files: tuple[str, ...] = ()
    """Names in the inbox."""

    def to_json(self) -> dict[str, object]:
        return {"kind": self.kind, "document_id": self.document_id, "files": list(self.files)}


def cast(plan: list[Story], chance: random.Random) -> list[Story]:
    """The stories with the two defects that have to be lived: the same contact twice, stuck in sealing."""
    completed = chosen(plan, "completed", 2, chance)
    if len(completed) < 2:
        completed = [replace(story, ending="completed") for story in plan[:2]]
    twice, stuck = completed
    changed = {
        twice.number: replace(twice, client=replace(twice.client, contact=twice.director.contact, copy_email=None)),
        stuck.number: replace(stuck, ending="stuck-in-sealing"),
    }
    # Enough others must be completed to carry the defects of the archive.
    return [changed.get(story.number, _completed_if_early(story)) for story in plan]


def _completed_if_early(story: Story) -> Story:
    return replace(story, ending="completed") if story.number < FEWEST_DOCUMENTS // 2 else story


def sign_but_do_not_seal(desk: Desk, document_id: str) -> None:
    """The client's signature is made, then the process dies and no background work follows."""
    signing.sign(desk.workspace, desk.state(document_id), desk.clock())


def plant(
    workspace: Workspace,
    clock: testing.ManualClock,
    made: dict[int, str],
    plan: list[Story],
    chance: random.Random,
) -> list[Planted]:
    """Plant what is not lived; returns all defects, those of `cast` included."""
    usual = [s for s in plan if s.ending == "completed" and s.client.contact != s.director.contact]
    picked = [made[story.number] for story in chance.sample(usual, 8)]
    twice = next(s for s in plan if s.client.contact == s.director.contact)
    stuck = next(s for s in plan if s.ending == "stuck-in-sealing")
    (workspace.path / INBOX).mkdir(mode=0o700)
    found = [
        Planted("same-contact-twice", made[twice.number]),
        Planted("stuck-in-sealing", made[stuck.number]),
    ]
    for kind, action, number in (
        ("changed-byte", _change_byte, 0),
        ("missing-file", _lose_file, 1),
        ("log-event-edited", _edit_event, 2),
    ):
        action(workspace, picked[number], chance)
        found.append(Planted(kind, picked[number]))
    _swap_certificate_page(workspace, picked[3], picked[4])
    found.append(Planted("swapped-certificate-page", picked[3]))
    _mail_another(workspace, picked[5], picked[4])
    found.append(Planted("mail-with-another-attachment", picked[5]))
    found += _fill_inbox(workspace, clock, picked[6:])
    return sorted(found, key=lambda one: list(KINDS).index(one.kind))


def _final(workspace: Workspace, document_id: str) -> str:
    with reading(workspace.engine) as connection:
        row = connection.execute(sa.select(documents.c.final_sha256).where(documents.c.id == document_id)).one()
    return str(row.final_sha256)


def _change_byte(workspace: Workspace, document_id: str, chance: random.Random) -> None:
    file = workspace.objects.path(_final(workspace, document_id))
    data = bytearray(file.read_bytes())
    data[chance.randrange(2_000, len(data) // 3)] ^= 0x01
    file.chmod(0o600)
    file.write_bytes(data)


def _lose_file(workspace: Workspace, document_id: str, chance: random.Random) -> None:
    workspace.objects.delete(_final(workspace, document_id))


def _edit_event(workspace: Workspace, document_id: str, chance: random.Random) -> None:
    """As an administrator would who wants the client's consent to have come a day earlier."""
    with writing(workspace.engine) as connection:
        event = next(e for e in audit.of_document(connection, document_id) if e.type == "consent.given")
        content = event.content
        content["time"] = audit.time_text(event.time - timedelta(days=1))
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        connection.execute(sa.update(audit_events).where(audit_events.c.seq == event.seq).values(body=body))


def _swap_certificate_page(workspace: Workspace, document_id: str, other_id: str) -> None:
    """As an insider with the seal key would: the body of one document under the certificate of another."""
    from signing_core.certificate import page
    from signing_core.certificate.facts import AuthorityFacts
    from signing_core.pdf import preserve, seal

    ring = workspace.keys()
    with reading(workspace.engine) as connection:
        row = connection.execute(sa.select(documents).where(documents.c.id == document_id)).one()
        other = connection.execute(sa.select(documents).where(documents.c.id == other_id)).one()
        data = certificate_facts.gather(
            workspace,
            connection,
            State.from_json(other.state),
            other.completed_at,
            seal_certificate_sha256="0" * 64,
            qr_key_id=ring.qr.key_id.hex(),
            time_stamps=AuthorityFacts(ring.time_stamp_authority.name, True),
        )
    sealed = seal.seal(
        workspace.objects.get(row.prefix_sha256),
        key=ring.seal,
        time_stamps=ring.time_stamp_authority,
        page=page.typeset(data, sealing.qr_url(ring.qr, data), other.language),
        summary=page.summary(data, other.language),
        signed_at=row.completed_at,
    )
    final = preserve.preserve(
        sealed.data, certificates=[ring.ca.certificate], crls=[], time_stamps=ring.time_stamp_authority
    )
    sha256 = workspace.objects.put(final.data)
    with writing(workspace.engine) as connection:
        connection.execute(
            sa.update(documents)
            .where(documents.c.id == document_id)
            .values(final_sha256=sha256, final_length=final.length)
        )


def _mail_another(workspace: Workspace, document_id: str, other_id: str) -> None:
    """The message as it was sent, kept for 90 days, has the file of another document attached."""
    with reading(workspace.engine) as connection:
        row = connection.execute(
            sa.select(outbox)
            .where(outbox.c.document_id == document_id, outbox.c.kind == "completed")
            .order_by(outbox.c.id)
            .limit(1)
        ).one()
    message = email.message_from_bytes(workspace.objects.get(row.sent_sha256), policy=email.policy.SMTP)
    other = workspace.objects.get(_final(workspace, other_id))
    attached = next(iter(message.iter_attachments()))
    name = attached.get_filename()
    attached.clear_content()
    attached.set_content(other, maintype="application", subtype="pdf", filename=name)
    sent_sha256 = workspace.objects.put(message.as_bytes())
    with writing(workspace.engine) as connection:
        connection.execute(sa.update(outbox).where(outbox.c.id == row.id).values(sent_sha256=sent_sha256))


def _fill_inbox(workspace: Workspace, clock: testing.ManualClock, honest: list[str]) -> list[Planted]:
    inbox = workspace.path / INBOX
    stored = [workspace.objects.get(_final(workspace, document_id)) for document_id in honest]
    (inbox / "agreement-received.pdf").write_bytes(stored[0])
    (inbox / "agreement-scan-copy.pdf").write_bytes(stored[1])
    (inbox / "agreement-again.pdf").write_bytes(stored[1])
    found = [Planted("duplicate", honest[1], ("agreement-again.pdf", "agreement-scan-copy.pdf"))]
    makers: dict[str, Callable[[Workspace, testing.ManualClock], bytes]] = {
        "unsigned": lambda *_: testing.contract(2, text="Sample letter"),
        "encrypted": lambda *_: _encrypted(),
        "foreign": lambda *_: _foreign(clock),
        "expired-certificate": _expired,
    }
    for kind, make in makers.items():
        name = f"{kind}.pdf"
        (inbox / name).write_bytes(make(workspace, clock))
        found.append(Planted(kind, None, (name,)))
    return found


def _encrypted() -> bytes:
    from signing_core.pdf import samples

    return samples.encrypted_pdf(testing.contract(1, text="Sample secret"), "not known to anybody")


def _foreign(clock: testing.ManualClock) -> bytes:
    with (
        tempfile.TemporaryDirectory() as folder,
        testing.make_workspace(Path(folder) / "other", clock=clock, organisation="Another Sample AG") as other,
    ):
        play = testing.Play(Desk(other))
        document_id = play.create(testing.contract(1, text="Contract of another company"))
        play.to_completion(document_id)
        return other.objects.get(_final(other, document_id))


def _expired(workspace: Workspace, clock: testing.ManualClock) -> bytes:
    from signing_core.pdf import prepare, sign

    ring, now = workspace.keys(), clock()
    private_key = ec.generate_private_key(ec.SECP256R1())
    issued = ring.ca.issue(
        "first-party",
        private_key.public_key(),
        "Sample Former Director",
        now=now - timedelta(minutes=10),
        lifetime=timedelta(minutes=5),
    )
    request = prepare.PrepareRequest(
        "0" * 26, "Sample late letter", "en", (prepare.FieldRequest(Role.FIRST_PARTY, "First party"),)
    )
    prepared = prepare.prepare(testing.contract(1, text="Sample late letter"), request)
    field = prepared.fields[Role.FIRST_PARTY]
    appearance = marks.appearance(
        marks.from_name("Sample Former Director"),
        width_pt=field.width_pt,
        height_pt=field.height_pt,
        name="Sample Former Director",
        label="First party",
        signed_at=now,
        language="en",
    )
    signed = sign.sign(
        prepared.data,
        role=Role.FIRST_PARTY,
        key=SoftwareKey(private_key, issued, (ring.ca.certificate,)),
        time_stamps=ring.time_stamp_authority,
        appearance=appearance,
        summary="Signed late",
        signed_at=now,
        reason="Signed late",
        name="Sample Former Director",
        certify=True,
    )
    return signed.data
