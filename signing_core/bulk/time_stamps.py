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
from signing_core.policy import Policy
from signing_core.storage.workspace import Workspace

_SAME: Final = 3
FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class TimeStamp:
    """What an RFC 3161 token's force depends on."""

    certificate_ends: datetime
    """Of the authority's X.509 certificate, `datetime.max` when the token has none."""
    digests: tuple[str, ...]
    """Names of its digest algorithms: that of the signature's, that of the message imprint."""

    def proof_until(self, policy: Policy) -> datetime:
        return min([self.certificate_ends, *(policy.judge_digest(one).until for one in self.digests)])


def read(token: bytes) -> TimeStamp:
    """Of a DER-encoded token."""
    signed = asn1_cms.ContentInfo.load(token)["content"]
    signer = signed["signer_infos"][0]
    digests = {signer["digest_algorithm"]["algorithm"].native}
    digests.add(signed["encap_content_info"]["content"].parsed["message_imprint"]["hash_algorithm"]["algorithm"].native)
    serial = signer["sid"].chosen["serial_number"].native if signer["sid"].name == "issuer_and_serial_number" else None
    mine = [one for one in certificates(token) if serial is None or one.serial_number == serial]
    return TimeStamp(min((one.not_valid_after_utc for one in mine), default=FOR_EVER), tuple(sorted(digests)))


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
