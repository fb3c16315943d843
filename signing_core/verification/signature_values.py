"""Checking one signature value with one public key: every scheme the policy has an opinion on.

Weak schemes are checked like strong ones: whether a signature value fits is a fact, whether it suffices is the policy's
question.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa, utils

from signing_core.pki import der
from signing_core.policy import Algorithm
from signing_core.verification.algorithms import OID_OF_DIGEST, Scheme, UnknownAlgorithm, digest_of
from signing_core.verification.public_keys import PublicKey, public_key

_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "md5": hashes.MD5(),  # noqa: S303  to judge signatures, not to make them
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha512_256": hashes.SHA512_256(),
    "sha3_224": hashes.SHA3_224(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_384": hashes.SHA3_384(),
    "sha3_512": hashes.SHA3_512(),
}
_OF_SIZE: Final = {
    20: hashes.SHA1(),  # noqa: S303
    28: hashes.SHA224(),
    32: hashes.SHA256(),
    48: hashes.SHA384(),
    64: hashes.SHA512(),
}
"""A hash of the right length tells `Prehashed` all it needs to know."""


def algorithm_of(scheme: Scheme, spki: bytes) -> Algorithm:
    """What the policy judges. Raises `UnknownAlgorithm`."""
    key = public_key(spki)
    if isinstance(key, rsa.RSAPublicKey):
        return Algorithm(scheme.name, scheme.digest, "rsa", key.key_size, mask_digest=scheme.mgf_digest)
    if isinstance(key, dsa.DSAPublicKey):
        return Algorithm(scheme.name, scheme.digest, "dsa", key.key_size)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return Algorithm(scheme.name, scheme.digest, "ec", key.curve.key_size, key.curve.name.lower())
    return Algorithm(scheme.name, scheme.digest, scheme.name, 256 if scheme.name == "ed25519" else 448)


def verify(spki: bytes, scheme: Scheme, signature: bytes, message: bytes) -> bool:
    """Whether `signature` over `message` fits the key. Raises `UnknownAlgorithm` when that cannot be computed."""
    if scheme.digest is None:
        return _eddsa(public_key(spki), scheme, signature, message)
    return verify_digest(spki, scheme, signature, digest_of(scheme.digest, (message,)))


def verify_digest(spki: bytes, scheme: Scheme, signature: bytes, digest: bytes) -> bool:
    """Like `verify`, the message being hashed already. Raises `UnknownAlgorithm`."""
    key = public_key(spki)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            if scheme.name == "rsassa-pss":
                return _pss(key, scheme, signature, digest)
            if scheme.name == "rsa-pkcs1v15":
                return _pkcs1(key, scheme, signature, digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            if scheme.name in ("ecdsa", "plain-ecdsa"):
                return _ecdsa(key, scheme, signature, digest)
        elif isinstance(key, dsa.DSAPublicKey) and scheme.name == "dsa":
            key.verify(signature, digest, utils.Prehashed(_sized(digest)))
            return True
    except InvalidSignature:
        return False
    except UnsupportedAlgorithm as error:
        raise UnknownAlgorithm(f"signature algorithm {scheme.shown}") from error
    except ValueError:
        return False
    raise UnknownAlgorithm(f"signature algorithm {scheme.shown} with a key of another kind")


def _eddsa(key: PublicKey, scheme: Scheme, signature: bytes, message: bytes) -> bool:
    fits = (scheme.name == "ed25519" and isinstance(key, ed25519.Ed25519PublicKey)) or (
        scheme.name == "ed448" and isinstance(key, ed448.Ed448PublicKey)
    )
    if not fits or not isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        raise UnknownAlgorithm(f"signature algorithm {scheme.shown} with a key of another kind")
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _sized(digest: bytes) -> hashes.HashAlgorithm:
    try:
        return _OF_SIZE[len(digest)]
    except KeyError:
        raise UnknownAlgorithm(f"a digest of {len(digest)} octets") from None


def _ecdsa(key: ec.EllipticCurvePublicKey, scheme: Scheme, signature: bytes, digest: bytes) -> bool:
    if scheme.name == "plain-ecdsa":  # BSI TR-03111, 5.2.1: r and s one after the other, each as long as the order
        if not signature or len(signature) % 2:
            return False
        half = len(signature) // 2
        signature = utils.encode_dss_signature(
            int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        )
    key.verify(signature, digest, ec.ECDSA(utils.Prehashed(_sized(digest))))
    return True


def digest_info(name: str, digest: bytes, *, null: bool = True) -> bytes:
    """DigestInfo (RFC 8017, 9.2), with or without the NULL parameters that producers disagree on."""
    identifier = der.encode(der.OID, oid_content(OID_OF_DIGEST[name])) + (b"\x05\x00" if null else b"")
    return der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, identifier) + der.encode(der.OCTET_STRING, digest))


@lru_cache(maxsize=64)
def oid_content(dotted: str) -> bytes:
    """The content octets of an object identifier."""
    arcs = [int(arc) for arc in dotted.split(".")]
    content = bytearray()
    for value in [arcs[0] * 40 + arcs[1], *arcs[2:]]:
        pieces = [value & 0x7F]
        while value := value >> 7:
            pieces.append(value & 0x7F | 0x80)
        content += bytes(reversed(pieces))
    return bytes(content)


def _opened(key: rsa.RSAPublicKey, signature: bytes) -> int:
    numbers = key.public_numbers()
    value = int.from_bytes(signature, "big")
    return pow(value, numbers.e, numbers.n) if value < numbers.n else -1


def recover(spki: bytes, signature: bytes) -> bytes | None:
    """What an RSASSA-PKCS1-v1_5 signature holds (a DigestInfo when all is well), None when the padding is wrong.

    Raises `UnknownAlgorithm` when the key is not an RSA key.
    """
    key = public_key(spki)
    if not isinstance(key, rsa.RSAPublicKey):
        raise UnknownAlgorithm("RSA signature with a key of another kind")
    size = (key.key_size + 7) // 8
    value = _opened(key, signature)
    if value < 0:
        return None
    encoded = value.to_bytes(size, "big")
    end = encoded.find(b"\x00", 2)
    if encoded[:2] != b"\x00\x01" or end < 10 or encoded[2:end].strip(b"\xff"):
        return None
    return encoded[end + 1 :]


def _pkcs1(key: rsa.RSAPublicKey, scheme: Scheme, signature: bytes, digest: bytes) -> bool:
    """RSASSA-PKCS1-v1_5 (RFC 8017, 8.2.2): the encoded message is built again and compared as a whole."""
    name = scheme.digest or ""
    known = _HASHES.get(name)
    if known is not None and isinstance(key, rsa.RSAPublicKey):
        try:
            key.verify(signature, digest, padding.PKCS1v15(), utils.Prehashed(known))
            return True
        except (InvalidSignature, UnsupportedAlgorithm):
            pass  # once more by hand: without the NULL parameters, or a digest that OpenSSL has no prefix for
    size = (key.key_size + 7) // 8
    value = _opened(key, signature)
    if value < 0 or name not in OID_OF_DIGEST:
        return False
    for null in (True, False):
        info = digest_info(name, digest, null=null)
        if size >= len(info) + 11 and value.to_bytes(size, "big") == (
            b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
        ):
            return True
    return False


def _pss(key: rsa.RSAPublicKey, scheme: Scheme, signature: bytes, digest: bytes) -> bool:
    if scheme.digest not in _HASHES or scheme.mgf_digest not in _HASHES:
        raise UnknownAlgorithm(f"signature algorithm {scheme.shown}")
    pss = padding.PSS(mgf=padding.MGF1(_HASHES[scheme.mgf_digest]), salt_length=scheme.salt_length or 0)
    key.verify(signature, digest, pss, utils.Prehashed(_HASHES[scheme.digest]))
    return True
