"""Documents of ours: a completed one, and the ways of passing something else off as one."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pdf_parts as parts
import pytest
import signed_samples as made
from PIL import ImageChops

from signing_core.keys.oids import ONE_TIME_POLICY, SEAL_POLICY
from signing_core.pdf import render
from signing_core.pdf.names import DOCUMENT_ID_KEY, SEAL_FIELD, TIME_STAMP_FIELD
from signing_core.pdf.revisions import FileStructure
from signing_core.pdf.revisions import parse as parse_file
from signing_core.pdf.structure import excerpt, sole_drawing
from signing_core.pki.x509_certificates import parse
from signing_core.trust import TrustStore, load_trust
from signing_core.verdict import AuditLogState, DocumentVerdict, Ended, Indication, Integrity, RegistryState
from signing_core.verification import WorkspaceContext, certificate_page, verify
from signing_core.verification.certificate_page import read_page


@pytest.fixture(scope="module")
def believed(completed) -> TrustStore:
    return load_trust([completed.public])


@pytest.fixture(scope="module")
def look(believed: TrustStore) -> Callable[..., DocumentVerdict]:
    def looked(data: bytes, trust: TrustStore | None = None, **more: object) -> DocumentVerdict:
        return verify(data, at=datetime.now(UTC), trust=believed if trust is None else trust, **more)  # type: ignore[arg-type]

    return looked


def test_a_completed_document(completed, look, codes) -> None:
    verdict = look(completed.final)
    assert (verdict.integrity, verdict.indication, verdict.time) == (
        Integrity.INTACT,
        Indication.TOTAL_PASSED,
        "proven",
    )
    assert verdict.document_id == completed.document_id
    assert [s.role for s in verdict.signatures] == ["first-party", "client", "seal", None]
    assert [s.level for s in verdict.signatures] == ["B-LTA", "B-LTA", "B-LTA", None]
    assert verdict.certificate.to_json() == {
        "present": True, "sealed_by_us": True, "house": "Sample Seals GmbH", "qr": "valid", "prefix": "match",
    }  # fmt: skip
    assert verdict.in_order


@pytest.mark.parametrize("step", ["prepared", "first-party", "client"])
def test_cut_back_to_an_earlier_step(step: str, completed, look, codes) -> None:
    verdict = look(completed.steps[step])
    assert verdict.integrity is (Integrity.UNSIGNED if step == "prepared" else Integrity.INTACT)
    assert not verdict.certificate.present
    if step != "prepared":
        assert "certificate-missing" in codes(verdict)


def test_any_other_cut_is_not_intact(completed, look) -> None:
    data = completed.final
    for end in (len(data) - 1, len(data) - 100, len(completed.signed) + 1, len(completed.signed) - 1, 5000):
        assert look(data[:end]).integrity is not Integrity.INTACT or data[:end].rstrip() == data.rstrip()


def test_one_changed_byte(completed, look) -> None:
    data = bytearray(completed.final)
    at = data.index(b"stream") + 40
    data[at] ^= 1
    verdict = look(bytes(data))
    assert (verdict.integrity, verdict.certificate.sealed_by_us) == (Integrity.ALTERED, False)


def glued(identity: made.Identity, document_id: str) -> bytes:
    """A document that calls itself ours, its seal field filled with a key of somebody's own."""
    pdf = made.Pdf.new(information=f"{DOCUMENT_ID_KEY}({document_id})")
    pdf.sign(lambda covered: made.cms(identity, covered), name="SealtrailClient")
    pdf.sign(lambda covered: made.cms(identity, covered), name="SealtrailSeal")
    return pdf.data


def test_a_foreign_key_fills_the_seal_field(completed, look, codes) -> None:
    forged = glued(made.issue("Sample Seals GmbH Seal", made.issue("Sample Seals GmbH Sealtrail CA", ca=True)), "X")
    verdict = look(forged)
    assert (verdict.integrity, verdict.certificate.sealed_by_us) == (Integrity.ALTERED, False)
    assert "seal-not-ours" in codes(verdict)


def test_a_key_that_our_authority_issued_for_something_else(look, codes) -> None:
    root = made.issue("Company CA", ca=True)
    forged = glued(made.issue("Sample Client", root, policies=[ONE_TIME_POLICY]), "X")
    assert look(forged, made.store(root.der)).certificate.sealed_by_us is False
    rightful = glued(made.issue("Seal", root, policies=[SEAL_POLICY]), "X")
    assert look(rightful, made.store(root.der)).certificate.sealed_by_us is True
    self_made = glued(made.issue("Seal", made.issue("Company CA", ca=True), policies=[SEAL_POLICY]), "X")
    assert look(self_made, made.store(root.der, seals=[made.issue("Seal").der])).certificate.sealed_by_us is False


