"""The time that a time-stamp authority put into its token, remembered while a signature is made.

The audit event and the authenticity certificate state this time, and the CRL that follows must be younger than it.
"""

from __future__ import annotations

from datetime import datetime

from asn1crypto import cms
from cryptography import x509

from signing_core.errors import TimeStampUnavailable
from signing_core.keys.interface import TimeStampAuthority


class Remembering:
    """A time-stamp authority that keeps the time of the last token it gave."""

    def __init__(self, authority: TimeStampAuthority) -> None:
        self._authority = authority
        self._last: datetime | None = None
        self.certificates: tuple[x509.Certificate, ...] = ()
        """The X.509 certificates that came with the last token."""

    @property
    def name(self) -> str:
        return self._authority.name

    @property
    def embedded(self) -> bool:
        return self._authority.embedded

    @property
    def time(self) -> datetime:
        """Raises `TimeStampUnavailable` when none was asked for."""
        if self._last is None:
            raise TimeStampUnavailable(f"No time-stamp was asked of {self.name}; try again.")
        return self._last

    def time_stamp(self, imprint: bytes) -> bytes:
        token = self._authority.time_stamp(imprint)
        signed = cms.ContentInfo.load(token)["content"]
        self._last = signed["encap_content_info"]["content"].parsed["gen_time"].native
        self.certificates = tuple(
            x509.load_der_x509_certificate(choice.chosen.dump())
            for choice in signed["certificates"]
            if choice.name == "certificate"
        )
        return token
