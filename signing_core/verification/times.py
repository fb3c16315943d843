"""Which time-stamps are proof, and in what window of time each signature was made (ETSI EN 319 102-1, 5.5 and 5.6).

A document time-stamp proves that everything in the revisions it covers existed; a signature time-stamp that its
signature did. Tokens are judged from the newest to the oldest: one that is good at the time judged for carries those it
covers back to its own time, so that an authority whose certificate has long expired is judged for a time when it had
not. That is what keeps a B-LTA document verifiable for as long as it is stamped anew in time.

Looked at from the other side, a signature that covers a time-stamped revision cannot be older than that time-stamp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from signing_core.keys.oids import TIME_STAMP_POLICY
from signing_core.policy import Policy
from signing_core.verdict import Indication, TimeAuthority, Trust
from signing_core.verification.chains import ChainVerdict, Surroundings, Window, judge
from signing_core.verification.examination import Examined
from signing_core.verification.listed import GROUNDS
from signing_core.verification.revocation_entry import CLOCKS
from signing_core.verification.signers import Note
from signing_core.verification.sufficiency import insufficient, insufficient_reference
from signing_core.verification.time_stamps import CheckedToken

_TOLERANCE: Final = timedelta(hours=1)
"""Clocks of signers are not better than this: a claimed time later than the proven one by more contradicts it, and so does one
outside of the X.509 certificate's life or in the future."""


@dataclass(frozen=True)
class JudgedToken:
    """A time-stamp token with what its authority is worth."""

    checked: CheckedToken
    chain: ChainVerdict | None
    proves: bool
    authority: TimeAuthority | None
    notes: tuple[Note, ...]

    @property
    def time(self) -> datetime | None:
        return self.checked.time


@dataclass(frozen=True)
class Timing:
    """The window of one signature, and the tokens it comes from."""

    window: Window
    proof: JudgedToken | None
    """The earliest token that proves it."""
    best: JudgedToken | None
    """`proof`, else the first of its own tokens that is whole, for naming the authority."""
    inconsistent: bool
    notes: tuple[Note, ...]


def is_embedded(token: CheckedToken) -> bool:
    """Whether the token says of itself that it comes from an embedded authority."""
    if token.token is not None and token.token.policy == TIME_STAMP_POLICY:
        return True
    return token.certificate is not None and TIME_STAMP_POLICY in token.certificate.policies


def _judge(token: CheckedToken, known_at: datetime, proven: bool, at: datetime, around: Surroundings) -> JudgedToken:
    certificate, time = token.certificate, token.time
    notes: list[Note] = []
    authority = None
    if certificate is None or time is None:
        return JudgedToken(token, None, False, authority, ())
    embedded = is_embedded(token)
    authority = TimeAuthority(certificate.common_name, embedded)
    window = Window(upper=known_at, proven=proven, lower=time, at=at, stamped=time)
    chain = judge(certificate, window, around, purpose="time-stamp")
    notes += [note for note in chain.notes if note[0] == "time-stamp-key-usage"]
    reasons: list[str] = []
    weak = _weak(token, known_at, around.policy)
    if token.signer is not None and not token.signer.named:
        reasons.append("nothing signed names its X.509 certificate")
    late = time > at + CLOCKS
    if late:
        reasons.append("it is from after the time judged for")
        notes.append(("time-order", f"the time-stamp of {authority.name} is from after the time judged for"))
    if embedded:
        notes.append(("time-stamp-embedded", authority.name))
        if not around.policy.accept_embedded_authority:
            reasons.append("the policy does not accept an embedded authority")
    if not token.intact:
        return JudgedToken(token, chain, False, authority, ())
    which = f"{authority.name}, {time:%Y-%m-%d %H:%M:%S} UTC"
    passed = chain.indication is Indication.TOTAL_PASSED
    if chain.trust is Trust.UNKNOWN:
        notes.append(("time-stamp-unanchored", which))
    else:
        weak += [detail for code, detail in chain.notes if code == "algorithm-weak"]
        reasons += [
            f"{code.replace('-', ' ')}: {detail}" if detail else code.replace("-", " ")
            for code, detail in dict.fromkeys(chain.notes)
            if code not in GROUNDS and code != "algorithm-weak"
        ]
        if reasons or (not passed and not weak):
            open_only = len(reasons) == 1 and any(code == "revocation-unknown" for code, _ in chain.notes)
            code = "time-stamp-undecided" if open_only else "time-stamp-untrusted"
            notes.append((code, f"{which} ({'; '.join(reasons) or chain.sub_indication})"))
    if weak:
        notes.append(("time-stamp-weak", f"{which} ({'; '.join(weak)})"))
    return JudgedToken(token, chain, passed and not reasons and not weak, authority, tuple(notes))


def _weak(token: CheckedToken, known_at: datetime, policy: Policy) -> list[str]:
    """Which of the token's own algorithms no longer sufficed when it is known to have existed."""
    if token.token is None or token.signer is None:
        return []
    judged = [*insufficient((token.signer,), (token.token.imprint_algorithm,), policy, known_at)]
    reference = insufficient_reference(token.signer, policy, known_at, token=True)
    if reference is not None:
        judged.append(reference)
    return list(dict.fromkeys(judgement.limit for judgement in judged))


