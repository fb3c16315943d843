"""Verification side by side on the same files and cores: ours, pyHanko in process with its change analysis, pdfsig.

    .venv/bin/python benchmarks/verification.py [--pages 5,50,500,2000] [--corpus FOLDER] [--cache FOLDER] [--profile]

(1) One core, processor time for one of our own sealed documents (three signatures, B-LTA), by number of pages. Ours is given
twice: the same question that pyHanko answers, and with what only we do besides, the certificate page rendered and its QR code
read. (2) The same over a folder of foreign signed files. (3) Documents per second, two worker processes beside `pdfsig`
run two at a time. The documents are made once, by the whole flow, and kept in the cache folder.

Processor time is what is compared, since it hardly depends on what else the machine does; the median of several runs,
with caches warm as they are in a batch. For `pdfsig` it is that of its processes.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import cProfile
import hashlib
import io
import logging
import os
import pstats
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
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
from signing_core.verification import Trust, load_trust, our_documents, verify
from signing_core.verification.batch import Limits, Rules, verify_many
from signing_core.verification.certificate_page import PageRead

PASSED = ("TOTAL-PASSED", "intact")


# -- documents --------------------------------------------------------------------------------------------------------


def documents(cache: Path, counts: list[int]) -> dict[int, Path]:
    """Sealed documents by number of pages, and beside them the folder `public` with what to trust."""
    cache.mkdir(parents=True, exist_ok=True)
    found = {pages: cache / f"sealed-{pages}.pdf" for pages in counts}
    missing = [pages for pages in counts if not found[pages].is_file()]
    if not missing:
        return found
    folder = cache / "workspace"
    if not folder.is_dir():
        make_workspace(folder).close()
        shutil.copytree(folder / "keys" / "public", cache / "public", dirs_exist_ok=True)
    from signing_core.storage.workspace import Workspace

    with Workspace.open(folder) as workspace:
        play = Play(Desk(workspace))
        for pages in missing:
            print(f"making the document of {pages} pages", file=sys.stderr)
            document_id = play.create(contract(pages))
            play.to_completion(document_id)
            final = play.desk.status(document_id)["files"]["final"]
            found[pages].write_bytes(workspace.objects.get(final["sha256"]))
    return found


# -- the three --------------------------------------------------------------------------------------------------------


def ours(path: Path, at: datetime, trust: Trust | None) -> str:
    return str(verify(path, at=at, trust=trust).integrity)


def ours_without_page(path: Path, at: datetime, trust: Trust | None) -> str:
    """What pyHanko and pdfsig have no counterpart to left out: the certificate page is not rendered and read."""
    defaults = our_documents.judge.__kwdefaults__
    reading = defaults["read"]
    defaults["read"] = lambda *_, **__: PageRead("unreadable")
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


def pdfsig(path: Path, nss: Path) -> str:
    command = ["pdfsig", "-nssdir", str(nss), "-no-ocsp", str(path)]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, check=False)
    return ""


# -- measuring --------------------------------------------------------------------------------------------------------


def _processor_time() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def milliseconds(work: Callable[[], object], seconds: float = 3.0) -> float:
    """The median of as many runs as fit, three to sixty; the first, which fills caches, does not count."""
    work()
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


def by_pages(found: dict[int, Path], at: datetime, trust: Trust, anchors: list[x509.Certificate], nss: Path) -> None:
    print("One core, milliseconds of processor time for one document\n")
    rows = [
        ["pages", "KiB", "ours", "+ page read", "of it SHA-256", "pyHanko", "pdfsig", "pyHanko / ours", "pdfsig / ours"]
    ]
    floor: float | None = None
    for pages, path in found.items():
        data = path.read_bytes()
        assert verify(data, at=at, trust=trust).indication == PASSED[0], "the sample is not in order"
        mine = milliseconds(partial(ours_without_page, path, at, trust))
        whole = milliseconds(partial(ours, path, at, trust))
        hashing = milliseconds(lambda data=data: hashlib.sha256(data).digest(), 1.0)
        theirs = milliseconds(partial(pyhanko, path, at, anchors))
        others = milliseconds(partial(pdfsig, path, nss))
        lean = mine - hashing
        floor = lean if floor is None else floor
        rows.append(
            [
                str(pages), f"{len(data) / 1024:.0f}", f"{mine:.2f}", f"{whole:.1f}", f"{hashing:.2f}", f"{theirs:.1f}",
                f"{others:.1f}", f"{theirs / mine:.1f} x", f"{others / mine:.1f} x",
            ]
        )  # fmt: skip
        print(f"  {pages} pages: {lean / floor:.2f} x the first, hashing aside", flush=True)
    print()
    table(rows)


def over_corpus(folder: Path, at: datetime, nss: Path) -> None:
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
        "pdfsig": lambda path: pdfsig(path, nss),
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


def two_at_a_time(found: dict[int, Path], at: datetime, trust: Trust, nss: Path, seconds: float) -> None:
    print("Two at a time: documents per second by the clock, runs of both taking turns\n")
    rows = [["pages", "ours, two workers", "pdfsig, two at a time", "ratio"]]
    for pages, path in found.items():
        speeds: dict[str, list[float]] = {"ours": [], "pdfsig": []}
        for _ in range(3):
            count = max(6, min(400, int(200 * 5 / pages)))
            began = time.monotonic()
            rules = Rules(at=at, trust=trust)
            assert all(v.integrity == PASSED[1] for v in verify_many([path] * count, rules, jobs=2, limits=Limits()))
            speeds["ours"].append(count / (time.monotonic() - began))
            began, done = time.monotonic(), 0
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                while time.monotonic() - began < seconds / 3:
                    done += len(list(pool.map(partial(pdfsig, path), [nss] * 8)))
            speeds["pdfsig"].append(done / (time.monotonic() - began))
        mine, others = (statistics.median(speeds[name]) for name in ("ours", "pdfsig"))
        rows.append([str(pages), f"{mine:.1f}", f"{others:.1f}", f"{mine / others:.2f} x"])
    table(rows)


def profile(path: Path, at: datetime, trust: Trust) -> None:
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
    arguments = given.parse_args()
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(100_000)  # pyHanko follows references by recursion, one page after the other
    if shutil.which("pdfsig") is None:
        raise SystemExit("pdfsig is missing: install poppler-utils, then run this again.")
    found = documents(arguments.cache, [int(count) for count in arguments.pages.split(",")])
    at = datetime.now(UTC) + timedelta(minutes=1)
    trust = load_trust([arguments.cache / "public"])
    anchors = [x509.Certificate.load(anchor.der) for anchor in trust.anchors]
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as nss:
        os.sched_setaffinity(0, cores[:1])
        by_pages(found, at, trust, anchors, Path(nss))
        over_corpus(arguments.corpus, at, Path(nss))
        if arguments.profile:
            profile(min(found.values(), key=lambda path: path.stat().st_size), at, trust)
        os.sched_setaffinity(0, cores[:2])
        two_at_a_time(found, at, trust, Path(nss), 6.0)


if __name__ == "__main__":
    main()
