"""Makes the files of the chains, each state once: chains share their beginnings."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from . import documents
from .documents import FIELDS, slot
from .drivers import pyhanko
from .keys import Keys
from .matrix import Chain
from .workshop import Step, ToolFailed, Workshop


@dataclass(frozen=True)
class Maker:
    workshop: Workshop
    keys: Keys
    folder: Path
    """Holds documents/NAME.pdf, honest/CHAIN.pdf, and honest/CHAIN.txt with the reason where the tool gave no file."""

    def document(self, chain: Chain) -> Path:
        return documents.made(chain.document, self._in("documents", chain.document.name), self.keys)

    def state(self, chain: Chain) -> Path:
        """The file after the last step of the chain. Raises `ToolFailed` where a tool gives none, now or in a run before."""
        if not chain.parts:
            return self.document(chain)
        target = self._in("honest", chain.name)
        refusal = target.with_suffix(".txt")
        if target.exists():
            return target
        if refusal.exists():
            raise ToolFailed(refusal.read_text())
        source = self.state(chain.before(len(chain.parts) - 1))
        with tempfile.TemporaryDirectory(dir=self.folder) as working:
            written = Path(working) / "written.pdf"
            try:
                self._perform(chain, source, written)
                if not written.exists() or not written.stat().st_size:
                    raise ToolFailed("no file was written")
                if written.read_bytes() == source.read_bytes():
                    raise ToolFailed("nothing was changed")
            except Exception as error:
                # A library's own exception counts as its refusal, like a program's.
                reason = str(error) if isinstance(error, ToolFailed) else f"{type(error).__name__}: {error}"
                refusal.write_text(f"{chain.parts[-1].label}: {reason}")
                raise ToolFailed(refusal.read_text()) from error
            written.replace(target)
        return target

    def states(self, chain: Chain) -> Iterable[Path]:
        """The file after each of its steps, beginning with the document."""
        return [self.state(chain.before(count)) for count in range(len(chain.parts) + 1)]

    def _perform(self, chain: Chain, source: Path, target: Path) -> None:
        part = chain.parts[-1]
        number = sum(earlier.what == "sign" for earlier in chain.parts[:-1])
        step = Step(source, target, self.keys, number)
        if part.what == "sign":
            step = replace(step, own_field=FIELDS[number] if chain.document.own_fields else None)
            # Invisible on the plain document, so that both kinds are there.
            step = replace(step, visible=None if chain.document.name == "plain" else slot(number))
            step = replace(step, plain_field=chain.document.certified)
            if part.tool.needs_field and step.own_field is None:
                prepared = target.with_name("prepared.pdf")
                pyhanko.prepare(self.workshop, replace(step, target=prepared))
                step = replace(step, source=prepared, own_field=step.new_field)
        part.action(self.workshop, step)

    def _in(self, kind: str, name: str) -> Path:
        folder = self.folder / kind
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.pdf"
