"""The parsed file: its revisions, signatures, and what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

from signing_core.pdf.structure import decryption, forms, pages, signatures, spans, states, strictness
from signing_core.pdf.structure.access import ObjectAccess
from signing_core.pdf.structure.budget import LimitReached
from signing_core.pdf.structure.chain import Chain, read_chain
from signing_core.pdf.structure.model import Finding, Limits, SectionKind, Severity, SignatureRecord, Span
from signing_core.pdf.structure.signatures import Discovery
from signing_core.pdf.structure.values import Ref, Stream, Value
from signing_core.pdf.structure.xref import Entry

__all__ = ["FileStructure", "parse"]

T = TypeVar("T")


class FileStructure(ObjectAccess):
    """A parsed file. Made by `parse`; everything costly is computed when first asked for and kept.

    Attributes:
        data: the file's bytes.
        revisions: tuple of `Revision`, oldest first; empty for a file that is no PDF.
        encrypted: whether any trailer has /Encrypt.
        damaged: true when cross-reference data had to be reconstructed: viewers may then disagree about the content.
    """

    def __init__(self, data: bytes, password: str | bytes | None, limits: Limits) -> None:
        super().__init__(data, limits)
        self.analysed: dict[tuple[Any, ...], Any] = {}
        """For what analyses want to keep with the file."""
        self._forms: dict[int, forms.Form] = {}
        self._deviations: dict[int, tuple[str, ...]] = {}
        self._password = password
        self._locked = False
        self._limited = False
        chain = Chain(limited=True)
        if len(data) > limits.file_bytes:
            self.note("limit-file-size", Severity.WARNING, f"The file is larger than {limits.file_bytes} bytes.")
        else:
            chain = self._guarded(lambda: read_chain(data, limits, self.budget), chain)
        for finding in chain.problems:
            self._problems[finding.code, finding.revision, finding.message] = finding
        self._limited |= chain.limited
        self.damaged = chain.damaged
        self.unlinked = tuple(
            Span(start, end, "cross-reference section that no revision leads to") for start, end in chain.unlinked
        )
        self._set_updates(tuple(chain.updates))
        self._guarded(lambda: self._open(password), None)
        self._guarded(self._add_reconstructed_streams, None)
        self.revisions = states.revisions(self)

    def form(self, revision: int) -> forms.Form:
        """The form fields as of a revision."""
        if revision not in self._forms:
            self._forms[revision] = forms.read(self, revision)
        return self._forms[revision]

    def limit(self, error: LimitReached) -> None:
        """Remember that a limit was hit."""
        self._limited = True
        self.note("limit-reached", Severity.WARNING, f"The analysis was given up: {error}.")

    @property
    def problems(self) -> tuple[Finding, ...]:
        """Findings about the file as a whole; more can come in as more of the file is looked at."""
        return tuple(self._problems.values())

    @property
    def readable(self) -> bool:
        """False without revisions, when no given password opens it, or once a limit was hit: nothing can then be concluded."""
        return bool(self.revisions) and not self._locked and not self._limited

    @property
    def limited(self) -> bool:
        """A limit was hit, so that something was not looked at."""
        return self._limited

    @property
    def locked(self) -> bool:
        """Encrypted, and no given password opens it."""
        return self._locked

    @property
    def encrypted(self) -> bool:
        return any(update.trailer.get("Encrypt") is not None for update in self.updates)

    @cached_property
    def pages(self) -> int | None:
        """Number of pages in the newest revision, None when unknown."""
        return self._guarded(lambda: pages.count(self, len(self.revisions)), None) if self.revisions else None

    @property
    def signatures(self) -> tuple[SignatureRecord, ...]:
        """Every signature and document time-stamp in any revision, in signing order (by revision, then by position)."""
        return self._discovery.records

    @property
    def usage_rights(self) -> tuple[Span, ...]:
        """Objects with usage rights signatures (12.8.6), which enable features of a viewer and are nobody's signature."""
        return self._discovery.usage_rights

    @cached_property
    def _discovery(self) -> Discovery:
        nothing = Discovery()
        return self._guarded(lambda: signatures.find(self), nothing) if self.revisions else nothing

    @cached_property
    def unexplained(self) -> tuple[Span, ...]:
        """Bytes behind the first revision that a signature covers which no revision accounts for.

        Objects that no cross-reference section lists, anything behind the last `%%EOF` but white space, and updates that
        /Prev skips. Empty without signatures.
        """
        ends = [record.covered_revision for record in self.signatures if record.covered_revision is not None]
        first = min(ends) if ends else 1 if self.signatures else len(self.revisions) + 1
        return self._guarded(lambda: spans.unexplained(self, first), ()) if self.revisions else ()

    def deviations(self, revision: int) -> tuple[str, ...]:
        """What a revision, not the first, is not written as it has to be (`strictness`). Raises `LimitReached`."""
        if revision not in self._deviations:
            self._deviations[revision] = tuple(dict.fromkeys(strictness.deviations(self, revision)))
        return self._deviations[revision]

    def unexplained_after(self, offset: int) -> tuple[Span, ...]:
        """The unexplained spans that reach past `offset`."""
        return tuple(span for span in self.unexplained if span.end > offset)

    def beyond(self, revision: int) -> tuple[int, ...]:
        """Numbers of objects that the file, as of a revision, expects behind the end of that revision.

        Such an object is missing in what was signed, and whoever appends to the file decides what it is.
        """
        end = self.revisions[revision - 1].end_with_eol
        found: set[int] = set()
        for update in self.updates[:revision]:
            if update.entries.highest() >= end:
                found |= {number for number, entry in update.entries.items() if entry.place >= end}
        return tuple(sorted(n for n in found if self.entry(n, revision).place >= end))

    def revision_bytes(self, number: int) -> bytes:
        """The file as it was after that revision: for a signature's `covered_revision`, what the signer saw."""
        return self.data[: self.revisions[number - 1].end_with_eol]

    @property
    def password(self) -> str | bytes | None:
        """The password that was given."""
        return self._password

    @property
    def text_password(self) -> str | None:
        """The password that was given, for other programs."""
        return self._password.decode("latin-1") if isinstance(self._password, bytes) else self._password

    def _guarded(self, work: Callable[[], T], otherwise: T) -> T:
        before = self.budget.start()
        try:
            return work()
        except LimitReached as error:
            self.limit(error)
            return otherwise
        finally:
            self.budget.stop(before)

    # -- set-up -------------------------------------------------------------------------------------------------------

    def _open(self, password: str | bytes | None) -> None:
        for index, update in enumerate(self.updates, 1):
            encrypt = update.trailer.get("Encrypt")
            if encrypt is None:
                continue
            if isinstance(encrypt, Ref):
                self._plain.add(self.entry(encrypt.number, index).place)
            resolved = self.resolve(encrypt, index)
            identifier = self.resolve(update.trailer.get("ID"), index)
            first = self.resolve(identifier[0], index) if isinstance(identifier, list) and identifier else b""
            if not isinstance(resolved, dict):
                why: str | None = "its encryption dictionary is missing"
            else:
                plain = {key: self._deep(item, index, 4) for key, item in resolved.items()}
                self._decryption, why = decryption.opened(plain, first if isinstance(first, bytes) else b"", password)
            if why is not None:
                self._locked = True
                self.note("encrypted", Severity.ERROR, f"The file is encrypted and {why}.")
            self._objects = {place: found for place, found in self._objects.items() if place in self._plain}
            return

    def _deep(self, value: Value, revision: int, depth: int) -> Value:
        value = self.resolve(value, revision)
        if depth and isinstance(value, dict):
            return {key: self._deep(item, revision, depth - 1) for key, item in value.items()}
        if depth and isinstance(value, list):
            return [self._deep(item, revision, depth - 1) for item in value]
        return value

    def _add_reconstructed_streams(self) -> None:
        """Objects in object streams of a revision that had to be reconstructed."""
        if not self.updates or self.updates[0].kind is not SectionKind.RECONSTRUCTED:
            return
        for number, entry in list(self._base.items()):
            found = self.object_at(entry.place, number, 1)
            if not found or not isinstance(found.value, Stream) or found.value.dict.get("Type") != "ObjStm":
                continue
            content = self.object_stream(number, 1)
            for index, inner in enumerate(content.numbers if content is not None else ()):
                if inner not in self._base:
                    self._add_original(inner, Entry(0, 0, number, index))
                value = self.load(Ref(inner, 0), 1)
                if isinstance(value, dict) and value.get("Type") == "Catalog":
                    self.updates[0].trailer.setdefault("Root", Ref(inner, 0))


def parse(data: bytes, *, password: str | bytes | None = None, limits: Limits | None = None) -> FileStructure:
    """Parse `data`. Never raises for what the file contains: see `FileStructure.problems`."""
    return FileStructure(data, password, limits or Limits())
