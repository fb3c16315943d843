"""Each answer of the verification pages, the API and /pki/, over a real server."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import qrcode
import sqlalchemy as sa
import zxingcpp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image
from signed_samples import issue, signed

from portal.verdicts import of_file, together
from portal.words import words
from signing_core.certificate import payload
from signing_core.certificate.payload import QrClaims
from signing_core.desk import Desk
from signing_core.flow import Role
from signing_core.pdf import render
from signing_core.storage.database import writing
from signing_core.storage.identifiers import new_id
from signing_core.storage.schema import documents
from signing_core.testing import Play, contract, make_workspace
from signing_core.verdict import Finding
from signing_core.verification import verify
from signing_core.verification.findings import CATALOGUE
from signing_core.verification.wording import in_words

OURS = {"origin": "null", "sec-fetch-site": "same-origin"}


@dataclass
class Sealed:
    company: Any
    document_id: str
    final: bytes
    signed: bytes
    payload: str

    @property
    def claims(self) -> QrClaims:
        read = payload.parse_text(f"HTTPS://SIGN.EXAMPLE.ORG/V/{self.payload}")
        assert read is not None
        key = self.company.workspace.keys().qr.public_key
        claims = payload.verify(read.payload, [key]).claims
        assert claims is not None
        return claims

    def signed_claims(self, **changes: Any) -> str:
        data = payload.sign(replace(self.claims, **changes), self.company.workspace.keys().qr)
        return payload.to_url(data, "sign.example.org").rpartition("/")[2]


def seal(company: Any, **more: Any) -> Sealed:
    document_id = company.play.create(contract(text=more.pop("text", "Sample contract")), **more)
    company.play.to_completion(document_id)
    files = company.desk.status(document_id)["files"]
    completed = next(e for e in company.desk.events(document_id) if e.type == "document.completed")
    objects = company.workspace.objects
    return Sealed(
        company,
        document_id,
        objects.get(files["final"]["sha256"]),
        objects.get(files["client"]["sha256"]),
        str(completed.data["qr_text"]).rpartition("/")[2],
    )


@pytest.fixture(scope="module")
def sealed(shared: Any) -> Sealed:
    return seal(shared, title="Service agreement")


@pytest.fixture(scope="module")
def another(shared: Any, sealed: Sealed) -> Sealed:
    return seal(shared, title="Another agreement", text="Another sample contract")


def heading(page: Any) -> str:
    return re.search(r"<h1>(.*?)</h1>", page.text)[1]


def title(name: str) -> str:
    return words("en")[f"v_{name}"]


def code_page(company: Any, text: str) -> Any:
    return company.visitor().get(f"/V/{text}")


def upload(company: Any, data: bytes, name: str = "contract.pdf", at: str = "/verify") -> Any:
    visitor = company.visitor()
    return visitor.submit(visitor.get(at), files={"file": (name, data, "application/pdf")})


def test_genuine_code(shared: Any, sealed: Sealed) -> None:
    page = code_page(shared, sealed.payload)
    assert (page.status_code, heading(page)) == (200, title("genuine"))
    assert "complete and sealed" in page.text and "Service agreement" in page.text
    assert "PDF to compare" in page.text
    # The certificate as a page: what its PDF page states, read from the log.
    for fact in (sealed.document_id, sealed.claims.certificate_id, sealed.claims.prefix_sha256.hex(), "+49 … 12"):
        assert fact in page.text
    assert code_page(shared, sealed.payload.lower()).text.count("verdict good") == 1


def test_genuine_code_in_german(shared: Any, sealed: Sealed) -> None:
    page = shared.visitor(headers={"accept-language": "fr, de-AT;q=0.8, en;q=0.3"}).get(f"/V/{sealed.payload}")
    assert '<html lang="de">' in page.text
    assert heading(page) == words("de")["v_genuine"]
    assert "Echtheitszertifikat" in page.text and "Erste Partei" in page.text


def test_language_switch_is_remembered(shared: Any) -> None:
    visitor = shared.visitor()
    assert heading(visitor.get("/verify?lang=de")) == words("de")["v_title"]
    assert heading(visitor.get("/verify")) == words("de")["v_title"]
    assert heading(visitor.get("/verify?lang=xx")) == words("de")["v_title"]


def test_genuine_code_with_the_file(shared: Any, sealed: Sealed) -> None:
    page = upload(shared, sealed.final, at=f"/V/{sealed.payload}")
    assert heading(page) == title("authentic")


def test_genuine_code_with_another_file(shared: Any, sealed: Sealed, another: Sealed) -> None:
    for data in (another.final, contract(), sealed.final[: len(sealed.signed) - 1]):
        page = upload(shared, data, at=f"/V/{sealed.payload}")
        assert heading(page) == title("other_file")
    changed = bytearray(sealed.final)
    changed[200] ^= 1
    assert heading(upload(shared, bytes(changed), at=f"/V/{sealed.payload}")) == title("other_file")


def test_superseded_certificate(shared: Any, another: Sealed) -> None:
    newer = seal(shared, title="Another agreement, second version")
    with writing(shared.workspace.engine) as connection:
        link = sa.update(documents).where(documents.c.id == newer.document_id)
        connection.execute(link.values(supersedes=another.document_id))
    page = code_page(shared, another.payload)
    assert heading(page) == title("superseded") and newer.document_id in page.text
    assert heading(upload(shared, another.final)) == title("superseded")
    assert heading(code_page(shared, newer.payload)) == title("genuine")
    with writing(shared.workspace.engine) as connection:
        connection.execute(link.values(supersedes=None))


def test_replaced_certificate(shared: Any, sealed: Sealed) -> None:
    for changes in ({"certificate_id": new_id(shared.clock())}, {"prefix_length": 7}, {"prefix_sha256": b"1" * 32}):
        page = code_page(shared, sealed.signed_claims(**changes))
        assert heading(page) == title("replaced")
        assert "Service agreement" not in page.text  # says nothing of a document that it is not for


def test_code_of_a_document_not_on_record(shared: Any, sealed: Sealed) -> None:
    page = code_page(shared, sealed.signed_claims(document_id=new_id(shared.clock())))
    assert heading(page) == title("unregistered")


def test_code_of_a_document_not_complete(company: Any) -> None:
    one = seal(company)
    with writing(company.workspace.engine) as connection:
        connection.execute(sa.update(documents).where(documents.c.id == one.document_id).values(status="sealing"))
    page = code_page(company, one.payload)
    assert heading(page) == title("unfinished") and "not yet sealed" in page.text


def test_unknown_key(tmp_path: Path, sealed: Sealed) -> None:
    with make_workspace(tmp_path / "elsewhere") as elsewhere:
        data = payload.sign(sealed.claims, elsewhere.keys().qr)
    page = code_page(sealed.company, payload.to_url(data, "sign.example.org").rpartition("/")[2])
    assert heading(page) == title("unknown_key")
    assert "Service agreement" not in page.text


def test_forged_code(shared: Any, sealed: Sealed) -> None:
    read = payload.parse_text(f"HTTPS://X/V/{sealed.payload}")
    assert read is not None
    changed = bytearray(read.payload)
    changed[-1] ^= 1
    page = code_page(shared, payload.to_url(bytes(changed), "sign.example.org").rpartition("/")[2])
    assert heading(page) == title("forged")


@pytest.mark.parametrize("text", ["AAAA", "HELLO", "x" * 300, "%F0%9F%98%80", "A" * 5000, "<script>"])
def test_foreign_code(shared: Any, text: str) -> None:
    page = code_page(shared, text)
    assert (page.status_code, heading(page)) == (404, title("foreign"))
    assert "<script>" not in page.text.replace("<script src", "")


def picture(text: str, size: int = 700) -> bytes:
    image = qrcode.make(text, error_correction=qrcode.constants.ERROR_CORRECT_M).get_image().convert("RGB")
    written = io.BytesIO()
    image.resize((size, size), Image.Resampling.NEAREST).save(written, "PNG")
    return written.getvalue()


def test_photo_of_a_code(shared: Any, sealed: Sealed) -> None:
    page = upload(shared, picture(f"HTTPS://SIGN.EXAMPLE.ORG/V/{sealed.payload}"), "photo.png")
    assert heading(page) == title("genuine")
    assert title("from_photo") in page.text


def test_photo_of_a_code_that_leads_to_a_look_alike(shared: Any, sealed: Sealed) -> None:
    page = upload(shared, picture(f"HTTPS://SIGN.EXAMP1E.ORG/V/{sealed.payload}"), "photo.png")
    assert title("lookalike") in page.text
    assert "leads to sign.examp1e.org, not to sign.example.org" in page.text
    assert 'href="https://sign.examp1e' not in page.text.lower()


def test_photo_of_another_code(shared: Any) -> None:
    page = upload(shared, picture("https://example.org/menu"), "photo.png")
    assert heading(page) == title("foreign")


def test_photo_without_a_code_and_no_photo_at_all(shared: Any) -> None:
    blank = io.BytesIO()
    Image.new("RGB", (300, 300), "white").save(blank, "PNG")
    assert heading(upload(shared, blank.getvalue(), "photo.png")) == title("no_code")
    assert heading(upload(shared, b"these bytes are neither", "letter.txt")) == title("not_readable")
    visitor = shared.visitor()
    page = visitor.submit(visitor.get("/verify"), files={"file": ("", b"", "application/octet-stream")})
    assert page.status_code == 422 and "Choose a file" in page.text


def test_authentic_file(shared: Any, sealed: Sealed) -> None:
    page = upload(shared, sealed.final)
    assert heading(page) == title("authentic")
    assert hashlib.sha256(sealed.final).hexdigest() in page.text
    assert f'href="/V/{sealed.payload}"' in page.text


def test_altered_file(shared: Any, sealed: Sealed) -> None:
    changed = bytearray(sealed.final)
    changed[len(sealed.signed) // 2] ^= 1
    assert heading(upload(shared, bytes(changed))) == title("altered")
    assert heading(upload(shared, sealed.final + b"% one more line\n")) in (title("altered"), title("undecided"))


@pytest.mark.parametrize("language", ["en", "de"])
def test_what_was_found_is_said_plainly_and_technically(shared: Any, sealed: Sealed, language: str) -> None:
    changed = bytearray(sealed.final)
    changed[len(sealed.signed) // 2] ^= 1
    page = upload(shared, bytes(changed), at=f"/verify?lang={language}").text
    mismatch = in_words("digest-mismatch", language)
    before, _, details = page.partition("<details")
    assert mismatch.meaning in before and before.count(mismatch.action) == 1
    assert CATALOGUE["digest-mismatch"].message not in before
    assert CATALOGUE["digest-mismatch"].message in details
    assert ('<ul lang="en">' in details) and (words(language)["v_technical"] in details)


def test_the_reason_comes_before_what_only_repeats_it() -> None:
    verdict = verify(b"no document", at=datetime(2026, 1, 31, tzinfo=UTC)).to_json() | {
        "integrity": "altered",
        "findings": [
            Finding("registry-mismatch", "error", "The registry knows another content.").to_json(),
            Finding("change-page-content", "error", "Page 1 was changed.", None, 6, 1).to_json(),
        ],
    }
    page = of_file(None, verdict, "en")  # type: ignore[arg-type]
    assert page.technical == ("Page 1 was changed.", "The registry knows another content.")
    assert page.findings[0].meanings[0] == in_words("change-page-content", "en").meaning


def test_findings_with_the_same_advice_stand_together() -> None:
    first, second = together(["digest-mismatch", "qr-invalid", "change-page", "digest-mismatch"], "en")
    assert (len(first.meanings), len(second.meanings)) == (2, 1)
    assert (first.advice, second.advice) == (in_words("change-page", "en").action, in_words("qr-invalid", "en").action)


def test_earlier_state(shared: Any, sealed: Sealed) -> None:
    assert heading(upload(shared, sealed.signed)) == title("prefix")


def test_unsigned_and_unreadable_pdf(shared: Any) -> None:
    assert heading(upload(shared, contract())) == title("unsigned")
    assert heading(upload(shared, b"%PDF-1.7\nnothing else")) in (title("undecided"), title("unsigned"))


def test_our_seal_but_not_on_record(shared: Any, completed: Any) -> None:
    """Another database under the same keys: what a restored backup would look like."""
    assert heading(upload(shared, completed.final)) == title("unregistered_file")


def test_file_of_somebody_else(shared: Any, tmp_path: Path) -> None:
    with make_workspace(tmp_path / "elsewhere") as elsewhere:
        play = Play(Desk(elsewhere))
        document_id = play.create(contract())
        play.to_completion(document_id)
        final = elsewhere.objects.get(play.desk.status(document_id)["final"]["sha256"])
    page = upload(shared, final)  # a whole document, made by the same software, with another company's keys
    assert heading(page) == title("house_unknown")
    assert "Sealed by" not in page.text and "Another company made and sealed this document" in page.text


def test_signed_with_other_software(shared: Any) -> None:
    """Unchanged, but by whom cannot be said: its X.509 certificate leads to no anchor of ours."""
    page = upload(shared, signed(issue("Sample Signer")))
    assert heading(page) == title("others")


def test_every_page_of_a_verdict_has_words() -> None:
    source = (Path(__file__).parents[2] / "portal" / "verdicts.py").read_text()
    pages = set(re.findall(r'CodeVerdict\("(\w+)"|(?:return|\() ?\(?"(\w+)", "(?:good|warn|bad)"', source))
    names = {name for pair in pages for name in pair if name}
    assert {"genuine", "other_file", "superseded", "authentic", "prefix", "unsigned"} <= names
    for language in ("en", "de"):
        for name in names:
            assert f"v_{name}" in words(language) and f"v_{name}_text" in words(language), name
    assert set(words("en")) == set(words("de"))
    for key, text in words("en").items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", words("de")[key])), key


# The API


def test_api_gives_the_verdict_of_the_contract(shared: Any, sealed: Sealed) -> None:
    answer = shared.visitor().post("/api/verify", content=sealed.final, headers={"content-type": "application/pdf"})
    verdict = answer.json()
    assert (verdict["integrity"], verdict["indication"], verdict["registry"]) == ("intact", "TOTAL-PASSED", "known")
    assert (verdict["audit_log"], verdict["document_id"], verdict["path"]) == ("included", sealed.document_id, None)
    assert len(verdict["signatures"]) == 4
    form = shared.visitor().post("/api/verify", files={"file": ("contract.pdf", sealed.final, "application/pdf")})
    assert {**form.json(), "elapsed_ms": 0} == {**verdict, "path": "contract.pdf", "elapsed_ms": 0}


def test_api_judges_for_a_given_time(shared: Any, sealed: Sealed) -> None:
    kind = {"content-type": "application/pdf"}
    early = shared.visitor().post("/api/verify?at=2001-01-01T00:00:00Z", content=sealed.final, headers=kind)
    assert early.json()["at"] == "2001-01-01T00:00:00Z"
    assert early.json()["indication"] != "TOTAL-PASSED"
    for wrong in ("yesterday", "2026-01-01", "2026-01-01T00:00:00", ""):
        answer = shared.visitor().post("/api/verify", params={"at": wrong}, content=b"%PDF-", headers=kind)
        assert (answer.status_code, answer.json()["error"]) == (400, "at")


def test_api_is_not_for_pages_of_others(shared: Any) -> None:
    kind = {"content-type": "application/pdf"}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = shared.visitor().post("/api/verify", content=b"%PDF-", headers={**kind, **headers})
        assert (answer.status_code, answer.json()["error"]) == (403, "origin")
    assert "access-control-allow-origin" not in answer.headers


def test_api_refuses_what_it_cannot_take(shared: Any) -> None:
    visitor = shared.visitor()
    for body, kind, status in (
        (b"{}", "application/json", 415),
        (b"", "application/pdf", 400),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", 400),
        (b"a=b", "application/x-www-form-urlencoded", 400),
        (b"%PDF-", "", 415),
    ):
        answer = visitor.post("/api/verify", content=body, headers={"content-type": kind})
        assert answer.status_code == status, kind
        assert answer.json()["message"].endswith(".")
    assert visitor.get("/api/verify").status_code == 405
    assert visitor.put("/api/verify").status_code == 405


@pytest.mark.slow
def test_api_keeps_its_description(shared: Any) -> None:
    """schemathesis asks what the description allows and what it does not, and holds every answer against it."""
    import schemathesis
    from hypothesis import HealthCheck, given, settings
    from schemathesis import GenerationMode

    description = shared.visitor().get("/api/openapi.json").json()
    schema = schemathesis.openapi.from_dict(description)
    schema.config.update(base_url=shared.server.url)
    asked = 0

    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        for operation in schema.get_all_operations():
            strategy = operation.ok().as_strategy(generation_mode=mode)

            @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
            @given(case=strategy)
            def one(case: Any) -> None:
                nonlocal asked
                asked += 1
                case.call_and_validate()

            one()
    assert asked >= 60


# /pki/


def test_issuer_certificate_and_crl_are_where_certificates_say(shared: Any, sealed: Sealed) -> None:
    from signing_core.desk import background

    background.work_once(shared.desk)
    ca = shared.workspace.keys().ca
    visitor = shared.visitor()
    issuer = visitor.get(f"/pki/{ca.name}.cer")
    assert issuer.headers["content-type"] == "application/pkix-cert"
    assert x509.load_der_x509_certificate(issuer.content) == ca.certificate
    crl = visitor.get(f"/pki/{ca.name}.crl")
    assert crl.headers["content-type"] == "application/pkix-crl"
    assert x509.load_der_x509_crl(crl.content).is_signature_valid(ca.certificate.public_key())
    assert ca.crl_url.endswith(f"/pki/{ca.name}.crl") and ca.certificate_url.endswith(f"/pki/{ca.name}.cer")
    for name in ("ca-0000.cer", "..%2f..%2fkeys", "seal.p12", f"{ca.name}.key"):
        assert visitor.get(f"/pki/{name}").status_code == 404


def test_certificates_and_lists_of_former_cas_stay_there(company: Any) -> None:
    from signing_core.desk import background
    from signing_core.storage.workspace import Workspace

    former = company.workspace.keys().ca
    with Workspace.open(company.workspace.path, clock=company.clock) as another_process:
        another_process.keys().succeed_ca()
    background.work_once(company.desk)
    visitor = company.visitor()
    for ca in (former, company.workspace.keys().ca):
        assert x509.load_der_x509_certificate(visitor.get(f"/pki/{ca.name}.cer").content) == ca.certificate
        crl = x509.load_der_x509_crl(visitor.get(f"/pki/{ca.name}.crl").content)
        assert crl.is_signature_valid(ca.certificate.public_key())
    assert former.name != company.workspace.keys().ca.name


@pytest.mark.parametrize("change", ["qr", "seal", "ca"])
def test_pages_that_run_on_judge_by_a_key_that_another_process_made(company: Any, change: str) -> None:
    from signing_core.storage.workspace import Workspace

    def judged() -> Any:
        document_id = company.play.create(contract(1))
        company.play.to_completion(document_id)
        final = company.workspace.objects.get(company.desk.status(document_id)["final"]["sha256"])
        answer = (
            company.visitor().post("/api/verify", content=final, headers={"content-type": "application/pdf"}).json()
        )
        return answer["integrity"], answer["certificate"]["qr"], answer["certificate"]["sealed_by_us"]

    assert judged() == ("intact", "valid", True)
    company.clock.forward(minutes=5)
    with Workspace.open(company.workspace.path, clock=company.clock) as another_process:
        ring = another_process.keys()
        _ = ring.succeed_ca() if change == "ca" else ring.renew(change)
    assert judged() == ("intact", "valid", True)


def test_role_words_cover_both_parties() -> None:
    for language in ("en", "de"):
        for role in Role:
            assert words(language)[f"role_{role}"]


def test_an_unsigned_pdf_with_a_picture_of_a_genuine_certificate(shared: Any, sealed: Sealed) -> None:
    """It is told from the signed document, and nobody is asked for the file that was just uploaded."""
    pages = render.page_count(sealed.final)
    picture = render.render(sealed.final, pages, dpi=150)
    written = io.BytesIO()
    picture.save(written, "PDF", resolution=150)
    page = upload(shared, written.getvalue())
    assert heading(page) == title("copy")
    assert 'type="file"' not in page.text


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_scan_without_a_code_is_called_a_scan(company: Any, language: str) -> None:
    written = io.BytesIO()
    Image.new("L", (850, 1100), 240).save(written, "PDF", resolution=100)
    visitor = company.visitor(headers={"accept-language": language})
    page = visitor.submit(visitor.get("/verify"), files={"file": ("scan.pdf", written.getvalue(), "application/pdf")})
    assert heading(page) == words(language)["v_unsigned"]
    assert in_words("looks-like-scan", language).meaning in page.text


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_scan_with_the_code_of_somebody_unknown_says_what_the_answer_is_about(company: Any, language: str) -> None:
    class Stranger:
        private = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
        key_id = payload.key_id(private.public_key())

        def sign(self, data: bytes) -> bytes:
            return self.private.sign(data)

    claims = payload.QrClaims(
        "sign.example.net", datetime(2026, 11, 25, tzinfo=UTC), "01KAXB2M5T4QW8Z3N6V7C9D0EF",
        "01KAX9YJ7M3RP2S5T8V1W4X6Z0", b"\x01" * 32, 1000, 2, 3,
    )  # fmt: skip
    text = payload.to_url(payload.sign(claims, Stranger()), "sign.example.net")
    code = Image.fromarray(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_image(scale=5))
    sheet, written = Image.new("L", (850, 1100), 240), io.BytesIO()
    sheet.paste(code, (150, 300))
    sheet.save(written, "PDF", resolution=100)
    visitor = company.visitor(headers={"accept-language": language})
    page = visitor.submit(visitor.get("/verify"), files={"file": ("scan.pdf", written.getvalue(), "application/pdf")})
    assert heading(page) == words(language)["v_unknown_key"]
    assert words(language)["v_from_pdf"] in page.text


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_signed_revision_of_a_withdrawn_document_says_that_it_was_withdrawn(company: Any, language: str) -> None:
    document_id, _ = company.sent(role=Role.CLIENT)
    file = company.workspace.objects.get(company.desk.state(document_id).document_sha256)
    company.desk.void(document_id, "withdrawn")
    visitor = company.visitor(headers={"accept-language": language})
    page = visitor.submit(visitor.get("/verify"), files={"file": ("contract.pdf", file, "application/pdf")})
    assert heading(page) == words(language)["v_never_completed"]
    assert in_words("document-voided", language).meaning in page.text
