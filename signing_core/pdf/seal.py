"""The seal: the fourth step of a document.

A PAdES B-T signature in the field that fills the last page, its appearance being the typeset authenticity certificate.
Adding the certificate is therefore a signing step, which the certification signature permits. The seal locks the
document: its FieldMDP transform covers all fields with /P 1 (ISO 32000-2, 12.8.2.4 and table 237), as the /Lock that
`prepare` put into the field announces, so that a signature or any other change added later breaks it. Validation data
and document time-stamps stay possible (ETSI EN 319 142-1, 5.4).
"""

from __future__ import annotations

from datetime import datetime

from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm
from pyhanko.sign.signers.cms_embedder import SigMDPSetup

from signing_core.keys.interface import SigningKey, TimeStampAuthority
from signing_core.pdf import fields
from signing_core.pdf.cms import DIGEST
from signing_core.pdf.names import SEAL_FIELD
from signing_core.pdf.update import Signed


def seal(
    data: bytes,
    *,
    key: SigningKey,
    time_stamps: TimeStampAuthority,
    page: bytes,
    summary: str,
    signed_at: datetime,
    reason: str | None = None,
    name: str | None = None,
) -> Signed:
    """The document with the seal appended.

    `page` is the typeset authenticity certificate, a PDF of one page of the field's size; `summary` says in words what it says. Raises
    like `sign.sign`.
    """
    return fields.fill(
        data,
        field=SEAL_FIELD,
        key=key,
        time_stamps=time_stamps,
        appearance=page,
        summary=summary,
        signed_at=signed_at,
        reason=reason,
        name=name,
        mdp=SigMDPSetup(
            md_algorithm=DIGEST,
            field_lock=FieldMDPSpec(FieldMDPAction.ALL),
            docmdp_perms=MDPPerm.NO_CHANGES,
        ),
    )
