"""What is judged at all: signatures outside of the form, usage rights, signatures shown once too often, bytes behind the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import signed_samples as made
from signed_samples import How, Pdf

from signing_core.verdict import DocumentVerdict, Indication, Integrity

Judge = Callable[..., DocumentVerdict]
WIDGET = "/Type/Annot/Subtype/Widget/F 132/Rect[300 300 400 340]/P 3 0 R"
PAGE = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>/Annots[%s]>>"
USAGE = "/Reference[<</Type/SigRef/TransformMethod/UR3/TransformParams<</Type/TransformParams/V/2.2>>>>]"


def signed(world, **how: object) -> Pdf:
    pdf = Pdf.new()
    pdf.sign(lambda covered: made.cms(world.signer, covered), **how)  # type: ignore[arg-type]
    return pdf


def catalog(pdf: Pdf, entries: str = "", *, fields: str = "") -> bytes:
    return f"<</Type/Catalog/Pages 2 0 R/AcroForm<</SigFlags 3/Fields[{fields}]>>{entries}>>".encode()


def without_the_form(pdf: Pdf, widget: str) -> None:
    """The form forgets the newest field; the page shows it as `widget`."""
    field = pdf.fields[-1]
    listed = " ".join(f"{number} 0 R" for number in pdf.fields[:-1])
    page = PAGE % " ".join(f"{number} 0 R" for number in pdf.fields)
    pdf.append({1: catalog(pdf, fields=listed), 3: page.encode(), field: widget.encode()})


@pytest.mark.parametrize("key", ["/V", "/#56"])
def test_a_broken_signature_that_only_a_page_shows_is_judged(key: str, world, judge: Judge, codes) -> None:
    pdf = signed(world)
    body = made.cms(world.signer, b"something else").hex()
    value = f"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/Byte#52ange[0 9 19 9]/Contents<{body}>>>"
    widget = f"<</FT/Sig/T(Stranger){WIDGET}{key} 31 0 R>>"
    pdf.append({30: widget.encode(), 31: value.encode(), 3: (PAGE % "7 0 R 30 0 R").encode()})
    verdict = judge(pdf.data)
    assert verdict.integrity is Integrity.ALTERED
    assert [signature.fields for signature in verdict.signatures] == [("Signature1",), ("Stranger",)]
    assert verdict.signatures[1].integrity is Integrity.ALTERED
    assert "signature-unlisted" in codes(verdict.signatures[1])


def test_a_good_signature_that_only_a_page_shows_is_a_signature(world, judge: Judge, codes) -> None:
    """As poppler 22.12 writes a field: on the page, and left out of the form."""
    pdf = Pdf.new()
    pdf.size = 6
    made_by = made.cms
    widget, value = 7, 8
    room = 4000
    dictionary = f"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/ByteRange[{' ' * 40}]/Contents<{'0' * 2 * room}>>>"
    pdf.append(
        {
            3: (PAGE % "7 0 R").encode(),
            widget: f"<</FT/Sig/T(Signature1){WIDGET}/V 8 0 R>>".encode(),
            value: dictionary.encode(),
        }
    )
    begin = pdf.data.rindex(b"/Contents<") + len(b"/Contents")
    end = begin + 2 * room + 2
    at = pdf.data.rindex(b"[" + b" " * 40) + 1
    numbers = b"0 %d %d %d" % (begin, end, len(pdf.data) - end)
    data = pdf.data[:at] + numbers.ljust(40) + pdf.data[at + 40 :]
    contents = made_by(world.signer, data[:begin] + data[end:])
    data = data[: begin + 1] + contents.hex().encode().ljust(2 * room, b"0") + data[end - 1 :]
    verdict = judge(data)
    assert (verdict.integrity, verdict.indication) == (Integrity.INTACT, Indication.TOTAL_PASSED)
    (signature,) = verdict.signatures
    assert (signature.fields, signature.coverage) == (("Signature1",), "whole-file")
    assert "signature-unlisted" in codes(signature)


def test_usage_rights_alone_are_unsigned(world, judge: Judge, codes) -> None:
    pdf = signed(world, entries=USAGE)
    enabled = pdf.data.replace(b"/FT/Sig/T(Signature1)/V 8 0 R", b"/FT/Sig/T(Signature1)/X 8 0 R")
    plain = judge(enabled)
    assert plain.integrity is Integrity.INDETERMINATE  # a byte range that nothing leads to
    assert "signature-unreachable" in codes(plain)
    form = b"/AcroForm<</SigFlags 3/Fields[7 0 R]>>"
    assert form in enabled
    rights = judge(enabled.replace(form, b"/Perms<</UR3 8 0 R>>".ljust(len(form))))
    assert (rights.integrity, rights.signatures, rights.indication) == (Integrity.UNSIGNED, (), None)
    assert codes(rights) == {"no-signature"}


def test_a_signature_beside_usage_rights_is_the_only_one(world, judge: Judge) -> None:
    pdf = Pdf.new()
    value = f"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/ByteRange[0 9 19 9]/Contents<{'0' * 64}>{USAGE}>>"
    pdf.catalog = "/Perms<</UR3 20 0 R>>"
    pdf.append({1: b"<</Type/Catalog/Pages 2 0 R/Perms<</UR3 20 0 R>>>>", 20: value.encode()})
    assert judge(pdf.data).integrity is Integrity.UNSIGNED
    pdf.sign(lambda covered: made.cms(world.signer, covered))
    verdict = judge(pdf.data)
    assert (verdict.integrity, len(verdict.signatures)) == (Integrity.INTACT, 1)


def test_a_persons_signature_is_not_hidden_by_calling_it_usage_rights(world, judge: Judge) -> None:
    pdf = signed(world, entries=USAGE)
    body = b"BT /F1 12 Tf 72 720 Td (Another contract) Tj ET"
    pdf.append(
        {
            1: catalog(pdf, "/Perms<</UR3 8 0 R>>"),
            3: (PAGE % "").encode(),
            4: b"<</Length %d>>\nstream\n%s\nendstream" % (len(body), body),
            7: b"null",
        }
    )
    verdict = judge(pdf.data)
    assert (verdict.integrity, len(verdict.signatures)) == (Integrity.ALTERED, 1)


@pytest.mark.parametrize(
    ("widget", "code"),
    [
        (f"<</FT/Sig/T(Somebody else){WIDGET}/V 8 0 R>>", "signature-shared-later"),
        (f"<</FT/Sig/T(Signature1){WIDGET}/V 8 0 R>>", "signature-shared-later"),
        (f"<</FT/Sig/T(Signature1){WIDGET}>>", "signature-name-reused"),
    ],
)
def test_a_field_too_many_never_leaves_it_intact(widget: str, code: str, world, judge: Judge, codes) -> None:
    pdf = signed(world)
    pdf.append({1: catalog(pdf, fields="7 0 R 30 0 R"), 3: (PAGE % "7 0 R 30 0 R").encode(), 30: widget.encode()})
    verdict = judge(pdf.data)
    assert verdict.integrity in (Integrity.ALTERED, Integrity.INDETERMINATE)
    assert verdict.signatures[0].changes in ("forbidden", "unknown")
    assert code in codes(verdict)


def test_more_signatures_than_are_judged_leave_it_open(world, judge: Judge, codes, monkeypatch) -> None:
    monkeypatch.setattr("signing_core.verification.document._MAX_SIGNATURES", 1)
    pdf = signed(world)
    assert judge(pdf.data).integrity is Integrity.INTACT
    pdf.sign(lambda covered: made.cms(world.signer, covered + b"x"))
    verdict = judge(pdf.data)
    assert (verdict.integrity, len(verdict.signatures)) == (Integrity.INDETERMINATE, 1)
    assert "limit-exceeded" in codes(verdict)


@pytest.mark.parametrize("behind", [b"\n", b"\r\n", b"\0" * 512, b" \n" * 40])
def test_white_space_behind_the_end_is_not_covered_and_harmless(behind: bytes, world, judge: Judge) -> None:
    data = made.signed(world.signer, How())
    whole = judge(data)
    assert (whole.integrity, whole.signatures[0].coverage) == (Integrity.INTACT, "whole-file")
    verdict = judge(data + behind)
    (signature,) = verdict.signatures
    assert (verdict.integrity, verdict.indication) == (Integrity.INTACT, Indication.TOTAL_PASSED)
    assert (signature.coverage, signature.changes) == ("whole-revision", "none")


@pytest.mark.parametrize("behind", [b"\0" * 511 + b"x", b"\n5 0 obj\n<<>>\nendobj\n"])
def test_anything_else_behind_the_end_is_a_change(behind: bytes, world, judge: Judge) -> None:
    assert judge(made.signed(world.signer) + behind).integrity is Integrity.ALTERED
