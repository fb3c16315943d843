"""The parties' signatures: the second and third step of a document.

Both are PAdES B-T (ETSI EN 319 142-1): a signature with a time-stamp over its value, so that it can be shown later to
have been made while its X.509 certificate was valid. The first party certifies the document: DocMDP with /P 2 allows the
filling of forms and further signatures, nothing else (ISO 32000-2, 12.8.2.2). The client's is an approval signature.
"""

from __future__ import annotations

from datetime import datetime

from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.signers.cms_embedder import SigMDPSetup

from signing_core.errors import UsageError
from signing_core.keys.interface import SigningKey, TimeStampAuthority
from signing_core.pdf import fields
from signing_core.pdf.cms import DIGEST
from signing_core.pdf.names import FIELD_OF_ROLE
from signing_core.pdf.prepare import FieldBox
from signing_core.pdf.update import Signed

__all__ = ["FieldBox", "Signed", "field_box", "sign"]


def field_box(data: bytes, role: str) -> FieldBox:
    """The signature field of `role` (`first-party`, `client` or `seal`) in a prepared document.

    Raises `StepNotAllowed` when there is none, `DocumentRefused` for a damaged document.
    """
    return fields.box(data, FIELD_OF_ROLE[role])


def sign(
    data: bytes,
    *,
    role: str,
    key: SigningKey,
    time_stamps: TimeStampAuthority,
    appearance: bytes,
    summary: str,
    signed_at: datetime,
    reason: str,
    name: str,
    certify: bool,
) -> Signed:
    """The document with the signature of `role` (`first-party` or `client`) appended.

    `appearance` is a PDF of one page of the field's size; `summary` says in words what it shows. `signed_at`, `reason`
    and `name` become /M, /Reason and /Name of the signature dictionary (ISO 32000-2, table 255). A certification
    signature (`certify`) must be the document's first.

    Raises `StepNotAllowed` when the field is missing or filled, `KeyUnavailable`, `TimeStampUnavailable`, and
    `DocumentRefused` for a damaged document. Nothing is kept of a signature whose time-stamp could not be had.
    """
    if role not in FIELD_OF_ROLE or role == "seal":
        raise UsageError(f"A document is signed by the first party and the client; {role!r} is neither.")
    return fields.fill(
        data,
        field=FIELD_OF_ROLE[role],
        key=key,
        time_stamps=time_stamps,
        appearance=appearance,
        summary=summary,
        signed_at=signed_at,
        reason=reason,
        name=name,
        mdp=SigMDPSetup(md_algorithm=DIGEST, certify=True, docmdp_perms=MDPPerm.FILL_FORMS) if certify else None,
    )
