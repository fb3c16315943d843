"""The structure tree (14.7): it may grow for new form fields; what it said of the signed pages stays."""

from __future__ import annotations

from typing import Final

from signing_core.pdf.structure import trees
from signing_core.pdf.structure.values import Ref, Stream, Value
from signing_core.verification.changes.change import Kind
from signing_core.verification.changes.ledger import Use
from signing_core.verification.changes.walk import NOTED, SAME, Node, Place, Rule, Walk, back, stated

_MAX_DEPTH: Final = 400
_SAYS: Final = frozenset({"ActualText", "Alt", "E", "T", "Lang"})
"""What assistive software reads out instead of what is drawn, or of it (14.9)."""


def compare_structure_tree(walk: Walk, old: Value, new: Value, place: Place) -> str:
    """/StructTreeRoot of the catalog."""
    before, after, place = walk.open(old, new, place, Use.TAGS)
    if before is None and after is None:
        return SAME
    if not isinstance(after, dict) or not isinstance(before, dict | None):
        return walk.forbid("change-structure-tree", "The structure tree was removed or replaced.", place)
    walk.tagged = before is not None
    pending: list[Node] = []
    _compare_node(walk, before or {}, after, place, 0, pending)
    for _, _, a, b, where, depth in walk.nodes(pending, Use.TAGS):
        if isinstance(a, dict) and isinstance(b, dict) and depth < _MAX_DEPTH:
            _compare_node(walk, a, b, where, depth, pending)
        elif not walk.same(a, b, Use.TAGS):
            walk.forbid("change-structure-tree", "The structure tree was changed where it existed before.", where)
    return NOTED


def _compare_node(
    walk: Walk, a: dict[str, Value], b: dict[str, Value], place: Place, depth: int, pending: list[Node]
) -> None:
    def kids(walk: Walk, old: Value, new: Value, place: Place) -> str:
        return _kids(walk, old, new, place, depth, pending)

    rules: dict[str, Rule] = {
        "K": kids, "P": back, "Pg": back, "Obj": back, "ParentTree": _tree_rule("Nums"), "IDTree": _tree_rule("Names"),
        "ParentTreeNextKey": _next_key, "RoleMap": _map, "ClassMap": _map, "Type": stated("StructTreeRoot", "StructElem"),
    }  # fmt: skip
    walk.entries(a, b, place, rules, _changed)


def _changed(walk: Walk, old: Value, new: Value, place: Place) -> str | None:
    if walk.same(old, new, Use.TAGS):
        return SAME
    return walk.forbid("change-structure-tree", "The structure tree was changed where it existed before.", place)


def _next_key(walk: Walk, old: Value, new: Value, place: Place) -> str:
    return "the next free key"


def _map(walk: Walk, old: Value, new: Value, place: Place) -> str:
    """Names may be added; what was there stays."""
    before, after, place = walk.open(old, new, place, Use.TAGS)
    before, after = (value if isinstance(value, dict) else {} for value in (before, after))
    if any(not walk.same(before[name], after.get(name), Use.TAGS) for name in before):
        return walk.forbid("change-structure-tree", "What a name of the structure tree stands for was changed.", place)
    walk.take_in(after, Use.TAGS, before)
    if after.keys() - before.keys() and walk.tagged:
        return walk.unknown(
            "A name of the structure tree was given another meaning.", place, code="change-structure-tree"
        )
    return walk.note(Kind.UPKEEP, "change-structure-tree", "Names were added to the structure tree.", place)


def _kids(walk: Walk, old: Value, new: Value, place: Place, depth: int, pending: list[Node]) -> str:
    """The kids that were there, in their order, with new elements among them."""
    before, after, place = walk.open(old, new, place, Use.TAGS)
    olds = before if isinstance(before, list) else [] if before is None else [old]
    news = after if isinstance(after, list) else [] if after is None else [new]
    at = 0
    for item in olds:
        while at < len(news) and not _is_kid(walk, item, news[at]):
            _added(walk, news[at], place)
            at += 1
        if at == len(news):
            return walk.forbid("change-structure-tree", "An element of the structure tree was removed or moved.", place)
        pending.append((item, news[at], place, depth + 1))
        at += 1
    for item in news[at:]:
        _added(walk, item, place)
    return NOTED


