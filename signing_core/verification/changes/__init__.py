"""What was changed after signing, and whether it was allowed to be (ISO 32000-2, 12.8.2.2 and 12.8.2.4).

`since(structure, revision)` judges everything that came after a revision; `difference(structure, revision)` lists the
pages, fields and annotations that differ between that revision and the file as it is now. How it works: docs/changes.md.
"""

from __future__ import annotations

from signing_core.verification.changes.analysis import difference, since
from signing_core.verification.changes.report import ChangeLevel, ChangeReport, Difference

__all__ = ["ChangeLevel", "ChangeReport", "Difference", "difference", "since"]
