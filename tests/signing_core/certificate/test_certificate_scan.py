from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pillow_heif
import pypdf
import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from signing_core.certificate import payload, qr_writer
from signing_core.certificate.facts import CertificateData
from signing_core.certificate.registry import RegisteredDocument, WorkspaceRegistry
from signing_core.certificate.scan import Judge, ScanResult, scan
from signing_core.certificate.scan_files import scan_files
from signing_core.certificate.scan_words import SEVERITIES, WORDS
from signing_core.cli.scan import command
from signing_core.storage.database import writing
from signing_core.storage.schema import document_parties, documents
from signing_core.trust import House, Part, Purpose, TrustStore

KEYS = {
    "path", "page", "found", "symbology", "text", "ours", "qr", "certificate_id", "document_id", "issued_at",
    "signed_prefix", "signers", "key_id", "registry", "proves", "does_not_prove", "findings",
}  # fmt: skip


def believing(key: Any, purpose: Purpose = "qr", used_from: datetime | None = None) -> TrustStore:
    """A store in which one house has this key."""
    part = Part(purpose, key.public_key.public_bytes_raw(), used_from)
    return TrustStore((House("5ea1", "Sample Seals GmbH", (part,)),))


def codes(result: ScanResult) -> list[str]:
    return [finding.code for finding in result.findings]


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def one(path: Path, data: bytes, **options: Any) -> ScanResult:
    path.write_bytes(data)
    (result,) = scan_files([path], **options)
    return result


def qr_picture(text: str) -> Image.Image:
    symbol = qr_writer.write(text)
    side = symbol.modules + 8
    image = Image.new("L", (side, side), 255)
    image.putdata([0 if 0 <= y < symbol.modules and 0 <= x < symbol.modules and symbol.rows[y][x] else 255
                   for y in range(-4, side - 4) for x in range(-4, side - 4)])  # fmt: skip
    return image.resize((side * 5, side * 5), Image.Resampling.NEAREST)


def test_a_valid_code_says_what_it_proves_and_what_not(
    printed: SimpleNamespace, facts: CertificateData, sample_key: Any
) -> None:
    (result,) = scan(printed.image, trust=believing(sample_key))
    assert result.found and result.ours and result.qr == "valid" and result.in_order
    assert result.certificate_id == facts.certificate_id
    assert result.document_id == facts.document_id
    assert result.issued_at == facts.issued_at
    assert result.signed_prefix is not None
    assert (result.signed_prefix.sha256, result.signed_prefix.length) == (facts.signed_sha256, facts.signed_length)
    assert (result.signers, result.sequence, result.key_id) == (2, 1234, sample_key.key_id.hex())
    assert result.registry is None and result.findings == ()
    said = " ".join(result.proves)
    for item in (
        facts.certificate_id,
        facts.document_id,
        "183,456",
        facts.signed_sha256,
        "Sample Seals GmbH",
        "+00:00",
    ):
        assert item in said
    assert len(result.does_not_prove) == 3
    assert result.to_json().keys() >= KEYS
    assert json.loads(json.dumps(result.to_json()))["issued_at"] == "2026-11-25T13:10:22Z"


def test_an_issuer_whose_key_was_not_given_is_named_and_not_believed(
    printed: SimpleNamespace, another_key: Any, sample_key: Any
) -> None:
    for trust in (None, believing(another_key)):
        (result,) = scan(printed.image, trust=trust)
        assert (result.qr, result.ours, result.in_order) == ("unknown-key", True, False)
        assert result.proves == ()
        assert codes(result) == ["qr-unknown-key"]
        assert "sign.example.org" in result.does_not_prove[0] and sample_key.key_id.hex() in result.does_not_prove[0]


def test_a_forged_code_proves_nothing_and_names_nothing(printed: SimpleNamespace, sample_key: Any) -> None:
    signed = bytearray(payload.from_text(printed.url) or b"")
    signed[90] ^= 1
    judge = Judge(believing(sample_key))
    result = judge.text(payload.to_url(bytes(signed), "sign.example.org"))
    assert (result.qr, result.ours, result.in_order) == ("invalid", True, False)
    assert result.document_id is None and result.signed_prefix is None and result.proves == ()
    assert codes(result)[0] in ("qr-signature", "qr-malformed")


