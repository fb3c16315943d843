"""Whether a form field shows its value (ISO 32000-2, 12.7.4.3, 12.7.5)."""

from __future__ import annotations

from signing_core.verification.field_looks.judgement import Judgement, Look
from signing_core.verification.field_looks.judging import judge
from signing_core.verification.field_looks.plain import drawn_plainly, says_words, words_of

__all__ = ["Judgement", "Look", "drawn_plainly", "judge", "says_words", "words_of"]
