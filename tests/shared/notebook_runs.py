"""The six notebooks run by nbmake on a seeded workspace, and the photos that one of them reads."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seeded import Seeded

from signing_core import Workspace, frames

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    workspace: Path
    """A copy of the seeded one, with a folder of photos."""
    copies: Path
    """The folder of the executed notebooks."""
    conclusions: dict[str, dict[str, Any]]


def run_by_nbmake(workspace: Path, copies: Path) -> None:
    options = ["--nbmake", "--overwrite", "--nbmake-timeout=1100", "-q", "-p", "no:cacheprovider", "-o", "addopts="]
    files = sorted(str(file) for file in copies.glob("*.ipynb"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-c", os.devnull, "--rootdir", str(copies), *files],
        cwd=copies, env={**os.environ, "SEALTRAIL_WORKSPACE": str(workspace)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


TREATED = (
    "blur radius 1.6",
    "jpeg quality 20, dpi 150",
    "perspective tilt 0.3",
    "rotation degrees 17",
    "fax lines 98, threshold 128",
)
"""What was done to the photos that have to be read all the same."""


def photograph(folder: Path, seeded: Seeded) -> None:
    """Photos as life makes them of an honest certificate page, one of the swapped document's, one of another
    company's certificate, a page without any code, and a file that is no picture."""
    from PIL import Image

    from signing_core.pdf import render

    degraded = runpy.run_path(str(ROOT / "benchmarks" / "degraded.py"))

    photos = folder / "photos"
    photos.mkdir()

    def last_page(data: bytes) -> Image.Image:
        return render.render(data, render.page_count(data), dpi=200).convert("L")

    with Workspace.open(folder) as workspace:
        final = frames.documents(workspace, completed=True).set_index("document_id")["final_sha256"]
        page = {
            kind: last_page(workspace.objects.get(final[seeded.document(kind)]))
            for kind in ("same-contact-twice", "swapped-certificate-page")
        }
    for kind, strength, picture in degraded["variants"](page["same-contact-twice"]):
        if f"{kind} {strength}" in TREATED:
            picture.save(photos / f"{kind}.png")
    page["swapped-certificate-page"].save(photos / "swapped.png")
    foreign = next(file for file in (folder / "inbox").rglob("*foreign*.pdf"))
    last_page(foreign.read_bytes()).save(photos / "other-company.png")
    Image.new("L", (800, 600), 255).save(photos / "blank.png")
    (photos / "no-picture.txt").write_text("No picture.")