class Timeline:
    """Judges all tokens of a document once."""

    def __init__(self, examined: Sequence[Examined], around: Surroundings, at: datetime) -> None:
        self._examined = examined
        self._around = around
        self._at = at
        self._documents: dict[int, JudgedToken] = {}
        self._own: dict[int, tuple[JudgedToken, ...]] = {}
        self._inside: dict[int, tuple[JudgedToken, ...]] = {}
        self._timings: dict[int, Timing] = {}
        for item in sorted(examined, key=lambda e: (e.record.revision, e.ends_at), reverse=True):
            if item.token is not None:
                self._documents[item.index] = self._judged(item, item.token)
        for item in examined:
            self._own[item.index] = tuple(self._judged(item, token) for token in item.signature_time_stamps)
            self._inside[item.index] = tuple(self._judged(item, token) for token in item.content_time_stamps)

    def _judged(self, item: Examined, token: CheckedToken) -> JudgedToken:
        times = [judged.time for judged in self._covering(item) if judged.proves and judged.time]
        return _judge(token, min(times, default=self._at), bool(times), self._at, self._around)

    def _covering(self, item: Examined) -> list[JudgedToken]:
        """Document time-stamps over the revision that holds this signature, those already judged."""
        return [
            self._documents[other.index]
            for other in self._examined
            if other.index in self._documents
            and other is not item
            and other.intact
            and other.record.coverage in ("whole-file", "whole-revision")
            and (other.record.covered_revision or 0) >= item.record.revision
            and other.ends_at > item.ends_at
        ]

    def token(self, item: Examined) -> JudgedToken | None:
        """A document time-stamp's own token."""
        return self._documents.get(item.index)

    def own(self, item: Examined) -> tuple[JudgedToken, ...]:
        """Its signature time-stamps."""
        return self._own[item.index]

    def inside(self, item: Examined) -> tuple[JudgedToken, ...]:
        """Its content time-stamps, which are older than the signature."""
        return self._inside[item.index]

    def timing(self, item: Examined) -> Timing:
        """When a signature was made. For a document time-stamp, up to when it is known to exist."""
        if item.index not in self._timings:
            self._timings[item.index] = self._timing(item)
        return self._timings[item.index]

    def _timing(self, item: Examined) -> Timing:
        covering = self._covering(item)
        # One SignerInfo's time-stamp says nothing of another's, which anybody may have added since.
        own = () if item.several else self._own[item.index]
        candidates = [judged for judged in (*own, *covering) if judged.proves and judged.time]
        proof = min(candidates, key=lambda judged: judged.time or self._at, default=None)
        whole = [judged for judged in self._own[item.index] if judged.checked.intact]
        lower = self._lower(item)
        upper = proof.time if proof is not None and proof.time is not None else self._at
        window = Window(upper=upper, proven=proof is not None, lower=lower, at=self._at)
        inconsistent, notes = self._contradictions(item, proof, lower)
        return Timing(window, proof, proof or next(iter(whole), None), inconsistent, notes)

    def _lower(self, item: Examined) -> datetime | None:
        """The newest proven time inside what it covers, its own content time-stamps among them."""
        times = [token.time for token in self._inside[item.index] if token.proves and token.time]
        covered = item.record.covered_revision or 0
        for other in self._examined:
            if other is item or not other.intact or other.record.revision > covered or other.ends_at >= item.ends_at:
                continue
            judged = [*self._own[other.index], *filter(None, [self._documents.get(other.index)])]
            times += [token.time for token in judged if token.proves and token.time]
        return max(times, default=None)

    def _contradictions(
        self, item: Examined, proof: JudgedToken | None, lower: datetime | None
    ) -> tuple[bool, tuple[Note, ...]]:
        notes: list[Note] = []
        inconsistent = False
        if proof is not None and proof.time is not None:
            if lower is not None and lower > proof.time:
                inconsistent = True
                notes.append(("time-order", "a time-stamp that it covers is newer than the one that proves it"))
            claimed = item.claimed_time if item.token is None else None
            if claimed is not None and claimed - proof.time > _TOLERANCE:
                inconsistent = True
                notes.append(("claimed-time-later", f"{claimed:%Y-%m-%d %H:%M} and {proof.time:%Y-%m-%d %H:%M} UTC"))
            if item.token is None and any(proof.time < certificate.not_before for certificate in item.certificates):
                inconsistent = True
        elif item.token is None and (note := self._impossible(item)) is not None:
            inconsistent = True
            notes.append(note)
        return inconsistent, tuple(notes)

    def _impossible(self, item: Examined) -> Note | None:
        """Why a claimed time, with no proven one beside it, cannot be. A certificate that has ended since is no reason."""
        claimed = item.claimed_time
        if claimed is None:
            return None
        slack = _TOLERANCE + item.claimed_give_or_take
        if claimed - slack > self._at:
            return "claimed-time-future", f"{claimed:%Y-%m-%d %H:%M} UTC, judged for {self._at:%Y-%m-%d %H:%M} UTC"
        for certificate in item.certificates:
            if not certificate.not_before - slack <= claimed <= certificate.not_after + slack:
                valid = f"{certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}"
                return "claimed-time-outside", f"{claimed:%Y-%m-%d %H:%M} UTC, valid from {valid}"
        return None
