"""Attacks on a completed document, judged with nothing given, with the company's public folder, and by its workspace.

What an attacker has: every file that the company ever mailed, and keys of his own. What he lacks: the company's keys.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from asn1crypto import cms
from forged_seals import picture_of_certificate, sealed_with
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.embed import EmbeddedFileObject, FileSpec, embed_file
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from pypdf import PdfReader, PdfWriter
from pypdf.generic import NameObject
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

from signing_core.desk import judging
from signing_core.keys.ring import KeyRing
from signing_core.pdf import fields, render, seal
from signing_core.pdf.names import CLIENT_FIELD
from signing_core.pdf.revisions import FileStructure, parse
from signing_core.storage.workspace import Workspace
from signing_core.trust import load_trust
from signing_core.verdict import DocumentVerdict
from signing_core.verification import verify

A4 = (595.276, 841.89)


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Verdicts:
    """The same file judged three times."""

    nothing: DocumentVerdict
    trust: DocumentVerdict
    workspace: DocumentVerdict

    def __iter__(self) -> Iterator[DocumentVerdict]:
        return iter((self.nothing, self.trust, self.workspace))


Judge = Callable[[bytes], Verdicts]


@pytest.fixture(scope="module")
def judge(completed: Any) -> Iterator[Judge]:
    with Workspace.open(completed.folder) as workspace:
        context, trust = judging.context_of(workspace), load_trust([completed.public])

        def judged(data: bytes) -> Verdicts:
            at = now()
            return Verdicts(
                verify(data, at=at), verify(data, at=at, trust=trust), verify(data, at=at, workspace_context=context)
            )

        yield judged


@pytest.fixture(scope="module")
def foreign(another_company: Any) -> Iterator[KeyRing]:
    with Workspace.open(another_company.folder) as workspace:
        yield workspace.keys()


@pytest.fixture(scope="module")
def own(completed: Any) -> Iterator[KeyRing]:
    """The company's keys: what no attacker has, for what an insider or a fault of ours could do."""
    with Workspace.open(completed.folder) as workspace:
        yield workspace.keys()


def complete(verdict: DocumentVerdict) -> bool:
    """Whether anybody reading this verdict would take the file for a completed document of the company."""
    return verdict.integrity == "intact" and (
        verdict.certificate.sealed_by_us is True or verdict.indication == "TOTAL-PASSED"
    ) and bool(verdict.certificate.present)  # fmt: skip


def codes(verdict: DocumentVerdict) -> set[str]:
    return {f.code for f in verdict.findings} | {f.code for s in verdict.signatures for f in s.findings}


def refused(verdicts: Verdicts) -> None:
    """Altered, whoever judges."""
    for verdict in verdicts:
        assert (verdict.integrity, verdict.indication) == ("altered", "TOTAL-FAILED"), verdict.to_json()
        assert not verdict.in_order
    assert verdicts.workspace.registry == "mismatch"


