"""The company CA: X.509 certificates for the company's own keys, one-time X.509 certificates for clients, and CRLs.

What a one-time X.509 certificate asserts is written in docs/keys.md and, in short, in the certificate itself: the
holder is known by a contact that was confirmed with a code, and by nothing else.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509

from signing_core.errors import KeyUnavailable
from signing_core.keys import issuing, oids, profiles
from signing_core.keys.interface import SigningKey
from signing_core.keys.issuing import Signer
from signing_core.keys.profiles import PROFILES, IssuePurpose, PublicKey
from signing_core.keys.settings import KeySettings
from signing_core.keys.software import OneTimeKey, PrivateKey, new_private_key

REASONS: dict[str, x509.ReasonFlags] = {
    "unspecified": x509.ReasonFlags.unspecified,
    "key-compromise": x509.ReasonFlags.key_compromise,
    "ca-compromise": x509.ReasonFlags.ca_compromise,
    "affiliation-changed": x509.ReasonFlags.affiliation_changed,
    "superseded": x509.ReasonFlags.superseded,
    "cessation-of-operation": x509.ReasonFlags.cessation_of_operation,
    "privilege-withdrawn": x509.ReasonFlags.privilege_withdrawn,
}
"""Reasons for revocation (RFC 5280, section 5.3.1). `certificate-hold` is left out: a seal is not put on hold."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """An entry of a CRL. `serial` as in the X.509 certificate, `reason` one of `REASONS`."""

    serial: int
    at: datetime
    reason: str


class CompanyCA:
    def __init__(self, key: SigningKey, *, organisation: str, country: str | None, settings: KeySettings) -> None:
        self._key = key
        self._organisation = organisation
        self._country = country
        self._settings = settings
        self._key_id = key.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        self.name = name_of(key.certificate)
        """Names this CA in the database and in URLs; another key has another name."""
        base = settings.base_url.rstrip("/") if settings.base_url else None
        self._urls = (f"{base}/pki/{self.name}.cer", f"{base}/pki/{self.name}.crl") if base else None

    @property
    def certificate(self) -> x509.Certificate:
        return self._key.certificate

    @property
    def settings(self) -> KeySettings:
        return self._settings

    @property
    def certificate_url(self) -> str | None:
        """Where the CA's X.509 certificate is to be served, DER, as application/pkix-cert."""
        return self._urls[0] if self._urls else None

    @property
    def crl_url(self) -> str | None:
        """Where the latest CRL is to be served, DER, as application/pkix-crl."""
        return self._urls[1] if self._urls else None

    def issue(
        self,
        purpose: IssuePurpose,
        public_key: PublicKey,
        name: str,
        *,
        now: datetime,
        lifetime: timedelta | None = None,
        pseudonym: str | None = None,
    ) -> x509.Certificate:
        """An X.509 certificate for `public_key`; a client's carries no organisation, it is not one of the company's.

        Raises `KeyUnavailable` when the CA's own X.509 certificate is not valid at `now`.
        """
        profile = PROFILES[purpose]
        start, end = now - self._settings.clock_skew, now + (profile.lifetime if lifetime is None else lifetime)
        own = self.certificate
        if not own.not_valid_before_utc <= now < own.not_valid_after_utc:
            raise KeyUnavailable(
                f"The company CA's X.509 certificate is valid from {own.not_valid_before_utc:%Y-%m-%d} to "
                f"{own.not_valid_after_utc:%Y-%m-%d} only; check this machine's clock, or run `sealtrail keys succeed ca`."
            )
        company = purpose != "client"
        builder = (
            x509.CertificateBuilder()
            .serial_number(x509.random_serial_number())
            .issuer_name(own.subject)
            .subject_name(
                profiles.subject(
                    name,
                    fallback=profile.fallback_name,
                    organisation=self._organisation if company else None,
                    country=self._country if company else None,
                    pseudonym=pseudonym,
                )
            )
            .public_key(public_key)
            .not_valid_before(max(start, own.not_valid_before_utc))
            .not_valid_after(min(end, own.not_valid_after_utc))
        )
        extensions = profiles.end_entity_extensions(profile, public_key, self._key_id, self._urls)
        return issuing.sign_certificate(profiles.add_extensions(builder, extensions), self._key)

    def issue_one_time(
        self, name: str, pseudonym: str, *, now: datetime, lifetime: timedelta | None = None
    ) -> OneTimeKey:
        """A fresh P-256 key with a short-lived X.509 certificate; call `.destroy()` after the signature.

        `name` may be anything a person typed (see `keys.names`); `pseudonym` is base64url of a salted hash. Record the
        certificate with `register.record_issued`.
        """
        private_key = new_private_key()
        certificate = self.issue(
            "client",
            private_key.public_key(),
            name,
            now=now,
            lifetime=self._settings.one_time_lifetime if lifetime is None else lifetime,
            pseudonym=pseudonym,
        )
        return OneTimeKey(private_key, certificate, (self.certificate,))

    def crl(
        self, now: datetime, number: int, revoked: Iterable[Revoked], *, lifetime: timedelta | None = None
    ) -> bytes:
        """A complete CRL, DER.

        It keeps the entries of expired certificates since the CA began (`expiredCertsOnCRL`), so one list made at any
        later time still tells of every X.509 certificate this CA ever issued.
        """
        own = self.certificate
        if not own.not_valid_before_utc <= now < own.not_valid_after_utc:
            raise KeyUnavailable("The company CA's X.509 certificate is not valid now; no CRL can be issued with it.")
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(own.subject)
            .last_update(now)
            .next_update(now + (self._settings.crl_lifetime if lifetime is None else lifetime))
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._key_id), False)
            .add_extension(x509.CRLNumber(number), False)
            .add_extension(_expired_certificates_since(own.not_valid_before_utc), False)
        )
        for entry in revoked:
            builder = builder.add_revoked_certificate(_entry(entry))
        return issuing.sign_crl(builder, self._key)


