"""Time-stamp tokens (RFC 3161; ETSI EN 319 422): what they say, and whether they say it of these bytes.

Whether their authority is to be believed is the chain's business (`chains`), when it matters the time axis's (`times`).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from signing_core.pki import der
from signing_core.pki.x509_certificates import X509
from signing_core.verification import cms
from signing_core.verification.algorithms import UnknownAlgorithm, digest_name, digest_of
from signing_core.verification.signers import Checked, Content, Note, check, unidentified


@dataclass(frozen=True, slots=True)
class Token:
    """A parsed TimeStampToken: SignedData over TSTInfo."""

    structure: cms.Cms
    policy: str
    imprint_algorithm: str
    imprint: bytes
    time: datetime
    serial: int


@dataclass(frozen=True, slots=True)
class CheckedToken:
    """A token held against what it stamps. `intact` as for signatures: None when it could not be computed."""

    token: Token | None
    signer: Checked | None
    intact: bool | None
    notes: tuple[Note, ...]

    @property
    def time(self) -> datetime | None:
        return self.token.time if self.token else None

    @property
    def certificate(self) -> X509 | None:
        return self.signer.certificate if self.signer else None


def parse(encoded: bytes) -> Token:
    """Raises `DerError` and `UnknownAlgorithm`."""
    structure = cms.parse(encoded)
    if structure.content_type != cms.TST_INFO or structure.content is None:
        raise der.DerError("the time-stamp token holds no TSTInfo")
    fields = der.members(der.read(structure.content), der.SEQUENCE, "the TSTInfo")
    if len(fields) < 5:
        raise der.DerError("the TSTInfo is cut off")
    algorithm, imprint = der.pair(fields[2], "the message imprint")
    return Token(
        structure=structure,
        policy=der.oid(fields[1]),
        imprint_algorithm=digest_name(der.oid(der.first(algorithm, "the imprint's algorithm"))),
        imprint=der.octets(imprint),
        time=der.time(fields[4]),
        serial=der.integer(fields[3]),
    )


@lru_cache(maxsize=32)
def _signed(encoded: bytes, others: tuple[X509, ...]) -> tuple[Token, Checked]:
    token = parse(encoded)
    structure = token.structure
    if len(structure.signers) != 1:
        raise der.DerError(f"the time-stamp token has {len(structure.signers)} SignerInfos instead of one")
    content = structure.content or b""
    checked = check(
        structure,
        structure.signers[0],
        Content(lambda name: digest_of(name, (content,)), lambda: content),
        content_type=cms.TST_INFO,
        others=others,
    )
    return token, checked


def check_token(
    encoded: bytes, stamped: Content, *, others: tuple[X509, ...] = (), what: str = "a time-stamp"
) -> CheckedToken:
    """Whether the token is whole and its imprint is the digest of `stamped`. `what` says in findings which one it is."""
    try:
        token, signer = _signed(encoded, others)
        fits = hmac.compare_digest(token.imprint, stamped.digest(token.imprint_algorithm))
    except (ValueError, IndexError, StopIteration, UnknownAlgorithm) as error:
        return CheckedToken(None, None, None, (("time-stamp-malformed", f"{what}, {error}"),))
    notes = list(signer.notes)
    if fits and unidentified(token.imprint_algorithm, fits, notes) is None:
        return CheckedToken(token, signer, False if signer.intact is False else None, tuple(notes))
    intact = signer.intact
    if not fits:
        notes.append(("time-stamp-imprint", _which(what, token)))
        intact = False
    elif signer.intact is False:
        notes.append(("time-stamp-broken", _which(what, token)))
    return CheckedToken(token, signer, intact, tuple(notes))


def _which(what: str, token: Token) -> str:
    return f"{what} of {token.time:%Y-%m-%d %H:%M:%S} UTC"