def updated(data: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    output = io.BytesIO(data)
    writer = IncrementalPdfFileWriter(output, strict=False)
    change(writer)
    writer.write_in_place()
    return output.getvalue()


def page_at(writer: IncrementalPdfFileWriter, number: int) -> Any:
    kids = writer.root["/Pages"]["/Kids"]
    return kids.raw_get(number if number >= 0 else len(kids) + number)


# The file as it is


def test_as_it_was_mailed_it_is_in_order(completed: Any, judge: Judge) -> None:
    verdicts = judge(completed.final)
    assert verdicts.nothing.integrity == "intact"
    for verdict in (verdicts.trust, verdicts.workspace):
        assert (verdict.integrity, verdict.indication) == ("intact", "TOTAL-PASSED")
        assert complete(verdict)
    assert (verdicts.workspace.registry, verdicts.workspace.audit_log) == ("known", "included")


# Cut


def revisions(data: bytes) -> FileStructure:
    return parse(data)


def test_cut_at_every_revision_it_is_never_a_completed_document(completed: Any, judge: Judge) -> None:
    ends = [revision.end_with_eol for revision in revisions(completed.final).revisions]
    assert len(ends) >= 5
    seen = []
    for end in ends[:-1]:
        cut = completed.final[:end]
        verdicts = judge(cut)
        for verdict in verdicts:
            assert verdict.integrity in ("intact", "unsigned"), "nothing in it was changed"
            assert verdict.document_id == completed.document_id
        for verdict in (verdicts.trust, verdicts.workspace):
            assert verdict.indication != "TOTAL-PASSED"
            assert not verdict.in_order
        roles = [signature.role for signature in verdicts.trust.signatures if signature.kind == "signature"]
        seen.append(tuple(roles))
        if "seal" not in roles:
            assert not verdicts.trust.certificate.present
            if roles:
                assert "certificate-missing" in codes(verdicts.trust)
        assert verdicts.workspace.registry == "prefix"
    assert () in seen and ("first-party",) in seen and ("first-party", "client") in seen
    assert ("first-party", "client", "seal") in seen


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9, 0.999])
def test_cut_in_the_middle_of_a_revision(completed: Any, judge: Judge, part: float) -> None:
    verdicts = judge(completed.final[: int(len(completed.final) * part)])
    for verdict in verdicts:
        assert not complete(verdict)
        assert verdict.indication != "TOTAL-PASSED"
    assert not verdicts.trust.in_order


def test_a_cut_file_is_not_repaired_by_a_new_end(completed: Any, judge: Judge) -> None:
    structure = revisions(completed.final)
    end = structure.revisions[-3].end_with_eol
    refused(judge(completed.final[:end] + completed.final[structure.revisions[-2].end_with_eol :]))


# Somebody else's seal


def test_a_foreign_key_signs_the_empty_certificate_field(completed: Any, foreign: KeyRing, judge: Judge) -> None:
    forged = sealed_with(completed.signed, foreign, picture_of_certificate(completed.final))
    verdicts = judge(forged)
    for verdict in (verdicts.trust, verdicts.workspace):
        assert (verdict.integrity, verdict.indication) == ("altered", "TOTAL-FAILED")
        assert verdict.certificate.sealed_by_us is False
        assert "seal-not-ours" in codes(verdict)
    assert verdicts.workspace.registry == "mismatch"
    assert verdicts.nothing.certificate.sealed_by_us is not True, "nobody said who the company is"
    assert verdicts.nothing.indication == "INDETERMINATE"


def test_the_first_party_s_own_key_is_no_seal(completed: Any, own: KeyRing, judge: Judge) -> None:
    """An insider: the company's CA vouches for this key, but not for sealing."""
    page = picture_of_certificate(completed.final)
    forged = seal.seal(
        completed.signed, key=own.first_party, time_stamps=own.time_stamp_authority, page=page,
        summary="A certificate", signed_at=now(),
    ).data  # fmt: skip
    verdicts = judge(forged)
    for verdict in (verdicts.trust, verdicts.workspace):
        assert (verdict.integrity, verdict.certificate.sealed_by_us) == ("altered", False)


def test_the_certificate_page_of_another_document_under_a_foreign_seal(
    completed: Any, another_completed: Any, foreign: KeyRing, judge: Judge
) -> None:
    forged = sealed_with(completed.signed, foreign, picture_of_certificate(another_completed.final))
    verdicts = judge(forged)
    for verdict in (verdicts.trust, verdicts.workspace):
        assert verdict.integrity == "altered"
        assert {"seal-not-ours", "qr-document-mismatch"} <= codes(verdict)
        assert (verdict.certificate.qr, verdict.certificate.prefix) == ("invalid", "mismatch")


def test_even_our_own_seal_does_not_carry_another_document_s_qr_code(
    completed: Any, another_completed: Any, own: KeyRing, judge: Judge
) -> None:
    wrong = sealed_with(completed.signed, own, picture_of_certificate(another_completed.final))
    verdicts = judge(wrong)
    for verdict in (verdicts.trust, verdicts.workspace):
        assert verdict.integrity == "altered"
        assert verdict.certificate.sealed_by_us is True
        assert "qr-document-mismatch" in codes(verdict)


