"""Whether a form field shows its value (ISO 32000-2, 12.7.4.3, 12.7.5)."""

from __future__ import annotations

from signing_core.verification.field_looks.judging import Judgement, Look, judge

__all__ = ["Judgement", "Look", "judge"]
