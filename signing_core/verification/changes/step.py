"""What one revision changed, before any rule of a signature is applied to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """Kinds of change, by who may make them (12.8.2.2, Table 257)."""

    UPKEEP = 0
    """Validation data, document time-stamps, metadata: no change in the sense of DocMDP, always permitted."""
    FORM = 1
    """Filling in a form field, signing: with /P 2 and 3, or without DocMDP."""
    ANNOTATION = 2
    """A new annotation that covers nothing: with /P 3, or without DocMDP."""
    ANNOTATION_EDIT = 3
    """An annotation changed or removed: with an express /P 3 only, since it takes away what the signer saw."""
    UNKNOWN = 4
    """Cannot be judged."""
    FORBIDDEN = 5
    """Never permitted."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a revision changed."""

    kind: Kind
    code: str
    message: str
    field: str | None = None
    """Fully qualified name of the form field that it concerns; FieldMDP asks for it."""
    page: int | None = None
    new_field: bool = False
    """The field did not exist before, so no lock can name it."""
    annotation: str | None = None
    """`Subtype` of the annotation that it concerns."""
