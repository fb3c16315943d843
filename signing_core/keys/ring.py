"""The key ring: everything that the company signs with. How it lies on disk is said in `ring_folder`.

A change of a key that was cut off at any point is finished when the ring is opened again.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signing_core.errors import ConcurrentChange, KeyUnavailable, UsageError
from signing_core.keys import ca as company_ca
from signing_core.keys import chains, files, profiles, succession, vault
from signing_core.keys.ca import CompanyCA
from signing_core.keys.headed_pem import HouseName, house_id
from signing_core.keys.importing import read_bought_key
from signing_core.keys.in_use import KeysInUse
from signing_core.keys.interface import SigningKey, StatementKey
from signing_core.keys.names import visible
from signing_core.keys.passphrase import check_strength
from signing_core.keys.pkcs11_token import TokenKey, TokenSigner
from signing_core.keys.profiles import PROFILES, IssuePurpose, company_name
from signing_core.keys.ring_folder import Description, RingFolder, read_description
from signing_core.keys.settings import Clock, KeySettings, Place, Purpose, Statement
from signing_core.keys.software import PrivateKey, SoftwareKey, new_private_key, pkcs12_bytes
from signing_core.keys.time_stamping import EmbeddedAuthority
from signing_core.keys.vault import Vault


class KeyRing:
    """Keys are loaded when first asked for and kept for as long as their files are the same: what another process renewed or
    imported is used from the next question on, so ask once for a key that has to be the same in several places.

    A token in `settings.tokens` takes the place of the file of that purpose.
    """

    def __init__(
        self, folder: Path, opened: Vault, description: Description, *, settings: KeySettings, clock: Clock
    ) -> None:
        self._files = RingFolder(folder, opened)
        self.description = description
        self.settings = settings
        self._vault = opened
        self._clock = clock
        self._in_use = KeysInUse(self._files, description, settings, clock)

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
        if not visible(organisation):
            raise UsageError("The organisation needs a name that can be shown.")
        if country is not None and not (len(country) == 2 and country.isascii() and country.isalpha()):
            raise UsageError(f"The country {country!r} is not a code of two letters such as DE.")
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise KeyUnavailable(f"{folder} is not empty; a key ring is made in a new folder and never overwritten.")
        founding = new_private_key()
        spki = founding.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        description = Description(house_id(spki), organisation, country.upper() if country else None)
        making = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}")
        making.mkdir(parents=True, mode=0o700)
        try:
            ring = cls(making, vault.create(making, passphrase, work=work), description, settings=settings, clock=clock)
            ring._make_keys(founding, first_party or organisation)
            making.replace(folder)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise
        files.sync_folder(folder.parent)
        ring._files.path = folder
        return ring

    @classmethod
    def open(cls, folder: Path, passphrase: str, settings: KeySettings | None = None, *, clock: Clock) -> KeyRing:
        """Raises `KeyUnavailable` when the ring or one of its files is missing, or the passphrase is wrong."""
        opened = vault.open_vault(folder, passphrase)
        description = read_description(folder)
        ring = cls(folder, opened, description, settings=settings or KeySettings(), clock=clock)
        ring._files.check_complete(ring.settings.tokens)
        ring._finish_changes()
        return ring

    # The keys

    @property
    def first_party(self) -> SigningKey:
        return self._signing("first-party")

    @property
    def seal(self) -> SigningKey:
        return self._signing("seal")

    @property
    def ca(self) -> CompanyCA:
        return self._in_use.ca()

    @property
    def cas(self) -> list[CompanyCA]:
        """The company CA and those before it whose keys are here: their CRLs go on."""
        return [self.ca, *self._in_use.former_cas()]

    @property
    def time_stamp_authority(self) -> EmbeddedAuthority:
        """The embedded one."""
        return self._in_use.authority()

    @property
    def qr(self) -> StatementKey:
        return self._in_use.statement("qr")

    @property
    def checkpoint(self) -> StatementKey:
        return self._in_use.statement("checkpoint")

    @cached_property
    def server_key(self) -> bytes:
        """32 bytes for the HMAC of codes and for encrypting the outbox."""
        return self._vault.derive("server key")

    @cached_property
    def event_key(self) -> bytes:
        """32 bytes for the HMAC of audit events. No renewal and no new passphrase changes them: every event stays provable."""
        return self._vault.derive("event key")

    def certificate(self, purpose: Purpose) -> x509.Certificate:
        """The one in use, also when it has ended."""
        return self._key(purpose).certificate

    def chain(self, purpose: Purpose) -> tuple[x509.Certificate, ...]:
        """The issuers of the one in use, nearest first."""
        return tuple(self._key(purpose).chain)

    def place(self, purpose: Purpose) -> Place:
        """Who certified the key in use, and where it rests."""
        on_token = purpose in self.settings.tokens
        if purpose == "ca" or self.company_issued(self.certificate(purpose)):
            return "token" if on_token else "company"
        return "bought-token" if on_token else "bought"

    def company_issued(self, certificate: x509.Certificate) -> bool:
        """Whether a company CA of this house issued it, one whose key is not here included."""
        return profiles.company_issued(certificate, self.description.organisation)

    @property
    def house(self) -> HouseName:
        """Whose the keys are: what goes above each public part."""
        return self.description.house_name

    @property
    def folder(self) -> Path:
        return self._files.path

    @property
    def public_folder(self) -> Path:
        return self._files.public

    @property
    def trust_anchors(self) -> list[x509.Certificate]:
        """The roots of all keys, former ones included."""
        return self._files.anchors()

    @property
    def authorities(self) -> list[x509.Certificate]:
        """The roots of all outside time-stamp authorities that were ever used."""
        return self._files.authorities()

    def certificates(self, purpose: Purpose) -> list[x509.Certificate]:
        """X.509 certificates of the key in use and of former ones."""
        return self._files.certificates(purpose)

    def used_from(self, purpose: Purpose | Statement) -> dict[bytes, datetime | None]:
        """When each key of the purpose was first used, by the DER of its public part."""
        return self._files.used_from(purpose)

    def add_house(self, id: str, parts: bytes) -> None:
        """Keep the public parts of another house (`trust.files.written`), whose documents are then known here."""
        self._files.add_house(id, parts)

    def is_published(self, purpose: Purpose | Statement) -> bool:
        """Whether `public/` has the key in use: no verifier knows it otherwise. Raises `KeyUnavailable`."""
        if purpose == "qr" or purpose == "checkpoint":
            key = self._in_use.statement(purpose).public_key
            part = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            part = self.certificate(purpose).public_bytes(Encoding.DER)
        return part in self._files.published(purpose)

    def issued(self) -> Iterator[tuple[CompanyCA, IssuePurpose, x509.Certificate]]:
        """What the company CAs issued for the ring itself, to be recorded in the database (`register.record_issued`)."""
        for purpose in PROFILES:
            if purpose != "client":
                for certificate in self._files.certificates(purpose):
                    if (issuer := self.issuer_of(certificate)) is not None:
                        yield issuer, purpose, certificate

    def issuer_of(self, certificate: x509.Certificate) -> CompanyCA | None:
        """The one of `cas` that issued it."""
        return next((ca for ca in self.cas if chains.issued_by(certificate, ca.certificate)), None)

    def remember_authorities(self, roots: Iterable[x509.Certificate]) -> None:
        """Publish the roots of an outside time-stamp authority, so that its time-stamps stay proven when it is changed."""
        for root in roots:
            self._files.publish_authority(root, self._in_use.publisher())

    # Changing keys

    def renew(self, purpose: Purpose | Statement, *, name: str | None = None, in_place_of_bought: bool = False) -> None:
        """A new key in place of the old one, whose public part stays in `public/`.

        `name` as in `create`; without it the name in the X.509 certificate stays. A bought key is replaced by one of the
        company CA only where that is said. A CA is not renewed: see `succeed_ca`.
        Raises `UsageError`, `KeyUnavailable`.
        """
        if purpose == "ca":
            raise UsageError("The company CA has a successor instead of a new key: `sealtrail keys succeed ca`.")
        if purpose in self.settings.tokens:
            raise UsageError(f"The key {purpose} is on a token; make a new one there and call `certify_token`.")
        if purpose != "qr" and purpose != "checkpoint" and self.place(purpose) == "bought" and not in_place_of_bought:
            raise UsageError(
                f"The key {purpose} is bought: import its successor with `sealtrail keys import {purpose} FILE`. For one of the "
                "company CA in its place, which viewers that knew the bought one do not know, add --company-ca."
            )
        with self._files.changing():
            self._renew(purpose, name)

    def succeed_ca(self, *, again: bool = False) -> succession.Succession:
        """A new company CA in place of the one in use, and new keys under it: see `succession.succeed`."""
        return succession.succeed(self, again=again)

    def import_key(self, purpose: Purpose, data: bytes, passphrase: str) -> None:
        """Takes over a first-party, seal or time-stamp key with its X.509 certificate, bought as PKCS#12.

        Raises `KeyUnavailable` when it cannot be used for `purpose` (see `importing`); nothing is changed then.
        """
        if purpose == "ca":
            raise UsageError("A CA is not imported: the company CA issues under its own root only.")
        if purpose in self.settings.tokens:
            raise UsageError(f"The key {purpose} is on a token; take the token out of the settings before importing.")
        key = read_bought_key(data, passphrase, purpose=purpose, now=self._clock())
        with self._files.changing():
            self._check_published(purpose)
            self._use(purpose, key)

    def export_key(self, purpose: Purpose, passphrase: str) -> bytes:
        """The key, its X.509 certificate and chain as PKCS#12 under `passphrase`, for use by other programs.

        Choose a long random one: programs check it with few rounds (see `vault`). Raises `KeyUnavailable` for a key on
        a token.
        """
        key = self._key(purpose)
        if not isinstance(key, SoftwareKey):
            raise KeyUnavailable(f"The key {purpose} is on a token and does not leave it.")
        check_strength(passphrase)
        return pkcs12_bytes(key, purpose, passphrase.encode())

    def certify_token(self, purpose: Purpose, *, name: str | None = None) -> None:
        """An X.509 certificate of the company CA for the key on the token of `purpose`; for a CA, a new root.

        After a new root, `succeed_ca` brings the other keys under it. Raises `UsageError` when no token is set for
        `purpose`, `KeyUnavailable`.
        """
        if purpose not in self.settings.tokens:
            raise UsageError(f"No token is set for the key {purpose}; add it to the settings first.")
        signer = TokenSigner(self.settings.tokens[purpose])
        public_key = signer.public_key
        if isinstance(public_key, ed25519.Ed25519PublicKey):
            raise KeyUnavailable(f"The key {purpose} on the token is an Ed25519 key; a P-256 or RSA key is needed.")
        organisation, country = self.description.organisation, self.description.country
        if purpose == "ca":
            certificate = company_ca.root_certificate(
                organisation, public_key, signer, now=self._clock(), country=country, former=self.trust_anchors
            )
            chain: tuple[x509.Certificate, ...] = ()
        else:
            certificate = self.ca.issue(purpose, public_key, name or self._default_name(purpose), now=self._clock())
            chain = (self.ca.certificate,)
        vouching = self._ca_in_file() if purpose == "ca" else None
        self._publish(purpose, TokenKey(signer, certificate, chain), vouching)

    def _renew(self, purpose: Purpose | Statement, name: str | None = None) -> None:
        self._check_published(purpose)
        if purpose == "qr" or purpose == "checkpoint":
            self._make_statement_key(purpose)
        elif purpose != "ca":
            self._make_key(purpose, name or _name_in(self._key(purpose).certificate))

    def _check_published(self, purpose: Purpose | Statement) -> None:
        """A key that is replaced while its public part is lost would leave nothing to prove its signatures with."""
        if not self.is_published(purpose):
            raise KeyUnavailable(
                f"The public part of the key {purpose} in use is not in {self.public_folder}; restore the folder from your backup "
                "before you replace the key."
            )

    def _make_keys(self, private_key: PrivateKey, first_party: str) -> None:
        self.public_folder.mkdir(mode=0o755)
        organisation = self.description.organisation
        root = company_ca.root_certificate(
            organisation, private_key.public_key(), private_key, now=self._clock(), country=self.description.country
        )
        key = SoftwareKey(private_key, root, ())
        self._publish("ca", key, vouching=key)
        self._store("ca", key)
        self._make_key("first-party", first_party)
        self._make_key("seal", self._default_name("seal"))
        self._make_key("time-stamp", self._default_name("time-stamp"))
        self._make_statement_key("qr")
        self._make_statement_key("checkpoint")
        self._files.describe(self.description)

    def _default_name(self, purpose: Purpose) -> str:
        organisation = self.description.organisation
        suffixes = {"seal": "Seal", "time-stamp": "Embedded Time-Stamp Authority"}
        return company_name(organisation, suffixes[purpose]) if purpose in suffixes else organisation

    def _make_key(self, purpose: IssuePurpose, name: str) -> None:
        if purpose == "client":
            raise AssertionError("keys of clients are never kept")
        private_key = new_private_key()
        certificate = self.ca.issue(purpose, private_key.public_key(), name, now=self._clock())
        self._use(purpose, SoftwareKey(private_key, certificate, (self.ca.certificate,)))

    def _make_statement_key(self, purpose: Statement) -> None:
        self._use(purpose, ed25519.Ed25519PrivateKey.generate())

    def _use(self, purpose: Purpose | Statement, key: SoftwareKey | ed25519.Ed25519PrivateKey) -> None:
        """(1) keep it, (2) publish it, so that it can be verified before it is used, (3) use it."""
        self._files.store_next(purpose, key)
        self._files.use_next(purpose, self._in_use.publisher())
        self._in_use.forget(purpose)

    def _finish_changes(self) -> None:
        """What another process is at is left to it, and what cannot be written now to the next start."""
        if self._files.waiting():
            with suppress(ConcurrentChange, KeyUnavailable, OSError), self._files.changing(wait=0):
                for purpose in self._files.waiting():
                    self._files.use_next(purpose, self._in_use.publisher())

    def _publish(self, purpose: Purpose, key: SigningKey, vouching: SigningKey | None = None) -> None:
        """Before a key is used it can be verified. `vouching`: the company CA that does, by default the one in use."""
        by = self._in_use.publisher()
        self._files.publish(purpose, key, replace(by, sign=vouching.sign) if vouching else by)
        self._in_use.forget(purpose)

    def _ca_in_file(self) -> SigningKey | None:
        """The newest company CA whose key is in the ring."""
        names = [name for name in ("ca", *self._files.former_cas()) if self._files.state(name) is not None]
        keys = [self._files.load(name) for name in names]
        return max(keys, key=lambda key: key.certificate.not_valid_before_utc, default=None)

    def _store(self, purpose: Purpose, key: SoftwareKey) -> None:
        self._files.store(purpose, key)
        self._in_use.forget(purpose)

    def _signing(self, purpose: Purpose) -> SigningKey:
        return self._in_use.valid(purpose)

    def _key(self, purpose: Purpose) -> SigningKey:
        return self._in_use.key(purpose)

    def __repr__(self) -> str:
        return f"KeyRing({str(self.folder)!r})"


def _name_in(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)
