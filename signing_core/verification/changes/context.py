"""What the rules for the parts of a document share while one revision is compared with the one before."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from signing_core.pdf.structure import pages
from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.forms import FormField
from signing_core.pdf.structure.values import Ref, Value
from signing_core.verification.changes.compare import Comparison
from signing_core.verification.changes.step import Change, Kind


@dataclass(slots=True, eq=False)
class FilledWidget:
    """A widget whose appearance this revision made or changed: it may hide what is below it."""

    field: str
    old: dict[str, Value] | None
    new: dict[str, Value]
    widget: dict[str, Value]
    """The widget's dictionary in the new revision, as it stands; `new` has what it inherits besides."""
    number: int | None
    """Object number of the widget."""
    signature: bool


@dataclass(slots=True, eq=False)
class Context:
    """One revision (`compare.new`) beside the one before (`compare.old`)."""

    structure: FileStructure
    compare: Comparison
    changes: list[Change] = field(default_factory=list)
    form_numbers: set[int] = field(default_factory=set)
    """Objects of the field tree in the old revision: judged by the rules for forms."""
    widgets: dict[int, str] = field(default_factory=dict)
    """Object numbers of all widgets of form fields in the new revision, with the field's name."""
    drawn: list[FilledWidget] = field(default_factory=list)
    placed: dict[int, set[Ref]] = field(default_factory=dict)
    """Pages whose /Annots this revision added a widget to, by the widget's object number."""
    redrawn: bool = False
    """Viewers will draw all form fields anew from their values (/NeedAppearances)."""
    annotated: list[tuple[int | None, Ref | None, dict[str, Value]]] = field(default_factory=list)
    """(page, page object, annotation) of annotations added."""
    unmade: list[tuple[int, dict[str, Value]]] = field(default_factory=list)
    """(page, annotation as it was) of annotations removed or changed."""
    page_numbers: dict[int, int] = field(default_factory=dict)
    """Numbers of pages by object number, in the old revision, as far as looked up."""
    pages_seen: set[int] = field(default_factory=set)

    def note(
        self,
        kind: Kind,
        code: str,
        message: str,
        *,
        field: str | None = None,
        page: int | None = None,
        new_field: bool = False,
        annotation: str | None = None,
    ) -> None:
        change = Change(kind, code, message, field, page, new_field, annotation)
        if change not in self.changes:
            self.changes.append(change)

    def forbid(self, code: str, message: str, *, field: str | None = None, page: int | None = None) -> None:
        self.note(Kind.FORBIDDEN, code, message, field=field, page=page)

    def locate(self, name: str, page: int) -> None:
        """Add the page to what was noted about a field."""
        self.changes[:] = [
            replace(change, page=page) if change.field == name and change.page is None else change
            for change in self.changes
        ]

    def show(self, name: str) -> None:
        """A document time-stamp that draws something is more than upkeep: it changes what the document shows."""
        self.changes[:] = [
            replace(change, kind=Kind.FORM) if change.field == name and change.code == "change-time-stamp" else change
            for change in self.changes
        ]

    def page_number(self, ref: Value) -> int | None:
        """The number of a page object of the old revision."""
        if not isinstance(ref, Ref):
            return None
        if ref.number not in self.page_numbers:
            number = pages.number_of(self.structure, ref, self.compare.old)
            if number is None:
                return None
            self.page_numbers[ref.number] = number
        return self.page_numbers[ref.number]

    def require_same(
        self, old: Value, new: Value, code: str, what: str, *, field: str | None = None, page: int | None = None
    ) -> bool:
        """Forbid any difference between the two."""
        where = self.compare.differs(old, new)
        if where is None:
            return True
        detail = "" if where == "/" else f" (at {where})"
        self.forbid(code, f"{what} was changed{detail}.", field=field, page=page)
        return False


def remember_widgets(context: Context, fields: tuple[FormField, ...]) -> None:
    """Note which objects are widgets of form fields in the new revision."""
    for form_field in fields:
        for widget in form_field.widgets:
            if widget.ref is not None:
                context.widgets[widget.ref.number] = form_field.name
