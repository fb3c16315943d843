"""Revocation data of every origin together: what it says of one X.509 certificate, and whether it may."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from signing_core.pki import der
from signing_core.pki.x509_certificates import X509
from signing_core.verification.crl import Crl, parse_crl
from signing_core.verification.issuer_signatures import issued_by
from signing_core.verification.ocsp import Ocsp, parse_ocsp
from signing_core.verification.revocation_entry import Entry, against


@dataclass(frozen=True)
class Material:
    """Revocation data to draw on, whatever its origin."""

    crls: tuple[Crl, ...] = ()
    ocsps: tuple[Ocsp, ...] = ()
    unreadable: int = field(default=0)

    def __add__(self, other: Material) -> Material:
        return Material(
            tuple(dict.fromkeys(self.crls + other.crls)),
            tuple(dict.fromkeys(self.ocsps + other.ocsps)),
            self.unreadable + other.unreadable,
        )


def material(crls: Iterable[bytes], ocsps: Iterable[bytes]) -> Material:
    """From DER; what cannot be read is counted."""
    parsed_crls = [parse_crl(encoded) for encoded in crls]
    parsed_ocsps = [parse_ocsp(encoded) for encoded in ocsps]
    return Material(
        tuple(dict.fromkeys(crl for crl in parsed_crls if crl)),
        tuple(dict.fromkeys(ocsp for ocsp in parsed_ocsps if ocsp)),
        parsed_crls.count(None) + parsed_ocsps.count(None),
    )


@dataclass(frozen=True)
class Sources:
    """Where an answer may come from, and what is asked of those who give it."""

    material: Material
    pool: tuple[X509, ...]
    """X.509 certificates of responders and of signers of CRLs, none of them trusted for itself."""
    at: datetime
    """Nothing published later counts."""
    needed: Callable[[X509], bool]
    """Whether a certificate may be relied on only when it is known not to be revoked."""
    sufficient: Callable[[der.Node, X509, datetime], bool]
    """Whether an algorithm with this key sufficed then."""
    fetch: Callable[[X509, X509], Material] | None = None
    """Gets revocation data for a certificate and its issuer over the network; None when that is not allowed."""


def mentioned(certificate: X509, issuer: X509, data: Material) -> bool:
    """Whether any of the data is about the certificate, rightly signed or not."""
    return any(ocsp.entries(certificate, issuer) for ocsp in data.ocsps) or any(
        crl.base is None and crl.covers(certificate) for crl in data.crls
    )


def entries(chain: Sequence[X509], data: Material, sources: Sources) -> list[Entry]:
    """All that rightly signed data says of the first certificate of `chain`, newest first.

    `chain` goes on with its issuer and what is above.
    """
    return _Hearing(sources).entries(tuple(chain), data, 0)


@dataclass(frozen=True)
class _Said:
    """Who said something when, and with what algorithm."""

    at: datetime
    algorithm: der.Node
    by: tuple[X509, ...]
    """The signer and what is above it."""
    issuer: X509
    """Of the certificate in question."""

    @property
    def delegated(self) -> bool:
        return self.by[0].spki != self.issuer.spki

    def rests_on(self) -> Iterator[tuple[der.Node, X509]]:
        """Signatures with their keys: of the data itself, and of the delegate's certificate."""
        yield self.algorithm, self.by[0]
        if self.delegated:
            yield self.by[0].signature_algorithm, self.by[1]


