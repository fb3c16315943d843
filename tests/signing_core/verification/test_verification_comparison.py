"""What each signer saw, held against the file as it is now: revisions, structure, pictures, and the folder of `--compare`."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pdf_parts as parts
import pypdfium2
import pytest
from PIL import Image

from signing_core.verification import verify
from signing_core.verification.batch import Limits
from signing_core.verification.changes import ChangeLevel
from signing_core.verification.comparison import PageComparison, SignedState, apart, compare, pictures
from signing_core.verification.comparison.apart import write_apart
from signing_core.verification.comparison.files import write

AT = datetime(2026, 6, 2, tzinfo=UTC)
OTHER_PRICE = parts.stream(b"BT /F1 11 Tf 1 0 0 1 60 760 Tm (The price is 9000 Euro.) Tj ET")


def replaced() -> bytes:
    return parts.update(parts.signed(), {parts.CONTENT: OTHER_PRICE})


def looked_at(data: bytes, index: int = 0) -> tuple[SignedState, list[PageComparison]]:
    comparison = compare(data)
    state = comparison.states[index]
    return state, list(comparison.pages(state))


def test_the_covered_revision_is_what_the_verdict_hashes() -> None:
    data = parts.second_signature(parts.signed())
    verdict = verify(data, at=AT)
    for state, judged in zip(compare(data).states, verdict.signatures, strict=True):
        assert state.data is not None
        assert data.startswith(state.data)
        assert state.sha256 == judged.covered_sha256
    first = compare(data).states[0].data
    assert first is not None
    assert first.rstrip().endswith(b"%%EOF") and len(pypdfium2.PdfDocument(first)) == 2


def test_replaced_content_is_seen_where_it_is() -> None:
    state, pages = looked_at(replaced())
    assert state.changes is ChangeLevel.FORBIDDEN and state.differing is not None
    assert state.differing.pages == (1,)
    (page,) = pages
    assert (page.page, page.state) == (1, "changed")
    assert page.before is not None and page.after is not None
    line = (842 - 763) * 96 / 72  # pixels from the top to the middle of what was written anew
    assert any(top <= line <= bottom for _, top, _, bottom in page.changes)
    colours = {colour for _, colour in page.difference.getcolors(1 << 24) or []}
    assert {(200, 30, 30), (31, 95, 190)} <= colours


def test_a_later_signature_is_not_a_change_of_the_page() -> None:
    state, pages = looked_at(parts.second_signature(parts.signed()))
    assert state.changes is ChangeLevel.PERMITTED and state.differing is not None
    assert state.differing.fields == ("second",)
    assert [page.state for page in pages] == ["later-signature"]


def test_a_filled_field_is_shown() -> None:
    state, pages = looked_at(parts.filled(parts.signed()))
    assert state.changes is ChangeLevel.PERMITTED and state.differing is not None
    assert state.differing.fields == ("amount",)
    assert [page.state for page in pages] == ["changed"]


def test_pages_that_came_or_went() -> None:
    state, pages = looked_at(parts.update(parts.signed(), {parts.PAGES: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"}))
    assert state.differing is not None
    assert (state.differing.pages_before, state.differing.pages_after) == (2, 1)
    gone = pages[-1]
    assert (gone.page, gone.state, gone.after) == (2, "changed", None)
    assert gone.before is not None and gone.difference.size == gone.before.size


def test_what_the_structure_does_not_say_is_seen_all_the_same() -> None:
    """Bytes behind the last revision that no parsed revision explains, and that a repairing viewer shows."""
    data = (
        parts.signed()
        + b"4 0 obj\n"
        + OTHER_PRICE
        + b"\nendobj\ntrailer\n<< /Root 1 0 R /Size 40 >>\nstartxref\n7\n%%EOF\n"
    )
    state, pages = looked_at(data)
    assert state.changes is ChangeLevel.FORBIDDEN
    assert [page.state for page in pages] == ["changed"]


def test_nothing_to_show_where_nothing_came_later() -> None:
    state, pages = looked_at(parts.signed())
    assert (state.changes, pages) == (ChangeLevel.NONE, [])


def test_without_a_whole_revision_there_is_no_state() -> None:
    data = parts.signed()
    at = data.index(b"/ByteRange [0 ") + len(b"/ByteRange [")
    state, pages = looked_at(data[:at] + b"9" + data[at + 1 :])
    assert (state.revision, state.data, pages) == (None, None, [])


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7\n", b"no PDF", parts.original()])
def test_files_without_signed_states(data: bytes, tmp_path: Path) -> None:
    comparison = compare(data)
    assert comparison.states == ()
    assert "no signature" in write(comparison, tmp_path, name="x").read_text()


def test_the_folder_holds_everything(tmp_path: Path) -> None:
    data = replaced()
    page = write(compare(data), tmp_path / "out", name="<script>alert(1)</script>.pdf", verdict=verify(data, at=AT))
    html = page.read_text("utf-8")
    assert "<script" not in html and "&lt;script&gt;" in html
    assert "change-content" in html or "change-" in html
    stem = "signature-1-page-1"
    assert {path.name for path in page.parent.iterdir()} == {
        "index.html", "signature-1.pdf", f"{stem}-before.png", f"{stem}-after.png", f"{stem}-difference.png",
        f"{stem}-change-1-before.png", f"{stem}-change-1-after.png",
    }  # fmt: skip
    assert "Words only when signed: " in html and re.search("Words only now: [^<]*9000", html)
    signed = (page.parent / "signature-1.pdf").read_bytes()
    assert hashlib.sha256(signed).hexdigest() in html
    before, after = (Image.open(page.parent / f"{stem}-{kind}.png") for kind in ("before", "after"))
    assert pictures.differing(before, after).any()


def test_a_comparison_under_limits(tmp_path: Path) -> None:
    file = tmp_path / "replaced.pdf"
    file.write_bytes(replaced())
    verdict = verify(file, at=AT)
    assert write_apart(str(file), tmp_path / "a", verdict, limits=Limits()) is None
    assert (tmp_path / "a" / "index.html").is_file()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(apart, "patience", lambda seconds: 0.001)
        assert "did not come to an end" in (write_apart(str(file), tmp_path / "b", verdict, limits=Limits()) or "")
    gone = write_apart(str(tmp_path / "missing.pdf"), tmp_path / "c", verdict, limits=Limits())
    assert gone == "No such file or directory"


def test_compare_on_the_command_line(tmp_path: Path) -> None:
    for name, data in (("one.pdf", replaced()), ("two.pdf", parts.signed()), ("plain.pdf", parts.original())):
        (tmp_path / name).write_bytes(data)
    program = [sys.executable, "-c", "from signing_core.cli import main; main()", "verify"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*program, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False
        )

    done = run("one.pdf", "--compare", "single")
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (1, "", 1)
    assert (tmp_path / "single" / "index.html").is_file()
    done = run("one.pdf", "two.pdf", "plain.pdf", "--compare", "many", "--language", "de")
    assert done.stderr == ""
    assert sorted(path.name for path in (tmp_path / "many").iterdir()) == ["1-one", "2-two"]
    assert "sieht anders aus" in (tmp_path / "many" / "1-one" / "index.html").read_text("utf-8")
    refused = run("one.pdf", "--compare", "one.pdf/inside")
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
