"""The one secret that protects all others: a random master key, wrapped by the passphrase.

PKCS#12 files as OpenSSL and `cryptography` write them can be attacked through their MAC, whose key is derived with only
2,048 rounds whatever the encryption's own count is. So no PKCS#12 file of ours is protected by what a person typed:
its password is 256 bits derived from the master key, and the passphrase is stretched once, by scrypt. Opening the ring
costs one derivation instead of three per file, and a new passphrase rewrites one small file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from signing_core.errors import KeyUnavailable
from signing_core.keys import files
from signing_core.keys.passphrase import check_strength

FILE = "vault.json"
DEFAULT_WORK = 15
"""log2 of scrypt's N; with r=8 and p=3 that is 32 MiB and about 0.3 s (RFC 7914)."""
_R, _P = 8, 3
_CONTEXT = b"sealtrail vault 1"


@dataclass(frozen=True, slots=True, repr=False)
class Vault:
    master: bytes

    def derive(self, label: str) -> bytes:
        """32 bytes for one use only (HKDF-Expand, RFC 5869, from a uniformly random key)."""
        return HKDFExpand(hashes.SHA256(), 32, b"sealtrail " + label.encode()).derive(self.master)

    def file_password(self, name: str) -> bytes:
        """The password of the PKCS#12 file `name`: 64 hexadecimal characters."""
        return self.derive(f"file {name}").hex().encode()


def create(folder: Path, passphrase: str, *, work: int = DEFAULT_WORK) -> Vault:
    check_strength(passphrase)
    vault = Vault(os.urandom(32))
    files.write_atomically(folder / FILE, _wrap(vault, passphrase, work))
    return vault


def open_vault(folder: Path, passphrase: str) -> Vault:
    """Raises `KeyUnavailable` when the file is missing or damaged or the passphrase wrong."""
    path = folder / FILE
    data = files.read(path, what="The key ring")
    try:
        stored: dict[str, Any] = json.loads(data)
        work, salt, nonce, wrapped = (
            int(stored["scrypt_log2_n"]),
            base64.b64decode(stored["salt"], validate=True),
            base64.b64decode(stored["nonce"], validate=True),
            base64.b64decode(stored["wrapped"], validate=True),
        )
        if stored["version"] != 1 or not 10 <= work <= 20 or len(nonce) != 12 or len(wrapped) != 48:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise KeyUnavailable(f"{path} is damaged or of a newer version; restore it from your backup.") from None
    try:
        return Vault(AESGCM(_stretch(passphrase, salt, work)).decrypt(nonce, wrapped, _CONTEXT))
    except InvalidTag:
        raise KeyUnavailable(f"The passphrase does not open the keys in {folder}; check it and try again.") from None


def change_passphrase(folder: Path, old: str, new: str, *, work: int = DEFAULT_WORK) -> None:
    """Wraps the same master key anew. A backup of the old `vault.json` still opens with the old passphrase."""
    check_strength(new)
    files.write_atomically(folder / FILE, _wrap(open_vault(folder, old), new, work))


def _wrap(vault: Vault, passphrase: str, work: int) -> bytes:
    salt, nonce = os.urandom(16), os.urandom(12)
    wrapped = AESGCM(_stretch(passphrase, salt, work)).encrypt(nonce, vault.master, _CONTEXT)
    stored = {"version": 1, "kdf": "scrypt", "scrypt_log2_n": work, "scrypt_r": _R, "scrypt_p": _P}
    parts = {"salt": salt, "nonce": nonce, "wrapped": wrapped}
    encoded = {key: base64.b64encode(value).decode() for key, value in parts.items()}
    return json.dumps(stored | encoded, indent=1).encode() + b"\n"


def _stretch(passphrase: str, salt: bytes, work: int) -> bytes:
    # NFC: the same passphrase typed on another system may arrive as other code points.
    secret = unicodedata.normalize("NFC", passphrase).encode()
    return hashlib.scrypt(secret, salt=salt, n=1 << work, r=_R, p=_P, maxmem=(1 << work) * _R * 128 * 2, dklen=32)
