"""One JSON object for each document and line: the published contract itself."""

from __future__ import annotations

import json
from typing import IO

from signing_core.verdict import DocumentVerdict


class JsonLinesWriter:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, verdict: DocumentVerdict) -> None:
        # Names of files may hold what is no text (surrogates): escaped, they survive, and the line stays UTF-8.
        line = json.dumps(verdict.to_json(), ensure_ascii=False)
        self._stream.write(line.encode("utf-8", "backslashreplace") + b"\n")
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()
