"""Public keys as they stand in X.509 certificates, and which of them are none: keys with which anybody could sign.

A library loads what has the right form. That is not enough for a signature to say who made it: with a point of small order
(RFC 8032), an RSA exponent of one or a DSA key that is the neutral element, a value can be found that fits whatever is signed.
Weak keys are another matter: how many bits suffice until when is the policy's question.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd, prod
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from signing_core.pki import der
from signing_core.policy.cut_offs import KEYS
from signing_core.verification.algorithms import UnknownAlgorithm

_MAX_BITS: Final = 16_384
_MAX_EXPONENT_BITS: Final = 64
_MAX_ORDER_BITS: Final = 512
"""A key made to be slow must not cost more than others."""

_LEAST_BITS: Final = {name: steps[0][0] for name, steps in KEYS.items()}
"""Below the first row of the policy's table factors and logarithms are found with what everybody has."""

_SMALL_PRIMES: Final = prod(n for n in range(2, 752) if all(n % d for d in range(2, int(n**0.5) + 1)))
"""NIST SP 800-89, 5.3.3 (e): a modulus has no factor below 752."""

_RSA_KEYS: Final = ("1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.7")

PublicKey = (
    rsa.RSAPublicKey | ec.EllipticCurvePublicKey | dsa.DSAPublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
)


class RefusedKey(UnknownAlgorithm):
    """A key that says nothing about who signed; the text says why."""


@lru_cache(maxsize=1024)
def public_key(spki: bytes) -> PublicKey:
    """The key in a DER SubjectPublicKeyInfo. Raises `UnknownAlgorithm`, `RefusedKey` for one with which anybody could sign."""
    try:
        algorithm, key_bits = der.pair(der.read(spki), "the public key")
        identifier = der.oid(der.children(algorithm)[0])
        key: object
        if identifier in _RSA_KEYS:
            modulus, exponent = _rsa_numbers(key_bits)
            _judge_rsa(modulus, exponent)
            key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
        else:
            key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm, TypeError, IndexError, OverflowError) as error:
        if "infinity" in str(error):
            raise RefusedKey("an elliptic curve key that is the point at infinity") from error
        raise UnknownAlgorithm("public key of a kind or with parameters that are not known") from error
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        _judge_edwards(key)
    elif isinstance(key, dsa.DSAPublicKey):
        _judge_dsa(key.public_numbers())
    if isinstance(key, PublicKey):
        return key
    raise UnknownAlgorithm(f"public key of type {type(key).__name__}")


# --- RSA (RFC 8017, 3.1) ---


@lru_cache(maxsize=1024)
def lacks_leading_zero(spki: bytes) -> bool:
    """Whether the key is an RSA key whose numbers are negative as written: the octet that DER puts before them was left out."""
    try:
        algorithm, key_bits = der.pair(der.read(spki), "the public key")
        if der.oid(der.first(algorithm, "the key's algorithm")) not in _RSA_KEYS:
            return False
        return any(der.integer(number) < 0 for number in der.pair(der.read(der.bits(key_bits)), "the RSA key"))
    except (ValueError, IndexError):
        return False


def _rsa_numbers(key_bits: der.Node) -> tuple[int, int]:
    """Modulus and exponent as they were meant, since none is negative (RFC 8017, A.1.1). Raises `DerError`.

    Cards of several countries leave out the zero octet before them, Estonia's of 2014 and 2015 among them. Keys for RSASSA-PSS or
    OAEP are RSA keys, too: their parameters only restrict their use (RFC 4055, section 1.2).
    """
    numbers = der.members(der.read(der.bits(key_bits)), der.SEQUENCE, "the RSA key")
    if len(numbers) != 2 or any(number.tag != der.INTEGER for number in numbers):
        raise der.DerError("an RSA key is not of two numbers")
    modulus, exponent = (int.from_bytes(number.content, "big") for number in numbers)
    return modulus, exponent


def _judge_rsa(modulus: int, exponent: int) -> None:
    bits = modulus.bit_length()
    if bits > _MAX_BITS or exponent.bit_length() > _MAX_EXPONENT_BITS:
        raise UnknownAlgorithm(f"RSA key of {bits} bits with an exponent of unusual size")
    if exponent < 3 or exponent % 2 == 0:
        raise RefusedKey(f"an RSA key with the exponent {exponent}")
    if bits < _LEAST_BITS["rsa"]:
        raise RefusedKey(f"an RSA key of {bits} bits")
    if gcd(modulus, _SMALL_PRIMES) > 1:
        raise RefusedKey("an RSA key whose modulus has a small factor")


# --- DSA (FIPS 186-4, 4.1; NIST SP 800-89, 5.3.1) ---


def _judge_dsa(key: dsa.DSAPublicNumbers) -> None:
    p, q, g, y = key.parameter_numbers.p, key.parameter_numbers.q, key.parameter_numbers.g, key.y
    if p.bit_length() > _MAX_BITS or q.bit_length() > _MAX_ORDER_BITS:
        raise UnknownAlgorithm(f"DSA key of {p.bit_length()} bits with an order of {q.bit_length()}")
    if p.bit_length() < _LEAST_BITS["dsa"] or q.bit_length() < _LEAST_BITS["ec"]:
        raise RefusedKey(f"a DSA key of {p.bit_length()} bits with an order of {q.bit_length()}")
    if not all(1 < number < p - 1 and pow(number, q, p) == 1 for number in (g, y)):
        raise RefusedKey("a DSA key that is not of the order that it names")


# --- Ed25519 and Ed448 (RFC 8032, 5.1 and 5.2): points of the curve a*x^2 + y^2 = 1 + d*x^2*y^2 ---

_P25519: Final = 2**255 - 19
_P448: Final = 2**448 - 2**224 - 1
_D25519: Final = -121665 * pow(121666, -1, _P25519) % _P25519


def _judge_edwards(key: ed25519.Ed25519PublicKey | ed448.Ed448PublicKey) -> None:
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    number = int.from_bytes(raw, "little") & ~(1 << (len(raw) * 8 - 1))
    if isinstance(key, ed25519.Ed25519PublicKey):
        name, p, a, d, doublings = "Ed25519", _P25519, -1, _D25519, 3
    else:
        name, p, a, d, doublings = "Ed448", _P448, 1, -39081, 2
    y = number % p
    if _is_small(y, p, a, d, doublings):
        raise RefusedKey(f"an {name} key of small order")
    if number >= p or pow(_x_squared(y, p, a, d), (p - 1) // 2, p) != 1:
        raise RefusedKey(f"an {name} key that is no point of the curve")


def _x_squared(y: int, p: int, a: int, d: int) -> int:
    return (y * y - 1) * pow(d * y * y - a, -1, p) % p


def _is_small(y: int, p: int, a: int, d: int, doublings: int) -> bool:
    """Whether doubling the point as often as the cofactor says leads to the neutral element, whose y is 1.

    The y of twice a point follows from its y alone, so it does not matter which sign x was given.
    """
    for _ in range(doublings):
        x_squared = _x_squared(y, p, a, d)
        below = (2 - a * x_squared - y * y) % p
        if not below:
            return False  # only possible off the curve
        y = (y * y - a * x_squared) * pow(below, -1, p) % p
    return y == 1
