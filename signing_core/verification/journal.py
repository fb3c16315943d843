"""Work already done: verdicts kept by the content of the document and the rules it was judged by.

A run over a million files that was cut off is started again with the same journal and goes on where it was. A verdict is
taken from it only when the file has the same SHA-256 and everything that went into it is the same: policy, trust, those of the
workspace included, revocation data, password, code and libraries, and the time judged for. What registry and audit log of the
workspace say of a file can change with every step of its document, so both are asked again, and what they say has to be what the verdict
says. A run that is given no time of its own takes the journal's.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

from signing_core.errors import UsageError
from signing_core.pdf.revisions import Limits
from signing_core.verdict import DocumentVerdict, rfc3339
from signing_core.verification import made_by, on_record
from signing_core.verification.batch import Rules
from signing_core.verification.context import WorkspaceContext

_KIND: Final = "sealtrail-verification-journal"


def rules_digest(rules: Rules, context: WorkspaceContext | None = None) -> str:
    """SHA-256 over everything that a verdict depends on, but the time judged for and what a workspace says of the file."""
    content = {
        "code": [made_by.code_version(), made_by.library_versions()],
        "policy": rules.policy.reference().sha256,
        "trust": rules.trust.digest,
        "revocation": sorted(hashlib.sha256(body).hexdigest() for body in (*rules.crls, *rules.ocsps)),
        "password": hashlib.sha256((rules.password or "").encode()).hexdigest(),
        "online": rules.online,
        "workspace": context and [context.identity, context.trust.digest],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Journal:
    """One file of JSON lines: what the run was, then one line for each verdict, written as soon as it is known."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, dict[str, Any]] = {}
        self._stream: IO[str] | None = None
        self._head: dict[str, Any] | None = None
        self._context: WorkspaceContext | None = None
        try:
            with path.open(encoding="utf-8") as lines:
                self._read(lines)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise UsageError(f"The journal {path} cannot be read: {error}; give another file.") from error

    def _read(self, lines: Iterable[str]) -> None:
        for number, line in enumerate(lines):
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                if number == 0:
                    raise
                continue  # the line that was being written when the run was cut off
            if number == 0:
                if not isinstance(entry, dict) or entry.get("kind") != _KIND:
                    raise ValueError("it is no journal of a verification")
                self._head = entry
            elif isinstance(entry, dict) and isinstance(entry.get("sha256"), str):
                self._known[entry["sha256"]] = entry

    @property
    def at(self) -> datetime | None:
        """The time that the run which began it judged for."""
        return datetime.fromisoformat(self._head["at"]) if self._head else None

    def begin(self, rules: Rules) -> None:
        """Go on under these rules; the verdicts of a run under others are dropped. Raises `UsageError`."""
        self._context = rules.context() if rules.context else None
        head = {"kind": _KIND, "at": rfc3339(rules.at), "rules": rules_digest(rules, self._context)}
        same = self._head == head
        if not same:
            self._known.clear()
        try:
            self._stream = self._path.open("a" if same else "w", encoding="utf-8")
            self._stream.write("\n" if same else json.dumps(head) + "\n")
        except OSError as error:
            raise UsageError(f"The journal {self._path} cannot be written: {error.strerror}.") from error

    def known(self, path: str) -> DocumentVerdict | None:
        """The verdict on a file with this content, None when there is none or the file cannot be read."""
        if not self._known:
            return None
        try:
            # Opening a pipe would wait for ever, and what is too large to be judged is not hashed either.
            if not Path(path).is_file() or Path(path).stat().st_size > Limits().file_bytes:
                return None
            with Path(path).open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return None
        entry = self._known.get(sha256)
        try:
            verdict = replace(DocumentVerdict.from_json(entry), path=path) if entry else None
        except (KeyError, TypeError, ValueError, AttributeError):  # a damaged line is work that was not done
            return None
        if verdict is not None and not self._still_so(verdict, sha256):
            del self._known[sha256]  # judged anew, and then kept as it is now
            return None
        return verdict

    def _still_so(self, verdict: DocumentVerdict, sha256: str) -> bool:
        """Whether the workspace says of the file what it said when the verdict was made."""
        if self._context is None:
            return verdict.registry is None and verdict.audit_log is None
        now = on_record.look_up(self._context, sha256, verdict.document_id)
        said = {finding.code for finding in verdict.findings if finding.code.startswith("document-")}
        ended = {code for code in now.codes(of_a_document=True) if code.startswith("document-")}
        return (verdict.registry, verdict.audit_log, said) == (now.registry, now.audit_log, ended)

    def add(self, verdict: DocumentVerdict) -> None:
        """Keep a verdict that is new. One without a hash (unreadable, a worker that died) is worth another try."""
        if self._stream is not None and verdict.sha256 is not None and verdict.sha256 not in self._known:
            json.dump(verdict.to_json(), self._stream)
            self._stream.write("\n")
            self._stream.flush()

    def close(self) -> None:
        if self._stream is not None:
            os.fsync(self._stream.fileno())
            self._stream.close()
            self._stream = None
