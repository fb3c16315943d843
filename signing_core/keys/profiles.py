"""What stands in the X.509 certificates that the company CA issues (RFC 5280; ETSI EN 319 412-2 and -3 as a guide)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from signing_core.keys import oids
from signing_core.keys.names import COMMON_NAME_BYTES, common_name, full_name, shorten, subject_serial, visible

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
IssuePurpose: TypeAlias = Literal["first-party", "client", "seal", "time-stamp"]

ROOT_LIFETIME = timedelta(days=20 * 365 + 5)
BACKDATED_ROOT = timedelta(days=1)

ONE_TIME_NOTICE = (
    "The issuer knows the holder only by a contact (e-mail address or phone number) that was confirmed with a code. "
    "No identity document was checked. The key makes one signature."
)
"""Text of the user notice, at most 200 characters (RFC 5280, section 4.2.1.4)."""


@dataclass(frozen=True, slots=True)
class Profile:
    policy: str
    lifetime: timedelta
    fallback_name: str
    time_stamping: bool = False
    notice: str | None = None


PROFILES: dict[IssuePurpose, Profile] = {
    "first-party": Profile(oids.FIRST_PARTY_POLICY, timedelta(days=3 * 365 + 1), "First party"),
    "seal": Profile(oids.SEAL_POLICY, timedelta(days=3 * 365 + 1), "Seal"),
    "time-stamp": Profile(oids.TIME_STAMP_POLICY, timedelta(days=10 * 365 + 3), "Time-stamp authority", True),
    "client": Profile(oids.ONE_TIME_POLICY, timedelta(hours=1), "Signer", notice=ONE_TIME_NOTICE),
}


def company_issued(certificate: x509.Certificate, organisation: str) -> bool:
    """Whether it says that a company CA of this organisation issued it, and not a trust service: by its policy and its issuer.

    It is asked for how a key is replaced; what a verdict rests on is the signature of the CA.
    """
    try:
        policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    ours = {profile.policy for profile in PROFILES.values()}
    issuer = certificate.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return any(policy.policy_identifier.dotted_string in ours for policy in policies) and [
        attribute.value for attribute in issuer
    ] == [common_name(organisation, fallback="Organisation")]


def company_name(organisation: str, suffix: str) -> str:
    """`organisation` and `suffix` as a common name; where both do not fit, the organisation is cut."""
    return f"{shorten(visible(organisation), COMMON_NAME_BYTES - len(suffix) - 1)} {suffix}"


def subject(
    name: str,
    *,
    fallback: str,
    organisation: str | None = None,
    country: str | None = None,
    pseudonym: str | None = None,
) -> x509.Name:
    """Country, organisation, common name, then what is needed to tell people of one name apart."""
    attributes = []
    if country is not None:
        attributes.append(x509.NameAttribute(NameOID.COUNTRY_NAME, country))
    if organisation is not None:
        shown = common_name(organisation, fallback="Organisation")
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, shown))
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name(name, fallback=fallback)))
    if (whole := full_name(name)) is not None:
        attributes.append(x509.NameAttribute(x509.ObjectIdentifier(oids.NAME_ATTRIBUTE), whole))
    if pseudonym is not None:
        attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, subject_serial(pseudonym)))
    return x509.Name(attributes)


def key_usage(*, digital_signature: bool = False, content_commitment: bool = False, ca: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def root_extensions(public_key: PublicKey) -> list[tuple[x509.ExtensionType, bool]]:
    return [
        # pathLength 0: the company CA signs end-entity certificates only.
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (key_usage(ca=True), True),
        (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
    ]


def end_entity_extensions(
    profile: Profile, public_key: PublicKey, issuer_key_id: x509.SubjectKeyIdentifier, urls: tuple[str, str] | None
) -> list[tuple[x509.ExtensionType, bool]]:
    """`urls`: of the issuer's X.509 certificate and of its CRL."""
    qualifiers: list[str | x509.UserNotice] | None = (
        [x509.UserNotice(None, profile.notice)] if profile.notice is not None else None
    )
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        # RFC 3161, section 2.3: a time-stamping key signs nothing else, which its one critical usage says.
        (key_usage(digital_signature=True, content_commitment=not profile.time_stamping), True),
        (x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(profile.policy), qualifiers)]), False),
        (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
        (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key_id), False),
    ]
    if profile.time_stamping:
        extensions.append((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True))
    if urls is not None:
        issuer_url, crl_url = (x509.UniformResourceIdentifier(url) for url in urls)
        issuers = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, issuer_url)
        extensions += [
            (x509.AuthorityInformationAccess([issuers]), False),
            (x509.CRLDistributionPoints([x509.DistributionPoint([crl_url], None, None, None)]), False),
        ]
    return extensions


def add_extensions(
    builder: x509.CertificateBuilder, extensions: Sequence[tuple[x509.ExtensionType, bool]]
) -> x509.CertificateBuilder:
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder
