"""Digests over byte ranges of one file, each byte of it hashed about once per algorithm.

Signatures of one file cover prefixes of it that grow, each with its own gap. The running hash of the file is kept at the
places where somebody needed it, and the next range goes on from the nearest one.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from typing import Final

from signing_core.verification.algorithms import digest_of
from signing_core.verification.signers import Content

_KEPT: Final = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512")
Ranges = tuple[tuple[int, int], ...]


class Hasher:
    """Over one file's bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self.size = len(data)
        self._places: dict[str, list[int]] = {}
        self._states: dict[str, list[hashlib._Hash]] = {}

    def _prefix(self, name: str, end: int) -> hashlib._Hash:
        """The hash of `data[:end]`; a copy that may go on."""
        places = self._places.setdefault(name, [0])
        states = self._states.setdefault(name, [hashlib.new(name)])
        index = bisect_right(places, end)
        start, state = places[index - 1], states[index - 1].copy()
        if start < end:
            state.update(self._data[start:end])
            places.insert(index, end)
            states.insert(index, state.copy())
        return state

    def prefix_sha256(self, end: int) -> str:
        """SHA-256 of the first `end` bytes, in hexadecimal."""
        return self._prefix("sha256", end).hexdigest()

    def digest(self, name: str, ranges: Ranges) -> bytes:
        """Of the ranges one after the other. Raises `UnknownAlgorithm`."""
        if not ranges or ranges[0][0] != 0 or name not in _KEPT:
            return digest_of(name, (self._data[start:end] for start, end in ranges))
        state = self._prefix(name, ranges[0][1])
        for start, end in ranges[1:]:
            state.update(self._data[start:end])
        return state.digest()

    def content(self, ranges: Ranges) -> Content:
        known: dict[str, bytes] = {}

        def digest(name: str) -> bytes:
            if name not in known:
                known[name] = self.digest(name, ranges)
            return known[name]

        return Content(digest, lambda: b"".join(bytes(self._data[start:end]) for start, end in ranges))
