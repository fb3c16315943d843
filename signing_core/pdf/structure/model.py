"""What the structure parser tells about a file: plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs: an `error` decides a verdict, a `warning` asks for a look, `info` is for the record.

    The gravest first.
    """

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation, with the keys that every finding of ours has. `code` is stable, `page` and `revision` count from 1."""

    code: str
    severity: Severity
    message: str
    field: str | None = None
    revision: int | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep a hostile file from costing more than it is worth. Passing one is a finding, never an exception."""

    file_bytes: int = 512 * 1024 * 1024
    revisions: int = 2_000
    objects: int = 2_000_000
    """Cross-reference entries in all sections together, and objects looked at in one analysis."""
    depth: int = 100
    """Nesting of arrays and dictionaries inside one object."""
    stream_bytes: int = 128 * 1024 * 1024
    """Decoded size of one stream."""
    total_stream_bytes: int = 512 * 1024 * 1024
    """Decoded size of all streams that the analysis had to open."""
    seconds: float = 20.0
    """Processor time for structure and change analysis together."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` (included) to `end` (not included) of the file, and what they are."""

    start: int
    end: int
    what: str = ""


class SectionKind(StrEnum):
    TABLE = "table"
    STREAM = "stream"
    HYBRID = "hybrid"
    """A table whose trailer names an /XRefStm besides (ISO 32000-2, 7.5.8.4)."""
    RECONSTRUCTED = "reconstructed"
    """There was no usable cross-reference section: objects were found by searching for them."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of the file: the original, or one incremental update (ISO 32000-2, 7.5.6).

    A linearised file's two sections are one revision, the original.
    """

    number: int
    """From 1, the original."""
    start: int
    """Where its bytes begin: 0, or the end of the revision before."""
    end: int
    """Just after `%%EOF`; white space up to the next revision belongs to neither."""
    end_with_eol: int
    """Just after the white space behind `%%EOF`. A ByteRange may end anywhere from `end` to here."""
    kind: SectionKind
    added: frozenset[int]
    """Object numbers that are in use now and were not before."""
    overridden: frozenset[int]
    """Object numbers in use before that now lie elsewhere."""
    freed: frozenset[int]
    """Object numbers in use before that no longer are. Freeing what was never in use is not listed."""
    sections: tuple[Span, ...]
    """Its cross-reference sections: `xref` to the end of the trailer dictionary, or the whole cross-reference stream."""

    @property
    def moved(self) -> frozenset[int]:
        """Object numbers that are somewhere else now than in the revision before, or only in one of the two."""
        return self.added | self.overridden | self.freed


class Coverage(StrEnum):
    """What a signature's ByteRange spans."""

    WHOLE_FILE = "whole-file"
    """Everything but its own /Contents, to the last byte of the file."""
    WHOLE_REVISION = "whole-revision"
    """Everything but its own /Contents, to the end of the revision that it belongs to; what follows may be white space alone."""
    PARTIAL = "partial"
    """From the first byte and without any gap but its own /Contents, but not to the end of a revision."""
    INVALID = "invalid"
    """Anything else; the reason is in `findings`."""


@dataclass(frozen=True, slots=True)
class Lock:
    """Which fields a FieldMDP transform or a /Lock dictionary locks (ISO 32000-2, 12.8.2.4 and Table 236)."""

    action: str
    """`All`, `Include` or `Exclude`; anything else is judged as `All`."""
    fields: tuple[str, ...] = ()

    def covers(self, name: str) -> bool:
        """Whether the field with this fully qualified name (or a parent of it) is locked."""
        named = any(name == locked or name.startswith(locked + ".") for locked in self.fields)
        if self.action == "Include":
            return named
        if self.action == "Exclude":
            return not named
        return True


@dataclass(frozen=True, slots=True)
class SignatureRecord:
    """One filled signature field or document time-stamp, exactly as it is in the file. Nothing cryptographic is judged here."""

    fields: tuple[str, ...]
    """Fully qualified names of all fields whose /V it is; empty when no form field leads to it."""
    revision: int
    """The revision that brought the signature dictionary in."""
    covered_revision: int | None
    """The revision that its ByteRange ends with: what the signer saw. None when coverage is invalid; when partial, the
    last revision that lies inside the range as a whole, if any."""
    kind: str
    """`signature`, or `document-timestamp` when /Type is DocTimeStamp or /SubFilter is ETSI.RFC3161."""
    contents: bytes
    """Value of /Contents with its zero padding, empty when missing."""
    byte_range: tuple[int, ...] | None
    """As written; None when missing or not an array of integers."""
    filter: str | None
    sub_filter: str | None
    """Without the slash; None when missing."""
    type: str | None
    time: str | None
    """/M as written, not parsed."""
    name: str | None
    reason: str | None
    location: str | None
    contact: str | None
    cert: tuple[bytes, ...]
    """/Cert, for adbe.x509.rsa_sha1: DER X.509 certificates, the signer's first."""
    doc_mdp: int | None
    """/P of its DocMDP transform (1, 2 or 3; 2 when the transform gives none), or of the /Lock of its field."""
    certification: bool
    """Whether the catalog's /Perms /DocMDP pointed to it in its own revision."""
    field_mdp: tuple[Lock, ...]
    """Its FieldMDP transforms, and the /Lock of its fields."""
    coverage: Coverage
    contents_span: Span | None
    """Where the hex string of /Contents lies in the file, `<` and `>` included."""
    hidden_in_later_revision: bool
    """Some later revision no longer leads to this signature: field removed, emptied or given another value."""
    direct: bool
    """The signature dictionary is written inside its field instead of being an object of its own."""
    placeholder: bool
    """/Contents is empty or all zeros: a field prepared for signing and never signed."""
    object_number: int | None
    page: int | None
    """Page of its first widget, from 1, in its own revision; None when there is no widget on a page or not looked up."""
    findings: tuple[Finding, ...] = field(default=())
    """`byte-range-*`, `signature-*`: see `signing_core.pdf.structure.signature_record`."""

    @property
    def digest_ranges(self) -> tuple[tuple[int, int], ...]:
        """(start, end) of the byte ranges to hash, in order; empty without a usable /ByteRange."""
        numbers = self.byte_range or ()
        if len(numbers) % 2 or any(n < 0 for n in numbers):
            return ()
        return tuple((a, a + n) for a, n in zip(numbers[::2], numbers[1::2], strict=True))