def test_a_seal_that_was_bought_is_known_by_its_certificate(look) -> None:
    bought = made.issue("Company Seal", made.issue("Trust Service", ca=True))
    certificate = parse(bought.der)
    assert certificate is not None
    verdict = look(glued(bought, "X"), made.store(seals=[bought.der]))
    assert verdict.certificate.sealed_by_us is True


def test_without_anything_to_know_our_seal_by(completed, look, codes) -> None:
    verdict = look(completed.final, TrustStore())
    assert (verdict.integrity, verdict.certificate.sealed_by_us, verdict.certificate.qr) == (
        Integrity.INTACT,
        None,
        "foreign",
    )
    assert {"seal-unknown", "qr-foreign"} <= codes(verdict)


def test_a_page_without_a_code(look, codes) -> None:
    """The forged page is an empty one; our seal on it would be a fault of ours, and shows."""
    bought = made.issue("Company Seal", made.issue("Trust Service", ca=True))
    certificate = parse(bought.der)
    assert certificate is not None
    verdict = look(glued(bought, "X"), made.store(seals=[bought.der]))
    assert verdict.certificate.qr == "absent"
    assert "qr-absent" in codes(verdict)


class Page:
    """What a page shows, for cases that only a fault of our own could make."""

    def __init__(self, **claims: object) -> None:
        self._claims = claims

    def __call__(self, *_: object, **__: object) -> object:
        from signing_core.certificate.payload import QrClaims
        from signing_core.verification.certificate_page import PageRead

        return PageRead("valid", claims=QrClaims(**self._claims))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "certificate", "code"),
    [
        ({"document_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, ("invalid", "mismatch"), "qr-document-mismatch"),
        ({"prefix_sha256": b"\x00" * 32}, ("valid", "mismatch"), "prefix-mismatch"),
        ({"prefix_length": 1_000_000_000}, ("valid", "mismatch"), "prefix-mismatch"),
        ({"prefix_length": -1}, ("valid", "mismatch"), "prefix-mismatch"),
        ({"short": True}, ("valid", "mismatch"), "prefix-mismatch"),
    ],
)
def test_the_code_of_another_document(
    changes: dict[str, object], certificate: tuple[str, str], code: str, completed, look, codes, monkeypatch
) -> None:
    import hashlib

    from signing_core.verification import our_documents

    length = len(completed.signed)
    if changes.pop("short", False):
        length -= 10
    claims = {
        "issuer": "sign.example.org",
        "issued_at": datetime.now(UTC),
        "certificate_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "document_id": completed.document_id,
        "prefix_sha256": hashlib.sha256(completed.final[:length]).digest(),
        "prefix_length": length,
        "signers": 2,
        "sequence": 1,
        **changes,
    }
    monkeypatch.setitem(our_documents.judge.__kwdefaults__, "read", Page(**claims))
    verdict = look(completed.final)
    assert (verdict.certificate.qr, verdict.certificate.prefix) == certificate
    assert verdict.integrity is Integrity.ALTERED
    assert code in codes(verdict)


def test_another_documents_final_update_glued_on(completed, another_completed, look) -> None:
    """The certificate page of one document behind the body of another, bytes as they are."""
    tail = another_completed.final[len(another_completed.signed) :]
    assert look(completed.signed + tail).integrity is not Integrity.INTACT


class Registry:
    def __init__(self, state: RegistryState) -> None:
        self._state = state
        self.asked: list[tuple[str, str | None]] = []

    def lookup(self, sha256: str, document_id: str | None) -> RegistryState:
        self.asked.append((sha256, document_id))
        return self._state


class LogView:
    def __init__(self, state: AuditLogState | None) -> None:
        self._state = state

    def inclusion(self, document_id: str, sha256: str) -> AuditLogState | None:
        return self._state

    def ended(self, document_id: str) -> Ended | None:
        return None


@pytest.mark.parametrize(
    ("registry", "audit_log", "integrity"),
    [
        ("known", "included", Integrity.INTACT),
        ("prefix", "included", Integrity.INTACT),
        ("unknown", "missing", Integrity.INTACT),
        ("mismatch", "other-file", Integrity.ALTERED),
        ("mismatch", "included", Integrity.ALTERED),
        ("known", "inconsistent", Integrity.INTACT),
        ("known", None, Integrity.INTACT),
    ],
)
def test_registry_and_audit_log(
    registry, audit_log, integrity: Integrity, completed, look, believed: TrustStore
) -> None:
    known = Registry(registry)
    context = WorkspaceContext(believed, known, LogView(audit_log))
    verdict = look(completed.final, TrustStore(), workspace_context=context)
    assert (verdict.registry, verdict.audit_log, verdict.integrity) == (registry, audit_log, integrity)
    assert known.asked == [(verdict.sha256, completed.document_id)]


def test_a_registry_that_fails_leaves_it_open(completed, look, codes) -> None:
    class Broken:
        def lookup(self, sha256: str, document_id: str | None) -> RegistryState:
            raise RuntimeError

    verdict = look(completed.final, workspace_context=WorkspaceContext(registry=Broken()))
    assert verdict.integrity is Integrity.INDETERMINATE
    assert "internal-error" in codes(verdict)


def test_the_public_folder_of_a_key_ring_can_be_given_as_it_is(completed, tmp_path: Path) -> None:
    (house,) = load_trust([completed.public]).houses
    purposes = ("company-ca", "first-party", "seal", "time-stamp", "qr", "checkpoint")
    assert [len(house.of(purpose)) for purpose in purposes] == [1] * 6
    (only,) = load_trust([completed.public / "anchors.pem"]).houses
    assert (only.id, [part.purpose for part in only.parts]) == (house.id, ["company-ca"])


def illegible_page(noise: int) -> bytes:
    """A page with what looks like codes and cannot be read: the finder patterns of one, and squares all over the place."""
    chance = random.Random(noise)
    squares = [b"0 g"]
    for left, bottom in ((50, 90), (150, 90), (50, 190), (300, 500), (400, 500), (300, 600)):
        squares.append(
            b"%d %d 14 14 re %d %d 10 10 re f* %d %d 6 6 re f"
            % (left, bottom, left + 2, bottom + 2, left + 4, bottom + 4)
        )
    squares += [b"%d %d 2 2 re f" % (chance.randrange(40, 560), chance.randrange(40, 800)) for _ in range(noise)]
    return parts.original(parts.contract_objects() | {parts.CONTENT_2: parts.stream(b"\n".join(squares))})


def test_a_page_that_cannot_be_read_costs_little() -> None:
    """A page that a program drew is read a few times as it is, without the long retries that photos are given."""
    data = illegible_page(6000)
    started = time.process_time()
    assert read_page(data, 2, ()).state == "absent"
    assert time.process_time() - started < 1.5


def test_the_last_page_alone_looks_as_in_the_file(completed) -> None:
    """What is left out to be fast: the other pages, and with them nothing of the last one."""
    tree = parts.contract_objects() | {number: parts.contract_objects()[parts.PAGE_2] for number in range(100, 160)}
    kids = b" ".join(b"%d 0 R" % number for number in range(100, 160))
    tree[parts.PAGES] = b"<< /Type /Pages /Kids [%s 3 0 R] /Count 61 >>" % kids
    data = parts.second_signature(parts.signed(parts.original(tree)))
    alone = excerpt.last_page(parse_file(data))
    assert alone is not None and alone[1] == 1 and alone[0].startswith(data)
    assert render.page_count(alone[0]) == 1
    whole, single = render.render(data, 61, dpi=72), render.render(alone[0], 1, dpi=72)
    assert ImageChops.difference(whole, single).getbbox() is None
    assert excerpt.last_page(parse_file(completed.final)) is None, "it has few pages"


def seal_of(data: bytes) -> tuple[FileStructure, int]:
    """The file, and the revision that the seal covers."""
    structure = parse_file(data)
    covered = next(r.covered_revision for r in structure.signatures if SEAL_FIELD in r.fields)
    assert covered is not None and covered < len(structure.revisions), "the time-stamp came later"
    return structure, covered


def test_what_the_seal_drew_says_what_its_page_shows(completed, believed: TrustStore, monkeypatch) -> None:
    structure, covered = seal_of(completed.final)
    pages = structure.pages
    seen = read_page(completed.final, pages, believed.keys("qr"))
    monkeypatch.setattr(render, "opened", None)  # it is not rendered
    drawn = certificate_page.read(structure, pages, believed.keys("qr"), sealed=covered, password=None)
    assert (drawn.state, drawn.claims) == ("valid", seen.claims)


def objects_of(structure: FileStructure) -> dict[str, int]:
    """Numbers of what the certificate page is made of."""
    newest = len(structure.revisions)
    seal = next(f for f in structure.form(newest).fields if f.name == SEAL_FIELD).widgets[0]
    stamp = next(f for f in structure.form(newest).fields if f.name == TIME_STAMP_FIELD).widgets[0]
    look = structure.resolve(seal.dict["AP"], newest)["N"]
    picture = structure.resolve(look, newest).dict["Resources"]["XObject"]["Picture"]
    tree = structure.catalog(newest)["Pages"]
    found = {
        "widget": seal.ref,
        "stamp": stamp.ref,
        "page": seal.dict["P"],
        "look": look,
        "picture": picture,
        "tree": tree,
    }
    return {name: ref.number for name, ref in found.items()}


OVERLAY = b"<< /Type /Annot /Subtype /Square /Rect [0 0 300 300] /IC [1 1 1] >>"


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("page", lambda body: body.replace(b"/Annots [", b"/Annots [900 0 R ")),
        ("page", lambda body: body.replace(b"/Annots [", b"/CropBox [200 200 400 400] /Annots [")),
        ("page", lambda body: body.replace(b"/Annots [", b"/Contents 900 0 R /Annots [")),
        ("page", lambda body: body.replace(b"/Annots [", b"/Annots [] /Annots [")),
        ("tree", lambda body: body.replace(b"/Type", b"/CropBox [200 200 400 400] /Type")),
        ("stamp", lambda body: body.replace(b"0 0 0 0", b"0 0 300 300")),
        ("stamp", lambda body: body.replace(b"/Rect", b"/AP << /N 900 0 R >> /Rect")),
        ("widget", lambda body: body.replace(b"/F 132", b"/F 134")),
        ("look", lambda body: body),
        ("picture", lambda body: body),
    ],
)  # fmt: skip
def test_what_the_seal_drew_is_taken_only_where_the_page_still_shows_it(
    what: str, changed: Callable[[bytes], bytes], completed, believed: TrustStore, monkeypatch
) -> None:
    structure, covered = seal_of(completed.final)
    number = objects_of(structure)[what]
    body = parts.newest(completed.final, number)
    assert changed(body) != body or what in ("look", "picture")
    root = b" /Root %d 0 R" % structure.trailer(covered)["Root"].number
    later = parts.update(completed.final, {number: changed(body), 900: OVERLAY}, trailer=root)
    rendered: list[int] = []
    monkeypatch.setattr(certificate_page, "read_page", lambda *_, **__: rendered.append(1))
    certificate_page.read(parse_file(later), structure.pages, believed.keys("qr"), sealed=covered, password=None)
    assert rendered, "it is looked at as it is seen"


