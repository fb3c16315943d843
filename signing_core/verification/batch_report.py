"""The verdicts on many documents together: counted, those that are not in order first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from signing_core.display import badge, card, fold, paragraph, short, table
from signing_core.display.verdicts import indication, tone
from signing_core.verdict import DocumentVerdict, summary

_SHOWN: Final = 200
"""Documents in the table; how many more there are is said."""


@dataclass(frozen=True)
class BatchReport:
    """What `verification.verify_many` gave, kept and counted."""

    verdicts: tuple[DocumentVerdict, ...]
    not_judged: tuple[tuple[str, str], ...] = field(default=())
    """Documents without any bytes to judge, each with the reason."""

    @classmethod
    def of(cls, verdicts: Iterable[DocumentVerdict], *, not_judged: Iterable[tuple[str, str]] = ()) -> BatchReport:
        return cls(tuple(verdicts), tuple(not_judged))

    def __len__(self) -> int:
        return len(self.verdicts) + len(self.not_judged)

    @property
    def exceptions(self) -> tuple[DocumentVerdict, ...]:
        """The verdicts that are not in order."""
        return tuple(verdict for verdict in self.verdicts if not verdict.in_order)

    @property
    def in_order(self) -> bool:
        return not self.exceptions and not self.not_judged

    @property
    def counts(self) -> dict[str, int]:
        """Documents of each integrity, and `not judged`."""
        return {**summary(self.verdicts), "not judged": len(self.not_judged)}

    @property
    def reason(self) -> str | None:
        """The first reason why not all is in order; None when it is."""
        for verdict in self.exceptions:
            name = verdict.document_id or verdict.path or "a document"
            return f"{name}: {verdict.why or verdict.integrity}"
        return f"{self.not_judged[0][0]}: {self.not_judged[0][1]}" if self.not_judged else None

    def __repr__(self) -> str:
        counted = ", ".join(f"{number} {name}" for name, number in self.counts.items() if number)
        return f"<BatchReport of {len(self)} documents: {counted or 'none'}{f'; {self.reason}' if self.reason else ''}>"

    def _repr_html_(self) -> str:
        bad, open_ends = self.exceptions, self.not_judged
        answer = (
            badge("all in order", "good")
            if self.in_order
            else badge(f"{len(bad) + len(open_ends)} not in order", "bad")
        )
        codes = Counter(one.reason.code for one in bad if one.reason)
        rows: list[tuple[object, ...]] = [
            (
                one.document_id or one.path or "",
                badge(one.integrity, tone(one.integrity)),
                indication(one),
                one.why or "",
                short(one.sha256 or ""),
            )
            for one in bad[:_SHOWN]
        ]
        rows += [(name, badge("not judged", "bad"), "", reason, "") for name, reason in open_ends[: _SHOWN - len(rows)]]
        left = len(bad) + len(open_ends) - len(rows)
        head = ("Document", "Integrity", "Indication", "First reason", "SHA-256")
        return card(
            paragraph(f"Verdicts on {len(self)} documents ", answer, cls="title"),
            table(("Integrity", "Documents"), [(name, number) for name, number in self.counts.items() if number]),
            *((fold("Reasons", table(("Code", "Documents"), codes.most_common())),) if codes else ()),
            *((fold("Not in order", table(head, rows), opened=True),) if rows else ()),
            *((paragraph(f"And {left} more."),) if left > 0 else ()),
        )
