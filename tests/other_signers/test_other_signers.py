"""A small sample of what `make signers` runs whole, and the judge of damage itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pypdf import PdfWriter

from . import damage, documents, keys, report
from .command import present
from .controls import KINDS, controls, place_of_amount
from .drivers import TOOLS, pyhanko
from .judging import Judged
from .manifest import Entry
from .matrix import chains
from .workshop import Step, Workshop

RUN = Path(__file__).with_name("run.py")


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, keys.Keys]:
    folder = tmp_path_factory.mktemp("signed")
    material = keys.make(folder / "keys")
    plain = next(document for document in documents.DOCUMENTS if document.name == "plain")
    source = documents.made(plain, folder / "plain.pdf", material)
    pyhanko.sign(Workshop(folder / "workshop"), Step(source, folder / "signed.pdf", material))
    return folder / "signed.pdf", material


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_what_pyhanko_and_pypdf_write_is_intact_and_altered_copies_are_not(tmp_path: Path) -> None:
    """The tools that are there with our own dependencies; with the others it is the whole of docs/other-signers.md."""
    command = [sys.executable, str(RUN), "--out", str(tmp_path), "--tools", "pyHanko", "pypdf", "--documents", "form"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=270, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ", 0 refused, " in ended.stdout
    assert " altered files: 0 intact." in ended.stdout
    assert "0 were not made" in ended.stdout


def test_every_file_is_planned_once_and_their_number_is_bounded() -> None:
    names = [chain.name for chain in chains(TOOLS)]
    assert len(names) == len(set(names))
    assert 500 < len(names) < 700
    assert {tool.name for tool in TOOLS} == {part.tool.name for chain in chains(TOOLS) for part in chain.parts}


def test_a_tool_that_is_not_there_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert [tool.name for tool in present(Workshop(tmp_path), ["mutool", "pyHanko"])] == ["pyHanko"]
    assert "Left out: mutool; it needs mutool (Debian: mupdf-tools)." in capsys.readouterr().out


def test_each_kind_of_control_differs_in_what_it_says(signed: tuple[Path, keys.Keys]) -> None:
    data = signed[0].read_bytes()
    made = dict(controls(data, place_of_amount(data), "seed"))
    assert tuple(made) == KINDS
    for kind in KINDS[:2]:
        assert len(made[kind]) == len(data)
        assert sum(old != new for old, new in zip(data, made[kind], strict=True)) == 1
    assert made[KINDS[2]].startswith(data)
    assert dict(controls(data, place_of_amount(data), "seed"))[KINDS[0]] == made[KINDS[0]]


def test_a_file_written_anew_is_damage(signed: tuple[Path, keys.Keys], tmp_path: Path) -> None:
    file, material = signed
    anew = tmp_path / "anew.pdf"
    PdfWriter(clone_from=file).write(anew)
    criteria = _criteria(file, anew, material)
    assert damage.SIGNED_BYTES in criteria
    assert damage.DIGEST in criteria


def test_a_form_without_the_earlier_signature_is_damage(signed: tuple[Path, keys.Keys], tmp_path: Path) -> None:
    file, material = signed
    emptied = tmp_path / "emptied.pdf"
    writer = PdfWriter(file, incremental=True)
    form = writer.root_object["/AcroForm"]
    form["/Fields"].clear()
    writer.write(emptied)
    assert damage.LOST in _criteria(file, emptied, material)


def test_an_update_that_leaves_all_in_place_is_none(signed: tuple[Path, keys.Keys], tmp_path: Path) -> None:
    file, material = signed
    stored = tmp_path / "stored.pdf"
    pyhanko.store(Workshop(tmp_path), Step(file, stored, material))
    assert _criteria(file, stored, material) == []


def test_what_no_tool_damaged_decides_and_an_altered_file_may_never_be_intact() -> None:
    judged = [
        _judged("honest", "intact"),
        _judged("honest", "altered", "change-page"),
        _judged("honest", "altered", "change-form", damaged="yes"),
        _judged("overlay", "altered"),
    ]
    summary = report.summary(judged)
    assert (summary.share_intact, summary.accepted) == (0.5, [])
    assert report.summary([*judged, _judged("overlay", "intact")]).accepted
    page = report.placed(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", report.markdown(judged))
    assert page.startswith("before\n")
    assert page.endswith("\nafter\n")
    assert "\nold\n" not in page
    assert "| `change-page` | 1 | form: sign pyHanko |" in page


def _judged(kind: str, integrity: str, *codes: str, damaged: str = "no") -> Judged:
    criterion = f"sign pyHanko: {damage.LOST}" if damaged == "yes" else ""
    entry = Entry("a.pdf", "form", "sign pyHanko", "sign", kind, damaged, criterion, "valid", "valid", "00")
    return Judged(entry, integrity, codes, frozenset(codes))


def _criteria(before: Path, after: Path, material: keys.Keys) -> list[str]:
    opinions = damage.opinion(before, material), damage.opinion(after, material)
    return damage.criteria(before, after, opinions, signatures=1)
