"""Which algorithm a signature was made with, from its object identifiers, and digests by name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from signing_core.pki import der

DIGESTS: Final = {
    "1.2.840.113549.2.2": "md2",
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "1.3.36.3.2.1": "ripemd160",
    "1.0.10118.3.0.55": "whirlpool",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.6": "sha512_256",
    "2.16.840.1.101.3.4.2.7": "sha3_224",
    "2.16.840.1.101.3.4.2.8": "sha3_256",
    "2.16.840.1.101.3.4.2.9": "sha3_384",
    "2.16.840.1.101.3.4.2.10": "sha3_512",
    "2.16.840.1.101.3.4.2.12": "shake256",
    "2.16.840.1.101.3.4.2.18": "shake256",  # id-shake256-len: RFC 8419 wants 512 bits, which is what we compute
}
OID_OF_DIGEST: Final = {name: oid for oid, name in reversed(DIGESTS.items())}

IDENTIFY_NOTHING: Final = frozenset({"md2", "md5"})
"""Digests for which anybody can make different contents with the same value: that one fits says nothing about the content, at
whatever time. How long all others suffice is the policy's question."""

_SCHEMES: Final[dict[str, tuple[str, str | None]]] = {
    "1.2.840.113549.1.1.1": ("rsa-pkcs1v15", None),
    "1.2.840.113549.1.1.2": ("rsa-pkcs1v15", "md2"),
    "1.2.840.113549.1.1.4": ("rsa-pkcs1v15", "md5"),
    "1.2.840.113549.1.1.5": ("rsa-pkcs1v15", "sha1"),
    "1.3.14.3.2.29": ("rsa-pkcs1v15", "sha1"),
    "1.2.840.113549.1.1.11": ("rsa-pkcs1v15", "sha256"),
    "1.2.840.113549.1.1.12": ("rsa-pkcs1v15", "sha384"),
    "1.2.840.113549.1.1.13": ("rsa-pkcs1v15", "sha512"),
    "1.2.840.113549.1.1.14": ("rsa-pkcs1v15", "sha224"),
    "1.2.840.113549.1.1.16": ("rsa-pkcs1v15", "sha512_256"),
    "1.3.36.3.3.1.2": ("rsa-pkcs1v15", "ripemd160"),
    "2.16.840.1.101.3.4.3.13": ("rsa-pkcs1v15", "sha3_224"),
    "2.16.840.1.101.3.4.3.14": ("rsa-pkcs1v15", "sha3_256"),
    "2.16.840.1.101.3.4.3.15": ("rsa-pkcs1v15", "sha3_384"),
    "2.16.840.1.101.3.4.3.16": ("rsa-pkcs1v15", "sha3_512"),
    "1.2.840.113549.1.1.10": ("rsassa-pss", None),
    "1.2.840.10040.4.1": ("dsa", None),
    "1.2.840.10040.4.3": ("dsa", "sha1"),
    "2.16.840.1.101.3.4.3.1": ("dsa", "sha224"),
    "2.16.840.1.101.3.4.3.2": ("dsa", "sha256"),
    "2.16.840.1.101.3.4.3.3": ("dsa", "sha384"),
    "2.16.840.1.101.3.4.3.4": ("dsa", "sha512"),
    "2.16.840.1.101.3.4.3.5": ("dsa", "sha3_224"),
    "2.16.840.1.101.3.4.3.6": ("dsa", "sha3_256"),
    "2.16.840.1.101.3.4.3.7": ("dsa", "sha3_384"),
    "2.16.840.1.101.3.4.3.8": ("dsa", "sha3_512"),
    "1.2.840.10045.2.1": ("ecdsa", None),
    "1.2.840.10045.4.1": ("ecdsa", "sha1"),
    "1.2.840.10045.4.3": ("ecdsa", None),
    "1.2.840.10045.4.3.1": ("ecdsa", "sha224"),
    "1.2.840.10045.4.3.2": ("ecdsa", "sha256"),
    "1.2.840.10045.4.3.3": ("ecdsa", "sha384"),
    "1.2.840.10045.4.3.4": ("ecdsa", "sha512"),
    "2.16.840.1.101.3.4.3.9": ("ecdsa", "sha3_224"),
    "2.16.840.1.101.3.4.3.10": ("ecdsa", "sha3_256"),
    "2.16.840.1.101.3.4.3.11": ("ecdsa", "sha3_384"),
    "2.16.840.1.101.3.4.3.12": ("ecdsa", "sha3_512"),
    "0.4.0.127.0.7.1.1.4.1.1": ("plain-ecdsa", "sha1"),
    "0.4.0.127.0.7.1.1.4.1.2": ("plain-ecdsa", "sha224"),
    "0.4.0.127.0.7.1.1.4.1.3": ("plain-ecdsa", "sha256"),
    "0.4.0.127.0.7.1.1.4.1.4": ("plain-ecdsa", "sha384"),
    "0.4.0.127.0.7.1.1.4.1.5": ("plain-ecdsa", "sha512"),
    "0.4.0.127.0.7.1.1.4.1.6": ("plain-ecdsa", "ripemd160"),
    "0.4.0.127.0.7.1.1.4.1.8": ("plain-ecdsa", "sha3_224"),
    "0.4.0.127.0.7.1.1.4.1.9": ("plain-ecdsa", "sha3_256"),
    "0.4.0.127.0.7.1.1.4.1.10": ("plain-ecdsa", "sha3_384"),
    "0.4.0.127.0.7.1.1.4.1.11": ("plain-ecdsa", "sha3_512"),
    "1.3.101.112": ("ed25519", None),
    "1.3.101.113": ("ed448", None),
}
"""Signature algorithm by object identifier: RFC 3279, 4055, 5758, 8017, 8419, NIST's, BSI TR-03111 (5.2.1)."""

