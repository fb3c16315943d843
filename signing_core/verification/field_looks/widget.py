"""A widget in its later and its signed state: what counts is how the field worked when it was signed (12.5.6.19, 12.7.4)."""

from __future__ import annotations

from typing import Final

from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.filters import ENCODING
from signing_core.pdf.structure.values import Ref, Stream, Value, integer, text

_MOST_COMPARED: Final = 2000


class Widget:
    """A widget in its later and its signed state."""

    def __init__(
        self,
        structure: FileStructure,
        revision: int,
        now: dict[str, Value],
        signed: tuple[int, dict[str, Value]] | None,
    ) -> None:
        self.structure = structure
        self.revision = revision
        self.now = now
        self.signed_revision = signed[0] if signed is not None else revision
        self.signed = signed[1] if signed is not None else None

    def at(self, value: Value) -> Value:
        return self.structure.resolve(value, self.revision)

    def rule(self, key: str) -> Value:
        """An entry that says how the field works, as it was signed."""
        if self.signed is not None:
            return self.structure.resolve(self.signed.get(key), self.signed_revision)
        return self.at(self.now.get(key))

    @property
    def flags(self) -> int:
        return integer(self.rule("Ff")) or 0

    def looks(self, *, signed: bool = False) -> dict[str, Stream]:
        """The normal appearances by state, under the empty name where there are no states (12.5.5)."""
        widget, revision = (self.signed or {}, self.signed_revision) if signed else (self.now, self.revision)
        resolve = self.structure.resolve
        states = resolve(widget.get("AP"), revision)
        normal = resolve(states.get("N"), revision) if isinstance(states, dict) else None
        streams = (
            {name: resolve(item, revision) for name, item in normal.items()}
            if isinstance(normal, dict)
            else {"": normal}
        )
        return {name: stream for name, stream in streams.items() if isinstance(stream, Stream)}

    def same(self, before: Value, after: Value) -> bool:
        """Whether a value of the signed state and one of the later state are equal, with all that they refer to."""
        pending = [(before, after)]
        met: set[tuple[Ref, Ref]] = set()
        for _ in range(_MOST_COMPARED):
            if not pending:
                return True
            a, b = pending.pop()
            if isinstance(a, Ref) and isinstance(b, Ref):
                if (a, b) in met:
                    continue
                met.add((a, b))
            a, b = self.structure.resolve(a, self.signed_revision), self.at(b)
            if isinstance(a, Stream) and isinstance(b, Stream):
                data = self.structure.data
                written = data[a.start : a.end], data[b.start : b.end]
                if written[0] != written[1] and not self.structure.decodes_alike(b, self.revision):
                    return False
                decoded = self.structure.decoded(a, self.signed_revision), self.structure.decoded(b, self.revision)
                if decoded[0] is None or decoded[0] != decoded[1]:
                    return False
                a, b = ({k: v for k, v in stream.dict.items() if k not in ENCODING} for stream in (a, b))
            if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
                pending.extend((a[key], b[key]) for key in a)
            elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
                pending.extend(zip(a, b, strict=True))
            elif isinstance(a, dict | list) or a != b:
                return False
        return False

    @property
    def needs_appearances(self) -> bool:
        form = self.at(self.structure.catalog(self.revision).get("AcroForm"))
        return isinstance(form, dict) and self.at(form.get("NeedAppearances")) is True

    def script(self) -> str | None:
        """The field's format script (12.6.4.17), None when it has none."""
        resolve = self.structure.resolve
        revision = self.signed_revision
        actions = self.rule("AA")
        action = resolve(actions.get("F"), revision) if isinstance(actions, dict) else None
        if not isinstance(action, dict):
            return None
        script = resolve(action.get("JS"), revision)
        if isinstance(script, Stream):
            body = self.structure.decoded(script, revision)
            script = body[:10_000] if body is not None else None
        return text(script) or ""
