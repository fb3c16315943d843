"""Readings: the same file read by five programs. What we call intact must say the same words to everybody.

    python tests/fuzz/readings.py [--seconds 3600] [--jobs 2] [--seed N] [--finds FOLDER] [--replay NAME NUMBER]

Behind a signed file stands an update that plants another page 1: in an object stream that nothing lists, in a stream, a comment or a
string, under a number that is listed twice, or before anybody signed. Then cross-reference sections, trailers, object streams and offsets of
the update are changed within the grammar of 7.5.4 to 7.5.8. Where our verdict is `intact`, PDFium, poppler, MuPDF and qpdf are asked for
the words of each page: whoever shows others than the signed state shows is a find, and so is a reading of ours that nobody shares.
"""

from __future__ import annotations

import argparse
import collections
import multiprocessing
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

sys.path.append(str(Path(__file__).parents[1] / "shared"))

import pdf_parts as parts
import pypdfium2 as pdfium
import seeds

from signing_core.verdict import Integrity
from signing_core.verification import verify

AT: Final = datetime(2026, 12, 15, 12, tzinfo=UTC)
OTHER: Final = b"q 1 g 0 0 600 900 re f Q BT /F1 20 Tf 72 720 Td (OTHER TEXT) Tj ET"
_NUMBER: Final = re.compile(rb"(?<![A-Za-z0-9.])\d+(?![A-Za-z0-9.])")
_SECONDS: Final = 20

Change = Callable[[bytes, random.Random], bytes]


# -- the forged update ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Base:
    """A signed file, and what an update has to know of it."""

    data: bytes
    root: int
    info: int
    page: int
    parent: int
    size: int
    start: int
    words: tuple[str, ...]


def base(data: bytes) -> Base | None:
    """None for files that cannot be updated here, or that are not intact."""
    from signing_core.pdf.revisions import parse
    from signing_core.pdf.structure import pages
    from signing_core.pdf.structure.values import Ref

    structure = parse(data)
    if structure.encrypted or structure.damaged or verify(data, at=AT).integrity is not Integrity.INTACT:
        return None
    trailer = structure.trailer(len(structure.revisions))
    first = next(pages.walk(structure, len(structure.revisions)), None)
    root, info = trailer.get("Root"), trailer.get("Info")
    if first is None or first[0] is None or not isinstance(root, Ref) or not isinstance(first[1].get("Parent"), Ref):
        return None
    start = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    size = max(int(n) for n in re.findall(rb"/Size (\d+)", data))
    words = by_pdfium(data)
    if words is None:
        return None
    known = info.number if isinstance(info, Ref) else 0
    return Base(data, root.number, known, first[0].number, first[1]["Parent"].number, size, start, words)


def planted(chosen: Base, r: random.Random) -> bytes:
    """The file with an update that brings another page, somewhere."""
    content, container, spare, own = (chosen.size + n for n in (5, 6, 7, 8))
    page = (
        b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 595 842]/Contents %d 0 R"
        b"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>" % (chosen.parent, content)
    )
    shadow = b"%d 0 obj\n%s\nendobj\n" % (chosen.page, page)
    objects: list[tuple[int, bytes]] = [(content, parts.stream(OTHER))]
    loose = b""
    place = r.choice(("packed", "packed", "stream", "comment", "string", "bare", "number", "none"))
    if place == "packed":
        head = b"%d 0 " % chosen.page
        objects.append((container, parts.stream(head + page, b"/Type /ObjStm /N 1 /First %d" % len(head))))
    elif place == "stream":
        objects.append((spare, parts.stream(b"\n" + shadow)))
    elif place == "comment":
        loose = b"%" + shadow.replace(b"\n", b" ") + b"\n"
    elif place == "string":
        objects.append((spare, b"(" + shadow.replace(b"(", b"\\(").replace(b")", b"\\)") + b")"))
    elif place == "bare":
        loose = shadow
    elif place == "number":
        objects.append((spare, page))
    out = bytearray(chosen.data + (b"" if chosen.data.endswith(b"\n") else b"\n"))
    rows: list[tuple[int, int, int, int]] = []
    for number, body in objects:
        rows.append((number, 1, len(out), 0))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    out += loose
    start = len(out)
    trailer = b"/Size %d /Root %d 0 R /Prev %d" % (own + 1, chosen.root, chosen.start)
    trailer += b" /Info %d 0 R" % chosen.info if chosen.info else b""
    if r.random() < 0.5:
        rows.append((own, 1, start, 0))
        if r.random() < 0.2:
            rows.append(r.choice(((chosen.page, 2, container, 0), (chosen.page, 0, 0, 65535), rows[0])))
        widths = r.choice(((1, 4, 2), (1, 3, 1), (1, 8, 2)))
        table = b"".join(
            b"".join(n.to_bytes(w, "big") for n, w in zip(row[1:], widths, strict=True)) for row in sorted(rows)
        ) if widths[2] > 1 or all(row[3] < 256 for row in rows) else b""  # fmt: skip
        index = b" ".join(b"%d 1" % row[0] for row in sorted(rows))
        entries = b"/Type /XRef /W [%d %d %d] /Index [%s] %s" % (*widths, index, trailer)
        out += b"%d 0 obj\n%s\nendobj\n" % (own, parts.stream(table, entries, compress=r.random() < 0.3))
    else:
        out += b"xref\n" + b"".join(b"%d 1\n%010d 00000 n \n" % (row[0], row[2]) for row in rows)
        out += b"trailer\n<<" + trailer + b">>\n"
    return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % start