def test_a_qr_code_of_another_company(completed: Any, own: KeyRing, another_company: Any, judge: Judge) -> None:
    """Right claims under a key that is not ours."""
    from signing_core.certificate import payload

    with Workspace.open(another_company.folder) as workspace:
        claims = payload.QrClaims(
            issuer="sign.example.org", issued_at=now().replace(microsecond=0), certificate_id="01M0000000000000000F0RGED0",
            document_id=completed.document_id, prefix_sha256=hashlib.sha256(completed.signed).digest(),
            prefix_length=len(completed.signed), signers=2, sequence=1,
        )  # fmt: skip
        url = payload.to_url(payload.sign(claims, workspace.keys().qr), "sign.example.org")
    forged = sealed_with(completed.signed, own, page_with_code(url))
    verdicts = judge(forged)
    for verdict in (verdicts.trust, verdicts.workspace):
        assert verdict.certificate.qr == "foreign"
        assert "qr-foreign" in codes(verdict)


def test_two_codes_on_one_page(completed: Any, another_completed: Any, foreign: KeyRing, judge: Judge) -> None:
    urls = [code_on(completed.final), code_on(another_completed.final)]
    forged = sealed_with(completed.signed, foreign, page_with_code(*urls))
    verdicts = judge(forged)
    for verdict in verdicts:
        assert (verdict.integrity, verdict.certificate.qr) == ("altered", "invalid")


def test_no_code_at_all(completed: Any, own: KeyRing, judge: Judge) -> None:
    forged = sealed_with(completed.signed, own, page_with_code())
    verdicts = judge(forged)
    for verdict in (verdicts.trust, verdicts.workspace):
        assert verdict.certificate.qr == "absent"
        assert "qr-absent" in codes(verdict)


def code_on(data: bytes) -> str:
    from signing_core.certificate.readers import ZxingReader

    (code,) = ZxingReader().read(render.render(data, render.page_count(data), dpi=150))
    return str(code.text)


def page_with_code(*texts: str) -> bytes:
    import qrcode

    buffer = io.BytesIO()
    page = canvas.Canvas(buffer, pagesize=A4)
    page.drawString(60, 780, "Authenticity certificate")
    for index, text in enumerate(texts):
        picture = qrcode.make(text, error_correction=qrcode.constants.ERROR_CORRECT_M).get_image().convert("RGB")
        page.drawImage(ImageReader(picture), 40 + 250 * index, 60, 150, 150)
    page.save()
    return buffer.getvalue()


# Added after completion


def test_a_signature_added_in_a_new_field(completed: Any, foreign: KeyRing, judge: Judge) -> None:
    with_field = updated(
        completed.final, lambda w: append_signature_field(w, SigFieldSpec("Late", on_page=0, box=(50, 50, 200, 90)))
    )
    refused(judge(with_field))
    signed = fields.fill(
        with_field, field="Late", key=foreign.seal, time_stamps=foreign.time_stamp_authority,
        appearance=page_with_code(), summary="A late signature", signed_at=now(), reason=None, name=None, mdp=None,
    ).data  # fmt: skip
    refused(judge(signed))


def test_an_annotation_added(completed: Any, judge: Judge) -> None:
    def note(writer: IncrementalPdfFileWriter) -> None:
        page = page_at(writer, 0)
        annotation = generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Annot"), pdf_name("/Subtype"): pdf_name("/FreeText"),
                pdf_name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (60, 600, 300, 640))),
                pdf_name("/Contents"): generic.pdf_string("The price is one euro"),
                pdf_name("/DA"): generic.pdf_string("/Helv 12 Tf 0 g"), pdf_name("/P"): page,
            }
        )  # fmt: skip
        content = page.get_object()
        existing = list(content["/Annots"]) if "/Annots" in content else []
        content[pdf_name("/Annots")] = generic.ArrayObject([*existing, writer.add_object(annotation)])
        writer.mark_update(page)

    refused(judge(updated(completed.final, note)))


