"""The folder of a key ring: one file for each key, and the public parts for those who verify.

::

    vault.json                 the master key, wrapped by the passphrase
    ring.json                  organisation and country, and the id of the house
    ca.p12  first-party.p12  seal.p12  time-stamp.p12  qr.p12  checkpoint.p12
    ca-0123456789abcdef.p12    former company CAs by name: their CRLs go on
    ca-next.p12                a successor of the company CA that is not in use yet (see `succession`)
    seal-next.p12 ...          a key that is not in use yet: a change of it was cut off, and the next start finishes it
    public/                    for those who verify: `sealtrail verify --trust <folder>/public`
        anchors.pem            X.509 certificates of roots
        seal.pem  first-party.pem  time-stamp.pem
        time-stamp-authorities.pem   roots of outside authorities, each from its first use on
        qr.pem  checkpoint.pem Ed25519 public keys
    houses/                    the public parts of other houses whose documents are known here

Public files keep former parts: what was ever signed with one has to stay provable. Above each stands what it is for,
whose, and since when (`headed_pem`).

Private files have mode 0600. Every change of a key (1) keeps the new one beside the one in use, (2) publishes it, (3) puts it in use by
renaming its file. A ring cut off at any point still opens, which does what is left: no key is used that nobody can verify, and none
stays published that nobody uses.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Container, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519

from signing_core.errors import ConcurrentChange, KeyUnavailable
from signing_core.keys import files, public
from signing_core.keys.headed_pem import HouseName, PublicPurpose
from signing_core.keys.interface import SigningKey, StatementKey
from signing_core.keys.names import visible
from signing_core.keys.public import Publisher
from signing_core.keys.settings import PURPOSES, STATEMENTS, Purpose, Statement
from signing_core.keys.software import SoftwareKey, load_key, load_statement_key, save_key, save_statement_key
from signing_core.keys.vault import Vault
from signing_core.storage.locks import file_lock

PUBLIC = "public"
HOUSES = "houses"
_DESCRIPTION = "ring.json"
NEXT_CA: Final = "ca-next"
_NEXT: Final = "-next"
_WAIT: Final = 30.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Description:
    house: str
    """Made from the first company CA's key (`headed_pem.house_id`), and the same for as long as the house lasts."""
    organisation: str
    country: str | None = None

    @property
    def house_name(self) -> HouseName:
        return HouseName(self.house, visible(self.organisation))


def read_description(folder: Path) -> Description:
    """Who the key ring in `folder` belongs to. Raises `KeyUnavailable`."""
    path = folder / _DESCRIPTION
    try:
        stored = json.loads(files.read(path, what="The key ring's description"))
        return Description(str(stored["house"]), str(stored["organisation"]), stored.get("country"))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise KeyUnavailable(f"{path} is damaged; restore it from your backup.") from None


def published(folder: Path) -> Hashable:
    """Another one when anything was published for those who verify, of this house or of another."""
    found = (folder / _DESCRIPTION, *(folder / PUBLIC).glob("*.pem"), *(folder / HOUSES).glob("*.pem"))
    return tuple((str(path), files.identity(path)) for path in sorted(found))


