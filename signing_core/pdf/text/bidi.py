"""From reading order to the order on paper: the part of the Unicode Bidirectional Algorithm (UAX #9) that form fields need.

One paragraph at a time, without embeddings, overrides and isolates: a value that uses those is not judged (`Unsupported`).
Rules are named as in UAX #9.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_EXPLICIT: Final = frozenset(("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"))
_STRONG: Final = {"L": 0, "R": 1, "AL": 1}
_NEUTRAL: Final = frozenset(("B", "S", "WS", "ON"))
_OPENING: Final = "([{\u2329\u3008\u300a\u300c\u300e\u3010\u3014\u3016\u3018\u301a\u2045\u207d\u208d\u27e8\u27ea"
_CLOSING: Final = ")]}\u232a\u3009\u300b\u300d\u300f\u3011\u3015\u3017\u3019\u301b\u2046\u207e\u208e\u27e9\u27eb"
_PAIRS: Final = dict(zip(_OPENING, _CLOSING, strict=True))
_MOST_BRACKETS: Final = 63


class Unsupported(Exception):
    """The text has explicit embeddings, overrides or isolates."""


def has_right_to_left(text: str) -> bool:
    """Whether any character is written from right to left, so that order matters at all."""
    return not text.isascii() and any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in text)


def visual(text: str, base: int | None = None) -> str:
    """`text` from left to right as it is drawn in one line; brackets keep their characters.

    `base` is the level of the paragraph, 0 or 1; by default that of its first strong character (P2, P3). Raises `Unsupported`.
    """
    classes = [unicodedata.bidirectional(c) or "L" for c in text]
    if not _EXPLICIT.isdisjoint(classes):
        raise Unsupported
    if base is None:
        base = next((_STRONG[kind] for kind in classes if kind in _STRONG), 0)
    levels = _levels(text, classes, base)
    order = list(range(len(text)))
    for level in range(max(levels, default=0), 0, -1):  # L2
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and levels[order[end]] >= level:
                end += 1
            order[start:end] = order[start:end][::-1]
            start = max(end, start + 1)
    return "".join(text[index] for index in order)


def _levels(text: str, classes: list[str], base: int) -> list[int]:
    direction = "R" if base else "L"
    types = _weak(["ON" if kind == "BN" else kind for kind in classes], direction)
    _brackets(text, classes, types, direction)
    _neutral(types, direction)
    # I1, I2
    levels = [base + {"L": base, "R": 1 - base}.get(kind, 2 - base) for kind in types]
    trailing = True  # L1
    for index in range(len(text) - 1, -1, -1):
        if classes[index] in ("S", "B"):
            trailing = True
        elif classes[index] not in ("WS", "BN"):
            trailing = False
        if trailing:
            levels[index] = base
    return levels


def _weak(types: list[str], direction: str) -> list[str]:
    previous = strong = direction
    for index, kind in enumerate(types):
        if kind == "NSM":  # W1
            kind = previous
        previous = kind
        if kind in _STRONG:
            strong = kind
        elif kind == "EN" and strong == "AL":  # W2
            kind = "AN"
        types[index] = kind
    types = ["R" if kind == "AL" else kind for kind in types]  # W3
    for index in range(1, len(types) - 1):  # W4
        before, after = types[index - 1], types[index + 1]
        if before == after and ((types[index] in ("ES", "CS") and before == "EN") or types[index] + before == "CSAN"):
            types[index] = before
    for order in (range(len(types)), range(len(types) - 1, -1, -1)):  # W5
        beside = ""
        for index in order:
            if types[index] == "ET" and beside == "EN":
                types[index] = "EN"
            beside = types[index]
    types = ["ON" if kind in ("ES", "ET", "CS") else kind for kind in types]  # W6
    strong = direction
    for index, kind in enumerate(types):  # W7
        if kind in _STRONG:
            strong = kind
        elif kind == "EN" and strong == "L":
            types[index] = "L"
    return types


def _brackets(text: str, classes: list[str], types: list[str], direction: str) -> None:
    """N0."""
    opened: list[tuple[str, int]] = []
    pairs: list[tuple[int, int]] = []
    for index, character in enumerate(text):
        if types[index] != "ON":
            continue
        if character in _PAIRS:
            if len(opened) == _MOST_BRACKETS:
                break
            opened.append((_PAIRS[character], index))
        elif (depth := next((n for n in range(len(opened) - 1, -1, -1) if opened[n][0] == character), -1)) >= 0:
            pairs.append((opened[depth][1], index))
            del opened[depth:]
    for start, end in sorted(pairs):
        within = {_side(kind) for kind in types[start + 1 : end]} - {""}
        if not within:
            continue
        side = direction
        if direction not in within:
            before = next((s for kind in reversed(types[:start]) if (s := _side(kind))), direction)
            side = before if before != direction else direction
        for bracket in (start, end):
            types[bracket] = side
            for index in range(bracket + 1, len(types)):  # marks on a bracket go with it
                if classes[index] != "NSM":
                    break
                types[index] = side


def _side(kind: str) -> str:
    return "R" if kind in ("R", "AN", "EN") else "L" if kind == "L" else ""


def _neutral(types: list[str], direction: str) -> None:
    """N1, N2."""
    start = 0
    while start < len(types):
        end = start
        while end < len(types) and types[end] in _NEUTRAL:
            end += 1
        if end > start:
            before = (_side(types[start - 1]) if start else "") or direction
            after = (_side(types[end]) if end < len(types) else "") or direction
            types[start:end] = [before if before == after else direction] * (end - start)
        start = max(end, start + 1)
