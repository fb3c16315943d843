"""Until when a document's archive time-stamp is proof, and whether another one is to be had that proves for longer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from asn1crypto import cms as asn1_cms
from cryptography import x509

from signing_core.errors import SealtrailError, TimeStampUnavailable
from signing_core.pdf import revisions
from signing_core.policy import Algorithm, Policy
from signing_core.storage.workspace import Workspace
from signing_core.verification import time_stamps as stamps
from signing_core.verification.algorithms import UnknownAlgorithm, digest_name, scheme
from signing_core.verification.signature_values import algorithm_of

_SAME: Final = 3
FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class TimeStamp:
    """What an RFC 3161 token's force depends on."""

    certificate_ends: datetime
    """Of the authority's X.509 certificate, `datetime.max` when the token has none."""
    imprint: str
    """The digest algorithm of the message imprint."""
    algorithms: tuple[Algorithm, ...]
    """Of the token's signature, and of those on the X.509 certificates that it brings with it."""

    def proof_until(self, policy: Policy) -> datetime:
        """The first moment at which one of them no longer suffices, or the X.509 certificate has ended."""
        judged = [policy.judge_digest(self.imprint), *map(policy.judge, self.algorithms)]
        return min([self.certificate_ends, *(one.until for one in judged)])


def read(token: bytes) -> TimeStamp:
    """Of a DER-encoded token. One that cannot be read, or with an algorithm that nobody knows, proves nothing already."""
    try:
        found = stamps.parse(token)
        structure, signer = found.structure, found.structure.signers[0]
        mine = [one for one in structure.certificates if signer.identifies(one)]
        digest = digest_name(signer.digest_oid)
        algorithms = [algorithm_of(scheme(signer.signature_algorithm, digest), one.spki) for one in mine]
        for one in structure.certificates:
            issuers = [
                other for other in structure.certificates if other.subject_key == one.issuer_key and other != one
            ]
            algorithms += [algorithm_of(scheme(one.signature_algorithm, None), other.spki) for other in issuers]
    except (ValueError, IndexError, UnknownAlgorithm):
        return TimeStamp(LONG_AGO, "", ())
    ends = min((one.not_after for one in mine), default=FOR_EVER)
    return TimeStamp(ends, found.imprint_algorithm, tuple(dict.fromkeys(algorithms)))


def last_token(data: bytes) -> bytes | None:
    """The newest document time-stamp in a PDF (ETSI EN 319 142-1, 5.4.3), DER-encoded."""
    found = [one for one in revisions.parse(data).signatures if one.sub_filter == "ETSI.RFC3161"]
    return max(found, key=lambda one: one.revision).contents if found else None


def certificates(token: bytes) -> list[x509.Certificate]:
    """Those that the token brings with it."""
    signed = asn1_cms.ContentInfo.load(token)["content"]
    return [
        x509.load_der_x509_certificate(one.chosen.dump()) for one in signed["certificates"] if one.name == "certificate"
    ]


def sample(workspace: Workspace) -> bytes:
    """A time-stamp as it is made now, to be thrown away, DER-encoded. Raises `TimeStampUnavailable`, `KeyUnavailable`."""
    return workspace.time_stamps.time_stamp(secrets.token_bytes(32))


def silence(workspace: Workspace) -> str:
    """Why the authority gives no time-stamp, or nothing when it does: each try of a silent one takes half a minute."""
    try:
        sample(workspace)
    except TimeStampUnavailable as error:
        return str(error)
    return ""


class Prospect:
    """Whether another time-stamp is to be had and proves for longer. Asked once for all documents of a run, and again only after
    the authority has failed. What goes wrong three times in the same words is not the documents' fault, and is not waited for again.
    """

    def __init__(self, workspace: Workspace, policy: Policy) -> None:
        self._workspace = workspace
        self._policy = policy
        self._until: datetime | None = None
        self.certificates: list[x509.Certificate] = []
        """Those that a time-stamp made now brings with it."""
        self._silent: SealtrailError | None = None
        self._last = ("", 0)

    def check(self, stamp: TimeStamp | None) -> None:
        """Raises `TimeStampUnavailable` when none is to be had that proves for longer than `stamp`, `KeyUnavailable`."""
        if self._silent is not None:
            raise self._silent.with_traceback(None)
        if self._until is None:
            try:
                token = sample(self._workspace)
                self._until, self.certificates = read(token).proof_until(self._policy), certificates(token)
            except SealtrailError as error:
                self._silent = error
                raise
        if stamp is not None and self._until <= stamp.proof_until(self._policy):
            way = "renew its key with `sealtrail keys renew time-stamp`" if self._workspace.time_stamps.embedded else ""
            raise TimeStampUnavailable(
                f"A new time-stamp of {self._workspace.time_stamps.name} would prove until {self._until:%Y-%m-%d}, no longer than "
                f"this one; {way + ', or ' if way else ''}set another authority (time_stamps.url in sealtrail.toml)."
            )

    def failed(self, error: Exception) -> None:
        """A renewal that was begun did not come to its end."""
        if isinstance(error, TimeStampUnavailable):
            self._until = None
        text, times = self._last
        self._last = (str(error), times + 1 if str(error) == text else 1)
        if isinstance(error, SealtrailError) and self._last[1] >= _SAME:
            self._silent = error