_ED_DIGEST: Final = {"ed25519": "sha512", "ed448": "shake256"}
"""What RFC 8419, section 3.1, prescribes for the message digest beside EdDSA."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """A signature algorithm with its parameters. `digest` None for EdDSA, which hashes for itself."""

    name: str
    digest: str | None
    mgf_digest: str | None = None
    salt_length: int | None = None

    @property
    def shown(self) -> str:
        """For the verdict: `rsa-pkcs1v15-sha256`, `ed25519`."""
        return f"{self.name}-{self.digest.replace('_', '-')}" if self.digest else self.name


class UnknownAlgorithm(Exception):
    """An algorithm that is not known or not usable here; the text says which. Never leaves `verification`."""


def digest_name(oid: str) -> str:
    """Raises `UnknownAlgorithm`."""
    try:
        return DIGESTS[oid]
    except KeyError:
        raise UnknownAlgorithm(f"digest algorithm {oid}") from None


def scheme(identifier: der.Node, digest: str | None) -> Scheme:
    """The scheme of a SignatureAlgorithmIdentifier; `digest` is the digestAlgorithm beside it, for those that name none.

    Raises `UnknownAlgorithm`, and `DerError` for parameters that cannot be read.
    """
    parts = der.members(identifier, der.SEQUENCE, "the signature algorithm")
    if not parts:
        raise der.DerError("the signature algorithm is empty")
    dotted = der.oid(parts[0])
    if dotted in DIGESTS:
        # Old producers put the digest's identifier here; the key then tells the rest. Only RSA was ever seen.
        return Scheme("rsa-pkcs1v15", DIGESTS[dotted])
    known = _SCHEMES.get(dotted)
    if known is None:
        raise UnknownAlgorithm(f"signature algorithm {dotted}")
    name, own_digest = known
    if name == "rsassa-pss":
        return _pss(parts[1] if len(parts) > 1 else None)
    if name in _ED_DIGEST:
        return Scheme(name, None)
    if dotted == "1.2.840.10045.4.3" and len(parts) > 1 and parts[1].tag == der.SEQUENCE:
        own_digest = digest_name(der.oid(der.children(parts[1])[0]))
    if own_digest is None and digest is None:
        raise UnknownAlgorithm("signature algorithm without a digest algorithm")
    return Scheme(name, own_digest or digest)


def _pss(parameters: der.Node | None) -> Scheme:
    """RSASSA-PSS-params (RFC 4055, section 3.1), SHA-1 and 20 octets of salt being the defaults."""
    digest = mgf_digest = "sha1"
    salt = 20
    if parameters is not None and parameters.tag == der.SEQUENCE:
        for part in der.children(parameters):
            inner = der.children(part)[0]
            if part.tag == 0xA0:
                digest = digest_name(der.oid(der.members(inner, der.SEQUENCE, "the PSS digest")[0]))
            elif part.tag == 0xA1:
                function = der.members(inner, der.SEQUENCE, "the PSS mask")
                if der.oid(function[0]) != "1.2.840.113549.1.1.8":
                    raise UnknownAlgorithm("a mask generation function that is not MGF1")
                mgf_digest = digest_name(der.oid(der.members(function[1], der.SEQUENCE, "the PSS mask")[0]))
            elif part.tag == 0xA2:
                salt = der.integer(inner)
            elif part.tag == 0xA3 and der.integer(inner) != 1:
                raise UnknownAlgorithm("an RSASSA-PSS trailer that is not 1")
    return Scheme("rsassa-pss", digest, mgf_digest, salt)


def eddsa_digest(scheme_name: str) -> str | None:
    """The digest that RFC 8419 prescribes beside this scheme, None for schemes that it does not speak of."""
    return _ED_DIGEST.get(scheme_name)


_FACTORY: Final[dict[str, Callable[[], hashlib._Hash]]] = {
    name: getattr(hashlib, name)
    for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_224", "sha3_256", "sha3_384", "sha3_512")
}


def digest_of(name: str, pieces: Iterable[bytes | memoryview]) -> bytes:
    """The digest over the pieces one after the other. Raises `UnknownAlgorithm` for what is not built in here."""
    if name == "shake256":
        shake = hashlib.shake_256()
        for piece in pieces:
            shake.update(piece)
        return shake.digest(64)
    factory = _FACTORY.get(name)
    try:
        hasher = factory() if factory else hashlib.new(name)
    except ValueError:
        raise UnknownAlgorithm(f"digest algorithm {name}") from None
    for piece in pieces:
        hasher.update(piece)
    return hasher.digest()
