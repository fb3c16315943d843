"""What programs that know nothing of Sealtrail say of a completed document: pdfsig, pyHanko, qpdf; then our own command."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from program import sealtrail
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import ades, validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    CertValidationPolicySpec,
    LocalKnowledge,
    PdfSignatureValidationSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.ltv.ades_past import past_validate
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer

from signing_core.desk import Desk
from signing_core.flow import Role
from signing_core.pdf import preserve
from signing_core.storage.database import reading
from signing_core.storage.schema import revocation_lists
from signing_core.storage.workspace import Workspace
from signing_core.testing import ManualClock, Play, contract
from signing_core.trust import load_trust
from signing_core.verification import verify

SIGNATURES = ("SealtrailFirstParty", "SealtrailClient", "SealtrailSeal")


def anchors(completed: Any) -> list[asn1_x509.Certificate]:
    with Workspace.open(completed.folder) as workspace:
        return [asn1_x509.Certificate.load(c.public_bytes(Encoding.DER)) for c in workspace.keys().trust_anchors]


def test_pdfsig_calls_both_parties_and_the_seal_valid(completed: Any, tmp_path: Any) -> None:
    if shutil.which("pdfsig") is None:
        pytest.fail("This test needs pdfsig: apt-get install poppler-utils")
    file = tmp_path / "final.pdf"
    file.write_bytes(completed.final)
    done = subprocess.run(["pdfsig", "-nocert", file], capture_output=True, text=True, timeout=600, check=False)
    blocks = done.stdout.split("Signature #")[1:]
    by_field = {name: block for block in blocks for name in SIGNATURES if f"Field Name: {name}" in block}
    assert set(by_field) == set(SIGNATURES), done.stdout
    for block in by_field.values():
        assert "Signature Validation: Signature is Valid." in block
    assert len(blocks) == 4, "and the document time-stamp, which pdfsig cannot judge"


def test_pdfsig_sees_one_changed_byte(completed: Any, tmp_path: Any) -> None:
    changed = bytearray(completed.final)
    changed[changed.index(b"stream", 200) + 20] ^= 1
    file = tmp_path / "changed.pdf"
    file.write_bytes(changed)
    done = subprocess.run(["pdfsig", "-nocert", file], capture_output=True, text=True, timeout=600, check=False)
    assert "Signature is Valid" not in done.stdout
    assert "Digest Mismatch" in done.stdout


def test_qpdf_finds_the_structure_in_order(completed: Any, tmp_path: Any) -> None:
    file = tmp_path / "final.pdf"
    file.write_bytes(completed.final)
    done = subprocess.run(["qpdf", "--check", file], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def under_two_cas(blank_workspace: Any, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A document on whose way the company CA was succeeded: the first party signed before, the client afterwards."""
    folder = tmp_path_factory.mktemp("succession") / "workspace"
    shutil.copytree(blank_workspace, folder)
    with Workspace.open(folder) as workspace:
        play = Play(Desk(workspace))
        document_id = play.create(contract())
        for state in play.steps(document_id):
            if state.party(Role.FIRST_PARTY).signed is not None:
                break
        workspace.keys().succeed_ca()
        play.to_completion(document_id)
        final = workspace.objects.get(play.desk.status(document_id)["final"]["sha256"])
    return SimpleNamespace(folder=folder, final=final)


@pytest.mark.parametrize("which", ["completed", "under_two_cas"])
def test_pyhanko_validates_all_with_revocation_on_hard_fail(which: str, request: pytest.FixtureRequest) -> None:
    document = request.getfixturevalue(which)
    reader = PdfFileReader(io.BytesIO(document.final))
    context = ValidationContext(
        trust_roots=anchors(document), allow_fetching=False, revocation_mode="hard-fail", crls=crls_in(reader)
    )
    signatures = reader.embedded_regular_signatures
    assert [signature.field_name for signature in signatures] == list(SIGNATURES)
    for signature in signatures:
        status = validate_pdf_signature(signature, context)
        assert status.bottom_line, status.pretty_print_details()
        assert status.trusted and status.intact and status.valid
        assert status.modification_level is not None
        allowed = (
            ModificationLevel.LTA_UPDATES
            if signature.field_name == SIGNATURES[-1]
            else (ModificationLevel.FORM_FILLING)
        )
        assert status.modification_level <= allowed
        assert status.docmdp_ok
        assert status.timestamp_validity is not None
        assert status.timestamp_validity.valid and status.timestamp_validity.trusted
    (stamp,) = reader.embedded_timestamp_signatures
    status = validate_pdf_timestamp(stamp, context)
    assert status.valid and status.intact and status.trusted


