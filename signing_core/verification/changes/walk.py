"""The lock-step walk: signed and later state side by side, from the trailer down, entry by entry.

The walk asks a rule for each entry that differs, or behind which something differs; which rule, is decided by the place that
the *signed* state gives the entry. A rule says why the difference is what it is (a reason for the ledger) after noting what
follows from it (`note`); it returns None only for an entry in which nothing differs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from signing_core.pdf.structure.kinds import back_entries, is_destination
from signing_core.pdf.structure.mentions import references
from signing_core.pdf.structure.values import COMPOUND, Ref, Stream, Value
from signing_core.verification.changes.change import Change, Kind
from signing_core.verification.changes.equality import Equality, equal_scalars
from signing_core.verification.changes.ledger import Ledger, Use
from signing_core.verification.changes.pair import Pair
from signing_core.verification.drawn import Paint

DRAWS: Final = frozenset(
    {
        "LW", "LC", "LJ", "ML", "RI", "OP", "op", "OPM", "Font", "BG", "BG2", "UCR", "UCR2", "TR", "TR2", "HT", "FL", "SM",
        "SA", "BM", "SMask", "CA", "ca", "AIS", "TK", "BaseFont", "FirstChar", "LastChar", "Widths", "FontDescriptor",
        "Encoding", "ToUnicode", "DescendantFonts", "CharProcs", "FontMatrix", "CIDToGIDMap", "Matrix", "Function", "Shading",
    }
)  # fmt: skip
"""Entries of graphics states (Table 57), fonts and patterns: where they change, something else may change with them."""
SAME: Final = "the same, written otherwise"
NOTED: Final = "judged"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the document something stands."""

    path: str
    owner: int | None = None
    """The object that holds it, in the later state."""
    page: int | None = None

    def at(self, key: str) -> Place:
        return Place(f"{self.path}/{key}"[-200:], self.owner, self.page)


@dataclass(frozen=True, slots=True, eq=False)
class DrawnWidget:
    """A widget whose looks are new or changed."""

    name: str
    number: int | None
    former: dict[str, Value] | None
    """As it was signed; None for a new one."""
    widget: dict[str, Value]
    """As it stands in the later state."""
    handed: tuple[dict[str, Value], dict[str, Value]]
    """What it inherits, before and after."""
    place: Place
    signed: bool = False
    """The look came with a signature in this field."""

    @property
    def before(self) -> dict[str, Value] | None:
        """As it was signed, with what it inherited."""
        return None if self.former is None else {**self.handed[0], **self.former}

    @property
    def after(self) -> dict[str, Value]:
        """As in the later state, with what it inherits."""
        return {**self.handed[1], **self.widget}


Rule: TypeAlias = Callable[["Walk", Value, Value, Place], str | None]
"""(walk, entry before, entry after, place) -> reason for the ledger."""
Node: TypeAlias = tuple[Value, Value, Place, Any]
"""A node of a tree before and after, where it stands, and what whoever walks the tree has to know of it."""