def name_of(certificate: x509.Certificate) -> str:
    """`ca-` and the first 16 digits of the CA's key identifier; an empty text when it has none."""
    try:
        identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except (x509.ExtensionNotFound, ValueError):
        return ""
    return f"ca-{identifier.digest[:8].hex()}"


def root_certificate(
    organisation: str,
    public_key: PublicKey,
    signer: PrivateKey | Signer,
    *,
    now: datetime,
    country: str | None = None,
    former: Iterable[x509.Certificate] = (),
) -> x509.Certificate:
    """The self-signed X.509 certificate of a new company CA, for about 20 years.

    It has another name than the `former` ones: a CRL is found by its issuer's name, and numbered under it (RFC 5280,
    section 5.2.3).
    """
    taken = {certificate.subject for certificate in former}
    for number in itertools.count(1):
        suffix = "Sealtrail CA" if number == 1 else f"Sealtrail CA {number}"
        name = profiles.subject(
            profiles.company_name(organisation, suffix), fallback=suffix, organisation=organisation, country=country
        )
        if name not in taken:
            break
    builder = (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .issuer_name(name)
        .subject_name(name)
        .public_key(public_key)
        .not_valid_before(now - profiles.BACKDATED_ROOT)
        .not_valid_after(now + profiles.ROOT_LIFETIME)
    )
    return issuing.sign_certificate(profiles.add_extensions(builder, profiles.root_extensions(public_key)), signer)


def _expired_certificates_since(since: datetime) -> x509.UnrecognizedExtension:
    """ITU-T X.509, expiredCertsOnCRL: a DER GeneralizedTime."""
    value = since.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode()
    return x509.UnrecognizedExtension(
        x509.ObjectIdentifier(oids.EXPIRED_CERTS_ON_CRL), bytes([0x18, len(value)]) + value
    )


def _entry(revoked: Revoked) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(revoked.serial).revocation_date(revoked.at)
    if revoked.reason != "unspecified":  # RFC 5280, section 5.3.1: absent rather than unspecified
        builder = builder.add_extension(x509.CRLReason(REASONS[revoked.reason]), False)
    return builder.build()
