"""What the signer saw, held against the file as it is now: the states, the pages that differ, where, in which words.

::

    from signing_core.verification.comparison import TwoStates, compare

    comparison = compare(Path("contract.pdf").read_bytes())
    for state in comparison.states:                         # one for each signature
        Path("as-signed.pdf").write_bytes(state.data)       # byte for byte what the signature covers
        print(state.changes, state.differing)               # pages, fields and annotations that differ
        for page in comparison.pages(state):                # those that look different, drawn
            page.before, page.after, page.difference        # PIL pictures

    two = TwoStates(as_shown, as_it_is)                     # any two files
    for look in two.look():                                 # cheap: which pages differ
        if look.state == "changed":
            page = two.page(look.page)
            page.before_marked, page.after_marked, page.close_ups, page.words_before, page.words_after

`files.write` puts all of a comparison into a folder, as `sealtrail verify FILE --compare DIR` does.
"""

from __future__ import annotations

from signing_core.verification.comparison.page import CloseUp, PageComparison, PageLook
from signing_core.verification.comparison.pictures import Mark
from signing_core.verification.comparison.states import Comparison, SignedState, compare
from signing_core.verification.comparison.two_states import TwoStates

__all__ = ["CloseUp", "Comparison", "Mark", "PageComparison", "PageLook", "SignedState", "TwoStates", "compare"]
