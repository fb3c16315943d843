"""manifest.csv: each file that was made, what was done to it, and whether a tool broke it; kept from run to run."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from . import damage
from .controls import controls, place_of_amount
from .making import Maker
from .matrix import Chain
from .workshop import ToolFailed

FILE: Final = "manifest.csv"


@dataclass(frozen=True)
class Entry:
    """One file, or one that a tool did not make."""

    path: str
    """Inside the folder; empty when there is no file."""
    document: str
    steps: str
    combination: str
    kind: str
    """`honest`, or what was altered."""
    damaged: str
    """`yes` or `no`."""
    criterion: str
    """What proves the damage and after which step; why there is no file."""
    pdfsig: str
    pyhanko: str
    sha256: str


def entries(maker: Maker, plan: Sequence[Chain], jobs: int) -> list[Entry]:
    """Makes all files of the plan, honest and altered, and writes the manifest."""
    known = {(entry.document, entry.steps, entry.kind): entry for entry in read(maker.folder)}
    made: list[Entry] = []
    with ThreadPoolExecutor(jobs) as pool:
        # Shared beginnings are made first, so that no two threads make the same one.
        for length in range(max(len(chain.parts) for chain in plan) + 1):
            beginnings = {
                chain.before(length).name: chain.before(length) for chain in plan if len(chain.parts) >= length
            }
            list(pool.map(lambda chain: _try(maker, chain), beginnings.values()))
        for group in pool.map(lambda chain: _entries(maker, chain, known), plan):
            made += group
            if len(made) % 100 < 4:
                _write(maker.folder, made)
    _write(maker.folder, made)
    return made


def _try(maker: Maker, chain: Chain) -> None:
    try:
        maker.state(chain)
    except ToolFailed:
        return  # it is told with the chain's entry


def _entries(maker: Maker, chain: Chain, known: dict[tuple[str, str, str], Entry]) -> list[Entry]:
    try:
        file = maker.state(chain)
    except ToolFailed as failed:
        return [Entry("", chain.document.name, chain.label, chain.combination, "honest", "no", str(failed), "", "", "")]
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    old = known.get((chain.document.name, chain.label, "honest"))
    if old is not None and old.sha256 == sha256:
        honest = old
    else:
        criterion, last = _damage(maker, chain)
        honest = Entry(
            str(file.relative_to(maker.folder)),
            chain.document.name,
            chain.label,
            chain.combination,
            "honest",
            "yes" if criterion else "no",
            criterion,
            " ".join(last.pdfsig),
            " ".join(last.pyhanko),
            sha256,
        )
    return [honest, *_altered(maker, chain, file)]


def _damage(maker: Maker, chain: Chain) -> tuple[str, damage.Opinion]:
    """The first step that broke something, with the criteria; and what others say of the last file."""
    states = list(maker.states(chain))
    opinions = [damage.opinion(state, maker.keys) for state in states]
    signatures = int(chain.document.certified)
    for number, part in enumerate(chain.parts):
        signatures += part.what in ("sign", "stamp")
        pair = (opinions[number], opinions[number + 1])
        if broken := damage.criteria(states[number], states[number + 1], pair, signatures):
            return f"{part.label}: {'; '.join(broken)}", opinions[-1]
    return "", opinions[-1]


def _altered(maker: Maker, chain: Chain, file: Path) -> Iterable[Entry]:
    folder = maker.folder / "altered"
    folder.mkdir(exist_ok=True)
    place = place_of_amount(maker.document(chain).read_bytes())
    for number, (kind, data) in enumerate(controls(file.read_bytes(), place, chain.name), 1):
        target = folder / f"{chain.name}~{number}.pdf"
        if not target.exists() or target.read_bytes() != data:
            target.write_bytes(data)
        path = str(target.relative_to(maker.folder))
        yield Entry(path, chain.document.name, chain.label, chain.combination, kind, "no", "", "", "", "")


def read(folder: Path) -> list[Entry]:
    file = folder / FILE
    if not file.exists():
        return []
    with file.open(newline="") as lines:
        return [Entry(**row) for row in csv.DictReader(lines)]


def _write(folder: Path, made: Sequence[Entry]) -> None:
    with (folder / FILE).open("w", newline="") as lines:
        writer = csv.DictWriter(lines, [field.name for field in fields(Entry)])
        writer.writeheader()
        writer.writerows(asdict(entry) for entry in made)