def _is_kid(walk: Walk, old: Value, new: Value) -> bool:
    if isinstance(old, Ref) and isinstance(new, Ref):
        return old == new
    return walk.query.same(old, new)


def _added(walk: Walk, item: Value, place: Place) -> None:
    """New elements stand for new form fields and annotations: they say nothing of content that was there when it was signed."""
    pair = walk.pair
    stack: list[tuple[Value, bool]] = [(item, True)]
    seen: set[int] = set()
    says, stands_for_new, replaces = False, False, False
    while stack:
        value, owned = stack.pop()
        if isinstance(value, Ref):
            if value.number in seen:
                continue
            seen.add(value.number)
            if pair.existed(value.number):
                return _doubt(walk, "refers to what the signed document has elsewhere", place)
            pair.structure.budget.step()
            walk.ledger.claim(value.number, Use.TAGS)
            value = pair.structure.load(value, pair.later)
        if isinstance(value, list):
            stack.extend((kid, owned) for kid in value)
        elif isinstance(value, dict) and pair.after(value.get("Type")) == "OBJR":
            target = value.get("Obj")
            if not isinstance(target, Ref) or (pair.existed(target.number) and pair.place_of(target.number) is None):
                return _doubt(walk, "stands for something that the signed document has", place)
            stands_for_new |= not pair.existed(target.number) and pair.shown_now(target.number)
            replaces |= pair.existed(target.number)
        elif isinstance(value, dict) and "MCID" not in value and pair.after(value.get("Type")) in ("StructElem", None):
            replaces |= "ActualText" in value
            says |= not _SAYS.isdisjoint(value)
            for key, entry in value.items():
                if key == "K":
                    stack.append((entry, owned))
                elif key not in ("P", "Pg"):
                    walk.take_in(entry, Use.TAGS)
        elif isinstance(value, int | dict | Stream):
            return _doubt(walk, "tags content of the signed pages", place)
    if (replaces and says) or (says and not stands_for_new):
        return _doubt(walk, "says something to assistive software without standing for a new field", place)
    walk.note(Kind.UPKEEP, "change-structure-tree", "The structure tree got new elements.", place)
    return None


def _doubt(walk: Walk, what: str, place: Place) -> None:
    walk.unknown(f"A new element of the structure tree {what}.", place, code="change-structure-tree")


# -- number and name trees --------------------------------------------------------------------------------------------


def _tree_rule(leaves: str) -> Rule:
    """A tree of keys and values (7.9.6, 7.9.7): keys may be added; what a key led to stays."""

    def rule(walk: Walk, old: Value, new: Value, place: Place) -> str:
        structure, pair = walk.pair.structure, walk.pair
        before = trees.read(structure, old, leaves, pair.signed).leaves
        later = trees.read(structure, new, leaves, pair.later)
        after = later.leaves
        for number in later.nodes:
            walk.ledger.claim(number, Use.TAGS)
        if later.ambiguous:
            return walk.unknown("A tree of the structure has a key twice.", place, code="change-structure-tree")
        for key, value in before.items():
            if key not in after or not _grew(walk, value, after[key]):
                return walk.forbid(
                    "change-structure-tree", "The structure tree's keys lead elsewhere than they did.", place
                )
        for key in after.keys() - before.keys():
            walk.take_in(after[key], Use.TAGS)
        return walk.note(Kind.UPKEEP, "change-structure-tree", "Keys were added to the structure tree.", place)

    return rule


def _grew(walk: Walk, old: Value, new: Value) -> bool:
    """Whether a key leads to the same elements; they are compared in the tree itself."""
    before, after, _ = walk.open(old, new, Place("tree"), Use.TAGS)
    if isinstance(before, list) and isinstance(after, list):
        return len(before) <= len(after) and all(walk.same(x, y, Use.TAGS) for x, y in zip(before, after, strict=False))
    return walk.same(old, new, Use.TAGS)
