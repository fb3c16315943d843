"""`verify` as a whole: files that cannot be read, encrypted ones, and the rows of the truth table on real documents."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import signed_samples as made
from signed_samples import NOW, How, Pdf

from signing_core.errors import UsageError
from signing_core.policy import Policy
from signing_core.trust import TrustStore
from signing_core.verdict import DocumentVerdict, Indication, Integrity, SubIndication
from signing_core.verification import verify

Judge = Callable[..., DocumentVerdict]
PASSED, OPEN, FAILED = Indication.TOTAL_PASSED, Indication.INDETERMINATE, Indication.TOTAL_FAILED


def changed_after(world) -> bytes:
    pdf = Pdf.new()
    pdf.sign(lambda covered: made.cms(world.signer, covered))
    body = b"BT /F1 12 Tf 72 720 Td (Another contract) Tj ET"
    pdf.append({4: b"<</Length %d>>\nstream\n" % len(body) + body + b"\nendstream"})
    return pdf.data


def filled_after(world) -> bytes:
    pdf = Pdf.new()
    pdf.sign(lambda covered: made.cms(world.signer, covered))
    pdf.sign(lambda covered: made.cms(world.signer, covered))
    return pdf.data


ROWS: dict[str, tuple[Callable[..., bytes], dict[str, object], Integrity, Indication | None, SubIndication | None]] = {
    "digest does not verify": (
        lambda w: made.signed(w.signer).replace(b"595 842", b"595 843", 1), {},
        Integrity.ALTERED, FAILED, SubIndication.HASH_FAILURE,
    ),
    "signature value does not verify": (
        lambda w: made.signed(w.signer, How(break_value=True)), {},
        Integrity.ALTERED, FAILED, SubIndication.SIG_CRYPTO_FAILURE,
    ),
    "unexplained bytes": (
        lambda w: made.signed(w.signer) + b"4 0 obj\n<</Length 0>>\nstream\n\nendstream\nendobj\n", {},
        Integrity.ALTERED, FAILED, SubIndication.FORMAT_FAILURE,
    ),
    "forbidden changes": (
        lambda w: changed_after(w), {}, Integrity.ALTERED, FAILED, SubIndication.FORMAT_FAILURE,
    ),
    "content identified by MD5": (
        lambda w: made.signed(w.signer, How(digest="md5", signature_digest="sha256")), {},
        Integrity.INDETERMINATE, OPEN, SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
    ),
    "unknown format": (
        lambda w: made.signed(w.signer, sub_filter="XYZ"), {}, Integrity.INDETERMINATE, OPEN, SubIndication.CUSTOM,
    ),
    "no certificate": (
        lambda w: made.signed(w.signer, How(certificates=())), {},
        Integrity.INDETERMINATE, OPEN, SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
    ),
    "algorithm too weak": (
        lambda w: made.signed(made.issue("Weak", w.root, kind="rsa1024")), {},
        Integrity.INTACT, OPEN, SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
    ),
    "no anchors given": (
        lambda w: made.signed(w.signer), {"roots": []}, Integrity.INTACT, OPEN, SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    ),
    "all in order": (lambda w: made.signed(w.signer), {}, Integrity.INTACT, PASSED, None),
    "permitted changes, all in order": (lambda w: filled_after(w), {}, Integrity.INTACT, PASSED, None),
    "no signature field filled": (lambda w: Pdf.new().data, {}, Integrity.UNSIGNED, None, None),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_truth_table(row: str, world, judge: Judge) -> None:
    build, given, integrity, indication, sub_indication = ROWS[row]
    verdict = judge(build(world), **given)
    assert (verdict.integrity, verdict.indication, verdict.sub_indication) == (integrity, indication, sub_indication)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%PDF",
        b"\x00" * 5000,
        b"PK\x03\x04",
        b"%PDF-1.7\nstartxref\n0\n%%EOF",
        os.urandom(4096),
        b"%PDF-1.7\n" + b"<<" * 50_000,
    ],
    ids=["empty", "header", "zeros", "zip", "no-objects", "random", "nested"],
)
def test_what_is_no_pdf(data: bytes, judge: Judge) -> None:
    verdict = judge(data)
    assert verdict.integrity in (Integrity.INDETERMINATE, Integrity.UNSIGNED)
    assert verdict.sha256 is not None
    assert verdict.signatures == ()


def test_a_file_that_is_not_there(tmp_path: Path, codes) -> None:
    for path in (tmp_path / "missing.pdf", tmp_path):
        verdict = verify(path, at=NOW)
        assert (verdict.integrity, verdict.sha256, verdict.path) == (Integrity.INDETERMINATE, None, str(path))
        assert codes(verdict) == {"unreadable"}


def test_a_fault_of_ours_is_a_verdict_and_no_exception(world, judge: Judge, codes, monkeypatch) -> None:
    from signing_core.verification import document

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret of the file")

    for name in ("examine", "judge", "parse"):
        with monkeypatch.context() as patch:
            patch.setattr(document, name, broken)
            verdict = judge(made.signed(world.signer))
            assert verdict.integrity is Integrity.INDETERMINATE
            assert "internal-error" in codes(verdict)
            assert "secret" not in str(verdict.to_json())


def test_a_signature_that_no_revision_leads_to_is_not_unsigned(world, judge: Judge, codes) -> None:
    hidden = made.signed(world.signer).replace(b"/V 8 0 R", b"/W 8 0 R")
    verdict = judge(hidden)
    assert (verdict.integrity, verdict.signatures) == (Integrity.INDETERMINATE, ())
    assert "signature-unreachable" in codes(verdict)


def test_every_key_of_the_run_is_told(world, judge: Judge) -> None:
    policy = Policy(id="sample")
    verdict = judge(made.signed(world.signer), policy=policy)
    assert verdict.policy == policy.reference()
    assert (verdict.at, verdict.pages, verdict.encrypted) == (NOW, 1, False)
    assert verdict.elapsed_ms is not None


def test_facts_of_a_signature(world, judge: Judge) -> None:
    data = made.signed(world.signer)
    (signature,) = judge(data).signatures
    assert signature.certificate is not None
    assert signature.certificate.issuer == "O=Sample,CN=Sample Root"
    assert signature.certificate.serial == str(world.signer.certificate.serial_number)
    assert (signature.signer, signature.fields, signature.docmdp) == ("Sample Signer", ("Signature1",), None)
    assert signature.byte_range is not None and sum(signature.byte_range[2:]) == len(data)
    import hashlib

    assert signature.covered_sha256 == hashlib.sha256(data).hexdigest()


def test_the_same_input_gives_the_same_verdict(world, judge: Judge) -> None:
    data = filled_after(world)
    one, two = (judge(data).to_json() | {"elapsed_ms": None} for _ in range(2))
    assert one == two


def encrypted(world, password: str) -> bytes:
    """Signed by pyHanko, for once: it knows how to sign an encrypted file."""
    from asn1crypto import keys
    from asn1crypto import x509 as asn1_x509
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.pdf_utils.writer import copy_into_new_writer
    from pyhanko.sign import signers
    from pyhanko.sign.fields import SigSeedSubFilter
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    plain = copy_into_new_writer(PdfFileReader(io.BytesIO(Pdf.new().data)))
    plain.encrypt(owner_pass="owner", user_pass=password)
    buffer = io.BytesIO()
    plain.write(buffer)
    writer = IncrementalPdfFileWriter(buffer)
    writer.encrypt(password)
    private = world.signer.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    signer = signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(world.signer.der),
        signing_key=keys.PrivateKeyInfo.load(private),
        cert_registry=SimpleCertificateStore(),
    )
    metadata = signers.PdfSignatureMetadata(
        field_name="Signature1", subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256"
    )
    signed = signers.sign_pdf(writer, metadata, signer=signer)
    return bytes(signed.getvalue())


def test_encrypted_with_and_without_the_password(world, judge: Judge, codes) -> None:
    data = encrypted(world, "open sesame")
    for password in (None, "wrong"):
        locked = judge(data, password=password)
        assert (locked.integrity, locked.encrypted) == (Integrity.INDETERMINATE, True)
        assert "encrypted" in codes(locked)
    now = datetime.now(UTC)  # pyHanko signs by the clock
    for password in ("open sesame", "owner"):
        opened = judge(data, password=password, at=now)
        assert (opened.integrity, opened.indication, opened.encrypted) == (Integrity.INTACT, PASSED, True)
    nobody = judge(encrypted(world, ""))
    assert (nobody.integrity, nobody.encrypted) == (Integrity.INTACT, True)


def test_password_is_in_no_verdict(world, judge: Judge) -> None:
    assert "sesame" not in str(judge(encrypted(world, "open sesame"), password="sesame seeds").to_json())


def test_nothing_of_a_document_is_kept(world, judge: Judge) -> None:
    """A worker judges thousands: what it keeps between them is X.509 certificates, not files."""
    import gc

    from signing_core.pdf.revisions import FileStructure

    def alive() -> int:
        gc.collect()
        return sum(isinstance(item, FileStructure) for item in gc.get_objects())

    before = alive()
    for _ in range(5):
        judge(filled_after(world))
    assert alive() == before


def test_a_naive_time_is_misuse(world) -> None:
    with pytest.raises(UsageError):
        verify(made.signed(world.signer), at=NOW.replace(tzinfo=None))


def test_without_trust_at_all(world) -> None:
    verdict = verify(made.signed(world.signer), at=NOW)
    assert (verdict.integrity, verdict.trust) == (Integrity.INTACT, "unknown")
    assert verify(made.signed(world.signer), at=NOW, trust=TrustStore()).in_order
