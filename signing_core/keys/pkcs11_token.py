"""Keys that never leave a PKCS#11 token: a smart card, an HSM, SoftHSM (OASIS PKCS #11 v2.40).

python-pkcs11 comes with the extra `sealtrail[pkcs11]` and is imported when a token is first used. One session a token is
kept for the process and used by one thread at a time, since a PKCS#11 session holds the state of one signature.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from signing_core.errors import KeyUnavailable
from signing_core.keys import chains, files
from signing_core.keys.passphrase import read_secret
from signing_core.keys.profiles import PublicKey
from signing_core.keys.settings import TokenSettings
from signing_core.keys.software import key_id

T = TypeVar("T")

_lock = threading.RLock()
_sessions: dict[tuple[str, str, int], Any] = {}
_refused_pins: set[tuple[str, str, bytes]] = set()


class TokenSigner:
    """Signs with the private key named in `settings`. A `Signer`, not yet a `SigningKey`: it has no X.509 certificate."""

    def __init__(self, settings: TokenSettings) -> None:
        self._settings = settings
        self._key: Any = None
        self._session: Any = None
        self.public_key = self._with_session(self._read_public_key)

    @property
    def mechanism(self) -> str:
        return "rsa-pkcs1v15-sha256" if isinstance(self.public_key, rsa.RSAPublicKey) else "ecdsa-sha256"

    def sign(self, data: bytes) -> bytes:
        """ECDSA-Sig-Value or RSA signature over `data` with SHA-256, or Ed25519 over `data` itself."""
        return self._with_session(lambda session: self._sign(session, data))

    def certificates(self) -> list[x509.Certificate]:
        """The X.509 certificates on the token; what cannot be read is left out."""
        return self._with_session(_read_certificates)

    def _sign(self, session: Any, data: bytes) -> bytes:
        import pkcs11

        if self._session is not session:  # the key's handle belongs to one session
            self._key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=self._settings.key_label)
            self._session = session
        if isinstance(self.public_key, rsa.RSAPublicKey):
            return bytes(self._key.sign(data, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS))
        if isinstance(self.public_key, ed25519.Ed25519PublicKey):
            return bytes(self._key.sign(data, mechanism=pkcs11.Mechanism.EDDSA))
        # Many tokens know ECDSA only without its hash. Their signature is r || s, CMS wants a DER structure.
        raw = self._key.sign(hashlib.sha256(data).digest(), mechanism=pkcs11.Mechanism.ECDSA)
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))

    def _read_public_key(self, session: Any) -> PublicKey | ed25519.Ed25519PublicKey:
        import pkcs11
        from pkcs11.util.ec import encode_ec_public_key
        from pkcs11.util.rsa import encode_rsa_public_key

        label = self._settings.key_label
        private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=label)
        public = session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, label=label)
        key: object = None
        if private.key_type == pkcs11.KeyType.EC:
            key = serialization.load_der_public_key(encode_ec_public_key(public))
        elif private.key_type == pkcs11.KeyType.RSA:
            key = serialization.load_der_public_key(encode_rsa_public_key(public))
        elif private.key_type == pkcs11.KeyType.EC_EDWARDS:
            # Some tokens wrap the 32 bytes in an OCTET STRING, some do not.
            key = ed25519.Ed25519PublicKey.from_public_bytes(bytes(public[pkcs11.Attribute.EC_POINT])[-32:])
        if not isinstance(key, PublicKey | ed25519.Ed25519PublicKey):
            raise KeyUnavailable(f"The key {label} on the token {self._settings.token_label} is of an unknown kind.")
        return key

    def _with_session(self, use: Callable[[Any], T]) -> T:
        """Runs `use`; a token that was pulled and put back is opened once more. Raises `KeyUnavailable`."""
        pkcs11, settings = _library(), self._settings
        with _lock:
            for again in (True, False):
                session = _open(settings)
                try:
                    return use(session)
                except pkcs11.NoSuchKey:
                    raise KeyUnavailable(
                        f"The token {settings.token_label} holds no key pair named {settings.key_label}; check the label."
                    ) from None
                except pkcs11.MultipleObjectsReturned:
                    raise KeyUnavailable(
                        f"The token {settings.token_label} holds several keys named {settings.key_label}; "
                        "give the one to use a label of its own."
                    ) from None
                except (pkcs11.PKCS11Error, ValueError) as error:
                    _sessions.pop(_session_name(settings), None)
                    if not again:
                        raise KeyUnavailable(
                            f"The token {settings.token_label} does not sign ({type(error).__name__}); "
                            "check that it is connected and try again."
                        ) from None
        raise AssertionError("unreachable")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._settings.token_label!r}, {self._settings.key_label!r})"


class TokenKey:
    """A `SigningKey` on a token."""

    def __init__(self, signer: TokenSigner, certificate: x509.Certificate, chain: Iterable[x509.Certificate]) -> None:
        self._signer = signer
        self._certificate = certificate
        self._chain = tuple(chain)

    @property
    def certificate(self) -> x509.Certificate:
        return self._certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        return self._chain

    @property
    def mechanism(self) -> str:
        return self._signer.mechanism

    def sign(self, data: bytes) -> bytes:
        return self._signer.sign(data)

    def __repr__(self) -> str:
        return f"TokenKey({self._certificate.subject.rfc4514_string()!r})"


class TokenStatementKey:
    """A `StatementKey` on a token that knows Ed25519."""

    def __init__(self, settings: TokenSettings) -> None:
        self._signer = TokenSigner(settings)
        public_key = self._signer.public_key
        if not isinstance(public_key, ed25519.Ed25519PublicKey):
            raise KeyUnavailable(
                f"The key {settings.key_label} on the token {settings.token_label} is no Ed25519 key, which QR codes and "
                "checkpoints need."
            )
        self._public_key = public_key
        self._key_id = key_id(public_key)

    @property
    def public_key(self) -> ed25519.Ed25519PublicKey:
        return self._public_key

    @property
    def key_id(self) -> bytes:
        return self._key_id

    def sign(self, data: bytes) -> bytes:
        return self._signer.sign(data)

    def __repr__(self) -> str:
        return f"TokenStatementKey({self._key_id.hex()!r})"


def load_token_key(settings: TokenSettings, known: Iterable[x509.Certificate]) -> TokenKey:
    """The key and its X.509 certificate: from `certificate_file`, else among `known`, else on the token.

    The key is asked for one signature, which must verify with the X.509 certificate. Raises `KeyUnavailable`.
    """
    signer = TokenSigner(settings)
    pool = list(known)
    if settings.certificate_file is not None:
        pool = _read_file(settings) + pool
    pool += signer.certificates()
    certificate = next((c for c in pool if c.public_key() == signer.public_key), None)
    if certificate is None:
        raise KeyUnavailable(
            f"No X.509 certificate is known for the key {settings.key_label} on the token {settings.token_label}; "
            "put it on the token, name its file in the settings or have the company CA certify the key."
        )
    _prove(signer, certificate, settings)
    return TokenKey(signer, certificate, chains.issuers(certificate, pool))


def _prove(signer: TokenSigner, certificate: x509.Certificate, settings: TokenSettings) -> None:
    challenge, key = os.urandom(32), certificate.public_key()
    signature = signer.sign(challenge)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, challenge, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, challenge, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise KeyUnavailable(
            f"The private and the public key {settings.key_label} on the token {settings.token_label} do not belong "
            "together."
        ) from None


def _read_file(settings: TokenSettings) -> list[x509.Certificate]:
    path = settings.certificate_file
    if path is None:
        return []
    data = files.read(path, what="The token's X.509 certificate")
    try:
        if b"-----BEGIN" in data:
            return x509.load_pem_x509_certificates(data)
        return [x509.load_der_x509_certificate(data)]
    except ValueError:
        raise KeyUnavailable(f"{path} holds no X.509 certificate in PEM or DER.") from None


def _read_certificates(session: Any) -> list[x509.Certificate]:
    import pkcs11

    found = []
    for item in session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE}):
        try:
            found.append(x509.load_der_x509_certificate(bytes(item[pkcs11.Attribute.VALUE])))
        except (ValueError, pkcs11.PKCS11Error):  # tokens come with certificates of their makers in other formats
            continue
    return found


def _library() -> Any:
    try:
        import pkcs11
    except ImportError:
        raise KeyUnavailable(
            "Keys on a PKCS#11 token need one more package: install sealtrail[pkcs11] and try again."
        ) from None
    return pkcs11


def _session_name(settings: TokenSettings) -> tuple[str, str, int]:
    # A process forked off has to open sessions of its own.
    return str(settings.module), settings.token_label, os.getpid()


def _pin(settings: TokenSettings) -> str:
    if settings.pin_file is not None:
        return read_secret(settings.pin_file, what="The token's PIN file")
    pin = os.environ.get(settings.pin_variable)
    if not pin:
        raise KeyUnavailable(
            f"No PIN for the token {settings.token_label}: set {settings.pin_variable} or name a PIN file in the settings."
        )
    return pin


def _open(settings: TokenSettings) -> Any:
    pkcs11, name = _library(), _session_name(settings)
    if name in _sessions:
        return _sessions[name]
    pin = _pin(settings)
    attempt = (str(settings.module), settings.token_label, hashlib.sha256(pin.encode()).digest())
    wrong = KeyUnavailable(f"The token {settings.token_label} does not accept the PIN; correct it before trying again.")
    if attempt in _refused_pins:
        raise wrong  # tokens lock themselves after a few wrong tries, and background work would try again and again
    try:
        token = pkcs11.lib(str(settings.module)).get_token(token_label=settings.token_label)
        try:
            session = token.open(user_pin=pin)
        except pkcs11.UserAlreadyLoggedIn:
            session = token.open()
    except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange):
        _refused_pins.add(attempt)
        raise wrong from None
    except pkcs11.PinLocked:
        raise KeyUnavailable(f"The token {settings.token_label} is locked after wrong PINs; unlock it.") from None
    except (pkcs11.NoSuchToken, pkcs11.MultipleTokensReturned):
        raise KeyUnavailable(
            f"There is no token, or more than one, named {settings.token_label} behind {settings.module}; check the label "
            "and that it is connected."
        ) from None
    except pkcs11.PKCS11Error as error:
        reason = "cannot be loaded" if "loading" in str(error) else f"failed ({type(error).__name__})"
        raise KeyUnavailable(
            f"The PKCS#11 library {settings.module} {reason}; check its path in the settings."
        ) from None
    _sessions[name] = session
    return session