def test_a_page_added(completed: Any, judge: Judge) -> None:
    def add(writer: IncrementalPdfFileWriter) -> None:
        tree = writer.root.raw_get("/Pages")
        page = generic.DictionaryObject(
            {pdf_name("/Type"): pdf_name("/Page"), pdf_name("/Parent"): tree,
             pdf_name("/MediaBox"): generic.ArrayObject(map(generic.NumberObject, (0, 0, 595, 842)))}
        )  # fmt: skip
        pages = tree.get_object()
        pages["/Kids"].insert(1, writer.add_object(page))
        pages[pdf_name("/Count")] = generic.NumberObject(len(pages["/Kids"]))
        writer.mark_update(tree)
        writer.update_container(pages["/Kids"])

    refused(judge(updated(completed.final, add)))


def test_a_page_taken_away(completed: Any, judge: Judge) -> None:
    def remove(writer: IncrementalPdfFileWriter) -> None:
        tree = writer.root.raw_get("/Pages")
        pages = tree.get_object()
        del pages["/Kids"][0]
        pages[pdf_name("/Count")] = generic.NumberObject(len(pages["/Kids"]))
        writer.mark_update(tree)
        writer.update_container(pages["/Kids"])

    refused(judge(updated(completed.final, remove)))


def test_an_attachment_added(completed: Any, judge: Judge) -> None:
    def attach(writer: IncrementalPdfFileWriter) -> None:
        content = EmbeddedFileObject.from_file_data(writer, b"another price list")
        embed_file(writer, FileSpec("prices.txt", embedded_data=content))

    refused(judge(updated(completed.final, attach)))


def test_a_page_s_content_overridden(completed: Any, judge: Judge) -> None:
    def override(writer: IncrementalPdfFileWriter) -> None:
        page = page_at(writer, 0)
        stream = generic.StreamObject(stream_data=b"0 0 1 rg 0 0 600 900 re f")
        page.get_object()[pdf_name("/Contents")] = writer.add_object(stream)
        writer.mark_update(page)

    refused(judge(updated(completed.final, override)))


def test_the_seal_s_appearance_overridden(completed: Any, another_completed: Any, judge: Judge) -> None:
    """The certificate page is swapped for another one's by a later revision."""

    def swap(writer: IncrementalPdfFileWriter) -> None:
        from pyhanko.pdf_utils.reader import PdfFileReader

        field = next(
            reference for reference in (writer.root["/AcroForm"]["/Fields"].raw_get(i) for i in range(10))
            if reference.get_object()["/T"] == "SealtrailSeal"
        )  # fmt: skip
        other = PdfFileReader(io.BytesIO(picture_of_certificate(another_completed.final)))
        field.get_object()["/AP"][pdf_name("/N")] = writer.import_page_as_xobject(other)
        writer.mark_update(field)

    verdicts = judge(updated(completed.final, swap))
    refused(verdicts)


def test_the_signatures_hidden_by_a_later_revision(completed: Any, judge: Judge) -> None:
    def hide(writer: IncrementalPdfFileWriter) -> None:
        del writer.root["/AcroForm"]
        writer.update_root()

    verdicts = judge(updated(completed.final, hide))
    refused(verdicts)
    assert len(verdicts.nothing.signatures) == 4, "they are still listed"


def test_bytes_appended_that_no_revision_explains(completed: Any, judge: Judge) -> None:
    refused(judge(completed.final + b"\n1 0 obj\n<</Type/Catalog>>\nendobj\n"))


def test_the_dss_removed_by_a_later_revision(completed: Any, judge: Judge) -> None:
    def strip(writer: IncrementalPdfFileWriter) -> None:
        del writer.root["/DSS"]
        writer.update_root()

    verdicts = judge(updated(completed.final, strip))
    for verdict in verdicts:
        assert "change-validation-data-removed" in codes(verdict), "it is in an earlier revision still, and found there"
    assert verdicts.workspace.integrity == "altered", "the company never mailed this file"


