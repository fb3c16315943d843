"""What the signer saw: the revision that each signature covers, held against the file as it is now.

::

    from signing_core.verification.comparison import compare

    comparison = compare(Path("contract.pdf").read_bytes())
    for state in comparison.states:
        Path("as-signed.pdf").write_bytes(state.data)       # byte for byte what the signature covers
        print(state.changes, state.differing)               # pages, fields and annotations that differ
        for page in comparison.pages(state):                # those that look different, drawn
            page.before, page.after, page.difference        # PIL pictures

`files.write` puts all of it into a folder, as `sealtrail verify FILE --compare DIR` does.
"""

from __future__ import annotations

from signing_core.verification.comparison.states import Comparison, PageComparison, SignedState, compare

__all__ = ["Comparison", "PageComparison", "SignedState", "compare"]
