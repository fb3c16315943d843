from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import core, crl
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signing_core.errors import KeyUnavailable
from signing_core.keys import oids
from signing_core.keys.ca import REASONS, Revoked
from signing_core.keys.ring import KeyRing

PSEUDONYM = "q83vEjRWeJC_-q83vEjRWeJCq83vEjRWeJCq83vEjRW"


def _extension(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> x509.Extension:  # type: ignore[type-arg]
    return certificate.extensions.get_extension_for_class(kind)


def test_the_root_is_a_ca_for_twenty_years_and_for_nothing_else(ring: KeyRing) -> None:
    root = ring.ca.certificate
    root.verify_directly_issued_by(root)
    assert _extension(root, x509.BasicConstraints).value == x509.BasicConstraints(True, 0)
    usage = _extension(root, x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert usage.value.crl_sign
    assert not usage.value.digital_signature
    assert isinstance(root.public_key(), ec.EllipticCurvePublicKey)
    assert 20 * 365 <= (root.not_valid_after_utc - root.not_valid_before_utc).days <= 20 * 366


@pytest.mark.parametrize("purpose", ["first_party", "seal"])
def test_the_companys_x509_certificates_are_fit_for_pades(ring: KeyRing, purpose: str) -> None:
    certificate = getattr(ring, purpose).certificate
    usage = _extension(certificate, x509.KeyUsage)
    assert usage.critical
    assert (usage.value.digital_signature, usage.value.content_commitment) == (True, True)
    assert not usage.value.key_cert_sign
    assert not _extension(certificate, x509.BasicConstraints).value.ca
    with pytest.raises(x509.ExtensionNotFound):
        _extension(certificate, x509.ExtendedKeyUsage)
    issuer = _extension(certificate, x509.AuthorityInformationAccess).value[0]
    assert issuer.access_method == x509.AuthorityInformationAccessOID.CA_ISSUERS
    assert issuer.access_location.value == f"http://pki.example.test/pki/{ring.ca.name}.cer" == ring.ca.certificate_url
    point = _extension(certificate, x509.CRLDistributionPoints).value[0]
    assert point.full_name[0].value == f"http://pki.example.test/pki/{ring.ca.name}.crl" == ring.ca.crl_url
    own, issuers = (
        _extension(certificate, x509.SubjectKeyIdentifier),
        _extension(certificate, x509.AuthorityKeyIdentifier),
    )
    assert issuers.value.key_identifier == _extension(ring.ca.certificate, x509.SubjectKeyIdentifier).value.digest
    assert own.value.digest != issuers.value.key_identifier
    policy = _extension(certificate, x509.CertificatePolicies).value[0].policy_identifier.dotted_string
    assert policy == {"first_party": oids.FIRST_PARTY_POLICY, "seal": oids.SEAL_POLICY}[purpose]
    organisation = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value
    assert organisation == "Sample GmbH"


def test_the_time_stamping_x509_certificate_is_for_time_stamping_alone(ring: KeyRing) -> None:
    certificate = ring.time_stamp_authority.certificate
    extended = _extension(certificate, x509.ExtendedKeyUsage)
    assert extended.critical
    assert list(extended.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
    assert not _extension(certificate, x509.KeyUsage).value.content_commitment


def test_without_a_base_url_there_are_no_pointers(reopen: Callable[..., KeyRing], folder: Path, ring: KeyRing) -> None:
    bare = KeyRing.open(folder, "correct horse battery", clock=ring._clock)
    certificate = bare.ca.issue_one_time("Sample Client", PSEUDONYM, now=ring._clock()).certificate
    for kind in (x509.AuthorityInformationAccess, x509.CRLDistributionPoints):
        with pytest.raises(x509.ExtensionNotFound):
            _extension(certificate, kind)
    assert bare.ca.crl_url is None


def test_a_one_time_x509_certificate(ring: KeyRing) -> None:
    now = ring._clock()
    key = ring.ca.issue_one_time("Sample Client", PSEUDONYM, now=now)
    certificate = key.certificate
    subject = {attribute.oid: attribute.value for attribute in certificate.subject}
    assert subject == {NameOID.COMMON_NAME: "Sample Client", NameOID.SERIAL_NUMBER: PSEUDONYM.replace("_", "/")}
    assert certificate.not_valid_after_utc == (now + timedelta(hours=1)).replace(microsecond=0)
    assert certificate.not_valid_before_utc == (now - timedelta(minutes=2)).replace(microsecond=0)
    policy = _extension(certificate, x509.CertificatePolicies).value[0]
    assert policy.policy_identifier.dotted_string == oids.ONE_TIME_POLICY
    notice = policy.policy_qualifiers[0].explicit_text
    assert "No identity document was checked" in notice
    assert len(notice) <= 200
    assert key.chain == (ring.ca.certificate,)
    certificate.verify_directly_issued_by(ring.ca.certificate)
    assert isinstance(certificate.public_key().curve, ec.SECP256R1)


def test_a_destroyed_key_signs_no_more(ring: KeyRing) -> None:
    with ring.ca.issue_one_time("Sample Client", PSEUDONYM, now=ring._clock()) as key:
        key.certificate.public_key().verify(key.sign(b"data"), b"data", ec.ECDSA(hashes.SHA256()))
    with pytest.raises(KeyUnavailable, match="destroyed"):
        key.sign(b"data")
    key.destroy()
    assert key.certificate


def test_keys_and_serial_numbers_are_never_used_twice(ring: KeyRing) -> None:
    keys = [ring.ca.issue_one_time("Sample Client", PSEUDONYM, now=ring._clock()) for _ in range(20)]
    assert len({key.certificate.serial_number for key in keys}) == 20
    assert len({key.certificate.public_key().public_numbers() for key in keys}) == 20
    assert all(0 < key.certificate.serial_number < 1 << 159 for key in keys)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(name=st.text())
def test_any_name_makes_an_x509_certificate_that_openssl_and_asn1crypto_read(ring: KeyRing, name: str) -> None:
    from asn1crypto import x509 as asn1_x509

    key = ring.ca.issue_one_time(name, PSEUDONYM, now=ring._clock())
    der = key.certificate.public_bytes(Encoding.DER)
    again = x509.load_der_x509_certificate(der)
    assert again.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert asn1_x509.Certificate.load(der, strict=True).subject.native["common_name"]


@pytest.mark.parametrize("days", [-10, 21 * 365])
def test_outside_its_own_life_the_ca_issues_nothing(ring: KeyRing, days: int) -> None:
    then = ring._clock() + timedelta(days=days)
    with pytest.raises(KeyUnavailable):
        ring.ca.issue_one_time("Sample Client", PSEUDONYM, now=then)
    with pytest.raises(KeyUnavailable):
        ring.ca.crl(then, 1, [])


def test_nothing_outlives_the_ca(ring: KeyRing) -> None:
    end = ring.ca.certificate.not_valid_after_utc
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert ring.ca.issue("seal", key, "Seal", now=end - timedelta(days=1)).not_valid_after_utc == end


def test_a_crl(ring: KeyRing) -> None:
    now = ring._clock()
    entries = [Revoked(100 + n, now - timedelta(days=n), reason) for n, reason in enumerate(REASONS)]
    der = ring.ca.crl(now, 7, entries)
    read = x509.load_der_x509_crl(der)
    assert read.is_signature_valid(ring.ca.certificate.public_key())
    assert read.last_update_utc == now.replace(microsecond=0)
    assert read.next_update_utc == (now + timedelta(days=7)).replace(microsecond=0)
    assert read.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 7
    for entry in entries:
        found = read.get_revoked_certificate_by_serial_number(entry.serial)
        assert found is not None
        assert found.revocation_date_utc == entry.at.replace(microsecond=0)
        try:
            reason = found.extensions.get_extension_for_class(x509.CRLReason).value.reason
        except x509.ExtensionNotFound:
            reason = x509.ReasonFlags.unspecified
        assert reason == REASONS[entry.reason]
    assert read.get_revoked_certificate_by_serial_number(99) is None


def test_a_crl_says_since_when_expired_certificates_stay_on_it(ring: KeyRing) -> None:
    der = ring.ca.crl(ring._clock(), 1, [])
    extensions = crl.CertificateList.load(der)["tbs_cert_list"]["crl_extensions"]
    [since] = [e for e in extensions if e["extn_id"].dotted == "2.5.29.60"]
    assert not since["critical"].native
    value = core.GeneralizedTime.load(since["extn_value"].native, strict=True)
    assert value.native == ring.ca.certificate.not_valid_before_utc


@pytest.mark.parametrize("revoked", [False, True])
def test_openssl_verifies_the_chain_with_the_crl(ring: KeyRing, tmp_path: Path, revoked: bool) -> None:
    now = ring._clock()
    certificate = ring.ca.issue_one_time("Sample Client", PSEUDONYM, now=now).certificate
    entries = [Revoked(certificate.serial_number, now, "key-compromise")] if revoked else []
    (tmp_path / "crl.pem").write_bytes(x509.load_der_x509_crl(ring.ca.crl(now, 1, entries)).public_bytes(Encoding.PEM))
    (tmp_path / "client.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-crl_check", "-attime", str(int(now.timestamp()) + 1),
         "-CAfile", ring.public_folder / "anchors.pem", "-CRLfile", tmp_path / "crl.pem", tmp_path / "client.pem"],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert (done.returncode == 0) is not revoked, done.stderr
    assert not revoked or "certificate revoked" in done.stderr