def test_other_codes_are_foreign(sample_key: Any) -> None:
    for text in ("HTTPS://EXAMPLE.ORG/", "WIFI:S:GUEST;;", "HTTPS://SIGN.EXAMPLE.ORG/V/AAAAAAAA"):
        result = Judge(believing(sample_key)).text(text)
        assert (result.found, result.ours, result.qr, codes(result)) == (True, False, None, ["qr-foreign"])


def test_a_look_alike_host_is_reported_beside_the_valid_code(
    facts: CertificateData, claims_of: Callable[[CertificateData], payload.QrClaims], sample_key: Any
) -> None:
    signed = payload.sign(claims_of(facts), sample_key)
    result = Judge(believing(sample_key)).text(payload.to_url(signed, "s1gn.example.org"))
    assert (result.qr, result.host, result.issuer) == ("valid", "s1gn.example.org", "sign.example.org")
    assert codes(result) == ["qr-host-differs"]
    assert not result.in_order
    assert "s1gn.example.org" in result.findings[0].message


@given(st.text(max_size=300))
def test_any_text_has_a_result(text: str) -> None:
    assert json.dumps(Judge().text(text).to_json())
    assert json.dumps(Judge(language="de").text("HTTPS://A.EXAMPLE/V/" + text).to_json())


def test_every_finding_and_sentence_exists_in_both_languages() -> None:
    assert WORDS["en"].keys() == WORDS["de"].keys()
    assert WORDS["en"].keys() >= SEVERITIES.keys()
    documented = (Path(__file__).parents[3] / "docs" / "qr.md").read_text()
    assert all(f"`{code}`" in documented for code in SEVERITIES)


# --- Files ---


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000"])
def test_photos_of_every_format(tmp_path: Path, printed: SimpleNamespace, sample_key: Any, kind: str) -> None:
    result = one(tmp_path / "photo", encoded(printed.image, kind), trust=believing(sample_key))
    assert (result.qr, result.page, result.path) == ("valid", None, str(tmp_path / "photo"))


def test_heic_photos(tmp_path: Path, printed: SimpleNamespace, sample_key: Any) -> None:
    pillow_heif.register_heif_opener()
    assert one(tmp_path / "photo.heic", encoded(printed.image, "HEIF"), trust=believing(sample_key)).qr == "valid"


def test_pages_of_a_pdf_with_several_codes(tmp_path: Path, printed: SimpleNamespace, sample_key: Any) -> None:
    two = Image.new("L", (1240, 1754), 255)
    two.paste(qr_picture("HTTPS://EXAMPLE.ORG/ONE"), (100, 100))
    two.paste(qr_picture("HTTPS://EXAMPLE.ORG/TWO"), (600, 900))
    writer = pypdf.PdfWriter()
    writer.add_blank_page(595, 842)
    for part in (encoded(two, "PDF", resolution=150), printed.pdf):
        writer.append(io.BytesIO(part))
    buffer = io.BytesIO()
    writer.write(buffer)
    path = tmp_path / "scan.pdf"
    path.write_bytes(buffer.getvalue())
    results = list(scan_files([path], trust=believing(sample_key)))
    assert [(r.page, r.qr, (r.text or "")[-3:]) for r in results[:2]] == [(2, None, "ONE"), (2, None, "TWO")]
    assert [(r.page, r.qr) for r in results[2:]] == [(3, "valid")]


def test_a_faint_code_in_a_pdf_is_looked_for_again(tmp_path: Path, printed: SimpleNamespace, sample_key: Any) -> None:
    faint = printed.image.convert("L").resize((827, 1170)).convert("1")
    result = one(tmp_path / "fax.pdf", encoded(faint, "PDF", resolution=100), trust=believing(sample_key))
    assert (result.qr, result.page) == ("valid", 1)


def test_pages_of_a_tiff(tmp_path: Path, printed: SimpleNamespace, sample_key: Any) -> None:
    blank = Image.new("1", printed.image.size, 1)
    data = encoded(blank, "TIFF", save_all=True, append_images=[printed.image.convert("1")], compression="group4")
    assert one(tmp_path / "fax.tif", data, trust=believing(sample_key)).page == 2