class Walk:
    """One comparison: what the rules share."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.ledger = Ledger(pair)
        self.content = Equality(pair)
        """For what is drawn: everything behind it has to be equal."""
        self.settings = Equality(pair, self.apart)
        """For what only points to pages, fields and annotations: those are compared where they belong."""
        self.query = Equality(pair, self.apart)
        """The same without claiming anything."""
        self.changes: list[Change] = []
        self.paints: list[Paint] = []
        self.pages_rewritten: set[int] = set()
        """Pages whose content was written anew and found equal; 0 for what many pages share."""
        self.widgets: list[DrawnWidget] = []
        """Widgets whose looks are new or changed."""
        self.appearing: dict[int, DrawnWidget] = {}
        """Widgets of the signed form that no page had and one has now, by number."""
        self.placed: dict[int, list[int]] = {}
        """Pages that got a widget which they did not have, by its number."""
        self.names_before = Counter(field.name for field in pair.form_before.fields)
        self.names_after = Counter(field.name for field in pair.form_after.fields)
        self.tagged = False
        """The signed state has a structure tree."""
        self.redrawn = False
        """Viewers will draw all form fields anew from their values (/NeedAppearances)."""

    # -- what rules say -----------------------------------------------------------------------------------------------

    def note(
        self,
        kind: Kind,
        code: str,
        message: str,
        place: Place,
        *,
        field: str | None = None,
        new_field: bool = False,
        annotation: str | None = None,
        warning: bool = False,
    ) -> str:
        """Note a change; returns the reason for the ledger."""
        revision = self.pair.revision_of(place.owner)
        change = Change(kind, code, message, field, place.page, revision, new_field, annotation, warning)
        if change not in self.changes:
            self.changes.append(change)
        return NOTED

    def forbid(self, code: str, message: str, place: Place, *, field: str | None = None) -> str:
        return self.note(Kind.FORBIDDEN, code, message, place, field=field)

    def unknown(self, message: str, place: Place, *, code: str = "change-not-judged", field: str | None = None) -> str:
        return self.note(Kind.UNKNOWN, code, message, place, field=field)

    # -- going down ---------------------------------------------------------------------------------------------------

    def settled(self, old: Value, new: Value) -> bool:
        """Whether nothing differs here or anywhere behind."""
        kind = type(old)
        if kind is Ref and type(new) is Ref:  # nearly all are
            return old == new and old.number not in self.pair.dirty
        if kind not in COMPOUND:
            return written_alike(old, new)
        return written_alike(old, new) and self.pair.dirty.isdisjoint(references(old))

    def unsettled(self, old: list[Value], new: list[Value]) -> list[tuple[Value, Value]]:
        """Of two arrays of one length, the pairs that are not `settled`: of thousands of pages, nearly all are."""
        dirty = self.pair.dirty
        if old is new:
            rest = [(item, item) for item in old if type(item) is not Ref or item.number in dirty]
        else:
            pairs = zip(old, new, strict=True)
            rest = [(a, b) for a, b in pairs if a is not b or type(a) is not Ref or a.number in dirty]
        return [(a, b) for a, b in rest if not self.settled(a, b)]

    def open(self, old: Value, new: Value, place: Place, use: Use) -> tuple[Value, Value, Place]:
        """Both values, resolved; the objects on the way in the later state are claimed."""
        for _ in range(16):
            if not isinstance(new, Ref):
                break
            self.ledger.claim(new.number, use)
            place = Place(place.path, new.number, place.page)
            new = self.pair.structure.load(new, self.pair.later)
        return self.pair.before(old), None if isinstance(new, Ref) else new, place

    def nodes(
        self, pending: list[Node], use: Use, settled: Callable[[Value, Value, Any], bool] | None = None
    ) -> Iterator[tuple[Value, Value, Value, Value, Place, Any]]:
        """The pairs of nodes of a tree, each once: (node before, after, both resolved, place, what goes with it).

        `pending` is where to begin; whoever walks adds kids to it. What is `settled` is left out.
        """
        seen: set[tuple[int, int]] = set()
        while pending:
            first, second, place, more = pending.pop()
            if settled(first, second, more) if settled is not None else self.settled(first, second):
                continue
            if isinstance(first, Ref) and isinstance(second, Ref):
                if (first.number, second.number) in seen:
                    continue
                seen.add((first.number, second.number))
            self.pair.structure.budget.step()
            yield (first, second, *self.open(first, second, place, use), more)

    def entries(
        self, old: dict[str, Value], new: dict[str, Value], place: Place, rules: Mapping[str, Rule], otherwise: Rule
    ) -> None:
        """Ask the rule for every entry of a dictionary in which, or behind which, something differs."""
        for key in sorted(old.keys() | new.keys()):
            before, after = old.get(key), new.get(key)
            if self.settled(before, after):
                continue
            self.pair.structure.budget.step()
            where = place.at(key)
            reason = rules.get(key, otherwise)(self, before, after, where)
            if key in DRAWS and reason is not SAME and not written_alike(before, after):
                # The same dictionary may be a graphics state or a font for some content: then this entry draws.
                self.unknown(f"An entry that can change what is drawn (/{key}) was changed in {where.path}.", where)
            self.ledger.entry(where.path, reason)

    def same(self, old: Value, new: Value, use: Use) -> bool:
        """Whether two values are equal, but for what they only point to; if so, what makes them up is claimed."""
        self.settings.seen.clear()
        equal = self.settings.same(old, new)
        for number in self.settings.seen if equal else ():
            self.ledger.claim(number, use)
        return equal

    def same_look(self, old: Value, new: Value) -> bool:
        """The same for what is drawn, where nothing is left to any other place."""
        self.content.seen.clear()
        equal = self.content.same(old, new)
        for number in self.content.seen if equal else ():
            self.ledger.claim(number, Use.LOOK)
        return equal

    def apart(self, number: int) -> bool:
        """Whether an object of the signed state is compared in a place of its own, whoever refers to it."""
        return self.pair.place_of(number) is not None

    def take_in(self, new: Value, use: Use, old: Value = None) -> list[Value]:
        """Claim what a new value brings along; returns the dictionaries and streams in it.

        Objects of the signed state are claimed only where `old`, the value that was here, led to them as well: anywhere else
        they are judged where the signed state has them, or by nobody, which the ledger notices.
        """
        brought: list[Value] = []
        mine: set[int] | None = None
        seen: set[int] = set()
        dirty, load, later = self.pair.dirty, self.pair.structure.load, self.pair.later
        stack = [new]
        while stack:
            item = stack.pop()
            if type(item) is Ref:
                number = item.number
                if number in seen or number not in dirty:
                    continue
                seen.add(number)
                self.pair.structure.budget.step()
                if self.pair.existed(number):
                    mine = self.behind(old) if mine is None else mine
                    if number not in mine or self.apart(number):
                        continue
                self.ledger.claim(number, use)
                item = load(item, later)
            if type(item) in COMPOUND:
                if type(item) is not list:
                    brought.append(item)
                stack.extend(_onward(item))
        return brought

    def behind(self, old: Value) -> set[int]:
        """Numbers of all objects that a value of the signed state leads to, but for what only leads back."""
        reached: set[int] = set()
        stack = [old]
        while stack:
            item = stack.pop()
            if isinstance(item, Ref):
                if item.number in reached:
                    continue
                reached.add(item.number)
                self.pair.structure.budget.step()
                item = self.pair.structure.load(item, self.pair.signed)
            stack.extend(_onward(item))
        return reached


def _onward(item: Value) -> list[Value]:
    """What a value leads to, but for what only leads back."""
    if isinstance(item, Ref):
        return [item]
    if isinstance(item, list):
        onward = [value for value in item if type(value) in COMPOUND]
        return [] if onward and is_destination(item) else onward
    if not isinstance(item, dict | Stream):
        return []
    if isinstance(item, Stream):
        return [value for value in item.dict.values() if type(value) in COMPOUND]
    skipped = back_entries(item)
    followed = ("A", "Dest")
    return [value for key, value in item.items() if type(value) in COMPOUND and (key not in skipped or key in followed)]


def written_alike(a: Value, b: Value) -> bool:
    """Whether two values are the same as written: references count by their number."""
    if a is b:
        return True
    if isinstance(a, Ref) or isinstance(b, Ref):
        return type(a) is type(b) and bool(a == b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(written_alike(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(written_alike(x, y) for x, y in zip(a, b, strict=True))
    return not isinstance(a, Stream) and equal_scalars(a, b)


# -- rules that many places share -------------------------------------------------------------------------------------


def drawn(code: str, what: str) -> Rule:
    """Content: whatever differs behind it is forbidden."""

    def rule(walk: Walk, old: Value, new: Value, place: Place) -> str:
        return _equal(walk, walk.content, Use.CONTENT, code, what, old, new, place)

    return rule


def kept(code: str, what: str) -> Rule:
    """Settings that say something to whoever opens the document: whatever differs is forbidden."""

    def rule(walk: Walk, old: Value, new: Value, place: Place) -> str:
        return _equal(walk, walk.settings, Use.SETTINGS, code, what, old, new, place)

    return rule


def _equal(walk: Walk, equality: Equality, use: Use, code: str, what: str, old: Value, new: Value, place: Place) -> str:
    equality.seen.clear()
    path = equality.differs(old, new)
    if path is None:
        for number in equality.seen:
            walk.ledger.claim(number, use)
        if use is Use.CONTENT and not walk.pair.changed.isdisjoint(equality.seen):
            walk.pages_rewritten.add(place.page or 0)
        return SAME
    detail = "" if path == "/" else f" (at {path})"
    key = place.path.rsplit("/", 1)[-1]
    return walk.forbid(code, f"{what.format(key=key, page=place.page)} was changed{detail}.", place)


def simple(code: str, what: str, types: tuple[type, ...], kind: Kind = Kind.VALIDATION) -> Rule:
    """A plain value that may change, so long as it stays one."""

    def rule(walk: Walk, old: Value, new: Value, place: Place) -> str:
        before, after, place = walk.open(old, new, place, Use.SETTINGS)
        if after is not None and (type(after) not in types or isinstance(before, dict | list | Stream)):
            return walk.forbid(code, f"{what} is no plain value any more.", place)
        if kind is not Kind.VALIDATION and not equal_scalars(before, after):
            return walk.note(kind, code, f"{what} was changed.", place)
        return NOTED

    return rule


def stated(*names: str) -> Rule:
    """/Type written out where it was implied."""

    def rule(walk: Walk, old: Value, new: Value, place: Place) -> str | None:
        return "says what it is" if old is None and new in names else uncovered(walk, old, new, place)

    return rule


def back(walk: Walk, old: Value, new: Value, place: Place) -> str | None:
    """A reference that leads back (7.7.3.3, 12.5.2): the same, or to the same content."""
    if written_alike(old, new):
        return "leads to what is compared in its own place"
    return SAME if walk.same(old, new, Use.SETTINGS) else None


def back_or_new(walk: Walk, old: Value, new: Value, place: Place) -> str | None:
    """The same for an annotation's /P and the like, which nothing is inherited by: it may also be written out."""
    if walk.pair.before(old) is None and isinstance(new, Ref) and walk.pair.place_of(new.number) is not None:
        return "leads to what is compared in its own place"
    return back(walk, old, new, place)


def uncovered(walk: Walk, old: Value, new: Value, place: Place) -> str | None:
    """An entry that no rule covers: all right only where nothing behind it differs."""
    return SAME if walk.same(old, new, Use.SETTINGS) else None
