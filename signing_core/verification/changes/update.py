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
from signing_core.pdf.structure.values import Ref, Stream
from signing_core.verification.changes.compare import Comparison
from signing_core.verification.changes.context import Context, remember_widgets
from signing_core.verification.changes.mentions import Mentions, ScannedMentions, closure, references
from signing_core.verification.changes.rules_catalog import compare_trailers
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
    return context.changes


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


def _holders(context: Context, mentions: ScannedMentions, number: int) -> set[int]:
    """Objects that do mention `number`: what reads like a reference inside binary data is left out."""
    structure, old = context.structure, context.compare.old
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