def encrypted(pdf: bytes) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf))
    writer.encrypt("secret", algorithm="AES-256")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that says it is this large, in few bytes."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + b"\x00\x00\x00\x00IEND\xaeB`\x82"


@pytest.mark.parametrize(
    ("name", "make", "code"),
    [
        ("empty", lambda _: b"", "not-a-picture"),
        ("text", lambda _: b"hello" * 100, "not-a-picture"),
        ("half.jpg", lambda p: encoded(p.image, "JPEG")[:5000], "not-a-picture"),
        ("bomb.png", lambda _: png_of_size(100_000, 100_000), "too-many-pixels"),
        ("large.png", lambda _: png_of_size(12_000, 12_000), "too-many-pixels"),
        ("blank.png", lambda _: encoded(Image.new("L", (500, 500), 255), "PNG"), "no-code"),
        ("locked.pdf", lambda p: encrypted(p.pdf), "pdf-encrypted"),
        ("broken.pdf", lambda _: b"%PDF-1.7\nnothing", "pdf-damaged"),
        ("cut.pdf", lambda p: p.pdf[:300], "pdf-damaged"),
    ],
)
def test_a_file_without_a_code_has_one_result_that_says_why(
    tmp_path: Path, printed: SimpleNamespace, name: str, make: Any, code: str
) -> None:
    result = one(tmp_path / name, make(printed))
    assert (result.found, result.qr, codes(result), result.in_order) == (False, None, [code], False)
    assert result.to_json().keys() >= KEYS


def test_files_that_are_not_there_or_are_folders(tmp_path: Path) -> None:
    results = list(scan_files([tmp_path / "missing.jpg", tmp_path]))
    assert [codes(result) for result in results] == [["file-unreadable"], ["file-unreadable"]]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_never_raise(tmp_path: Path, data: st.DataObject) -> None:
    image = qr_picture("HTTPS://EXAMPLE.ORG")
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PDF"]))
    file = bytearray(encoded(image, kind))
    for _ in range(data.draw(st.integers(1, 8))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged"
    path.write_bytes(bytes(file[: data.draw(st.integers(1, len(file)))]))
    for result in scan_files([path]):
        assert result.text in (None, "HTTPS://EXAMPLE.ORG")


# --- With a workspace ---


@pytest.fixture
def registered(database_engine: Any, facts: CertificateData) -> WorkspaceRegistry:
    with writing(database_engine) as connection:
        connection.execute(
            documents.insert().values(
                id=facts.document_id,
                title=facts.title,
                status="completed",
                version=9,
                state={},
                fields={},
                language="en",
                author="author",
                created_at=facts.created_at,
                updated_at=facts.issued_at,
                pages=6,
                certificate_id=facts.certificate_id,
                prefix_sha256=facts.signed_sha256,
                prefix_length=facts.signed_length,
            )
        )
        for role, name in (
            ("client", "Erika Mustermann"),
            ("author", "Sample Author"),
            ("first-party", "Sample Director"),
        ):
            connection.execute(
                document_parties.insert().values(
                    document_id=facts.document_id,
                    role=role,
                    name=name,
                    contact="-",
                    channel="email",
                    language="en",
                    pseudonym="-",
                )
            )
    return WorkspaceRegistry(database_engine)


def test_a_workspace_shows_what_to_compare_by_eye(
    registered: WorkspaceRegistry, printed: SimpleNamespace, facts: CertificateData, sample_key: Any
) -> None:
    (result,) = scan(printed.image, trust=believing(sample_key), registry=registered)
    assert (result.registry, result.in_order, result.findings) == ("known", True, ())
    assert result.document is not None
    assert (result.document.title, result.document.pages) == (facts.title, 5)
    assert result.document.parties == (("first-party", "Sample Director"), ("client", "Erika Mustermann"))
    assert any(facts.title in sentence and "Erika Mustermann" in sentence for sentence in result.does_not_prove)
    assert result.to_json()["document"]["parties"][1] == {"role": "client", "name": "Erika Mustermann"}


def test_a_document_that_the_workspace_does_not_know(
    registered: WorkspaceRegistry, facts: CertificateData, claims_of: Any, sample_key: Any
) -> None:
    import dataclasses

    judge = Judge(believing(sample_key), registry=registered)
    made = claims_of(facts)
    for changed, answer, finding in (
        ({"document_id": "01KAX9YJ7M3RP2S5T8V1W4X6Z1"}, "unknown", "registry-unknown"),
        ({"certificate_id": "01KAXB2M5T4QW8Z3N6V7C9D0EG"}, "mismatch", "registry-mismatch"),
        ({"prefix_length": 5}, "mismatch", "registry-mismatch"),
        ({"prefix_sha256": b"\x01" * 32}, "mismatch", "registry-mismatch"),
    ):
        signed = payload.sign(dataclasses.replace(made, **changed), sample_key)
        result = judge.text(payload.to_url(signed, facts.host))
        assert (result.qr, result.registry, codes(result), result.document) == ("valid", answer, [finding], None)
        assert result.in_order == (answer == "unknown")


def test_a_withdrawn_document_is_said_to_be(printed: SimpleNamespace, facts: CertificateData, sample_key: Any) -> None:
    class Voided:
        def find(self, document_id: str) -> RegisteredDocument:
            return RegisteredDocument(
                document_id,
                facts.certificate_id,
                facts.title,
                5,
                "voided",
                (),
                facts.signed_sha256,
                facts.signed_length,
            )

    (result,) = scan(printed.image, trust=believing(sample_key), registry=Voided())
    assert codes(result) == ["document-ended"]


# --- The command ---


@pytest.fixture
def folder(tmp_path: Path, printed: SimpleNamespace, sample_key: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEALTRAIL_WORKSPACE", raising=False)
    printed.image.save("photo.jpg", quality=60)
    Path("qr.pem").write_bytes(sample_key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    Image.new("L", (300, 300), 255).save("blank.png")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_jsonl_has_one_object_for_each_code(folder: Path) -> None:
    result = run("photo.jpg", "blank.png", "missing.jpg", "--trust", "qr.pem", "--format", "jsonl")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["path"], line["found"], line["qr"]) for line in lines] == [
        ("photo.jpg", True, "valid"),
        ("blank.png", False, None),
        ("missing.jpg", False, None),
    ]
    assert all(line.keys() >= KEYS for line in lines)
    assert result.exit_code == 1


def test_exit_status_0_only_for_valid_codes_of_ours(folder: Path, printed: SimpleNamespace) -> None:
    qr_picture("HTTPS://EXAMPLE.ORG").save("foreign.png")
    assert run("photo.jpg", "--trust", "qr.pem").exit_code == 0
    assert run("photo.jpg").exit_code == 1
    assert run("photo.jpg", "foreign.png", "--trust", "qr.pem").exit_code == 1
    assert run("--text", printed.url.lower(), "--trust", "qr.pem").exit_code == 0
    assert run("--text", "something", "--trust", "qr.pem").exit_code == 1


def test_a_valid_code_beside_a_forged_one_is_not_in_order(folder: Path, printed: SimpleNamespace) -> None:
    forged = bytearray(payload.from_text(printed.url) or b"")
    forged[-1] ^= 1
    both = Image.new("L", (900, 450), 255)
    both.paste(qr_picture(printed.url), (0, 0))
    both.paste(qr_picture(payload.to_url(bytes(forged), "sign.example.org")), (450, 0))
    both.save("both.png")
    result = run("both.png", "--trust", "qr.pem", "--format", "jsonl")
    assert sorted(json.loads(line)["qr"] for line in result.stdout.splitlines()) == ["invalid", "valid"]
    assert result.exit_code == 1


@pytest.mark.parametrize(("language", "words"), [("en", ["VALID", "Proves"]), ("de", ["GÜLTIG", "Nicht bewiesen"])])
def test_the_table_is_for_people(folder: Path, language: str, words: list[str]) -> None:
    result = run("photo.jpg", "--trust", "qr.pem", "--format", "table", "--language", language)
    assert result.exit_code == 0
    assert all(word in result.stdout for word in words)
    assert all(len(line) <= 112 for line in result.stdout.splitlines())


def test_a_code_cannot_drive_the_terminal(folder: Path) -> None:
    result = run("--text", "x\x1b[2J\u202egnp.exe", "--format", "table")
    assert "\x1b[2J" not in result.stdout and "\u202e" not in result.stdout


def test_wrong_usage(folder: Path) -> None:
    assert run().exit_code == 2
    assert run("photo.jpg", "--trust", "missing.pem").exit_code == 2
    assert run("photo.jpg", "--format", "csv").exit_code == 2
