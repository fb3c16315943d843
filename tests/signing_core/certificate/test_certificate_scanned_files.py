"""Unsigned PDFs that are pictures of paper: every entry says so and what their code says, and none makes more of it."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import zxingcpp
from PIL import Image, ImageDraw
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject, RectangleObject

from signing_core.bulk import file_cases
from signing_core.certificate import payload
from signing_core.certificate.facts import CertificateData
from signing_core.certificate.payload import QrClaims
from signing_core.trust import House, Part, TrustStore
from signing_core.verdict import DocumentVerdict
from signing_core.verification import verify
from signing_core.verification.wording import in_words

NOW = datetime(2026, 11, 26, tzinfo=UTC)
SCAN_CODES = ("looks-like-scan", "scan-code-valid", "scan-code-unknown", "scan-code-invalid")


def believing(key: Any) -> TrustStore:
    part = Part("qr", key.public_key.public_bytes_raw())
    return TrustStore((House("5ea1", "Sample Seals GmbH", (part,)),))


def paper(number: int = 1) -> Image.Image:
    sheet = Image.new("L", (850, 1100), 245)
    ImageDraw.Draw(sheet).text((100, 100), f"Agreement, page {number}", fill=20, font_size=40)
    return sheet


def scan(*pages: Image.Image, dpi: int = 100) -> bytes:
    file = io.BytesIO()
    pages[0].save(file, "PDF", resolution=dpi, save_all=True, append_images=pages[1:])
    return file.getvalue()


def judged(data: bytes, trust: TrustStore) -> DocumentVerdict:
    verdict = verify(data, at=NOW, trust=trust)
    assert (verdict.integrity, verdict.indication, verdict.signatures) == ("unsigned", None, ())
    assert (verdict.certificate.qr, verdict.certificate.sealed_by_us, verdict.document_id) == ("absent", None, None)
    return verdict


def said(verdict: DocumentVerdict) -> dict[str, str]:
    return {finding.code: finding.message for finding in verdict.findings if finding.code in SCAN_CODES}


def written(writer: PdfWriter) -> bytes:
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def edited(data: bytes, content: bytes) -> bytes:
    """The same with more drawn on its first page."""
    writer = PdfWriter(clone_from=io.BytesIO(data))
    page, more = writer.pages[0], DecodedStreamObject()
    more.set_data(content)
    font = {"/Type": NameObject("/Font"), "/Subtype": NameObject("/Type1"), "/BaseFont": NameObject("/Helvetica")}
    fonts = DictionaryObject({NameObject("/F1"): DictionaryObject({NameObject(k): v for k, v in font.items()})})
    page["/Resources"][NameObject("/Font")] = fonts  # type: ignore[index]
    page[NameObject("/Contents")] = ArrayObject([page.raw_get("/Contents"), writer._add_object(more)])
    return written(writer)


@pytest.fixture(scope="module")
def certificate(printed: SimpleNamespace) -> Image.Image:
    return printed.image.convert("L")  # type: ignore[no-any-return]


def test_a_genuine_code_on_a_scan_is_said_and_proves_no_page(
    certificate: Image.Image, sample_key: Any, facts: CertificateData
) -> None:
    found = said(judged(scan(paper(), certificate, dpi=200), believing(sample_key)))
    assert list(found) == ["scan-code-valid"]
    assert facts.document_id in found["scan-code-valid"] and "Sample Seals GmbH" in found["scan-code-valid"]
    assert "page 2" in found["scan-code-valid"]


def test_a_code_whose_key_was_not_given(certificate: Image.Image, another_key: Any, sample_key: Any) -> None:
    found = said(judged(scan(certificate, dpi=200), believing(another_key)))
    assert list(found) == ["scan-code-unknown"]
    assert sample_key.key_id.hex() in found["scan-code-unknown"]


def test_a_forged_code(
    facts: CertificateData, claims_of: Callable[[CertificateData], QrClaims], sample_key: Any, another_key: Any
) -> None:
    class Pretender:
        key_id = sample_key.key_id
        sign = another_key.sign

    text = payload.to_url(payload.sign(claims_of(facts), Pretender()), facts.host)  # type: ignore[arg-type]
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_image(scale=5)
    sheet = paper()
    sheet.paste(Image.fromarray(np.asarray(code)), (200, 400))
    found = said(judged(scan(sheet), believing(sample_key)))
    assert list(found) == ["scan-code-invalid"]


def test_no_code_and_somebody_elses_code(sample_key: Any) -> None:
    other = paper()
    other.paste(
        Image.fromarray(np.asarray(zxingcpp.create_barcode("HELLO", zxingcpp.BarcodeFormat.QRCode).to_image(scale=8))),
        (200, 400),
    )
    assert list(said(judged(scan(paper(1), paper(2)), believing(sample_key)))) == ["looks-like-scan"]
    assert list(said(judged(scan(other), believing(sample_key)))) == ["looks-like-scan"]


def test_recognised_text_leaves_a_scan_what_it_is(certificate: Image.Image, sample_key: Any) -> None:
    data = scan(certificate, dpi=200)
    unseen = edited(data, b"BT /F1 12 Tf 3 Tr 50 700 Td (Authenticity certificate) Tj ET")
    assert list(said(judged(unseen, believing(sample_key)))) == ["scan-code-valid"]
    typed = edited(data, b"BT /F1 12 Tf 50 700 Td (And 9000 EUR more) Tj ET")
    assert said(judged(typed, believing(sample_key))) == {}


def test_what_a_program_drew_is_no_scan(printed: SimpleNamespace, sample_key: Any) -> None:
    assert said(judged(printed.pdf, believing(sample_key))) == {}
    small = Image.new("L", (300, 300), 120)
    writer = PdfWriter(clone_from=io.BytesIO(scan(small)))
    writer.pages[0].mediabox = RectangleObject((0, 0, 595, 842))
    assert said(judged(written(writer), believing(sample_key))) == {}, "a picture that covers a part of the page"
    mixed = PdfWriter(clone_from=io.BytesIO(scan(paper())))
    mixed.append(PdfReader(io.BytesIO(printed.pdf)))
    assert said(judged(written(mixed), believing(sample_key))) == {}


def test_a_scan_of_many_hopeless_pages_costs_a_bounded_time(sample_key: Any) -> None:
    rng = np.random.default_rng(3)
    noise = Image.fromarray(rng.integers(0, 255, (1100, 850), dtype=np.uint8))
    data = scan(*[noise] * 12)
    started = time.thread_time()
    assert list(said(judged(data, believing(sample_key)))) == ["looks-like-scan"]
    assert time.thread_time() - started < 8


@pytest.mark.parametrize("code", SCAN_CODES)
def test_every_answer_has_words_in_both_languages(code: str) -> None:
    english, german = in_words(code, "en"), in_words(code, "de")
    assert "looks like a scan" in english.meaning and "sieht aus wie ein Scan" in german.meaning
    assert english[1] and german[1] and english[1] != german[1]


def test_the_command_line_says_it_as_table_and_as_json(
    certificate: Image.Image, tmp_path: Path, facts: CertificateData
) -> None:
    (tmp_path / "scan.pdf").write_bytes(scan(certificate, dpi=200))
    command = [sys.executable, "-c", "from signing_core.cli import main; main()", "verify", "scan.pdf", "--format"]
    for form in ("jsonl", "table"):
        done = subprocess.run([*command, form], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
        words = " ".join(done.stdout.replace("│", " ").split())
        assert done.returncode == 1, done.stderr
        assert "scan-code-unknown" in words or "looks like a scan; its code says" in words, form


def test_the_pipelines_say_it_in_the_line_of_an_unsigned_file(certificate: Image.Image, sample_key: Any) -> None:
    row = judged(scan(certificate, dpi=200), believing(sample_key)).to_json()
    assert file_cases.code_of(row) == "file-unsigned"
    assert "looks like a scan; its code says" in file_cases.said(row)
