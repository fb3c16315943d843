"""The evidence pack: complete, checkable by the script in it alone, and by nothing else made of our code."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from signing_core.audit_log import evidence
from signing_core.errors import DocumentUnknown, ObjectDamaged, ObjectMissing, UsageError

House = Any


def _unpacked(house: House, folder: Path, document: str) -> Path:
    with zipfile.ZipFile(io.BytesIO(evidence.export(house.workspace, document))) as archive:
        archive.extractall(folder)
    return folder / f"evidence-{document}"


def _check(folder: Path) -> tuple[int, str]:
    """Run the script as a stranger would: another folder, no access to our package."""
    ended = subprocess.run(
        [sys.executable, "-I", "-c", _WITHOUT_US, str(folder / "verify.py")],
        capture_output=True, text=True, cwd="/", timeout=600,
    )  # fmt: skip
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.returncode, ended.stdout


_WITHOUT_US = """
import runpy, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in ("cryptography", "cffi", "_cffi_backend"):
            raise ImportError(name + " is not there")
sys.meta_path.insert(0, Blocked())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_the_script_checks_every_step(anchored_house: House, tmp_path: Path) -> None:
    folder = _unpacked(anchored_house, tmp_path, anchored_house.documents[0])
    status, said = _check(folder)
    assert status == 0, said
    assert said.count("    ok") == 8
    assert "witness.example/w1 at 2026-05-04" in said
    assert "Sample Authority" in said
    assert "3 values open their commitments, 0 were erased" in said
    assert "NOT from outside" not in said
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    readme = (folder / "README.txt").read_text()
    assert "{" not in readme
    assert anchored_house.documents[0] in readme


def test_what_is_only_anchored_by_ourselves_is_called_so(house: House, tmp_path: Path) -> None:
    status, said = _check(_unpacked(house, tmp_path, house.documents[1]))
    assert status == 0, said
    assert "NOT from outside" in said
    assert "not checked" in said, "no witness"


def test_the_same_evidence_is_the_same_file(anchored_house: House) -> None:
    document = anchored_house.documents[0]
    assert evidence.export(anchored_house.workspace, document) == evidence.export(anchored_house.workspace, document)


def test_every_altered_file_is_named(anchored_house: House, tmp_path: Path) -> None:
    folder = _unpacked(anchored_house, tmp_path, anchored_house.documents[0])
    for name in json.loads((folder / "manifest.json").read_text())["files"]:
        if name == "verify.py":
            continue
        file = folder / name
        original = file.read_bytes()
        file.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
        status, said = _check(folder)
        assert status == 1
        assert f"{name} was changed" in said
        file.unlink()
        assert _check(folder)[0] == 1
        file.write_bytes(original)
    assert _check(folder)[0] == 0


def _edit(folder: Path, name: str, old: bytes, new: bytes) -> None:
    """Alter a file and the manifest with it, as a forger would."""
    import hashlib

    file = folder / name
    data = file.read_bytes()
    assert old in data
    file.write_bytes(data.replace(old, new))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = hashlib.sha256(file.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_forger_who_mends_the_manifest_fails_later(anchored_house: House, tmp_path: Path) -> None:
    pattern = _unpacked(anchored_house, tmp_path / "p", anchored_house.documents[0])
    events = sorted(path.name for path in (pattern / "events").iterdir())
    cases: list[tuple[str, bytes, bytes, str]] = [
        ("document.pdf", b"sample", b"simple", "(2)"),
        (f"events/{events[0]}", b'"pages":1', b'"pages":2', "(3)"),
        (f"events/{events[-1]}", b'"length"', b'"lenght"', "(4)"),
        ("checkpoint/checkpoint.txt", b"\n9\n", b"\n8\n", "(4)"),
        ("keys/log.vkey", b"+", b"x+", "(5)"),
        ("keys/witnesses.vkey", b"w1", b"w2", "(6)"),
        ("personal.json", b"Sample Client", b"Another Client", "(8)"),
    ]
    for number, (name, old, new, step) in enumerate(cases):
        folder = tmp_path / str(number)
        shutil.copytree(pattern, folder)
        _edit(folder, name, old, new)
        status, said = _check(folder)
        assert status == 1
        wrong = {f"({part[0]})" for part in said.removeprefix("(").split("\n(") if "\n    WRONG" in part}
        assert step in wrong, said
    token = (pattern / "checkpoint" / "time-stamp-1.der").read_bytes()
    for position in range(10, len(token), 97):
        folder = tmp_path / f"t{position}"
        shutil.copytree(pattern, folder)
        changed = bytearray(token)
        changed[position] ^= 1
        (folder / "checkpoint" / "time-stamp-1.der").write_bytes(changed)
        _edit(folder, "checkpoint/time-stamp-1.der", bytes(changed), bytes(changed))
        assert _check(folder)[0] == 1, f"byte {position} of the time-stamp was changed"


def test_erased_values_stay_closed_and_everything_else_verifies(anchored_house: House, tmp_path: Path) -> None:
    from signing_core.audit_log import personal
    from signing_core.storage.database import writing

    document = anchored_house.documents[0]
    with writing(anchored_house.workspace.engine) as connection:
        assert personal.erase(connection, document, "client", now=datetime(2027, 1, 1, tzinfo=UTC)) == 2
    status, said = _check(_unpacked(anchored_house, tmp_path, document))
    assert status == 0, said
    assert "1 values open their commitments, 2 were erased" in said


def test_only_completed_documents_with_their_file(house: House) -> None:
    with pytest.raises(DocumentUnknown):
        evidence.export(house.workspace, "nothing")
    house.append(document="01KAY3E0Q40000000000000000")
    with pytest.raises(UsageError, match="not completed"):
        evidence.export(house.workspace, "01KAY3E0Q40000000000000000")
    _file(house).unlink()
    with pytest.raises(ObjectMissing):
        evidence.export(house.workspace, house.documents[0])


def test_an_altered_file_is_evidence_and_said_to_be_altered(house: House, tmp_path: Path) -> None:
    file = _file(house)
    file.chmod(0o600)
    file.write_bytes(b"another")
    folder = _unpacked(house, tmp_path, house.documents[0])
    assert (folder / "document.pdf").read_bytes() == b"another"
    assert "ATTENTION: this is not the file that was completed" in (folder / "README.txt").read_text()
    status, said = _check(folder)
    assert status == 1
    assert "document.pdf has" in said and "WRONG" in said


def test_a_file_that_cannot_be_read_is_one_sentence(house: House) -> None:
    file = _file(house)
    file.unlink()
    file.mkdir()
    with pytest.raises(ObjectDamaged, match="cannot be read: Is a directory"):
        evidence.export(house.workspace, house.documents[0])


def _file(house: House) -> Path:
    sha256 = str(house.query("SELECT final_sha256 FROM documents WHERE id = ?", house.documents[0])[0][0])
    return house.workspace.objects.path(sha256)
