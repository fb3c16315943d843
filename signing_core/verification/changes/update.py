"""One revision compared with the one before: a semantic difference of everything that can be reached from the trailer.

Three ways, same rules:

* `fast`: compares only objects that changed, each in every place that mentions it. Its cost follows the size of the update.
  It gives up (None) when something mentions a changed object from a place that it does not know.
* `full`: walks from the trailer down every path that can lead to a changed object.
* `naive`: walks everything. Far too slow for use; the tests hold the other two against it.
"""

from __future__ import annotations

from typing import Literal

from signing_core.pdf.structure import pages
from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.values import Ref, Stream, Value
from signing_core.verification.changes.compare import Comparison
from signing_core.verification.changes.context import Context, remember_widgets
from signing_core.verification.changes.cover import judge_drawn
from signing_core.verification.changes.values_shown import judge_values
from signing_core.verification.changes.mentions import Mentions, ScannedMentions, closure, references
from signing_core.verification.changes.rules_catalog import BOOKKEEPING, compare_trailers
from signing_core.verification.changes.rules_page import compare_page
from signing_core.verification.changes.step import Change

Way = Literal["fast", "full", "naive"]


def changed_numbers(structure: FileStructure, revision: int) -> frozenset[int]:
    """Objects that a revision added, overrode or freed; its own cross-reference and object streams included."""
    update = structure.revisions[revision - 1]
    return update.added | update.overridden | update.freed


def compare_update(structure: FileStructure, revision: int, way: Way, mentions: Mentions | None) -> list[Change] | None:
    """What `revision` changed. None when the fast way cannot tell."""
    changed = changed_numbers(structure, revision)
    old = revision - 1
    compare = Comparison(structure, old, revision, changed)
    context = Context(structure, compare)
    old_form, new_form = structure.form(old), structure.form(revision)
    context.form_numbers = set(old_form.numbers)
    remember_widgets(context, new_form.fields)
    tree: set[int] | None = None
    if way == "fast":
        compare.clean = lambda number: number not in changed
    else:
        tree = {ref.number for ref, _ in pages.walk(structure, old) if ref is not None}
        if way == "full":
            assert mentions is not None
            dirty = closure(mentions, old, changed)
            compare.clean = lambda number: number not in dirty

    def boundary(number: int) -> bool:
        if number in context.form_numbers or number in context.widgets:
            return True
        if tree is not None:
            return number in tree
        return context.page_number(Ref(number, structure.entry(number, old).generation)) is not None

    compare.boundary = boundary
    compare_trailers(context, walk_pages=way != "fast")
    if way == "fast":
        assert isinstance(mentions, ScannedMentions)
        if not _account(context, changed, mentions):
            return None
    _forbid_shared_appearances(context, mentions)
    judge_values(context)
    judge_drawn(context)
    return context.changes


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


def _forbid_shared_appearances(context: Context, mentions: Mentions | None) -> None:
    """An appearance that something besides widgets uses is no mere appearance: it may be part of the content."""
    structure, old = context.structure, context.compare.old
    trailer = {n for key, item in structure.trailer(old).items() if key not in BOOKKEEPING for n in references(item)}
    form = structure.form(old)
    fields = {ref.number for field in form.fields for ref in (field.ref, *(w.ref for w in field.widgets)) if ref is not None}
    for item in context.drawn:
        if item.old is None:
            continue
        numbers = appearance_numbers(structure, item.old, old)
        allowed = fields | context.widgets.keys() | numbers
        for number in numbers:
            holders = _holders(context, mentions, number) if mentions is not None else set()
            if number in trailer or any(holder not in allowed and not _is_widget(context, holder) for holder in holders):
                context.forbid(
                    "change-shared-appearance",
                    f"The appearance that form field {item.field} had is used outside of form fields, too.",
                    field=item.field,
                )


def _is_widget(context: Context, number: int) -> bool:
    old = context.compare.old
    value = context.structure.load(Ref(number, context.structure.entry(number, old).generation), old)
    return isinstance(value, dict) and value.get("Subtype") == "Widget"


def _account(context: Context, changed: frozenset[int], mentions: ScannedMentions) -> bool:
    """Compare every page that changed, and make sure that nothing unknown mentions what changed.

    Pages, fields and the catalog are compared in one place, whoever else mentions them. Anything else (an array, a
    dictionary of resources) has to be known in every place that mentions it, and so up to a page, a field or the catalog.
    """
    compare = context.compare
    pending = list(changed)
    asked: set[int] = set()
    while pending:
        number = pending.pop()
        if number in asked:
            continue
        asked.add(number)
        if _has_role(context, number):
            continue
        for holder in _holders(context, mentions, number):
            if holder not in compare.visited and not (_has_role(context, holder) and holder in compare.visited):
                return False
            pending.append(holder)
    return not mentions.doubtful


def _holders(context: Context, mentions: Mentions, number: int) -> set[int]:
    """Objects that do mention `number`: what reads like a reference inside binary data is left out."""
    structure, old = context.structure, context.compare.old
    if isinstance(mentions, ScannedMentions):
        mentions.include(number)
    found = set()
    for holder in mentions.of(number, old):
        value = structure.load(Ref(holder, structure.entry(holder, old).generation), old)
        if isinstance(value, Stream) and value.dict.get("Type") == "XRef":
            continue  # its dictionary is the trailer
        if number in references(value):
            found.add(holder)
    return found


def _has_role(context: Context, number: int) -> bool:
    """Whether the object is the catalog, part of the form, or a page; a page is compared if it was not yet."""
    if number in context.form_numbers:
        return number in context.compare.visited or number not in context.compare.changed
    ref = Ref(number, context.structure.entry(number, context.compare.old).generation)
    page = context.page_number(ref)
    if page is None:
        return False
    compare_page(context, ref, ref, page)
    return True