def test_what_the_seal_drew_is_not_taken_where_readers_may_see_another_page(completed, believed: TrustStore) -> None:
    structure, covered = seal_of(completed.final)
    assert sole_drawing.drawing(structure, SEAL_FIELD, structure.pages, covered)
    number = objects_of(structure)["page"]
    hidden = b"%d 0 obj\n<< /Type /Page >>\nendobj\n" % number
    for odd in (completed.final + hidden, b"junk\n" + completed.final):
        assert sole_drawing.drawing(parse_file(odd), SEAL_FIELD, structure.pages, covered) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: tree | {parts.PAGES: tree[parts.PAGES][:-2] + b"/Rotate 90 >>"},
        lambda tree: tree | {parts.PAGES: tree[parts.PAGES].replace(b"6 0 R]", b"70 0 R]"), 70: b"<< /Type /Pages /Kids [6 0 R] /Count 1 >>"},
    ],
)  # fmt: skip
def test_trees_that_hand_something_down_are_left_as_they_are(change: Callable[..., dict[int, bytes]]) -> None:
    tree = parts.contract_objects()
    tree[parts.PAGES] = b"<< /Type /Pages /Kids [%s] /Count 61 >>" % (b"3 0 R " * 60 + b"6 0 R")
    assert excerpt.last_page(parse_file(parts.signed(parts.original(change(tree))))) is None


def test_a_document_of_ours_is_judged_without_loading_what_pictures_and_fonts_need(completed, tmp_path: Path) -> None:
    """Most of what `sealtrail verify` of one file takes is loading."""
    file = tmp_path / "final.pdf"
    file.write_bytes(completed.final)
    program = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from signing_core.trust import TrustStore, load_trust
from signing_core.verification import verify
verdict = verify({str(file)!r}, at=datetime.now(UTC), trust=load_trust([Path({str(completed.public)!r})]))
print(verdict.certificate.qr, *sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    qr, *loaded = ran.stdout.split()
    assert qr == "valid"
    assert not {"numpy", "PIL", "fontTools", "cryptography.x509", "importlib.metadata", "pyhanko", "pypdf"} & {*loaded}