class RingFolder:
    """The files at `path`; private ones are under passwords that `vault` derives. What cannot be read raises `KeyUnavailable`."""

    def __init__(self, path: Path, vault: Vault) -> None:
        self.path = path
        self._vault = vault

    @property
    def public(self) -> Path:
        return self.path / PUBLIC

    def describe(self, description: Description) -> None:
        text = json.dumps({"version": 1, **asdict(description)}, indent=1, ensure_ascii=False) + "\n"
        files.write_atomically(self.path / _DESCRIPTION, text.encode())

    def check_complete(self, on_tokens: Container[Purpose | Statement]) -> None:
        """Whether every key has its file that is not on a token."""
        for purpose in (*PURPOSES, *STATEMENTS):
            if purpose not in on_tokens and not self._file(purpose).is_file():
                raise KeyUnavailable(f"The key {self._file(purpose)} is missing; restore it from your backup.")

    @contextmanager
    def changing(self, wait: float = _WAIT) -> Iterator[None]:
        """One change of a key at a time: two at once would leave one in use that nobody published. Raises `ConcurrentChange`."""
        with file_lock(self.path / ".changing", wait) as alone:
            if not alone:
                raise ConcurrentChange("Another process is changing the keys; run this again when it has ended.")
            yield

    def published(self, purpose: Purpose | Statement) -> Collection[bytes]:
        """DER of the public parts of a purpose; nothing where the file is gone."""
        path = self._public_file("anchors" if purpose == "ca" else purpose)
        return public.used_from(path).keys() if path.exists() else ()

    def state(self, name: str) -> Hashable:
        """Another one when the private file was replaced, None when it is not there."""
        return files.identity(self._file(name))

    def public_state(self, purpose: Purpose | Statement) -> Hashable:
        """Another one when something was published for the purpose."""
        return files.identity(self._public_file("anchors" if purpose == "ca" else purpose))

    # Private keys

    def load(self, name: str) -> SoftwareKey:
        """`name`: a `Purpose`, one of `former_cas`, or `NEXT_CA`."""
        return load_key(self._file(name), self._password(name))

    def store(self, name: str, key: SoftwareKey) -> None:
        save_key(self._file(name), key, self._password(name))

    def store_next(self, purpose: Purpose | Statement, key: SoftwareKey | ed25519.Ed25519PrivateKey) -> None:
        """Keep a key that is not in use yet."""
        name = purpose + _NEXT
        if isinstance(key, SoftwareKey):
            self.store(name, key)
        else:
            save_statement_key(self._file(name), key, self._password(name))

    def waiting(self) -> list[Purpose | Statement]:
        """Purposes with a key that is not in use yet; the company CA's successor has an order of its own (`succession`)."""
        return [one for one in (*PURPOSES, *STATEMENTS) if one != "ca" and self._file(one + _NEXT).is_file()]

    def use_next(self, purpose: Purpose | Statement, by: Publisher) -> None:
        """Publish the key that is not in use yet, and use it."""
        name = purpose + _NEXT
        if purpose == "qr" or purpose == "checkpoint":
            public_key = load_statement_key(self._file(name), self._password(name)).public_key
            self.publish_statement_key(purpose, public_key, by)
        else:
            self.publish(purpose, self.load(name), by)
        files.rename(self._file(name), self._file(purpose))

    def former_cas(self) -> list[str]:
        """The names of company CAs before the one in use whose keys are kept."""
        return sorted(path.stem for path in self.path.glob("ca-*.p12") if path.stem != NEXT_CA)

    def remove_next_ca(self) -> None:
        self._file(NEXT_CA).unlink(missing_ok=True)
        files.sync_folder(self.path)

    def load_statement_key(self, purpose: Statement) -> StatementKey:
        return load_statement_key(self._file(purpose), self._password(purpose))

    # Public parts

    def publish(self, purpose: Purpose, key: SigningKey, by: Publisher) -> None:
        root = key.chain[-1] if key.chain else key.certificate
        # The company CA was published before anything that it issued, so what is new here is the root above a bought key.
        anchor: PublicPurpose = "company-ca" if purpose == "ca" else "anchor"
        public.add_certificate(self._public_file("anchors"), root, anchor, by)
        if purpose != "ca":
            public.add_certificate(self._public_file(purpose), key.certificate, purpose, by)

    def publish_statement_key(self, purpose: Statement, public_key: ed25519.Ed25519PublicKey, by: Publisher) -> None:
        public.add_statement_key(self._public_file(purpose), public_key, purpose, by)

    def publish_authority(self, root: x509.Certificate, by: Publisher) -> None:
        public.add_certificate(self._public_file("time-stamp-authorities"), root, "time-stamp-authority", by)

    def used_from(self, purpose: Purpose | Statement) -> dict[bytes, datetime | None]:
        """When each public part of the purpose was first used, by its DER."""
        return public.used_from(self._public_file("anchors" if purpose == "ca" else purpose))

    def add_house(self, id: str, parts: bytes) -> None:
        """Keep what is known of another house, in place of what was known before."""
        folder = self.path / HOUSES
        folder.mkdir(mode=0o755, exist_ok=True)
        files.write_atomically(folder / f"{id}.pem", parts, mode=files.PUBLIC)

    def anchors(self) -> list[x509.Certificate]:
        return public.read_certificates(self._public_file("anchors"))

    def authorities(self) -> list[x509.Certificate]:
        path = self._public_file("time-stamp-authorities")
        return public.read_certificates(path) if path.exists() else []

    def certificates(self, purpose: Purpose) -> list[x509.Certificate]:
        return public.read_certificates(self._public_file(purpose))

    def _password(self, name: str) -> bytes:
        """One that is not in use yet has that of the place that it will take."""
        return self._vault.file_password(name.removesuffix(_NEXT))

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.p12"

    def _public_file(self, name: str) -> Path:
        return self.public / f"{name}.pem"
