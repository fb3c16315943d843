"""The keys that a ring signs with now. One is loaded when first asked for, and kept for as long as its file is the same.

A process that runs for months therefore uses what another one renewed or imported, from the next question on.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from cryptography import x509

from signing_core.errors import KeyUnavailable
from signing_core.keys import files
from signing_core.keys.ca import CompanyCA
from signing_core.keys.importing import check_certificate
from signing_core.keys.interface import SigningKey, StatementKey
from signing_core.keys.pkcs11_token import TokenStatementKey, load_token_key
from signing_core.keys.public import Publisher
from signing_core.keys.ring_folder import Description, RingFolder
from signing_core.keys.settings import Clock, KeySettings, Purpose, Statement, TokenSettings
from signing_core.keys.time_stamping import EmbeddedAuthority

T = TypeVar("T")


class _Kept:
    """Values by name, each together with the state of what it was made from."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[Hashable, object]] = {}

    def get(self, name: str, state: Hashable, make: Callable[[], T]) -> T:
        known = self._values.get(name)
        if known is None or known[0] != state:
            known = self._values[name] = (state, make())
        return known[1]  # type: ignore[return-value]

    def forget(self, name: str) -> None:
        self._values.pop(name, None)


class KeysInUse:
    """A token in `settings.tokens` takes the place of the file of that purpose. What cannot be had raises `KeyUnavailable`."""

    def __init__(self, folder: RingFolder, description: Description, settings: KeySettings, clock: Clock) -> None:
        self._files = folder
        self._description = description
        self._settings = settings
        self._clock = clock
        self._kept = _Kept()

    def key(self, purpose: Purpose) -> SigningKey:
        # The state is looked at first: what is replaced while it is loaded is loaded again the next time.
        return self._kept.get(purpose, self._state(purpose), lambda: self._load(purpose))

    def valid(self, purpose: Purpose) -> SigningKey:
        """Raises `KeyUnavailable` also when its X.509 certificate has ended."""
        key, now = self.key(purpose), self._clock()
        end = key.certificate.not_valid_after_utc
        if now > end:
            raise KeyUnavailable(
                f"The X.509 certificate of the key {purpose} expired on {end:%Y-%m-%d}; renew it or import a new one."
            )
        return key

    def statement(self, purpose: Statement) -> StatementKey:
        token = self._settings.tokens.get(purpose)
        if token is None:
            return self._kept.get(purpose, self._files.state(purpose), lambda: self._files.load_statement_key(purpose))
        return self._kept.get(purpose, token, lambda: self._statement_on_token(purpose, token))

    def authority(self) -> EmbeddedAuthority:
        key = self.key("time-stamp")
        return self._kept.get("authority", key.certificate, lambda: EmbeddedAuthority(key, clock=self._clock))

    def ca(self) -> CompanyCA:
        key = self.key("ca")
        return self._kept.get("company CA", key.certificate, lambda: self._company_ca(key))

    def former_cas(self) -> list[CompanyCA]:
        """The CAs before this one whose keys are here and can be read, for their CRLs; newest first.

        One that cannot be read stops nothing that the present one does: `sealtrail doctor` tells of it.
        """
        found = []
        names: list[str] = self._files.former_cas()
        if "ca" in self._settings.tokens and self._files.state("ca") is not None:
            names.append("ca")  # in its file since before the token
        for name in names:
            try:
                ca = self._kept.get(
                    f"{name}.p12",
                    self._files.state(name),
                    lambda name=name: self._company_ca(self._files.load(name)),  # type: ignore[misc]
                )
            except KeyUnavailable:
                continue
            if ca.certificate != self.key("ca").certificate:
                found.append(ca)
        return sorted(found, key=lambda ca: ca.certificate.not_valid_before_utc, reverse=True)

    def forget(self, purpose: Purpose | Statement) -> None:
        self._kept.forget(purpose)

    def _statement_on_token(self, purpose: Statement, token: TokenSettings) -> StatementKey:
        key = TokenStatementKey(token)
        self._files.publish_statement_key(purpose, key.public_key, self.publisher())
        return key

    def publisher(self) -> Publisher:
        """Who publishes a part now: the company CA in use vouches for it."""
        return Publisher(self._description.house_name, self._clock(), lambda data: self.key("ca").sign(data))

    def _company_ca(self, key: SigningKey) -> CompanyCA:
        return CompanyCA(
            key,
            organisation=self._description.organisation,
            country=self._description.country,
            settings=self._settings,
        )

    def _state(self, purpose: Purpose) -> Hashable:
        token = self._settings.tokens.get(purpose)
        if token is None:
            return self._files.state(purpose)
        return self._files.public_state(purpose), files.identity(token.certificate_file)

    def _load(self, purpose: Purpose) -> SigningKey:
        token = self._settings.tokens.get(purpose)
        if token is None:
            return self._files.load(purpose)
        known: list[x509.Certificate] = self._files.anchors()
        if purpose != "ca":
            known = self._files.certificates(purpose) + known
        key = load_token_key(token, known)
        if purpose != "ca":
            # One that has ended is loaded as one in a file is: `valid` and the authority refuse it, and its end can be told.
            check_certificate(
                key.certificate, purpose=purpose, now=min(self._clock(), key.certificate.not_valid_after_utc)
            )
        return key
