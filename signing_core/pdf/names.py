"""Names that this project writes into its PDFs and looks for when it reads them.

They are part of the file format: a name once given out is never given another meaning.
"""

from __future__ import annotations

from typing import Final

FIRST_PARTY_FIELD: Final = "SealtrailFirstParty"
"""Signature field of the first party: a certification signature, DocMDP with /P 2 (ISO 32000-2, 12.8.2.2)."""

CLIENT_FIELD: Final = "SealtrailClient"
"""Signature field of the client: an approval signature."""

SEAL_FIELD: Final = "SealtrailSeal"
"""Signature field that fills the last page; its appearance is the authenticity certificate."""

TIME_STAMP_FIELD: Final = "SealtrailTimeStamp"
"""Invisible field of the document time-stamp (ETSI EN 319 142-1, 5.4.3); renewals add a number: `SealtrailTimeStamp2`."""

FIELD_OF_ROLE: Final = {"first-party": FIRST_PARTY_FIELD, "client": CLIENT_FIELD, "seal": SEAL_FIELD}
"""Field name by role, the roles being those of `sealtrail verify`."""

DOCUMENT_ID_KEY: Final = "/SealtrailDocument"
"""Key in the document information dictionary whose text string is the document id."""

PRODUCER: Final = "Sealtrail"
"""The /Producer of every prepared document."""
