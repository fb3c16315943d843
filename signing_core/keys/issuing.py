"""Signing X.509 certificates and CRLs with any `SigningKey`, a PKCS#11 token included.

`cryptography` signs its builders with key objects of its own only. For a token, the builder is signed with a throwaway
key and the signature over the same to-be-signed part is then made by the token.
"""

from __future__ import annotations

from typing import Protocol

from asn1crypto import algos, core, crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from signing_core.keys.software import PrivateKey, SoftwareKey, new_private_key

_ALGORITHMS = {"ecdsa-sha256": "sha256_ecdsa", "rsa-pkcs1v15-sha256": "sha256_rsa"}


class Signer(Protocol):
    """As much of a `SigningKey` as is needed here: a root has no X.509 certificate before it is signed."""

    @property
    def mechanism(self) -> str: ...

    def sign(self, data: bytes) -> bytes: ...


def sign_certificate(builder: x509.CertificateBuilder, issuer: PrivateKey | Signer) -> x509.Certificate:
    if isinstance(issuer, SoftwareKey):
        issuer = issuer.private_key
    if isinstance(issuer, PrivateKey):
        return builder.sign(issuer, hashes.SHA256())
    signed = asn1_x509.Certificate.load(builder.sign(new_private_key(), hashes.SHA256()).public_bytes(Encoding.DER))
    signed["tbs_certificate"]["signature"] = algorithm = _algorithm(issuer)
    return x509.load_der_x509_certificate(
        _assemble(asn1_x509.Certificate, signed["tbs_certificate"], algorithm, issuer)
    )


def sign_crl(builder: x509.CertificateRevocationListBuilder, issuer: Signer) -> bytes:
    """DER bytes."""
    if isinstance(issuer, SoftwareKey):
        return builder.sign(issuer.private_key, hashes.SHA256()).public_bytes(Encoding.DER)
    signed = crl.CertificateList.load(builder.sign(new_private_key(), hashes.SHA256()).public_bytes(Encoding.DER))
    signed["tbs_cert_list"]["signature"] = algorithm = _algorithm(issuer)
    return _assemble(crl.CertificateList, signed["tbs_cert_list"], algorithm, issuer)


def _algorithm(issuer: Signer) -> algos.SignedDigestAlgorithm:
    name = _ALGORITHMS[issuer.mechanism]
    # RFC 4055 wants NULL parameters for RSA, RFC 5758 none for ECDSA.
    parameters = core.Null() if name.endswith("rsa") else core.Void()
    return algos.SignedDigestAlgorithm({"algorithm": name, "parameters": parameters})


def _assemble(
    kind: type[core.Sequence], to_be_signed: core.Sequence, algorithm: algos.SignedDigestAlgorithm, issuer: Signer
) -> bytes:
    tbs_name = "tbs_certificate" if kind is asn1_x509.Certificate else "tbs_cert_list"
    data: bytes = to_be_signed.dump(force=True)
    whole: bytes = kind(
        {
            tbs_name: to_be_signed,
            "signature_algorithm": algorithm,
            ("signature_value" if kind is asn1_x509.Certificate else "signature"): issuer.sign(data),
        }
    ).dump()
    return whole
