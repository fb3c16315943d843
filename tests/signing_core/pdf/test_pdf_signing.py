"""The five steps as others see them: pyHanko with revocation required, pdfsig, and the AdES LTA validation."""

from __future__ import annotations

import asyncio
import hashlib
import io
import itertools
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import cms
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy, RevocationCheckingRule
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer

from signing_core.errors import DocumentRefused, StepNotAllowed, TimeStampUnavailable, UsageError
from signing_core.keys.software import SoftwareKey
from signing_core.pdf import cms as pdf_cms
from signing_core.pdf import names, render
from signing_core.pdf.prepare import prepare
from signing_core.pdf.preserve import preserve
from signing_core.pdf.seal import seal
from signing_core.pdf.sign import Signed, field_box, sign

PARTIES_AND_SEAL = [names.FIRST_PARTY_FIELD, names.CLIENT_FIELD, names.SEAL_FIELD]


def _roots(ring):
    return [asn1_x509.Certificate.load(anchor.public_bytes(Encoding.DER)) for anchor in ring.trust_anchors]


def _judged(data, flow, ring):
    """Bottom line and modification level by field; revocation information is required."""
    judged = {}
    for embedded in PdfFileReader(io.BytesIO(data)).embedded_regular_signatures:
        context = ValidationContext(
            trust_roots=_roots(ring),
            crls=[asn1_crl.CertificateList.load(flow.crl)],
            revocation_mode="hard-fail",
            allow_fetching=False,
        )
        status = validate_pdf_signature(embedded, context, ts_validation_context=context)
        assert status.timestamp_validity is not None and status.timestamp_validity.trusted
        judged[embedded.field_name] = (status.bottom_line, status.modification_level)
    return judged


def test_pyhanko_calls_every_signature_valid_with_permitted_changes_only(flow, ring):
    assert _judged(flow.final.data, flow, ring) == {
        names.FIRST_PARTY_FIELD: (True, ModificationLevel.FORM_FILLING),
        names.CLIENT_FIELD: (True, ModificationLevel.FORM_FILLING),
        names.SEAL_FIELD: (True, ModificationLevel.LTA_UPDATES),
    }
    stamps = PdfFileReader(io.BytesIO(flow.final.data)).embedded_timestamp_signatures
    assert [stamp.field_name for stamp in stamps] == [names.TIME_STAMP_FIELD]


def test_pdfsig_calls_parties_and_seal_valid(flow, tmp_path):
    if shutil.which("pdfsig") is None:
        pytest.fail("This test needs pdfsig: apt-get install poppler-utils")
    document = tmp_path / "final.pdf"
    document.write_bytes(flow.final.data)
    command = ["pdfsig", str(document)]
    environment = {**os.environ, "LC_ALL": "C"}
    output = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, env=environment).stdout
    assert output.count("Signature is Valid.") == 3
    assert output.count("ETSI.CAdES.detached") == 3
    assert output.count("  - Total document signed") == 1  # the document time-stamp


@pytest.mark.parametrize("field", PARTIES_AND_SEAL)
def test_ades_lta_validation_passes_two_years_after_the_parties_certificates_ended(flow, ring, field):
    later = max(certificate.not_valid_after_utc for certificate in flow.certificates[:2]) + timedelta(days=730)
    fresh = ring.ca.crl(later - timedelta(hours=1), 2, [])
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(_roots(ring)),
        revinfo_policy=CertRevTrustPolicy(
            RevocationCheckingPolicy(RevocationCheckingRule.CRL_REQUIRED, RevocationCheckingRule.NO_CHECK)
        ),
    )
    specification = SignatureValidationSpec(
        cert_validation_policy=policy,
        revinfo_gathering_policy=RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
        local_knowledge=LocalKnowledge(known_crls=[CRLContainer(asn1_crl.CertificateList.load(fresh))]),
    )
    reader = PdfFileReader(io.BytesIO(flow.final.data))
    embedded = next(one for one in reader.embedded_regular_signatures if one.field_name == field)
    timing = ValidationTimingInfo(validation_time=later, best_signature_time=later, point_in_time_validation=True)
    result = asyncio.run(ades_lta_validation(embedded, PdfSignatureValidationSpec(specification), timing_info=timing))
    assert result.ades_subindic == AdESPassed.OK, result.failure_msg


