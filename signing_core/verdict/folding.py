"""How one answer is made of many: a document is as good as its worst signature or document time-stamp."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from signing_core.verdict.signature import SignatureVerdict
from signing_core.verdict.terms import Indication, Integrity, SubIndication, Trust

_INTEGRITY_RANK: Final = {
    Integrity.ALTERED: 3,
    Integrity.INDETERMINATE: 2,
    Integrity.INTACT: 1,
    Integrity.UNSIGNED: 0,
}
_INDICATION_RANK: Final = {Indication.TOTAL_FAILED: 2, Indication.INDETERMINATE: 1, Indication.TOTAL_PASSED: 0}


def worst_integrity(values: Iterable[Integrity]) -> Integrity:
    """`altered` beats `indeterminate` beats `intact`; nothing at all is `unsigned`."""
    return max(values, key=_INTEGRITY_RANK.__getitem__, default=Integrity.UNSIGNED)


def _worst_indication(
    values: Iterable[tuple[Indication, SubIndication | None]],
) -> tuple[Indication | None, SubIndication | None]:
    """The first of the worst, so that the sub-indication names the earliest signature that is to blame."""
    worst: tuple[Indication | None, SubIndication | None] = (None, None)
    rank = -1
    for indication, sub_indication in values:
        if _INDICATION_RANK[indication] > rank:
            worst, rank = (indication, sub_indication), _INDICATION_RANK[indication]
    return worst


def _fold_trust(values: Iterable[Trust]) -> Trust | None:
    """`untrusted` beats `unknown` beats `trusted`; None when there is nothing to trust."""
    seen = set(values)
    for value in (Trust.UNTRUSTED, Trust.UNKNOWN, Trust.TRUSTED):
        if value in seen:
            return value
    return None


@dataclass(frozen=True, slots=True)
class Folded:
    """What becomes of a document's signatures together."""

    integrity: Integrity
    trust: Trust | None
    indication: Indication | None
    sub_indication: SubIndication | None


def fold(signatures: Iterable[SignatureVerdict], *, document: Integrity = Integrity.UNSIGNED) -> Folded:
    """A document is as good as its worst signature or document time-stamp.

    `document` is what the file itself, apart from any one signature, adds: `altered` for unexplained bytes or a
    mismatching authenticity certificate, `indeterminate` when it could not be read. It is no better than the signatures
    and no reason to call an unsigned file signed.
    """
    signatures = tuple(signatures)
    integrity = worst_integrity([s.integrity for s in signatures] + [document])
    indication, sub_indication = _worst_indication((s.indication, s.sub_indication) for s in signatures)
    if integrity is Integrity.ALTERED and indication is not Indication.TOTAL_FAILED:
        indication, sub_indication = Indication.TOTAL_FAILED, SubIndication.FORMAT_FAILURE
    elif integrity is Integrity.INDETERMINATE and indication in (None, Indication.TOTAL_PASSED):
        indication, sub_indication = Indication.INDETERMINATE, SubIndication.SIGNED_DATA_NOT_FOUND
    return Folded(integrity, _fold_trust(s.trust for s in signatures), indication, sub_indication)
