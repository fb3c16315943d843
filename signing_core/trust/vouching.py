"""Whether a house is what it says: its id is a hash of its first company CA's key, and its company CAs vouch for every other part.

Whoever was given a public folder therefore needs nothing but the id, compared once by another way, to know which of all that is ever
said under it, in newer folders too, is that house's own.
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from signing_core.errors import UsageError
from signing_core.keys.headed_pem import house_id, statement
from signing_core.pki import x509_certificates
from signing_core.trust.house import House, Part


def check(house: House) -> None:
    """Every part of the house is vouched for by a company CA of it: the first one, of which its id is made, or one that an earlier
    one vouched for. Raises `UsageError`.
    """
    parts = [part for part in house.parts if part.purpose is not None]
    authorities = {part: key for part in parts if part.purpose == "company-ca" and (key := _key_of(part)) is not None}
    believed = {part: key for part, key in authorities.items() if house_id(key) == house.id}
    if parts and not believed:
        raise UsageError(
            f"What was given says things of {house.name} (house {house.id}) and holds no company CA that this id is made of: give the whole "
            "public folder as that house hands it out."
        )
    while more := {
        part: key
        for part, key in authorities.items()
        if part not in believed and _vouched(house, part, believed.values())
    }:
        believed |= more
    for part in parts:
        if part not in believed and not _vouched(house, part, believed.values()):
            raise UsageError(
                f"What was given names as {part.purpose} of {house.name} (house {house.id}) what no company CA of that house vouches for "
                f"(SHA-256 {part.sha256.hex()}): somebody else wrote it there. Ask that house for its public folder by another way."
            )


def _key_of(part: Part) -> bytes | None:
    certificate = None if part.is_key else x509_certificates.parse(part.content)
    return certificate.spki if certificate else None


def _vouched(house: House, part: Part, keys: Iterable[bytes]) -> bool:
    if part.voucher is None or part.purpose is None:
        return False
    said = statement(part.purpose, house.id, part.used_from, part.der)
    return any(_verifies(key, part.voucher, said) for key in keys)


def _verifies(spki: bytes, signature: bytes, data: bytes) -> bool:
    try:
        key = load_der_public_key(spki)
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), SHA256())
        else:
            return False
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True