def test_every_step_only_appends(flow):
    data = [flow.prepared, flow.first_party.data, flow.client.data, flow.sealed.data, flow.final.data]
    for before, after in itertools.pairwise(data):
        assert after.startswith(before)
    for step in (flow.first_party, flow.client, flow.sealed, flow.final):
        assert (step.sha256, step.length) == (hashlib.sha256(step.data).hexdigest(), len(step.data))
    assert flow.prepared.count(b"%%EOF") == 1
    assert flow.final.data.count(b"%%EOF") == 5  # the time-stamp authority was known: one revision preserves all


def test_first_party_certifies_and_the_seal_locks(flow):
    reader = PdfFileReader(io.BytesIO(flow.final.data))
    values = {one.field_name: one.sig_object for one in reader.embedded_regular_signatures}
    (certifying,) = values[names.FIRST_PARTY_FIELD]["/Reference"]
    assert certifying["/TransformMethod"] == "/DocMDP" and certifying["/TransformParams"]["/P"] == 2
    assert reader.root["/Perms"].raw_get("/DocMDP").get_object() == values[names.FIRST_PARTY_FIELD]
    assert "/Reference" not in values[names.CLIENT_FIELD]
    (locking,) = values[names.SEAL_FIELD]["/Reference"]
    assert locking["/TransformMethod"] == "/FieldMDP"
    assert (locking["/TransformParams"]["/Action"], locking["/TransformParams"]["/P"]) == ("/All", 1)
    fields = {field.get_object()["/T"]: field.get_object() for field in reader.root["/AcroForm"]["/Fields"]}
    assert fields[names.SEAL_FIELD]["/Lock"]["/P"] == 1 and fields[names.SEAL_FIELD]["/Lock"]["/Action"] == "/All"
    assert fields[names.CLIENT_FIELD]["/TU"] == "Signature: Sample Client"
    assert values[names.CLIENT_FIELD]["/Name"] == "Sample Client"
    assert values[names.CLIENT_FIELD]["/Reason"] == "Agreed"
    assert "/M" in values[names.CLIENT_FIELD]


def test_an_approval_signature_added_after_the_seal_breaks_it(ring, steps, make, flow):
    from pyhanko.sign.fields import SigFieldSpec
    from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner

    from signing_core.pdf.cms import _KeySigner

    writer = IncrementalPdfFileWriter(io.BytesIO(flow.sealed.data))
    signer = PdfSigner(
        PdfSignatureMetadata(field_name="Later"), _KeySigner(ring.first_party), new_field_spec=SigFieldSpec("Later")
    )

    async def raw(data, digest_algorithm, dry_run=False):
        return ring.first_party.sign(data)

    signer.signer.async_sign_raw = raw
    later = signer.sign_pdf(writer).getvalue()
    judged = _judged_seal(later, flow, ring)
    assert judged.bottom_line is False


def _judged_seal(data, flow, ring):
    context = ValidationContext(
        trust_roots=_roots(ring), crls=[asn1_crl.CertificateList.load(flow.crl)], revocation_mode="hard-fail"
    )
    reader = PdfFileReader(io.BytesIO(data))
    seal_signature = next(one for one in reader.embedded_regular_signatures if one.field_name == names.SEAL_FIELD)
    return validate_pdf_signature(seal_signature, context, ts_validation_context=context)


def test_one_changed_byte_is_caught(flow, ring):
    data = bytearray(flow.final.data)
    data[data.index(b"/SealtrailDocument") + 22] ^= 1
    assert _judged_seal(bytes(data), flow, ring).intact is False


