"""One HTML page with everything in it: no script, font or picture from elsewhere, filters that work offline.

The verdicts stand in it as JSON; what came from a document is only ever set as text, never as markup, and a
Content-Security-Policy forbids the page to load anything.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib import resources
from typing import IO, Final

from signing_core.verdict import DocumentVerdict, rfc3339
from signing_core.verification.reports.rows import row
from signing_core.verification.reports.words import WORDS

_SHOWN: Final = (
    "path", "sha256", "size", "pages", "document_id", "integrity", "trust", "time", "indication", "sub_indication", "signers",
    "levels", "first_proven_time", "qr", "prefix", "sealed_by_us", "registry", "audit_log",
)  # fmt: skip


class HtmlWriter:
    def __init__(self, stream: IO[bytes], language: str) -> None:
        self._stream = stream
        self._language = language
        self._begun = False

    def write(self, verdict: DocumentVerdict) -> None:
        self._begin(verdict)
        values = row(verdict)
        entry = {name: values[name] for name in _SHOWN}
        entry["reason"] = verdict.why
        entry["findings"] = [[f.severity, f.code, f.message, f.field, f.revision, f.page] for f in verdict.all_findings]
        self._stream.write(b",\n" + _inert(entry))

    def close(self) -> None:
        if not self._begun:
            self._begin(None)
        script = _part("report.js")
        self._stream.write(f"]</script>\n<script>{script}</script>\n</body>\n</html>\n".encode())
        self._stream.flush()

    def _begin(self, verdict: DocumentVerdict | None) -> None:
        if self._begun:
            return
        self._begun = True
        words = WORDS[self._language]
        allowed = base64.b64encode(hashlib.sha256(_part("report.js").encode()).digest()).decode()
        style = _part("report.css")
        allowed_style = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        about = ""
        if verdict is not None:
            about = (
                f"{words['judged for']} {rfc3339(verdict.at)}, {words['policy']} {verdict.policy.id} "
                f"({verdict.policy.sha256[:16]}), Sealtrail {verdict.tool_version}"
            )
        self._stream.write(
            f"""<!doctype html>
<html lang="{self._language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-{allowed}'; style-src 'sha256-{allowed_style}'">
<title>{words["title"]}</title>
<style>{style}</style>
</head>
<body>
<h1>{words["title"]}</h1>
<p id="about">{html.escape(about)}</p>
<form id="filters" role="search"></form>
<p id="count" aria-live="polite"></p>
<table><thead id="head"></thead><tbody id="body"></tbody></table>
<script type="application/json" id="words">""".encode()
            + _inert(words)
            + b'</script>\n<script type="application/json" id="data">[null'
        )


def _inert(value: object) -> bytes:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(value, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").encode()


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")
