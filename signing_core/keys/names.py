"""Names of people and companies as X.500 attributes.

An X.509 certificate is no place for everything a person can be called: a common name ends at 64 (RFC 5280, appendix A),
and invisible direction marks would let a name show as another. The name as given stands in the authenticity
certificate and in the audit log; here stands what can be shown safely.
"""

from __future__ import annotations

import unicodedata

COMMON_NAME_BYTES = 64
"""`ub-common-name` counts characters, many programs count bytes of UTF-8: the smaller of the two fits both."""
FULL_NAME_BYTES = 400
"""For id-at-name, whose bound is 32,768: more than any name, less than a nuisance."""

_LONGEST = 4096  # characters looked at: normalising a megabyte to keep 64 bytes would be a gift to attackers
_JOINERS = "\u200c\u200d"  # Persian, Indic scripts and compound emoji are spelled with them
_ELLIPSIS = "…"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_REGIONAL = range(0x1F1E6, 0x1F200)


def visible(text: str) -> str:
    """NFC, without control characters, direction marks, unassigned and private code points; white space made single."""
    kept = []
    for character in unicodedata.normalize("NFC", text[:_LONGEST]):
        category = unicodedata.category(character)
        if category in ("Zs", "Zl", "Zp") or character in "\t\n\r\v\f":
            kept.append(" ")
        elif category[0] != "C" or character in _JOINERS:
            kept.append(character)
    shown = " ".join("".join(kept).split())
    return shown if any(unicodedata.category(c)[0] in "LNPS" for c in shown) else ""


def _continues(text: str, index: int) -> bool:
    """Whether cutting before `index` would tear apart what is read as one character."""
    character, before = text[index], text[index - 1]
    if unicodedata.category(character)[0] == "M" or character in _JOINERS or before == "\u200d":
        return True
    if ord(character) in _SKIN_TONES:
        return True
    if ord(character) in _REGIONAL:  # flags are pairs
        start = index
        while start > 0 and ord(text[start - 1]) in _REGIONAL:
            start -= 1
        return (index - start) % 2 == 1
    return False


def shorten(text: str, limit: int) -> str:
    """`text` in at most `limit` bytes of UTF-8, cut between characters as read, with an ellipsis where it was cut."""
    if len(text.encode()) <= limit:
        return text
    room = limit - len(_ELLIPSIS.encode())
    end = len(text.encode()[:room].decode(errors="ignore"))
    cut = end
    while cut > 0 and _continues(text, cut):
        cut -= 1
    # One "character" may be longer than the limit (stacked accents): then it is cut all the same.
    return text[: cut or end].rstrip() + _ELLIPSIS


def common_name(text: str, *, fallback: str) -> str:
    return shorten(visible(text) or fallback, COMMON_NAME_BYTES)


def full_name(text: str) -> str | None:
    """The name for id-at-name when the common name had to be cut, else None."""
    shown = visible(text)
    return shorten(shown, FULL_NAME_BYTES) if len(shown.encode()) > COMMON_NAME_BYTES else None


def subject_serial(pseudonym: str) -> str:
    """A pseudonym (base64url, at most 64 characters) as X.520 serialNumber, a PrintableString: `_` becomes `/`.

    Raises `ValueError` for what is not base64url.
    """
    if not 1 <= len(pseudonym) <= 64 or not all(c.isascii() and (c.isalnum() or c in "-_") for c in pseudonym):
        raise ValueError("a pseudonym is 1 to 64 characters of base64url")
    return pseudonym.replace("_", "/")
