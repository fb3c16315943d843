"""The folder of a key ring: one file for each key, and the public parts for those who verify.

::

    vault.json                 the master key, wrapped by the passphrase
    ring.json                  organisation and country
    ca.p12  first-party.p12  seal.p12  time-stamp.p12  qr.p12  checkpoint.p12
    ca-0123456789abcdef.p12    former company CAs by name: their CRLs go on
    ca-next.p12                a successor of the company CA that is not in use yet (see `succession`)
    public/                    for those who verify: `sealtrail verify --trust <folder>/public`
        anchors.pem            X.509 certificates of roots, former ones included
        seal.pem               X.509 certificates of seals, former ones included
        first-party.pem  time-stamp.pem
        qr.pem  checkpoint.pem Ed25519 public keys, former ones included

Private files have mode 0600. Every change of a key writes the public part first and then replaces one file, so a ring
cut off at any point still opens.
"""

from __future__ import annotations

import json
from collections.abc import Container, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519

from signing_core.errors import KeyUnavailable
from signing_core.keys import files, public
from signing_core.keys.interface import SigningKey, StatementKey
from signing_core.keys.settings import PURPOSES, STATEMENTS, Purpose, Statement
from signing_core.keys.software import SoftwareKey, load_key, load_statement_key, save_key, save_statement_key
from signing_core.keys.vault import Vault

_DESCRIPTION = "ring.json"
NEXT_CA: Final = "ca-next"


@dataclass(frozen=True, slots=True)
class Description:
    organisation: str
    country: str | None = None


class RingFolder:
    """The files at `path`; private ones are under passwords that `vault` derives. What cannot be read raises `KeyUnavailable`."""

    def __init__(self, path: Path, vault: Vault) -> None:
        self.path = path
        self._vault = vault

    @property
    def public(self) -> Path:
        return self.path / "public"

    def description(self) -> Description:
        path = self.path / _DESCRIPTION
        try:
            stored = json.loads(files.read(path, what="The key ring's description"))
            return Description(str(stored["organisation"]), stored.get("country"))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KeyUnavailable(f"{path} is damaged; restore it from your backup.") from None

    def describe(self, description: Description) -> None:
        stored = {"version": 1, "organisation": description.organisation, "country": description.country}
        text = json.dumps(stored, indent=1, ensure_ascii=False) + "\n"
        files.write_atomically(self.path / _DESCRIPTION, text.encode())

    def check_complete(self, on_tokens: Container[Purpose | Statement]) -> None:
        """Whether every key has its file that is not on a token."""
        for purpose in (*PURPOSES, *STATEMENTS):
            if purpose not in on_tokens and not self._file(purpose).is_file():
                raise KeyUnavailable(f"The key {self._file(purpose)} is missing; restore it from your backup.")

    def state(self, name: str) -> Hashable:
        """Another one when the private file was replaced, None when it is not there."""
        return files.identity(self._file(name))

    def public_state(self, purpose: Purpose | Statement) -> Hashable:
        """Another one when something was published for the purpose."""
        return files.identity(self._public_file("anchors" if purpose == "ca" else purpose))

    def all_published(self) -> Hashable:
        """Another one when anything was published."""
        return tuple((path.name, files.identity(path)) for path in sorted(self.public.glob("*.pem")))

    # Private keys

    def load(self, name: str) -> SoftwareKey:
        """`name`: a `Purpose`, one of `former_cas`, or `NEXT_CA`."""
        return load_key(self._file(name), self._vault.file_password(name))

    def store(self, name: str, key: SoftwareKey) -> None:
        save_key(self._file(name), key, self._vault.file_password(name))

    def former_cas(self) -> list[str]:
        """The names of company CAs before the one in use whose keys are kept."""
        return sorted(path.stem for path in self.path.glob("ca-*.p12") if path.stem != NEXT_CA)

    def remove_next_ca(self) -> None:
        self._file(NEXT_CA).unlink(missing_ok=True)
        files.sync_folder(self.path)

    def load_statement_key(self, purpose: Statement) -> StatementKey:
        return load_statement_key(self._file(purpose), self._vault.file_password(purpose))

    def store_statement_key(self, purpose: Statement, private_key: ed25519.Ed25519PrivateKey) -> None:
        save_statement_key(self._file(purpose), private_key, self._vault.file_password(purpose))

    # Public parts

    def publish(self, purpose: Purpose, key: SigningKey) -> None:
        root = key.chain[-1] if key.chain else key.certificate
        public.add_certificate(self._public_file("anchors"), root, "anchor")
        if purpose != "ca":
            public.add_certificate(self._public_file(purpose), key.certificate, purpose)

    def publish_statement_key(self, purpose: Statement, public_key: ed25519.Ed25519PublicKey) -> None:
        public.add_statement_key(self._public_file(purpose), public_key, purpose)

    def anchors(self) -> list[x509.Certificate]:
        return public.read_certificates(self._public_file("anchors"))

    def certificates(self, purpose: Purpose) -> list[x509.Certificate]:
        return public.read_certificates(self._public_file(purpose))

    def statement_keys(self, purpose: Statement) -> list[ed25519.Ed25519PublicKey]:
        return public.read_statement_keys(self._public_file(purpose))

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.p12"

    def _public_file(self, name: str) -> Path:
        return self.public / f"{name}.pem"
