"""The words of a page that only one of two states has."""

from __future__ import annotations

from collections import Counter
from difflib import SequenceMatcher
from typing import Final

_MOST_COMPARED: Final = 4_000_000
"""Pairs of words that are held against each other in order; beyond, they are counted only."""


def differing(before: list[str], after: list[str], *, in_order: bool = True) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Words only then, words only now. Words that changed places are in both, unless their order says nothing."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if len(old) * len(new) > _MOST_COMPARED:
        return _more(old, new), _more(new, old)
    gone: list[str] = []
    came: list[str] = []
    for kind, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            gone += old[old_from:old_to]
            came += new[new_from:new_to]
    return tuple(gone), tuple(came)


def _more(of: list[str], than: list[str]) -> tuple[str, ...]:
    """Words that stand more often in one text than in the other."""
    left = Counter(of) - Counter(than)
    found = []
    for word in of:
        if left[word]:
            left[word] -= 1
            found.append(word)
    return tuple(found)
