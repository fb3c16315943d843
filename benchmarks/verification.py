"""Verification side by side on the same files and cores: ours, pyHanko in process with its change analysis, pdfsig.

    .venv/bin/python benchmarks/verification.py [--pages 5,50,500,2000] [--corpus FOLDER] [--cache FOLDER] [--profile]

(1) One core, processor time for one of our own sealed documents (three signatures, B-LTA), by number of pages. Ours is given
twice: the whole, and without what only we do, the certificate page rendered and its QR code read. (2) The same over a folder
of foreign signed files. (3) Documents per second, two worker processes beside `pdfsig` run two at a time, taking turns.
The documents are made once, by the whole flow, and kept in the cache folder.

Processor time is what is compared in (1) and (2), since it hardly depends on what else the machine does; the median of
several runs, with caches warm as they are in a batch. For `pdfsig` it is that of its processes. pyHanko measures itself in a
process of its own, once for each document: it follows references by recursion, one page after the other, and may not come back.

`pdfsig` is asked twice. As it comes it has no anchors and checks signature values only. With an NSS database that holds our
anchor (made by `certutil`, left out where that is missing) it looks for a chain as well, as the others do. An empty folder as
`-nssdir` would be unfair to us: NSS does not start then, and no signature is checked at all.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import cProfile
import hashlib
import io
import json
import logging
import os
import pstats
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator import ValidationContext

from signing_core.desk import Desk
from signing_core.testing import Play, contract, make_workspace
from signing_core.trust import TrustStore, load_trust
from signing_core.verification import our_documents, verify
from signing_core.verification.batch import Limits, Rules, verify_many
from signing_core.verification.believed import believed
from signing_core.verification.certificate_page import PageRead

PASSED = ("TOTAL-PASSED", "intact")
SIMILAR = 20
"""Different documents of the fewest pages, for the runs of many: a batch is not one file again and again."""
WARM_UP = 20
"""Documents at the start of a run that are not measured: processes start and load what they need."""


# -- documents --------------------------------------------------------------------------------------------------------


def documents(cache: Path, counts: list[int]) -> dict[int, list[Path]]:
    """Sealed documents by number of pages, and beside them the folder `public` with what to trust."""
    cache.mkdir(parents=True, exist_ok=True)
    wanted = {pages: SIMILAR if pages == min(counts) else 1 for pages in counts}
    found = {
        pages: [cache / f"sealed-{pages}-{index}.pdf" for index in range(1, wanted[pages] + 1)] for pages in counts
    }
    missing = [(pages, path) for pages in counts for path in found[pages] if not path.is_file()]
    if not missing:
        return found
    folder = cache / "workspace"
    if not folder.is_dir():
        make_workspace(folder).close()
        shutil.copytree(folder / "keys" / "public", cache / "public", dirs_exist_ok=True)
    from signing_core.storage.workspace import Workspace

    with Workspace.open(folder) as workspace:
        play = Play(Desk(workspace))
        for pages, path in missing:
            print(f"making {path.name}", file=sys.stderr)
            document_id = play.create(contract(pages))
            play.to_completion(document_id)
            final = play.desk.status(document_id)["files"]["final"]
            path.write_bytes(workspace.objects.get(final["sha256"]))
    return found


def nss_database(folder: Path, anchors: Path) -> Path | None:
    """An NSS database that trusts our anchors; None without `certutil`."""
    certutil = shutil.which("certutil")
    if certutil is None:
        return None
    run = partial(subprocess.run, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run([certutil, "-N", "-d", f"sql:{folder}", "--empty-password"])
    for index, anchor in enumerate(believed(load_trust([anchors])).anchors):
        (folder / "anchor.der").write_bytes(anchor.der)
        run(
            [
                certutil,
                "-A",
                "-d",
                f"sql:{folder}",
                "-n",
                f"anchor {index}",
                "-t",
                "CT,CT,CT",
                "-i",
                folder / "anchor.der",
            ]
        )
    return folder


# -- the three --------------------------------------------------------------------------------------------------------


def ours(path: Path, at: datetime, trust: TrustStore | None) -> str:
    return str(verify(path, at=at, trust=trust).integrity)


def ours_without_page(path: Path, at: datetime, trust: TrustStore | None) -> str:
    """What pyHanko and pdfsig have no counterpart to left out: the certificate page is not rendered and read."""
    defaults = our_documents.judge.__kwdefaults__
    reading = defaults["read"]
    defaults["read"] = lambda *_, **__: PageRead("valid")
    try:
        return str(verify(path, at=at, trust=trust).integrity)
    finally:
        defaults["read"] = reading


def pyhanko(path: Path, at: datetime, anchors: list[x509.Certificate]) -> str:
    """Every signature with revocation data from the file and the default difference policy."""
    with path.open("rb") as file:
        reader = PdfFileReader(io.BytesIO(file.read()), strict=False)
    given = {"trust_roots": anchors, "allow_fetching": False, "moment": at}
    try:
        context = DocumentSecurityStore.read_dss(reader).as_validation_context(given)
    except Exception:  # no store in the file, or one that pyHanko does not read
        context = ValidationContext(**given)
    good = True
    for signature in reader.embedded_signatures:
        stamp = signature.sig_object_type == "/DocTimeStamp"
        status = (validate_pdf_timestamp if stamp else validate_pdf_signature)(signature, context)
        good = good and status.intact and status.valid
    return "intact" if good else "altered"


def pyhanko_apart(path: Path, at: datetime, anchors: Path) -> float | None:
    """Milliseconds of processor time, measured by a process of its own; None when it did not come back."""
    command = [sys.executable, __file__, "--pyhanko", str(path), "--at", at.isoformat(), "--anchors", str(anchors)]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
        return float(json.loads(answer.stdout.splitlines()[-1]))
    except (subprocess.SubprocessError, ValueError, IndexError):
        return None


def pyhanko_alone(path: Path, at: datetime, anchors: Path) -> None:
    """The process of `pyhanko_apart`: with as much stack as its recursion may take."""
    roots = [x509.Certificate.load(anchor.der) for anchor in believed(load_trust([anchors])).anchors]
    sys.setrecursionlimit(200_000)
    threading.stack_size(1 << 30)

    def work() -> None:
        assert pyhanko(path, at, roots) == PASSED[1]
        print(json.dumps(milliseconds(partial(pyhanko, path, at, roots), 6.0)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def pdfsig(path: Path, nss: Path | None) -> str:
    command = ["pdfsig", *(["-nssdir", str(nss)] if nss else []), "-no-ocsp", str(path)]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, check=False)
    return ""


# -- measuring --------------------------------------------------------------------------------------------------------


def _processor_time() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def milliseconds(work: Callable[[], object], seconds: float = 3.0) -> float:
    """The median of as many runs as fit, three to sixty; the first, which fills caches, does not count unless it took long."""
    before = _processor_time()
    work()
    first = (_processor_time() - before) * 1000
    if first > seconds * 1000:
        return first
    taken: list[float] = []
    end = time.monotonic() + seconds
    while len(taken) < 3 or (time.monotonic() < end and len(taken) < 60):
        before = _processor_time()
        work()
        taken.append((_processor_time() - before) * 1000)
    return statistics.median(taken)


def table(rows: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for index, row in enumerate(rows):
        print("| " + " | ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) + " |")
        if index == 0:
            print("|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|")
    print()


def by_pages(found: dict[int, list[Path]], at: datetime, trust: TrustStore, public: Path, nss: Path | None) -> None:
    print("One core, milliseconds of processor time for one document\n")
    rows = [
        [
            "pages", "KiB", "ours", "of it SHA-256", "of it page and QR code", "pyHanko", "pdfsig", "pdfsig, anchors",
            "pyHanko / ours", "/ ours without page", "hashing aside, x the first",
        ]
    ]  # fmt: skip
    floor: float | None = None
    for pages, (path, *_) in found.items():
        data = path.read_bytes()
        assert verify(data, at=at, trust=trust).indication == PASSED[0], "the sample is not in order"
        whole = milliseconds(partial(ours, path, at, trust))
        without = milliseconds(partial(ours_without_page, path, at, trust))
        hashing = milliseconds(lambda data=data: hashlib.sha256(data).digest(), 1.0)
        theirs = pyhanko_apart(path, at, public)
        others = milliseconds(partial(pdfsig, path, None))
        anchored = milliseconds(partial(pdfsig, path, nss)) if nss else None
        lean = whole - hashing
        floor = lean if floor is None else floor
        rows.append(
            [
                str(pages), f"{len(data) / 1024:.0f}", f"{whole:.1f}", f"{hashing:.2f}", f"{whole - without:.1f}",
                f"{theirs:.0f}" if theirs else "did not end", f"{others:.1f}", f"{anchored:.1f}" if anchored else "-",
                f"{theirs / whole:.1f}" if theirs else "-", f"{theirs / without:.1f}" if theirs else "-",
                f"{lean / floor:.2f}",
            ]
        )  # fmt: skip
        print(f"  {pages} pages: {dict(zip(rows[0], rows[-1], strict=True))}", file=sys.stderr, flush=True)
    table(rows)


def over_corpus(folder: Path, at: datetime) -> None:
    files = [path for path in sorted(folder.rglob("*.pdf")) if b"/ByteRange" in path.read_bytes()]
    if not files:
        print(f"No signed files in {folder}: the comparison on foreign files is left out.\n")
        return
    print(
        f"One core, {len(files)} foreign signed files, no anchors: milliseconds of processor time for all, and answers\n"
    )
    rows = [["", "all", "per file", "median", "slowest", "exceptions"]]
    contestants: dict[str, Callable[[Path], str]] = {
        "ours": lambda path: ours(path, at, None),
        "pyHanko": lambda path: pyhanko(path, at, []),
        "pdfsig": lambda path: pdfsig(path, None),
    }
    for name, judge in contestants.items():
        taken, raised = [], 0
        for path in files:
            for attempt in range(2):  # the first fills caches
                before = _processor_time()
                try:
                    judge(path)
                except Exception:
                    raised += attempt
                if attempt:
                    taken.append((_processor_time() - before) * 1000)
        rows.append(
            [
                name,
                f"{sum(taken):.0f}",
                f"{sum(taken) / len(taken):.1f}",
                f"{statistics.median(taken):.1f}",
                f"{max(taken):.0f}",
                str(raised),
            ]
        )
    table(rows)


def two_at_a_time(found: dict[int, list[Path]], at: datetime, trust: TrustStore, nss: Path | None) -> None:
    print("Two at a time: documents per second by the clock, in a steady state, taking turns; medians of five turns\n")
    rows = [["pages", "ours, two workers", "pdfsig", "pdfsig, anchors", "ours / pdfsig", "ours / pdfsig, anchors"]]
    for pages, paths in found.items():
        count = max(24, min(120, 1200 // pages))
        many = (paths * (count // len(paths) + 1))[:count]
        speeds: dict[str, list[float]] = {"ours": [], "pdfsig": [], "anchors": []}
        for _ in range(5):
            verdicts = verify_many((many * 3)[: count + WARM_UP], Rules(at=at, trust=trust), jobs=2, limits=Limits())
            for _ in range(WARM_UP):
                next(verdicts)
            began = time.monotonic()
            assert all(verdict.integrity == PASSED[1] for verdict in verdicts)
            speeds["ours"].append(count / (time.monotonic() - began))
            for name, database in (("pdfsig", None), ("anchors", nss)):
                if name == "anchors" and nss is None:
                    continue
                with concurrent.futures.ThreadPoolExecutor(2) as pool:
                    began = time.monotonic()
                    list(pool.map(partial(pdfsig, nss=database), many))
                    speeds[name].append(count / (time.monotonic() - began))
        middle = {name: statistics.median(taken) if taken else None for name, taken in speeds.items()}
        shown = [f"{value:.1f}" if value else "-" for value in middle.values()]
        ratios = [f"{middle['ours'] / value:.2f}" if value else "-" for value in list(middle.values())[1:]]
        rows.append([str(pages), *shown, *ratios])
        print(f"  {pages} pages: {dict(zip(rows[0], rows[-1], strict=True))}", file=sys.stderr, flush=True)
    table(rows)


def profile(path: Path, at: datetime, trust: TrustStore) -> None:
    for _ in range(3):
        ours(path, at, trust)
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(20):
        ours(path, at, trust)
    profiler.disable()
    text = io.StringIO()
    pstats.Stats(profiler, stream=text).strip_dirs().sort_stats("cumtime").print_stats(40)
    print(f"Profile of 20 runs on {path.name}\n{text.getvalue()}")


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--pages", default="5,50,500,2000")
    given.add_argument("--corpus", type=Path, default=Path(__file__).parents[2] / "shared" / "corpus" / "signed")
    given.add_argument("--cache", type=Path, default=Path(__file__).parents[1] / "build" / "benchmark-documents")
    given.add_argument("--profile", action="store_true", help="say where our time goes")
    given.add_argument("--only", choices=["pages", "corpus", "two"], help="one of the three tables")
    for inner in ("--pyhanko", "--at", "--anchors"):
        given.add_argument(inner, help=argparse.SUPPRESS)
    arguments = given.parse_args()
    logging.disable(logging.CRITICAL)
    if arguments.pyhanko:
        pyhanko_alone(Path(arguments.pyhanko), datetime.fromisoformat(arguments.at), Path(arguments.anchors))
        return
    if shutil.which("pdfsig") is None:
        raise SystemExit("pdfsig is missing: install poppler-utils, then run this again.")
    found = documents(arguments.cache, [int(count) for count in arguments.pages.split(",")])
    at = datetime.now(UTC) + timedelta(minutes=1)
    public = arguments.cache / "public"
    trust = load_trust([public])
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        nss = nss_database(Path(folder), public)
        os.sched_setaffinity(0, cores[:1])
        if arguments.only in (None, "pages"):
            by_pages(found, at, trust, public, nss)
        if arguments.only in (None, "corpus"):
            over_corpus(arguments.corpus, at)
        if arguments.profile:
            profile(found[min(found)][0], at, trust)
        os.sched_setaffinity(0, cores[:2])
        if arguments.only in (None, "two"):
            two_at_a_time(found, at, trust, nss)


if __name__ == "__main__":
    main()