def test_pyhanko_does_not_trust_it_without_the_company_ca(completed: Any, another_company: Any) -> None:
    reader = PdfFileReader(io.BytesIO(completed.final))
    context = ValidationContext(
        trust_roots=anchors(another_company), allow_fetching=False, revocation_mode="hard-fail", crls=crls_in(reader)
    )
    for signature in reader.embedded_regular_signatures:
        status = validate_pdf_signature(signature, context)
        assert status.valid and not status.trusted


def crls_in(reader: PdfFileReader) -> list[asn1_crl.CertificateList]:
    return [asn1_crl.CertificateList.load(stream.get_object().data) for stream in reader.root["/DSS"]["/CRLs"]]


def long_after(completed: Any) -> tuple[datetime, bytes]:
    """The end of the parties' X.509 certificates plus two years, and a CRL of that time."""
    with Workspace.open(completed.folder) as workspace:
        ring = workspace.keys()
        end = max(ring.first_party.certificate.not_valid_after_utc, ring.seal.certificate.not_valid_after_utc)
        then = end + timedelta(days=730)
        with reading(workspace.engine) as connection:
            number = max(row.number for row in connection.execute(revocation_lists.select())) + 1
        assert then < ring.time_stamp_authority.certificate.not_valid_after_utc, "else it must be renewed before"
        return then, ring.ca.crl(then - timedelta(hours=1), number, [])


def lta_results(completed: Any, data: bytes, then: datetime, crls: list[bytes]) -> dict[str, Any]:
    """What the validation of ETSI EN 319 102-1, 5.6.3 says of each signature at `then`, without any network."""
    trust = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=anchors(completed)),
        revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO),
    )
    known = LocalKnowledge(known_crls=[CRLContainer(asn1_crl.CertificateList.load(crl)) for crl in crls])
    spec = PdfSignatureValidationSpec(
        SignatureValidationSpec(
            cert_validation_policy=trust, ts_cert_validation_policy=trust, local_knowledge=known,
        )
    )  # fmt: skip
    timing = ValidationTimingInfo(validation_time=then, best_signature_time=then, point_in_time_validation=True)
    return {
        signature.field_name: asyncio.run(ades_lta_validation(signature, spec, timing_info=timing)).ades_subindic
        for signature in PdfFileReader(io.BytesIO(data)).embedded_regular_signatures
    }


def test_every_signature_holds_two_years_after_its_certificate_by_ades_lta_validation(completed: Any) -> None:
    """With the anchors and a fresh CRL for the document time-stamp's authority, and nothing else."""
    then, fresh = long_after(completed)
    results = lta_results(completed, completed.final, then, [fresh])
    assert results == dict.fromkeys(SIGNATURES, AdESPassed.OK)


def test_without_what_the_docs_say_to_keep_it_does_not_hold(completed: Any) -> None:
    then, fresh = long_after(completed)
    no_fresh_list = lta_results(completed, completed.final, then, [])
    without_preservation = lta_results(completed, completed.final[: sealed_length(completed.final)], then, [fresh])
    for results in (no_fresh_list, without_preservation):
        assert set(results) == set(SIGNATURES)
        assert AdESPassed.OK not in results.values()


def sealed_length(final: bytes) -> int:
    """The end of the seal's revision: what its /ByteRange covers."""
    reader = PdfFileReader(io.BytesIO(final))
    seal = next(s for s in reader.embedded_regular_signatures if s.field_name == SIGNATURES[-1])
    first, second = seal.byte_range[2], seal.byte_range[3]
    return int(first + second)


