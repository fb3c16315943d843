"""One revision compared with the one before: a semantic difference of everything that can be reached from the trailer.

Three ways, same rules:

* `fast`: compares only objects that changed, each in every place that mentions it. Its cost follows the size of the update.
  It gives up (None) when something mentions a changed object from a place that it does not know.
* `full`: walks from the trailer down every path that can lead to a changed object.
* `naive`: walks everything. Far too slow for use; the tests hold the other two against it.
"""

from __future__ import annotations

from signing_core.pdf.structure import pages
from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.values import Ref, Value
from signing_core.verification.changes.compare import Comparison
from signing_core.verification.changes.context import Context, remember_widgets
from signing_core.verification.changes.cover import judge_drawn
from signing_core.verification.changes.mentions import Mentions, closure, holders, references
from signing_core.verification.changes.rules_catalog import BOOKKEEPING, compare_trailers
from signing_core.verification.changes.rules_page import compare_page
from signing_core.verification.changes.step import Change, Kind
from signing_core.verification.changes.values_shown import judge_values


def changed_numbers(structure: FileStructure, revision: int) -> frozenset[int]:
    """Objects that a revision added, overrode or freed; its own cross-reference and object streams included."""
    update = structure.revisions[revision - 1]
    return update.added | update.overridden | update.freed


def compare_fast(structure: FileStructure, revision: int, mentions: Mentions) -> list[Change] | None:
    """What `revision` changed, at the cost of what it changed. None when that is not enough to tell."""
    context = _context(structure, revision)
    compare = context.compare
    compare.clean = lambda number: number not in compare.changed
    compare.boundary = lambda number: (
        _in_form(context, number) or context.page_number(_ref(context, number)) is not None
    )
    compare_trailers(context, walk_pages=False)
    if not _account(context, mentions):
        return None
    return _finish(context, mentions)


def compare_full(structure: FileStructure, revision: int, mentions: Mentions, *, naive: bool = False) -> list[Change]:
    """What `revision` changed, from the trailer down; when `naive` without any short cut."""
    context = _context(structure, revision)
    compare = context.compare
    tree = {ref.number for ref, _ in pages.walk(structure, compare.old) if ref is not None}
    if not naive:
        dirty = closure(mentions, compare.old, compare.changed)
        compare.clean = lambda number: number not in dirty
    compare.boundary = lambda number: _in_form(context, number) or number in tree
    compare_trailers(context, walk_pages=True)
    return _finish(context, mentions)


def _context(structure: FileStructure, revision: int) -> Context:
    compare = Comparison(structure, revision - 1, revision, changed_numbers(structure, revision))
    context = Context(structure, compare)
    context.form_numbers = set(structure.form(revision - 1).numbers)
    remember_widgets(context, structure.form(revision).fields)
    return context


def _finish(context: Context, mentions: Mentions) -> list[Change]:
    _note_ambiguous(context)
    _forbid_shared_appearances(context, mentions)
    judge_values(context)
    judge_drawn(context, mentions)
    return context.changes


def _note_ambiguous(context: Context) -> None:
    """What readers understand differently cannot be judged by what one of them reads."""
    for number in sorted(context.compare.changed):
        if context.structure.ambiguous(number, context.compare.new):
            message = f"Object {number} has an entry twice: viewers may show different things."
            context.note(Kind.UNKNOWN, "change-ambiguous-object", message)


def _in_form(context: Context, number: int) -> bool:
    return number in context.form_numbers or number in context.widgets


def _ref(context: Context, number: int) -> Ref:
    return Ref(number, context.structure.entry(number, context.compare.old).generation)


def appearance_numbers(structure: FileStructure, widget: dict[str, Value], revision: int) -> set[int]:
    """Numbers of the objects that hold a widget's appearances."""
    found = set()
    states = widget.get("AP")
    if isinstance(states, Ref):
        found.add(states.number)
    resolved = structure.resolve(states, revision)
    for state in resolved.values() if isinstance(resolved, dict) else ():
        if isinstance(state, Ref):
            found.add(state.number)
    return found


def _forbid_shared_appearances(context: Context, mentions: Mentions) -> None:
    """An appearance that something besides widgets uses is no mere appearance: it may be part of the content."""
    structure, old = context.structure, context.compare.old
    trailer = {n for key, item in structure.trailer(old).items() if key not in BOOKKEEPING for n in references(item)}
    form = structure.form(old)
    fields = {
        ref.number for field in form.fields for ref in (field.ref, *(w.ref for w in field.widgets)) if ref is not None
    }
    for item in context.drawn:
        if item.old is None:
            continue
        numbers = appearance_numbers(structure, item.old, old)
        allowed = fields | context.widgets.keys() | numbers
        for number in numbers:
            users = holders(structure, mentions, number, old)
            if number in trailer or any(holder not in allowed and not _is_widget(context, holder) for holder in users):
                context.forbid(
                    "change-shared-appearance",
                    f"The appearance that form field {item.field} had is used outside of form fields, too.",
                    field=item.field,
                )


def _is_widget(context: Context, number: int) -> bool:
    old = context.compare.old
    value = context.structure.load(_ref(context, number), old)
    return isinstance(value, dict) and value.get("Subtype") == "Widget"


def _account(context: Context, mentions: Mentions) -> bool:
    """Compare every page that changed, and make sure that nothing unknown mentions what changed.

    Pages, fields and the catalog are compared in one place, whoever else mentions them. Anything else (an array, a
    dictionary of resources) has to be known in every place that mentions it, and so up to a page, a field or the catalog.
    """
    compare = context.compare
    pending = list(compare.changed)
    asked: set[int] = set()
    while pending:
        number = pending.pop()
        if number in asked:
            continue
        asked.add(number)
        if _has_role(context, number):
            continue
        for holder in holders(context.structure, mentions, number, context.compare.old):
            if holder not in compare.visited and not (_has_role(context, holder) and holder in compare.visited):
                return False
            pending.append(holder)
    return not mentions.doubtful


def _has_role(context: Context, number: int) -> bool:
    """Whether the object is the catalog, part of the form, or a page; a page is compared if it was not yet."""
    if number in context.form_numbers:
        return number in context.compare.visited or number not in context.compare.changed
    ref = _ref(context, number)
    page = context.page_number(ref)
    if page is None:
        return False
    compare_page(context, ref, ref, page)
    return True