def test_validation_data_of_all_signatures_and_time_stamps_is_in_the_dss(flow):
    reader = PdfFileReader(io.BytesIO(flow.final.data))
    stored = {stream.get_object().data for stream in reader.root["/DSS"]["/Certs"]}
    assert {certificate.public_bytes(Encoding.DER) for certificate in flow.certificates} <= stored
    assert [stream.get_object().data for stream in reader.root["/DSS"]["/CRLs"]] == [flow.crl]
    for embedded in reader.embedded_signatures:
        content = cms.ContentInfo.load(embedded.pkcs7_content)["content"]
        assert {choice.chosen.dump() for choice in content["certificates"]} <= stored


def test_certificates_of_an_authority_not_known_before_follow_in_a_last_revision(flow, ring):
    without = [c for c in flow.certificates if c != ring.time_stamp_authority.certificate]
    preserved = preserve(flow.sealed.data, certificates=without, crls=[flow.crl], time_stamps=ring.time_stamp_authority)
    assert preserved.data.count(b"%%EOF") == flow.final.data.count(b"%%EOF") + 1
    assert _judged(preserved.data, flow, ring) == _judged(flow.final.data, flow, ring)
    stored = {s.get_object().data for s in PdfFileReader(io.BytesIO(preserved.data)).root["/DSS"]["/Certs"]}
    assert ring.time_stamp_authority.certificate.public_bytes(Encoding.DER) in stored


def test_preservation_is_renewed_by_doing_it_again(flow, ring):
    again = preserve(
        flow.final.data, certificates=flow.certificates, crls=[flow.crl], time_stamps=ring.time_stamp_authority
    )
    stamps = PdfFileReader(io.BytesIO(again.data)).embedded_timestamp_signatures
    assert [stamp.field_name for stamp in stamps] == ["SealtrailTimeStamp", "SealtrailTimeStamp2"]
    assert _judged(again.data, flow, ring) == _judged(flow.final.data, flow, ring)


class _Authority:
    """The ring's authority with something wrong with it."""

    embedded = True
    name = "Sample Authority"

    def __init__(self, inner, wrong):
        self.inner, self.wrong, self.asked = inner, wrong, 0

    def time_stamp(self, imprint):
        self.asked += 1
        if self.wrong == "silent":
            raise TimeStampUnavailable("The time-stamp authority does not answer; try again later.")
        if self.wrong == "other imprint":
            return self.inner.time_stamp(hashlib.sha256(imprint).digest())
        if self.wrong == "rubbish":
            return b"0\x03\x02\x01\x00"
        token = cms.ContentInfo.load(self.inner.time_stamp(imprint))  # talkative
        signed = token["content"]
        extra = [asn1_x509.Certificate.load(padded) for padded in self._padding()]
        signed["certificates"] = [choice.chosen for choice in signed["certificates"]] + extra
        return token.dump(force=True)

    def _padding(self):
        certificate = self.inner.certificate.public_bytes(Encoding.DER)
        return [certificate] * 12


def _sign_first(prepared, ring, steps, authority=None, **more):
    options = {
        "role": "first-party",
        "key": ring.first_party,
        "time_stamps": authority or ring.time_stamp_authority,
        "appearance": steps.picture(220, 72, "Sample"),
        "summary": "Signed",
        "signed_at": datetime.now(UTC),
        "reason": "Agreed",
        "name": "Sample GmbH",
        "certify": True,
    }
    return sign(prepared, **{**options, **more})


@pytest.mark.parametrize("wrong", ["silent", "other imprint", "rubbish"])
def test_no_signature_without_a_right_time_stamp(ring, steps, flow, wrong):
    authority = _Authority(ring.time_stamp_authority, wrong)
    with pytest.raises(TimeStampUnavailable):
        _sign_first(flow.prepared, ring, steps, authority)
    with pytest.raises(TimeStampUnavailable):
        preserve(flow.sealed.data, certificates=[], crls=[], time_stamps=authority)
    with pytest.raises(TimeStampUnavailable):
        seal(
            flow.client.data, key=ring.seal, time_stamps=authority, page=steps.picture(595, 842, "x"), summary="x",
            signed_at=flow.certificates[0].not_valid_before_utc,
        )  # fmt: skip