@pytest.fixture(scope="module")
def file(completed: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("final") / "final.pdf"
    path.write_bytes(completed.final)
    return path


def verified(file: Any, *options: object) -> SimpleNamespace:
    done = sealtrail("verify", file, "--format", "jsonl", *options)
    (line,) = done.stdout.splitlines()
    return SimpleNamespace(status=done.returncode, stderr=done.stderr, **json.loads(line))


def test_our_command_passes_it_with_the_public_folder_alone(completed: Any, file: Any) -> None:
    said = verified(file, "--trust", completed.public)
    assert (said.status, said.stderr) == (0, "")
    assert (said.integrity, said.trust, said.indication) == ("intact", "trusted", "TOTAL-PASSED")
    assert said.time == "proven"
    assert (said.certificate["sealed_by_us"], said.certificate["house"]) == (True, "Sample Seals GmbH")
    assert (said.certificate["qr"], said.certificate["prefix"]) == ("valid", "match")
    assert [s["level"] for s in said.signatures[:3]] == ["B-LTA"] * 3
    assert said.registry is None, "there is no workspace here"


def test_our_command_without_anchors_says_that_nobody_is_trusted(file: Any) -> None:
    said = verified(file)
    assert said.status == 0, "intact, and no anchors were given"
    assert (said.integrity, said.indication) == ("intact", "INDETERMINATE")
    assert said.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"


@pytest.mark.parametrize("years", [1, 3, 5, 6])
def test_judged_for_the_future_it_still_passes(completed: Any, file: Any, years: int) -> None:
    at = datetime.now(UTC) + timedelta(days=365 * years)
    said = verified(file, "--trust", completed.public, "--at", at.isoformat())
    assert (said.status, said.indication, said.time) == (0, "TOTAL-PASSED", "proven"), said


def test_when_the_last_time_stamp_certificate_is_over_it_can_no_longer_be_proven(completed: Any, file: Any) -> None:
    with Workspace.open(completed.folder) as workspace:
        end = workspace.keys().time_stamp_authority.certificate.not_valid_after_utc
    said = verified(file, "--trust", completed.public, "--at", (end + timedelta(days=30)).isoformat())
    assert (said.status, said.integrity, said.indication) == (1, "intact", "INDETERMINATE"), said


def test_judged_for_a_time_before_it_was_signed_it_does_not_pass(completed: Any, file: Any) -> None:
    at = datetime.now(UTC) - timedelta(days=400)
    said = verified(file, "--trust", completed.public, "--at", at.isoformat())
    assert said.status == 1
    assert said.integrity == "intact"
    assert (said.indication, said.sub_indication) == ("TOTAL-FAILED", "NOT_YET_VALID"), said


def test_preserved_again_in_time_it_outlives_its_time_stamp_authority(
    completed: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What docs/long-term.md says to do, nine years on: then it holds after the first authority's certificate is over."""
    folder = tmp_path / "workspace"
    shutil.copytree(completed.folder, folder)
    clock = ManualClock(datetime.now(UTC) + timedelta(days=9 * 365))
    with Workspace.open(folder, clock=clock) as workspace:
        ring = workspace.keys()
        former = ring.time_stamp_authority.certificate
        ring.renew("time-stamp")
        authority = ring.time_stamp_authority
        fresh = ring.ca.crl(clock(), 500, [])
        certificates = [former, authority.certificate, ring.ca.certificate]
        again = preserve.preserve(completed.final, certificates=certificates, crls=[fresh], time_stamps=authority).data
        over = former.not_valid_after_utc + timedelta(days=700)
        later = ring.ca.crl(over - timedelta(hours=1), 600, [])
    assert again.startswith(completed.final)
    trust = load_trust([folder / "keys" / "public"])
    kept, lost = (verify(data, at=over, trust=trust) for data in (again, completed.final))
    assert (kept.integrity, kept.indication, kept.time) == ("intact", "TOTAL-PASSED", "proven"), kept.to_json()
    assert (lost.integrity, lost.indication) == ("intact", "INDETERMINATE")
    # pyHanko starts the past validation of an X.509 certificate at the machine's clock and does not get back before its end
    # (docs/long-term.md). Started where the standard can have it start, it passes all of it.
    stuck = lta_results(completed, again, over, [])
    assert AdESPassed.OK not in stuck.values()

    async def from_its_end(**given: Any) -> datetime:
        given["init_control_time"] = min(over, given["path"].leaf.not_valid_after)
        result: datetime = await past_validate(**given)
        return result

    monkeypatch.setattr(ades, "past_validate", from_its_end)
    assert lta_results(completed, again, over, [later]) == dict.fromkeys(SIGNATURES, AdESPassed.OK)