# -- changes within the grammar ------------------------------------------------------------------------------------------------


def _sub(pattern: bytes, by: Callable[[re.Match[bytes], random.Random], bytes]) -> Change:
    found = re.compile(pattern, re.DOTALL)

    def change(tail: bytes, r: random.Random) -> bytes:
        places = list(found.finditer(tail))
        if not places:
            return tail
        match = r.choice(places)
        return tail[: match.start()] + by(match, r) + tail[match.end() :]

    return change


def _moved(match: re.Match[bytes], r: random.Random) -> bytes:
    by = r.choice((-20, -9, -7, -5, -3, -2, -1, 1, 2, 3, 5, 10, 20, -(10**6), 10**6))
    return match[1] + b"%d" % max(0, int(match[2]) + by)


def _any_number(tail: bytes, r: random.Random) -> bytes:
    places = list(_NUMBER.finditer(tail))
    match = r.choice(places)
    by = r.choice((0, 1, int(match[0]) + 1, max(0, int(match[0]) - 1), r.choice([int(p[0]) for p in places])))
    return tail[: match.start()] + b"%0*d" % (len(match[0]) if r.random() < 0.7 else 1, by) + tail[match.end() :]


def _dropped(tail: bytes, r: random.Random) -> bytes:
    lines = tail.split(b"\n")
    del lines[r.randrange(len(lines))]
    return b"\n".join(lines)


def _doubled(tail: bytes, r: random.Random) -> bytes:
    lines = tail.split(b"\n")
    at = r.randrange(len(lines))
    return b"\n".join((*lines[: at + 1], *lines[at:]))


def _inserted(tail: bytes, r: random.Random) -> bytes:
    what = (
        b" ", b"\n", b"\r", b"\0", b"% comment\n", b"%%EOF\n", b"startxref\n0\n%%EOF\n", b"xref\n0 0\n", b"trailer\n<<>>\n", b"endobj\n",
        b"endstream\n", b"0 0 obj\nnull\nendobj\n", b"/XRefStm 0 ", b"/Prev 0 ", b"/Root 1 0 R ", b"/Size 1 ", b"/Encrypt null ",
        b"/Extends 1 0 R ", b"/Linearized 1 ",
    )  # fmt: skip
    edges = [match.start() for match in re.finditer(rb"[\n>/ ]", tail)] or [0]
    at = r.choice(edges)
    return tail[:at] + r.choice(what) + tail[at:]


def _line_ends(tail: bytes, r: random.Random) -> bytes:
    at = tail.rfind(b"xref\n", 0, tail.rfind(b"startxref"))
    if at < 0:
        return tail
    return tail[:at] + tail[at:].replace(
        r.choice((b" \n", b"\n")), r.choice((b"\r", b"\r\n", b"\n", b"  \n", b" \r\n"))
    )