class _Hearing:
    """One question and the questions that follow from it: whether who answers may be relied on.

    A delegate is a responder or a signer of CRLs other than the issuer's own key. It may speak when it is not revoked itself.
    What is asked about a delegate is answered by its issuer or by a delegate that needs no answer (id-pkix-ocsp-nocheck);
    what is asked about that one, by the issuer alone. So nobody vouches for itself, nor two for each other.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._known: dict[tuple[tuple[X509, ...], int], list[Entry]] = {}

    def entries(self, chain: tuple[X509, ...], data: Material, depth: int) -> list[Entry]:
        certificate, issuer = chain[0], chain[1]
        at, pool = self._sources.at, self._sources.pool
        found: list[Entry] = []
        for ocsp in data.ocsps:
            said = [entry for entry in ocsp.entries(certificate, issuer) if entry.this_update <= at]
            responder = ocsp.signed_under(certificate, issuer, pool) if said and ocsp.produced_at <= at else None
            if responder is not None:
                by = chain[1:] if responder.spki == issuer.spki else (responder, *chain[1:])
                found += self._heard(said, _Said(ocsp.produced_at, ocsp.signature_algorithm, by, issuer), depth)
        lists = [
            (crl, _signer(crl, chain, pool)) for crl in data.crls if crl.this_update <= at and crl.covers(certificate)
        ]
        complete = [crl for crl, signer in lists if signer is not None and crl.base is None]
        for crl, signer in lists:
            entry = crl.entry(certificate)
            if entry is None or signer is None:
                continue
            if crl.base is not None and entry.revoked_at is None:
                # Taken off: released, or expired, and that only together with the list it was on.
                expired = crl.this_update > certificate.not_after
                if expired or not any(crl.continues(base) for base in complete):
                    continue
            found += self._heard([entry], _Said(crl.this_update, crl.signature_algorithm, signer, issuer), depth)
        return sorted(found, key=lambda entry: entry.this_update, reverse=True)

    def _heard(self, entries: list[Entry], said: _Said, depth: int) -> list[Entry]:
        """What of it counts."""
        if not all(self._sources.sufficient(algorithm, key, said.at) for algorithm, key in said.rests_on()):
            entries = [entry for entry in entries if entry.revoked_at is not None]
        if not said.delegated:
            return entries
        signer, issuer = said.by[0], said.by[1]
        if depth > 1 or (depth == 1 and not signer.needs_no_revocation):
            return []
        known = self._about(said.by, depth + 1)
        good = signer.needs_no_revocation or any(entry.shows_good_at(said.at, signer.not_after) for entry in known)
        if not good and self._sources.needed(signer):
            if depth == 0 and self._sources.fetch is not None:
                known = known + self.entries(said.by, self._sources.fetch(signer, issuer), 1)
                known.sort(key=lambda entry: entry.this_update, reverse=True)
            if not any(entry.shows_good_at(said.at, signer.not_after) for entry in known):
                entries = [entry for entry in entries if entry.revoked_at is not None]
        return [] if against(known, said.at, self._sources.at, signer.not_after) else entries

    def _about(self, delegate: tuple[X509, ...], depth: int) -> list[Entry]:
        key = (delegate, depth)
        if key not in self._known:
            self._known[key] = self.entries(delegate, self._sources.material, depth)
        return self._known[key]


def _signer(crl: Crl, chain: tuple[X509, ...], pool: tuple[X509, ...]) -> tuple[X509, ...] | None:
    """The chain of who signed it, the issuer or a delegate of it, None when nobody who may.

    After a key change the same authority signs with another key, or it has one for certificates and one for CRLs: then its
    certificate comes from the authority's own key or from the same parent, the one on this path. So it leads to the same
    anchor (RFC 5280, 6.3.3 (f)); a parent that the file brings could have been made to fit.
    """
    certificate, issuer = chain[0], chain[1]
    if crl.signed_by(issuer):
        return chain[1:]
    for other in pool:
        if (
            other.subject_key == issuer.subject_key
            and other.spki not in (issuer.spki, certificate.spki)
            and other.not_before <= crl.this_update <= other.not_after
            and not other.unknown_critical
        ):
            above = next((above for above in (chain[1:], chain[2:]) if above and _made_by(other, above[0])), None)
            if above is not None and crl.signed_by(other):
                return (other, *above)
    return None


def _made_by(certificate: X509, issuer: X509) -> bool:
    return certificate.issuer_key == issuer.subject_key and issued_by(certificate, issuer)
