"""Any folder of PDFs through the whole flow, with throwaway parties: what becomes of each, and what others say of the result.

    .venv/bin/python benchmarks/foreign_documents.py /usr/share/doc --out /tmp/foreign

Every file becomes a document of a throwaway workspace, is signed by both parties and sealed. Beside our own verdict stand those of
pyHanko, and of Poppler's `pdfsig` and `qpdf --check` where they are installed. A document that was taken in and not completed is what
must not happen. `results.jsonl` in the folder given by `--out` has one line for each file, by the SHA-256 of its content; a run that
was cut off is gone on with. What a source costs before anybody is asked to sign (inspection, preparation, rehearsal) is processor
time of the limited process.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import logging
import multiprocessing
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext

from signing_core.desk import Desk, taking_in
from signing_core.errors import DocumentRefused, SealtrailError
from signing_core.limited import limits
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play, make_workspace

_PYHANKO_SECONDS: Final = 120
_PYHANKO_MEMORY: Final = 4 << 30


def files(folders: list[Path], largest: int) -> Iterator[tuple[Path, bytes]]:
    """Each content once."""
    seen: set[bytes] = set()
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            if (
                path.is_symlink()
                or not path.is_file()
                or path.suffix.lower() != ".pdf"
                or path.stat().st_size > largest
            ):
                continue
            data = path.read_bytes()
            if (digest := hashlib.sha256(data).digest()) not in seen:
                seen.add(digest)
                yield path, data


class Run:
    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.play = Play(Desk(workspace))
        self.taken: taking_in.TakenIn | None = None
        self._take_in = taking_in.take_in
        taking_in.take_in = self._watched  # type: ignore[assignment]
        anchors = workspace.keys().trust_anchors
        self.roots = [asn1_x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in anchors]

    def _watched(self, *arguments: Any, **more: Any) -> taking_in.TakenIn:
        self.taken = self._take_in(*arguments, **more)
        return self.taken

    def document(self, path: Path, data: bytes) -> dict[str, Any]:
        self.taken = None
        result: dict[str, Any] = {"file": str(path), "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        began = time.process_time()
        try:
            document_id = self.play.create(data, title=path.stem or "Document", source_name=path.name)
        except DocumentRefused as error:
            return result | {"outcome": "refused", "code": error.code, "sentence": str(error)}
        except SealtrailError as error:
            return result | {"outcome": "not created", "code": type(error).__name__, "sentence": str(error)}
        assert self.taken is not None
        result |= {
            "pages": self.taken.prepared.pages - 1,
            "seconds": round(self.taken.seconds, 3),
            "drawn by": list(self.taken.programs),
            "unlike": [list(one) for one in self.taken.differences],
        }
        try:
            self.play.to_completion(document_id)
        except (SealtrailError, AssertionError) as error:
            return result | {"outcome": "stuck", "code": type(error).__name__, "sentence": str(error)}
        final = self.workspace.objects.get(self.play.desk.status(document_id)["final"]["sha256"])
        result["flow seconds"] = round(time.process_time() - began, 3)
        return result | {"outcome": "completed", "others": self.others(final)}

    def others(self, final: bytes) -> dict[str, str]:
        """What other programs say of the finished file: `good`, or what is wrong."""
        said = {"pyHanko": self.by_pyhanko(final)}
        with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
            file.write(final)
            file.flush()
            if shutil.which("pdfsig"):
                text = _said(["pdfsig", "-nocert", file.name])
                valid, signatures = text.count("Signature is Valid."), text.count("Signature Validation:")
                # The document time-stamp is listed and not judged.
                valid += text.count("Signature has not yet been verified.")
                said["pdfsig"] = "good" if signatures >= 4 and valid == signatures else f"{valid} of {signatures} valid"
            if shutil.which("qpdf"):
                done = subprocess.run(["qpdf", "--check", file.name], capture_output=True, text=True, check=False)
                said["qpdf"] = (
                    "good" if done.returncode == 0 else (done.stderr or done.stdout).strip().splitlines()[-1][:200]
                )
        return said

    def by_pyhanko(self, final: bytes) -> str:
        """In a process of its own: it follows references by recursion, and may take all memory."""
        context = multiprocessing.get_context("fork")
        said, saying = context.Pipe(duplex=False)
        process = context.Process(target=_pyhanko, args=(final, self.roots, saying))
        process.start()
        saying.close()
        try:
            return str(said.recv())
        except EOFError:
            return f"gave up: more than {_PYHANKO_SECONDS} s or {_PYHANKO_MEMORY >> 30} GB"
        finally:
            process.join()


def _pyhanko(final: bytes, roots: list[asn1_x509.Certificate], saying: Connection) -> None:
    limits.limit_processor_time(_PYHANKO_SECONDS)
    limits.limit_memory(_PYHANKO_MEMORY)
    context = ValidationContext(trust_roots=roots, allow_fetching=False)
    wrong = []
    try:
        reader = PdfFileReader(io.BytesIO(final))
        for signature in reader.embedded_regular_signatures:
            status = validate_pdf_signature(signature, context)
            if not (status.intact and status.valid and status.docmdp_ok):
                wrong.append(f"{signature.field_name}: {status.summary()}")
        for stamp in reader.embedded_timestamp_signatures:
            if not validate_pdf_timestamp(stamp, context).intact:
                wrong.append(f"{stamp.field_name} is not intact")
    except Exception as error:
        wrong.append(f"{type(error).__name__}: {error}"[:200])
    saying.send("; ".join(wrong) or "good")


def _said(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=120).stdout


def table(results: list[dict[str, Any]]) -> str:
    outcomes = Counter((one["outcome"], one.get("code", "")) for one in results)
    lines = ["| outcome | cause | files |", "|---|---|---|"]
    lines += [f"| {outcome} | {code} | {count} |" for (outcome, code), count in sorted(outcomes.items())]
    done = [one for one in results if one["outcome"] == "completed"]
    lines += ["", "| of the completed files | good | else |", "|---|---|---|"]
    for program in sorted({name for one in done for name in one["others"]}):
        good = sum(one["others"][program] == "good" for one in done if program in one["others"])
        lines.append(f"| {program} | {good} | {sum(program in one['others'] for one in done) - good} |")
    lines.append(
        f"| look the same everywhere | {sum(not one['unlike'] for one in done)} | {sum(bool(one['unlike']) for one in done)} |"
    )
    if costs := sorted(one["seconds"] for one in results if "seconds" in one):
        pages = sorted(one["seconds"] / max(1, one["pages"]) for one in results if "seconds" in one)
        lines += [
            "",
            f"Processor time before anybody is asked to sign, seconds: median {statistics.median(costs):.2f}, "
            f"90 % {costs[int(len(costs) * 0.9)]:.2f}, most {costs[-1]:.2f}; for a page: median {statistics.median(pages):.3f}.",
        ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True, help="folder for results.jsonl and the finished table")
    parser.add_argument("--largest", type=float, default=20.0, help="megabytes of the largest file taken")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    given.out.mkdir(parents=True, exist_ok=True)
    record = given.out / "results.jsonl"
    results = [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
    known = {one["sha256"] for one in results}
    with tempfile.TemporaryDirectory() as folder, make_workspace(Path(folder) / "workspace") as workspace:
        run = Run(workspace)
        for path, data in files(given.folder, int(given.largest * 1e6)):
            if hashlib.sha256(data).hexdigest() in known:
                continue
            result = run.document(path, data)
            with record.open("a") as lines:
                lines.write(json.dumps(result) + "\n")
            results.append(result)
            others = " ".join(f"{name}: {said}" for name, said in result.get("others", {}).items() if said != "good")
            print(f"{result['outcome']:10} {path}  {result.get('sentence', '')}{others}", flush=True)
    (given.out / "table.md").write_text(table(results) + "\n")
    print(table(results))
    return 0 if all(one["outcome"] != "stuck" for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
