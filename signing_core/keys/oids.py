"""Object identifiers of the project's own, under a UUID arc that needs no registration (ITU-T X.667, clause 6)."""

from __future__ import annotations

from typing import Final

_ARC = "2.25.74954303134138803913128535841976278308"

FIRST_PARTY_POLICY: Final = f"{_ARC}.1"
"""The company names one of its own people; its own CA says so."""
ONE_TIME_POLICY: Final = f"{_ARC}.2"
"""A person known to the CA only by a confirmed contact. The key makes one signature and is destroyed."""
SEAL_POLICY: Final = f"{_ARC}.3"
"""The company's seal on the authenticity certificate."""
TIME_STAMP_POLICY: Final = f"{_ARC}.4"
"""The embedded time-stamp authority: its time rests on one machine's clock."""

EXPIRED_CERTS_ON_CRL: Final = "2.5.29.60"
"""ITU-T X.509, id-ce-expiredCertsOnCRL."""
NAME_ATTRIBUTE: Final = "2.5.4.41"
"""ITU-T X.520, id-at-name: room for a name that does not fit into a common name."""
