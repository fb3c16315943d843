"""The key ring: one folder with everything that the company signs with.

::

    vault.json                 the master key, wrapped by the passphrase
    ring.json                  organisation and country
    ca.p12  first-party.p12  seal.p12  time-stamp.p12  qr.p12  checkpoint.p12
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
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519

from signing_core.errors import KeyUnavailable, UsageError
from signing_core.keys import ca as company_ca
from signing_core.keys import files, public, vault
from signing_core.keys.ca import CompanyCA
from signing_core.keys.importing import read_bought_key
from signing_core.keys.interface import SigningKey, StatementKey
from signing_core.keys.profiles import PROFILES, IssuePurpose
from signing_core.keys.settings import PURPOSES, STATEMENTS, Clock, KeySettings, Purpose, Statement
from signing_core.keys.software import (
    SoftwareKey,
    load_key,
    load_statement_key,
    new_private_key,
    save_key,
    save_statement_key,
)
from signing_core.keys.time_stamping import EmbeddedAuthority
from signing_core.keys.vault import Vault

_DESCRIPTION = "ring.json"


@dataclass(frozen=True, slots=True)
class Description:
    organisation: str
    country: str | None = None


class KeyRing:
    """Keys are loaded when first asked for and kept, so opening costs one derivation of the passphrase.

    A token in `settings.tokens` takes the place of the file of that purpose.
    """

    def __init__(
        self, folder: Path, opened: Vault, description: Description, *, settings: KeySettings, clock: Clock
    ) -> None:
        self.folder = folder
        self.description = description
        self.settings = settings
        self._vault = opened
        self._clock = clock

    @classmethod
    def create(
        cls,
        folder: Path,
        passphrase: str,
        *,
        organisation: str,
        clock: Clock,
        country: str | None = None,
        first_party: str | None = None,
        settings: KeySettings | None = None,
        work: int = vault.DEFAULT_WORK,
    ) -> KeyRing:
        """Makes company CA and keys in `folder`, which appears whole or not at all.

        `country` is an ISO 3166 code of two letters, `first_party` the name of the person who signs for the company,
        `work` log2 of scrypt's N (tests lower it). Raises `KeyUnavailable` when the folder holds something already.
        """
        settings = settings or KeySettings()
        if settings.tokens:
            raise UsageError("A key ring is made with keys in files; set up tokens for it afterwards.")
        if country is not None and not (len(country) == 2 and country.isascii() and country.isalpha()):
            raise UsageError(f"The country {country!r} is not a code of two letters such as DE.")
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise KeyUnavailable(f"{folder} is not empty; a key ring is made in a new folder and never overwritten.")
        description = Description(organisation, country.upper() if country else None)
        making = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}")
        making.mkdir(parents=True, mode=0o700)
        try:
            ring = cls(making, vault.create(making, passphrase, work=work), description, settings=settings, clock=clock)
            ring._make_keys(first_party or organisation)
            making.replace(folder)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise
        files.sync_folder(folder.parent)
        ring.folder = folder
        return ring

    @classmethod
    def open(cls, folder: Path, passphrase: str, settings: KeySettings | None = None, *, clock: Clock) -> KeyRing:
        """Raises `KeyUnavailable` when the ring or one of its files is missing, or the passphrase is wrong."""
        opened = vault.open_vault(folder, passphrase)
        path = folder / _DESCRIPTION
        try:
            stored = json.loads(files.read(path, what="The key ring's description"))
            description = Description(str(stored["organisation"]), stored.get("country"))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KeyUnavailable(f"{path} is damaged; restore it from your backup.") from None
        ring = cls(folder, opened, description, settings=settings or KeySettings(), clock=clock)
        for purpose in (*PURPOSES, *STATEMENTS):
            if purpose not in ring.settings.tokens and not ring._path(purpose).is_file():
                raise KeyUnavailable(f"The key {ring._path(purpose)} is missing; restore it from your backup.")
        return ring

    # The keys

    @cached_property
    def first_party(self) -> SigningKey:
        return self._load("first-party")

    @cached_property
    def seal(self) -> SigningKey:
        return self._load("seal")

    @cached_property
    def ca(self) -> CompanyCA:
        return CompanyCA(
            self._load("ca"),
            organisation=self.description.organisation,
            country=self.description.country,
            settings=self.settings,
        )

    @cached_property
    def time_stamp_authority(self) -> EmbeddedAuthority:
        """The embedded one."""
        return EmbeddedAuthority(self._load("time-stamp"), clock=self._clock)

    @cached_property
    def qr(self) -> StatementKey:
        return self._load_statement("qr")

    @cached_property
    def checkpoint(self) -> StatementKey:
        return self._load_statement("checkpoint")

    @cached_property
    def server_key(self) -> bytes:
        """32 bytes for the HMAC of codes and for encrypting the outbox."""
        return self._vault.derive("server key")

    @property
    def public_folder(self) -> Path:
        return self.folder / "public"

    @cached_property
    def trust_anchors(self) -> list[x509.Certificate]:
        """The roots of all keys, former ones included."""
        return public.read_certificates(self.public_folder / "anchors.pem")

    def seal_certificates(self) -> list[x509.Certificate]:
        """X.509 certificates of the seal in use and of former ones."""
        return public.read_certificates(self.public_folder / "seal.pem")

    def issued(self) -> Iterator[tuple[IssuePurpose, x509.Certificate]]:
        """What the company CA issued for the ring itself, to be recorded in the database (`register.record_issued`)."""
        for purpose in PROFILES:
            if purpose != "client":
                for certificate in public.read_certificates(self.public_folder / f"{purpose}.pem"):
                    if certificate.issuer == self.ca.certificate.subject:
                        yield purpose, certificate

    # Changing keys

    def renew(self, purpose: Purpose | Statement, *, name: str | None = None) -> None:
        """A new key in place of the old one, whose public part stays in `public/`.

        `name` as in `create`; without it the name in the X.509 certificate stays. The CA is not renewed in place: its
        successor is a new ring (docs/keys.md). Raises `UsageError`, `KeyUnavailable`.
        """
        if purpose == "ca":
            raise UsageError("The company CA is not renewed in place; make a new key ring and keep the old anchors.")
        if purpose in self.settings.tokens:
            raise UsageError(f"The key {purpose} is on a token; make a new one there and call `certify_token`.")
        if purpose == "qr" or purpose == "checkpoint":
            self._make_statement_key(purpose)
        else:
            self._make_key(purpose, name or _name_in(self._load(purpose).certificate))

    def import_key(self, purpose: Purpose, data: bytes, passphrase: str) -> None:
        """Takes over a first-party, seal or time-stamp key with its X.509 certificate, bought as PKCS#12.

        Raises `KeyUnavailable` when it cannot be used for `purpose` (see `importing`); nothing is changed then.
        """
        if purpose == "ca":
            raise UsageError("A CA is not imported: the company CA issues under its own root only.")
        key = read_bought_key(data, passphrase, purpose=purpose, now=self._clock())
        self._publish(purpose, key)
        self._store(purpose, key)

    def _make_keys(self, first_party: str) -> None:
        self.public_folder.mkdir(mode=0o755)
        private_key, organisation = new_private_key(), self.description.organisation
        root = company_ca.root_certificate(
            organisation, private_key.public_key(), private_key, now=self._clock(), country=self.description.country
        )
        key = SoftwareKey(private_key, root, ())
        self._publish("ca", key)
        self._store("ca", key)
        self._make_key("first-party", first_party)
        self._make_key("seal", f"{organisation} Seal")
        self._make_key("time-stamp", f"{organisation} Embedded Time-Stamp Authority")
        self._make_statement_key("qr")
        self._make_statement_key("checkpoint")
        stored = {"version": 1, "organisation": organisation, "country": self.description.country}
        text = json.dumps(stored, indent=1, ensure_ascii=False) + "\n"
        files.write_atomically(self.folder / _DESCRIPTION, text.encode())

    def _make_key(self, purpose: Purpose, name: str) -> None:
        if purpose == "ca":
            raise AssertionError("the CA issues for others")
        private_key = new_private_key()
        certificate = self.ca.issue(purpose, private_key.public_key(), name, now=self._clock())
        key = SoftwareKey(private_key, certificate, (self.ca.certificate,))
        self._publish(purpose, key)
        self._store(purpose, key)

    def _make_statement_key(self, purpose: Statement) -> None:
        private_key = ed25519.Ed25519PrivateKey.generate()
        public.add_statement_key(self.public_folder / f"{purpose}.pem", private_key.public_key(), purpose)
        save_statement_key(self._path(purpose), private_key, self._vault.file_password(purpose))
        self.__dict__.pop(purpose, None)

    def _publish(self, purpose: Purpose, key: SigningKey) -> None:
        """Before a key is used it can be verified."""
        root = key.chain[-1] if key.chain else key.certificate
        public.add_certificate(self.public_folder / "anchors.pem", root)
        if purpose != "ca":
            public.add_certificate(self.public_folder / f"{purpose}.pem", key.certificate)
        self.__dict__.pop("trust_anchors", None)

    def _store(self, purpose: Purpose, key: SoftwareKey) -> None:
        save_key(self._path(purpose), key, self._vault.file_password(purpose))
        self.__dict__.pop(
            {"first-party": "first_party", "time-stamp": "time_stamp_authority"}.get(purpose, purpose), None
        )

    def _load(self, purpose: Purpose) -> SigningKey:
        return load_key(self._path(purpose), self._vault.file_password(purpose))

    def _load_statement(self, purpose: Statement) -> StatementKey:
        return load_statement_key(self._path(purpose), self._vault.file_password(purpose))

    def _path(self, purpose: Purpose | Statement) -> Path:
        return self.folder / f"{purpose}.p12"

    def __repr__(self) -> str:
        return f"KeyRing({str(self.folder)!r})"


def _name_in(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)
