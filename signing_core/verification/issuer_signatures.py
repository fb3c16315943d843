"""Signatures that issuers made: of X.509 certificates, CRLs and OCSP responses. Answers are kept for the process."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from signing_core.pki import der
from signing_core.pki.x509_certificates import X509
from signing_core.verification.algorithms import UnknownAlgorithm, scheme
from signing_core.verification.signature_values import verify

_checked: dict[tuple[bytes, bytes, bytes], bool] = {}
_MOST_CHECKED: Final = 20_000


def signed(tbs: bytes, algorithm: bytes, signature: bytes, issuer: X509) -> bool:
    """Whether the issuer's key made the signature over `tbs`. Answers are kept by digests: a CRL may have megabytes."""
    key = (sha256(tbs).digest(), sha256(algorithm + signature).digest(), issuer.sha256)
    if key not in _checked:
        if len(_checked) >= _MOST_CHECKED:
            _checked.clear()
        _checked[key] = _check_signature(tbs, algorithm, signature, issuer)
    return _checked[key]


def _check_signature(tbs: bytes, algorithm: bytes, signature: bytes, issuer: X509) -> bool:
    try:
        return verify(issuer.spki, scheme(der.read(algorithm), None), signature, tbs)
    except (UnknownAlgorithm, ValueError, IndexError):
        return False


def issued_by(certificate: X509, issuer: X509) -> bool:
    """Whether the issuer's key made the certificate's signature; names and constraints are looked at elsewhere."""
    return signed(certificate.tbs, certificate.signature_algorithm.encoded, certificate.signature, issuer)
