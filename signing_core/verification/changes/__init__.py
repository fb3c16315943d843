"""What was changed after signing, and whether it was allowed to be (ISO 32000-2, 12.8.2.2 and 12.8.2.4).

`since(structure, revision)` judges everything that came after a revision; `history(structure)` has the differences of any two
states before any rule is applied to them. How it works: docs/changes.md.
"""

from __future__ import annotations

from signing_core.verification.changes.analysis import history, since
from signing_core.verification.changes.change import Change, ChangeLevel, ChangeReport

__all__ = ["Change", "ChangeLevel", "ChangeReport", "history", "since"]
