"""Keeps what this version makes, for every later version to read: `python tests/artefacts/make.py`.

Writes `tests/artefacts/VERSION/`: a sealed PDF, its certificate page as a picture, the evidence pack, the house's public folder as
one file, and the workspace. Run once for each release, at its tag; a folder that is there is left alone, since nobody can make
it again.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from signing_core import __version__
from signing_core.audit_log import evidence
from signing_core.audit_log.log import AuditLog
from signing_core.desk import Desk
from signing_core.pdf import render
from signing_core.testing import Play, contract, make_workspace

HERE = Path(__file__).parent


def make(target: Path) -> None:
    """Raises `FileExistsError` when there is such a folder."""
    target.mkdir()
    with tempfile.TemporaryDirectory() as folder:
        workspace = make_workspace(Path(folder) / "workspace")
        with workspace:
            play = Play(Desk(workspace))
            completed = play.create(contract(1), title="Sample agreement")
            play.to_completion(completed)
            running = play.create(contract(1), title="Sample agreement under way")
            play.desk.send(running)
            AuditLog(workspace).checkpoint_and_anchor()
            final = workspace.objects.get(play.desk.status(completed)["final"]["sha256"])
            (target / "sealed.pdf").write_bytes(final)
            render.render(final, render.page_count(final), dpi=100).convert("L").save(
                target / "certificate.png", optimize=True
            )
            (target / "evidence.zip").write_bytes(evidence.export(workspace, completed))
            public = sorted(workspace.keys().public_folder.glob("*.pem"))
            (target / "public.pem").write_bytes(b"".join(file.read_bytes() for file in public))
            facts = {"version": __version__, "completed": completed, "running": running}
            (target / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")
        shutil.make_archive(str(target / "workspace"), "zip", folder, "workspace")


if __name__ == "__main__":
    where = HERE / __version__
    if where.exists():
        sys.exit(f"{where} is there; what a version made is kept as it is.")
    make(where)
    print(f"Kept in {where}.")
