"""PAdES baseline levels (ETSI EN 319 142-1, clause 6): what a signature has, whoever issued it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from signing_core.verdict import Level
from signing_core.verification import cms
from signing_core.verification.chains import ChainVerdict
from signing_core.verification.examination import Examined
from signing_core.verification.revocation import Material, mentioned
from signing_core.verification.validation_data import Store

_NOT_BASELINE: Final = frozenset(
    {
        "cms-malformed", "cms-signers", "cms-encapsulated-content", "cms-encapsulated-same", "content-type-missing",
        "content-type-mismatch", "message-digest-missing", "signing-certificate-attribute-missing",
        "signing-certificate-attribute-malformed", "signing-certificate-mismatch", "signing-certificate-missing",
        "digest-algorithm-malformed", "profile-cert-entry", "profile-signing-time", "signed-attributes-not-der",
    }
)  # fmt: skip


def profile_notes(item: Examined) -> tuple[tuple[str, str], ...]:
    """What keeps a PAdES signature from being a baseline one without making it worse (EN 319 142-1, 6.3)."""
    if item.record.sub_filter != "ETSI.CAdES.detached" or item.structure is None or not item.structure.signers:
        return ()
    signed = item.structure.signers[0].signed
    return (("profile-signing-time", ""),) if signed is not None and cms.SIGNING_TIME in signed else ()


def level(
    item: Examined,
    chain: ChainVerdict | None,
    time_stamp_chains: Sequence[ChainVerdict],
    covering: Sequence[Examined],
    stores: Sequence[Store],
    material: Material,
) -> Level | None:
    """B-B to B-LTA, None when it is no baseline signature. `covering`: whole document time-stamps over it.

    `material` is what the file itself holds, stores and CMS structures alike.
    """
    record = item.record
    codes = {code for code, _ in (*item.notes, *profile_notes(item))}
    if (
        record.kind != "signature"
        or record.sub_filter != "ETSI.CAdES.detached"
        or record.time is None
        or not item.intact
        or codes & _NOT_BASELINE
    ):
        return None
    stamped = any(token.intact for token in item.signature_time_stamps)
    if not stamped and not covering:
        return "B-B"
    chains = [c for c in (chain, *time_stamp_chains) if c is not None]
    holding = [store for store in stores if store.revision > record.revision or store.has_revocation_data]
    if not holding or not all(_answered(c, material) for c in chains):
        return "B-T"
    first = min(store.revision for store in holding)
    # EN 319 142-1, 5.4.3: an archive time-stamp's dictionary is of /Type /DocTimeStamp; leaving /Type out is tolerated.
    covering = [other for other in covering if other.record.type in (None, "DocTimeStamp")]
    if any((other.record.covered_revision or 0) >= first for other in covering):
        return "B-LTA"
    return "B-LT"


def _answered(chain: ChainVerdict, material: Material) -> bool:
    """Whether the file holds revocation data for every certificate of the path that can have some."""
    path = chain.path.certificates
    if not chain.path.anchored and not path[-1].self_issued:
        return False
    for certificate, issuer in pairwise(path):
        if certificate.needs_no_revocation:
            continue
        if not mentioned(certificate, issuer, material):
            return False
    return True