def test_a_token_longer_than_the_room_left_for_it_gets_more_room(ring, steps, flow):
    authority = _Authority(ring.time_stamp_authority, "talkative")
    signed = _sign_first(flow.prepared, ring, steps, authority)
    assert authority.asked == 2
    assert _judged(signed.data, flow, ring)[names.FIRST_PARTY_FIELD] == (True, ModificationLevel.NONE)


def test_a_step_is_made_once_and_in_a_field_that_is_there(ring, steps, flow, make):
    with pytest.raises(StepNotAllowed, match="filled already"):
        _sign_first(flow.first_party.data, ring, steps)
    with pytest.raises(StepNotAllowed, match="no signature field"):
        _sign_first(make.contract(), ring, steps)
    with pytest.raises(StepNotAllowed, match="no signature field"):
        field_box(make.contract(), "client")
    with pytest.raises(UsageError):
        _sign_first(flow.prepared, ring, steps, role="seal")
    with pytest.raises(DocumentRefused):
        _sign_first(flow.prepared[:-200], ring, steps)
    with pytest.raises(DocumentRefused):
        field_box(b"%PDF-1.7 nonsense", "client")


def test_signing_works_inside_an_event_loop(ring, steps, flow):
    async def within() -> Signed:
        return _sign_first(flow.prepared, ring, steps)

    assert asyncio.run(within()).length > len(flow.prepared)


def test_field_box_is_what_prepare_said(steps, make):
    for source in (make.contract(), make.rotated(90), make.user_unit(), make.cropped(270)):
        prepared = prepare(source, steps.request_for())
        for role, expected in prepared.fields.items():
            found = field_box(prepared.data, role)
            assert (found.name, found.page) == (expected.name, expected.page)
            assert found.width_pt == pytest.approx(expected.width_pt, abs=0.01)
            assert found.height_pt == pytest.approx(expected.height_pt, abs=0.01)


def test_the_summary_stands_in_for_the_appearance(flow):
    reader = PdfFileReader(io.BytesIO(flow.final.data))
    fields = {field.get_object()["/T"]: field.get_object() for field in reader.root["/AcroForm"]["/Fields"]}
    stream = fields[names.CLIENT_FIELD]["/AP"]["/N"].data
    said = stream.split(b"/ActualText <")[1].split(b">")[0]
    assert bytes.fromhex(said.decode()).decode("utf-16") == "Signed by Sample Client"


def test_the_certificate_page_shows_what_was_sealed_on_it(flow):
    blank = render.render(flow.client.data, 3, dpi=40)
    sealed = render.render(flow.final.data, 3, dpi=40)
    assert sealed.size == blank.size
    assert len(sealed.getcolors(1 << 20)) > 10


def test_an_rsa_key_signs_too(ring, steps, flow):
    private_key = rsa.generate_private_key(65537, 3072)
    certificate = ring.ca.issue("first-party", private_key.public_key(), "Sample RSA", now=datetime.now(UTC))
    key = SoftwareKey(private_key, certificate, (ring.ca.certificate,))
    signed = _sign_first(flow.prepared, ring, steps, key=key)
    assert _judged(signed.data, flow, ring)[names.FIRST_PARTY_FIELD] == (True, ModificationLevel.NONE)


def test_no_signature_is_shown_to_anybody_by_the_way(ring, monkeypatch):
    """asyncio put the repr of its task's result into an error that it threw away: a minute of work for some time-stamps."""
    shown = []
    monkeypatch.setattr(cms.ContentInfo, "__repr__", lambda self: shown.append(self) or "")
    assert pdf_cms.signature(b"\0" * 32, key=ring.first_party, time_stamps=ring.time_stamp_authority)
    assert shown == []
