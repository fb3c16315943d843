"""One difference between a signed state of a file and a later one, before the rules of any signature are applied to it, and what they
make of all of them: plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from signing_core.pdf.structure.model import Finding


class Kind(IntEnum):
    """Kinds of change, by who may make them (ISO 32000-2, 12.8.2.2, Table 257)."""

    VALIDATION = 0
    """Validation data, invisible document time-stamps, and what the format itself writes with any update: always permitted."""
    UPKEEP = 1
    """Metadata, names of the structure tree for new fields and the like: permitted unless the document is locked (/P 1)."""
    FORM = 2
    """Filling in a form field, signing: permitted with /P 2 and 3, or without DocMDP, where no lock names the field."""
    EMPTY_FIELD = 3
    """A new field that nobody signed and that paints nothing: permitted unless /P is 1 or 2."""
    OVERWRITE = 4
    """A field value that the signer saw was replaced: with an express /P 2 or 3 only."""
    ANNOTATION = 5
    """A new annotation: with /P 3, or without DocMDP."""
    ANNOTATION_EDIT = 6
    """An annotation that the signer saw was changed or removed: with an express /P 3 only."""
    UNKNOWN = 7
    """Cannot be judged."""
    FORBIDDEN = 8
    """Never permitted."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs between the two states."""

    kind: Kind
    code: str
    """Code of the finding that it becomes: `change-*`."""
    message: str
    field: str | None = None
    """Fully qualified name of the form field that it concerns; FieldMDP asks for it."""
    page: int | None = None
    """Page of the later state, from 1."""
    revision: int | None = None
    """The revision that made it, as far as the objects tell."""
    new_field: bool = False
    """The field did not exist before, so no lock can name it."""
    annotation: str | None = None
    """`Subtype` of the annotation that it concerns."""
    warning: bool = False
    """Permitted, and worth a look all the same: the finding is a warning."""


class ChangeLevel(StrEnum):
    """The value of a signature's `changes`, from best to worst."""

    NONE = "none"
    PERMITTED = "permitted"
    UNKNOWN = "unknown"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What came after a revision. One `error` finding at least when `forbidden`, one `warning` at least when `unknown`."""

    level: ChangeLevel
    findings: tuple[Finding, ...]
    """Codes are `change-*`, the gravest first; the permitted steps are there too, as `info` or `warning`."""