# Put together anew


def test_the_certificate_page_of_one_document_glued_to_another(
    completed: Any, another_completed: Any, judge: Judge
) -> None:
    """The pages of one file and the sealed page of another, joined by a PDF program: the seal does not survive it."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(completed.final)))
    other = PdfReader(io.BytesIO(another_completed.final))
    writer.remove_page(len(writer.pages) - 1)
    writer.add_page(other.pages[-1])
    output = io.BytesIO()
    writer.write(output)
    for verdict in judge(output.getvalue()):
        assert not complete(verdict)
        assert verdict.integrity == "altered", verdict.to_json()


def test_another_document_s_last_revisions_glued_to_a_client_s_prefix(
    completed: Any, another_completed: Any, judge: Judge
) -> None:
    for verdict in judge(completed.signed + another_completed.final[len(another_completed.signed) :]):
        assert verdict.integrity == "altered", verdict.to_json()


def test_all_of_it_copied_by_a_program_that_knows_no_signatures(completed: Any, judge: Judge) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(completed.final)))
    output = io.BytesIO()
    writer.write(output)
    for verdict in judge(output.getvalue()):
        assert verdict.integrity == "altered", verdict.to_json()


def test_printed_again_without_any_signature_it_is_unsigned(completed: Any, judge: Judge) -> None:
    """Pictures of all pages, the certificate's genuine QR code included: it proves itself, and nothing of this file."""
    buffer = io.BytesIO()
    page = canvas.Canvas(buffer, pagesize=A4)
    for number in range(1, render.page_count(completed.final) + 1):
        page.drawImage(ImageReader(render.render(completed.final, number, dpi=150)), 0, 0, *A4)
        page.showPage()
    page.save()
    for verdict in judge(buffer.getvalue()):
        assert verdict.integrity == "unsigned"
        assert not verdict.in_order


# Changed bytes


def signed_ranges(data: bytes) -> dict[str, list[int]]:
    return {
        signature.fields[0]: list(signature.byte_range)
        for signature in verify(data, at=now()).signatures
        if signature.byte_range
    }


def test_one_byte_changed_in_each_revision(completed: Any, judge: Judge) -> None:
    """In the middle of every revision's bytes; every signature over it breaks, those before it do not."""
    structure = revisions(completed.final)
    ranges = signed_ranges(completed.final)
    assert len(ranges) == 4
    for revision in structure.revisions:
        found = re.search(rb"stream\r?\n", completed.final[revision.start : revision.end])
        assert found is not None
        position = revision.start + found.end() + 3
        changed = bytearray(completed.final)
        changed[position] ^= 0x01
        verdicts = judge(bytes(changed))
        refused(verdicts)
        for signature in verdicts.trust.signatures:
            start, length, second, second_length = ranges[signature.fields[0]]
            covered = start <= position < start + length or second <= position < second + second_length
            assert signature.intact is (not covered), (revision.number, signature.fields)


def test_no_byte_of_the_file_is_outside_of_the_document_time_stamp(completed: Any) -> None:
    start, length, second, second_length = signed_ranges(completed.final)["SealtrailTimeStamp"]
    assert (start, second + second_length) == (0, len(completed.final))
    assert set(completed.final[length + 1 : second - 1]) <= set(b"0123456789abcdefABCDEF"), "but for its own value"


@pytest.mark.parametrize("field", ["SealtrailFirstParty", "SealtrailClient", "SealtrailSeal", "SealtrailTimeStamp"])
@pytest.mark.parametrize("where", [0.0, 0.2, 0.5, 0.9])
def test_one_byte_changed_in_each_signature_value(completed: Any, judge: Judge, field: str, where: float) -> None:
    _, first, second, _ = signed_ranges(completed.final)[field]
    value = completed.final[first + 1 : second - 1].rstrip(b"0")
    changed = bytearray(completed.final)
    position = first + 1 + int(len(value) * where)
    der = bytes.fromhex(completed.final[first + 1 : second - 1].decode())
    bag = cms.ContentInfo.load(der)["content"]["certificates"].dump()
    if (position - first - 1) // 2 in range(der.find(bag), der.find(bag) + len(bag)):
        position = first + 1 + 2 * (der.find(bag) + len(bag)) + 40  # no signature is over the certificates beside it
    changed[position] = ord("0") if changed[position] != ord("0") else ord("8")
    verdicts = judge(bytes(changed))
    for verdict in verdicts:
        assert verdict.integrity in ("altered", "indeterminate")
        assert not verdict.in_order
        assert verdict.indication != "TOTAL-PASSED"
        assert not complete(verdict)
    assert verdicts.workspace.integrity == "altered"


