"""Checks on a key bought from a trust service before it takes a place in the ring."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing_core.errors import KeyUnavailable
from signing_core.keys import chains
from signing_core.keys.settings import Purpose
from signing_core.keys.software import SoftwareKey

_CURVES = (ec.SECP256R1, ec.SECP384R1)
_RSA_BITS = range(2048, 8193)


def read_bought_key(data: bytes, passphrase: str, *, purpose: Purpose, now: datetime) -> SoftwareKey:
    """The key in a PKCS#12 file. Raises `KeyUnavailable` with the first reason why it cannot be used."""
    try:
        content = pkcs12.load_pkcs12(data, passphrase.encode() if passphrase else None)
    except UnsupportedAlgorithm:
        raise KeyUnavailable(
            "The PKCS#12 file is protected by an outdated cipher; write it anew with AES-256, for example by "
            "`openssl pkcs12 -legacy` and `openssl pkcs12 -export`."
        ) from None
    except ValueError:
        raise KeyUnavailable(
            "The PKCS#12 file does not open: it is damaged, or the passphrase is not the file's; check both."
        ) from None
    if content.cert is None or content.key is None:
        raise KeyUnavailable("The PKCS#12 file holds no key with its X.509 certificate; export both into it.")
    certificate = content.cert.certificate
    check_certificate(certificate, purpose=purpose, now=now)
    if not isinstance(content.key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise KeyUnavailable("The key in the PKCS#12 file is neither RSA nor on an elliptic curve.")
    chain = chains.issuers(certificate, (c.certificate for c in content.additional_certs))
    check_chain(certificate, chain, now=now)
    return SoftwareKey(content.key, certificate, chain)


def check_certificate(certificate: x509.Certificate, *, purpose: Purpose, now: datetime) -> None:
    """Dates, key and usages. Raises `KeyUnavailable`."""
    who = f"The X.509 certificate of {certificate.subject.rfc4514_string()}"
    if now > certificate.not_valid_after_utc:
        raise KeyUnavailable(f"{who} expired on {certificate.not_valid_after_utc:%Y-%m-%d}; ask for a new one.")
    if now < certificate.not_valid_before_utc:
        raise KeyUnavailable(f"{who} is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}.")
    if chains.is_ca(certificate):
        raise KeyUnavailable(f"{who} is that of a CA; a certificate for signing is needed.")
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, _CURVES):
            raise KeyUnavailable(f"{who} has a key on the curve {key.curve.name}; P-256 or P-384 is needed.")
    elif isinstance(key, rsa.RSAPublicKey):
        if key.key_size not in _RSA_BITS:
            raise KeyUnavailable(f"{who} has an RSA key of {key.key_size} bits; 2048 to 8192 are accepted.")
    else:
        raise KeyUnavailable(f"{who} has a key that is neither RSA nor on an elliptic curve.")
    _check_usages(certificate, purpose, who)


def check_chain(certificate: x509.Certificate, chain: list[x509.Certificate], *, now: datetime) -> None:
    """Raises `KeyUnavailable` unless `chain` leads to a self-signed root and is valid now."""
    if chains.self_issued(certificate):
        raise KeyUnavailable(
            "The X.509 certificate is self-signed, so nobody vouches for it; import one issued by a trust service."
        )
    if not chain or not chains.self_issued(chain[-1]):
        missing = (chain[-1] if chain else certificate).issuer.rfc4514_string()
        raise KeyUnavailable(f"The chain is incomplete: add the X.509 certificate of {missing} to the PKCS#12 file.")
    for issuer in chain:
        if not issuer.not_valid_before_utc <= now <= issuer.not_valid_after_utc:
            raise KeyUnavailable(f"The issuer {issuer.subject.rfc4514_string()} is not valid today.")


def _check_usages(certificate: x509.Certificate, purpose: Purpose, who: str) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        usage = None
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise KeyUnavailable(f"{who} is not for signing (key usage); ask for one for electronic signatures or seals.")
    try:
        extended = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        extended = None
    time_stamping = extended is not None and ExtendedKeyUsageOID.TIME_STAMPING in extended.value
    if purpose == "time-stamp":
        if extended is None or not extended.critical or list(extended.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
            raise KeyUnavailable(f"{who} is not for time-stamping alone (RFC 3161, section 2.3).")
    elif extended is not None and (time_stamping or list(extended.value) == [ExtendedKeyUsageOID.SERVER_AUTH]):
        raise KeyUnavailable(f"{who} is for another use (extended key usage) than signing documents.")