CHANGES: Final[tuple[Change, ...]] = (
    _sub(rb"(startxref\n)(\d+)", _moved),
    _sub(rb"(/Prev )(\d+)", _moved),
    _sub(rb"(\n)(\d{10})(?= \d{5} [nf])", lambda m, r: b"%s%010d" % (m[1], int(_moved(m, r)[len(m[1]) :]) % 10**10)),
    _sub(rb" 00000 n( \n)", lambda m, r: r.choice((b" 00000 n\n", b" 00000 n", b" 00001 n \n", b" 00000 f \n", b" 00000 n\r\n", b" 0000 n \n"))),
    _sub(rb"\n(\d+) 1\n", lambda m, r: b"\n%s %d\n" % (m[1], r.choice((0, 2, 3, 100)))),
    _sub(rb"(\n\d+ 1\n\d{10} \d{5} n \n)", lambda m, r: r.choice((m[1] + m[1][1:], b"\n"))),
    _sub(rb"/W \[(\d+) (\d+) (\d+)\]", lambda m, r: b"/W [%d %d %d]" % (*(r.choice((int(m[n]), 0, 1, 2, 4)) for n in (1, 2, 3)),)),
    _sub(rb"/Index \[([^\]]*)\]", lambda m, r: b"/Index [%s]" % b" ".join(r.sample(m[1].split(), len(m[1].split())))),
    _sub(rb"/(Type|Length|Size|First|N|Filter|Root|Info|Prev|Index|W)\b", lambda m, r: r.choice((b"/X" + m[1], b"/" + m[1][:1] + b"#%02x" % m[1][1] + m[1][2:] if len(m[1]) > 1 else b"/" + m[1]))),
    _sub(rb"(/Length )(\d+)", _moved),
    _sub(rb"(/First )(\d+)", _moved),
    _sub(rb"(\d+) 0 obj", lambda m, r: b"%d %d obj" % (int(m[1]) + r.choice((0, 0, 1, -1)), r.choice((0, 1, 65535)))),
    _sub(rb"(endobj|endstream|stream|obj|trailer|xref|%%EOF)", lambda m, r: r.choice((b"", m[1].upper(), m[1] + b" ", b"\n" + m[1]))),
    _any_number, _dropped, _doubled, _inserted, _line_ends,
)  # fmt: skip


def made(chosen: Base, name: str, number: int) -> bytes:
    r = random.Random(f"{name}:{number}")
    data = planted(chosen, r)
    tail = data[len(chosen.data) :]
    for _ in range(r.choice((0, 1, 1, 1, 2, 3))):
        tail = r.choice(CHANGES)(tail, r) or b"\n"
    return chosen.data + tail


# -- who is asked ----------------------------------------------------------------------------------------------------------------


def _folded(text: str) -> str:
    return re.sub(r"[\s\x00-\x1f\ufffe\ufeff]+", " ", text).strip()


def by_pdfium(data: bytes) -> tuple[str, ...] | None:
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError:
        return None
    try:
        return tuple(_folded(page.get_textpage().get_text_range()) for page in document)
    except pdfium.PdfiumError:
        return None
    finally:
        document.close()


def _run(command: list[str]) -> bytes | None:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout or None


def by_poppler(path: Path) -> str | None:
    said = _run(["pdftotext", "-q", "-raw", str(path), "-"])
    return said.decode("utf-8", "replace") if said is not None else None


def by_mupdf(path: Path) -> str | None:
    said = _run(["mutool", "draw", "-q", "-F", "txt", str(path)])
    return said.decode("utf-8", "replace") if said is not None else None


def by_qpdf(path: Path) -> str | None:
    with tempfile.TemporaryDirectory() as folder:
        clean = Path(folder) / "clean.pdf"
        _run(["qpdf", "--warning-exit-0", "--no-warn", str(path), str(clean)])
        words = by_pdfium(clean.read_bytes()) if clean.is_file() else None
    return " ".join(words) if words is not None else None


