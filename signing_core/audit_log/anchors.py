"""Anchors: what somebody outside states about a checkpoint, so that not even we can rewrite what lies before it.

Two kinds: an RFC 3161 time-stamp over the checkpoint's note as the log signed it, and the cosignature of a witness
(`witness_client`). A time-stamp by the embedded authority is kept too, but it is no outside anchor: its key lies beside
the log's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from asn1crypto import cms, tsp
from cryptography import x509

from signing_core.audit_log import notes, signer
from signing_core.audit_log.checkpoint import Checkpoint
from signing_core.audit_log.notes import Note, NoteInvalid, SignatureLine, Verifier
from signing_core.keys import rfc3161
from signing_core.keys.interface import TimeStampAuthority
from signing_core.storage import schema
from signing_core.storage.database import writing
from signing_core.storage.identifiers import new_id

Kind = Literal["time-stamp", "embedded", "witness"]
OUTSIDE: tuple[Kind, ...] = ("time-stamp", "witness")


class AnchorInvalid(ValueError):
    """The evidence does not show what the anchor claims; the message is the end of a sentence about the anchor."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One anchor as stored; nothing in it is verified yet."""

    id: str
    origin: str
    """With `size`: the checkpoint that it is about."""
    size: int
    kind: Kind
    by: str
    """The authority's name, or the witness's."""
    evidence: bytes
    """The DER TimeStampToken, or the cosignature line."""
    created_at: datetime

    @property
    def outside(self) -> bool:
        """Whether it claims to come from outside."""
        return self.kind in OUTSIDE


@dataclass(frozen=True, slots=True)
class Proven:
    """What a verified anchor shows: the checkpoint existed at `time`."""

    anchor: Anchor
    time: datetime
    trusted: bool
    """Whether its key is one that the verifier was told to trust; else the signature verifies, but the name is a claim."""
    outside: bool


def time_stamp(engine: sa.Engine, issued: signer.Issued, authority: TimeStampAuthority, *, now: datetime) -> Anchor:
    """A new time-stamp over the checkpoint. Raises `TimeStampUnavailable`."""
    token = authority.time_stamp(imprint(issued.note))
    kind: Kind = "embedded" if authority.embedded else "time-stamp"
    return add(engine, issued.checkpoint, kind, authority.name, token, now=now)


def add(engine: sa.Engine, checkpoint: Checkpoint, kind: Kind, by: str, evidence: bytes, *, now: datetime) -> Anchor:
    """Store an anchor."""
    anchor = Anchor(new_id(now), checkpoint.origin, checkpoint.size, kind, by, evidence, now)
    with writing(engine) as connection:
        connection.execute(
            sa.insert(schema.anchors).values(**{name: getattr(anchor, name) for name in Anchor.__slots__})
        )
    return anchor


def imprint(note: Note) -> bytes:
    """What is time-stamped: the SHA-256 of the note with the log's signature and no other."""
    return hashlib.sha256(str(note).encode()).digest()


def of_checkpoint(connection: sa.Connection, checkpoint: Checkpoint) -> list[Anchor]:
    """The anchors of one checkpoint, oldest first."""
    table = schema.anchors
    return _select(connection, sa.and_(table.c.origin == checkpoint.origin, table.c.size == checkpoint.size))


def every(connection: sa.Connection) -> list[Anchor]:
    """All anchors, by size."""
    return _select(connection, sa.true())


def latest(
    connection: sa.Connection, origin: str, kinds: Sequence[Kind] = OUTSIDE, *, by: str | None = None
) -> Anchor | None:
    """The anchor of these kinds about the largest checkpoint."""
    table = schema.anchors
    query = sa.select(table).where(table.c.origin == origin, table.c.kind.in_(kinds))
    if by is not None:
        query = query.where(table.c.by == by)
    row = connection.execute(query.order_by(table.c.size.desc(), table.c.id.desc()).limit(1)).first()
    return Anchor(**row._mapping) if row else None


def verify(
    anchor: Anchor,
    note: Note,
    *,
    witnesses: Sequence[Verifier] = (),
    authorities: Sequence[x509.Certificate] = (),
    own: Sequence[x509.Certificate] = (),
) -> Proven:
    """Check an anchor against the note of its checkpoint.

    `authorities` are the trust anchors of outside time-stamp authorities, `own` those of the workspace: a token that leads
    to one of `own` is no outside anchor, whatever the row says. Raises `AnchorInvalid`.
    """
    if anchor.kind == "witness":
        return _verify_cosignature(anchor, note, witnesses)
    checked = check_token(anchor.evidence, imprint(note))
    by_us = _leads_to(anchor.evidence, imprint(note), own)
    trusted = by_us or _leads_to(anchor.evidence, imprint(note), authorities)
    return Proven(anchor, checked.time, trusted, outside=not by_us)


def check_token(
    token: bytes, expected: bytes, anchors: Sequence[x509.Certificate] | None = None
) -> rfc3161.CheckedToken:
    """Check a DER TimeStampToken over a SHA-256 imprint. Raises `AnchorInvalid`."""
    try:
        signed = cms.ContentInfo.load(token, strict=True)["content"]
        info = tsp.TSTInfo.load(signed["encap_content_info"]["content"].contents, strict=True)
        request = rfc3161.Request("sha256", expected, info["nonce"].native, None, include_certificates=True)
        checked = rfc3161.check_response(rfc3161.response(token), request, anchors=anchors)
        # No signature covers these fields; held to what they must be, a token cannot be altered even there.
        signer_info = signed["signer_infos"][0]
        declared = [algorithm["algorithm"].native for algorithm in signed["digest_algorithms"]]
        version = "v1" if signer_info["sid"].name == "issuer_and_serial_number" else "v3"
        if (signed["version"].native, signer_info["version"].native, declared) != (
            "v3", version, [signer_info["digest_algorithm"]["algorithm"].native],
        ):  # fmt: skip
            raise AnchorInvalid("is not framed as RFC 3161 demands")
        return checked
    except rfc3161.TokenInvalid as error:
        raise AnchorInvalid(str(error)) from None
    except AnchorInvalid:
        raise
    except Exception:
        # Whatever the bytes are: asn1crypto and cryptography raise a dozen kinds of exceptions on what is no token.
        raise AnchorInvalid("is no time-stamp token") from None


def cosignature(anchor: Anchor) -> SignatureLine:
    """The signature line of a witness's anchor. Raises `AnchorInvalid`."""
    try:
        return notes.parse_line(anchor.evidence.decode().removesuffix("\n"))
    except (NoteInvalid, UnicodeDecodeError) as error:
        raise AnchorInvalid(f"is no cosignature: {error}") from None


def _verify_cosignature(anchor: Anchor, note: Note, witnesses: Sequence[Verifier]) -> Proven:
    line = cosignature(anchor)
    for verifier in witnesses:
        if verifier.knows(line):
            try:
                verifier.verify(note.text, line)
            except NoteInvalid as error:
                raise AnchorInvalid(str(error)) from None
            return Proven(anchor, line.time, trusted=True, outside=True)
    raise AnchorInvalid("is by a witness whose key is not known; give it in audit_log.witness_keys")


def _leads_to(token: bytes, expected: bytes, roots: Sequence[x509.Certificate]) -> bool:
    if not roots:
        return False
    try:
        check_token(token, expected, roots)
    except AnchorInvalid:
        return False
    return True


def _select(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> list[Anchor]:
    query = sa.select(schema.anchors).where(condition).order_by(schema.anchors.c.size, schema.anchors.c.id)
    return [Anchor(**row._mapping) for row in connection.execute(query)]