def test_bytes_hidden_behind_a_signature_value(completed: Any, judge: Judge) -> None:
    """The zeros after the DER in /Contents are covered by no signature."""
    _, _, second, _ = signed_ranges(completed.final)["SealtrailFirstParty"]
    changed = bytearray(completed.final)
    changed[second - 9 : second - 1] = b"41424344"
    for verdict in judge(bytes(changed)):
        assert not verdict.in_order, verdict.to_json()
        assert verdict.integrity != "intact"


# Taken away


def test_the_document_time_stamp_stripped(completed: Any, judge: Judge) -> None:
    """Cut before it: the DSS goes with it, as both are one revision."""
    seal_end = sum(signed_ranges(completed.final)["SealtrailSeal"][2:])
    verdicts = judge(completed.final[:seal_end])
    for verdict in (verdicts.trust, verdicts.workspace):
        assert verdict.integrity == "intact"
        assert verdict.indication != "TOTAL-PASSED"
        assert {s.level for s in verdict.signatures} <= {"B-B", "B-T"}
    assert verdicts.workspace.registry == "prefix"


def test_the_document_time_stamp_overwritten_in_place(completed: Any, judge: Judge) -> None:
    ranges = signed_ranges(completed.final)
    _, first, second, _ = ranges["SealtrailTimeStamp"]
    changed = bytearray(completed.final)
    changed[first + 1 : second - 1] = b"0" * (second - first - 2)
    for verdict in judge(bytes(changed)):
        assert verdict.integrity != "intact"
        assert not verdict.in_order


def test_the_client_s_signature_removed_and_the_rest_kept(completed: Any, judge: Judge) -> None:
    def remove(writer: IncrementalPdfFileWriter) -> None:
        entries = writer.root["/AcroForm"]["/Fields"]
        for index in range(len(entries)):
            if entries.raw_get(index).get_object()["/T"] == CLIENT_FIELD:
                del entries.raw_get(index).get_object()["/V"]
                writer.mark_update(entries.raw_get(index))

    refused(judge(updated(completed.final, remove)))


def test_another_company_s_whole_document_is_not_ours(another_company: Any, judge: Judge, tmp_path: Any) -> None:
    """Everything right, only somebody else's."""
    import shutil

    from signing_core.desk import Desk
    from signing_core.testing import Play, contract

    folder = tmp_path / "theirs"
    shutil.copytree(another_company.folder, folder)
    with Workspace.open(folder) as workspace:
        play = Play(Desk(workspace))
        document_id = play.create(contract())
        play.to_completion(document_id)
        final = workspace.objects.get(play.desk.status(document_id)["final"]["sha256"])
    verdicts = judge(final)
    assert verdicts.nothing.integrity == "intact"
    for verdict in (verdicts.trust, verdicts.workspace):
        assert verdict.indication != "TOTAL-PASSED"
        assert verdict.certificate.sealed_by_us is False
        assert not verdict.in_order
    assert verdicts.workspace.registry == "unknown"


def test_an_incremental_update_of_nothing_but_the_document_s_title(completed: Any, judge: Judge) -> None:
    def retitle(writer: IncrementalPdfFileWriter) -> None:
        writer.set_info(generic.DictionaryObject({NameObject("/Title"): generic.pdf_string("Another contract")}))

    verdicts = judge(updated(completed.final, retitle))
    assert verdicts.workspace.integrity == "altered"