def strangers(data: bytes, words: tuple[str, ...]) -> list[str]:
    """Programs that show other words than were signed. A program that shows nothing at all deceives nobody."""
    found = []
    theirs = by_pdfium(data)
    if theirs is not None and theirs != words:
        found.append("PDFium")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.pdf"
        path.write_bytes(data)
        for name, ask in (("poppler", by_poppler), ("MuPDF", by_mupdf), ("qpdf", by_qpdf)):
            said = ask(path)
            if said is not None and "OTHER TEXT" in _folded(said):
                found.append(name)
    return found


# -- running -----------------------------------------------------------------------------------------------------------------------


def _bases() -> dict[str, Base]:
    return {name: found for name, data in seeds.own().items() if (found := base(data)) is not None}


def _work(name: str, numbers: range) -> list[tuple[int, str, list[str]]]:
    chosen = _BASES[name]
    answers = []
    for number in numbers:
        data = made(chosen, name, number)
        verdict = verify(data, at=AT)
        passed = verdict.integrity in (Integrity.INTACT, Integrity.UNSIGNED)
        answers.append((number, str(verdict.integrity), strangers(data, chosen.words) if passed else []))
    return answers


_BASES: dict[str, Base] = {}
_BATCH: Final = 20


def main() -> int:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--seconds", type=float, default=3600)
    given.add_argument("--cases", type=int, default=None, help="end after so many")
    given.add_argument("--jobs", type=int, default=2)
    given.add_argument("--seed", type=int, default=None, help="first number; by default from the clock")
    given.add_argument("--finds", type=Path, default=None, help="folder for the files that were found")
    given.add_argument("--replay", nargs=2, metavar=("NAME", "NUMBER"))
    arguments = given.parse_args()
    missing = [name for name in ("pdftotext", "mutool", "qpdf") if shutil.which(name) is None]
    if missing:
        raise SystemExit(
            f"Not installed: {', '.join(missing)}. Run `python requirements/programs.py`, then this again."
        )
    _BASES.update(_bases())  # before the workers are forked, so that all have the same
    if arguments.replay:
        name, number = arguments.replay
        data = made(_BASES[name], name, int(number))
        verdict = verify(data, at=AT)
        print(verdict.integrity, strangers(data, _BASES[name].words))
        sys.stdout.buffer.write(data[len(_BASES[name].data) :])
        return 0
    first = arguments.seed if arguments.seed is not None else int(time.time()) * 1000
    print(f"{len(_BASES)} signed files to begin with; first number {first}", flush=True)
    return _go(arguments.seconds, arguments.cases or 10**12, arguments.jobs, first, arguments.finds)


def _go(seconds: float, most: int, jobs: int, first: int, folder: Path | None) -> int:
    states: collections.Counter[str] = collections.Counter()
    finds: collections.Counter[str] = collections.Counter()
    r, number, began, shown = random.Random(first), first, time.monotonic(), 0.0
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        waiting = collections.deque[tuple[str, multiprocessing.pool.AsyncResult[list[tuple[int, str, list[str]]]]]]()
        while True:
            now = time.monotonic() - began
            while len(waiting) < 2 * jobs and now < seconds and number - first < most:
                name = r.choice(sorted(_BASES))
                waiting.append((name, pool.apply_async(_work, (name, range(number, number + _BATCH)))))
                number += _BATCH
            if not waiting:
                break
            name, answer = waiting.popleft()
            for case, integrity, others in answer.get(timeout=600):
                states[integrity] += 1
                if others:
                    kind = f"{name} {'+'.join(others)}"
                    finds[kind] += 1
                    if finds[kind] == 1:
                        print(f"FIND {integrity} {name} {case}: other words in {', '.join(others)}", flush=True)
                        if folder is not None:
                            folder.mkdir(parents=True, exist_ok=True)
                            (folder / f"reading-{name}-{case}.pdf").write_bytes(made(_BASES[name], name, case))
            if now > shown + 60:
                shown = now
                print(f"{states.total()} cases, {sum(finds.values())} finds of {len(finds)} kinds", flush=True)
    told = ", ".join(f"{count} {state}" for state, count in states.most_common())
    print(
        f"{states.total()} cases in {time.monotonic() - began:.0f} s: {told}; seed {first}; {len(finds)} kinds of finds"
    )
    return 1 if finds or not states else 0


if __name__ == "__main__":
    sys.exit(main())
