"""A workspace: one folder with settings, database, object store and keys.

`sealtrail.toml` is written last and makes the folder a workspace. A killed `create` therefore leaves none, only a folder
marked as unfinished, which the next `create` clears and fills anew.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from signing_core.errors import UsageError, WorkspaceMissing
from signing_core.storage import migrations, schema
from signing_core.storage.database import make_engine, reading, with_event_key, writing
from signing_core.storage.durable import make_folder, sync_folder, write_file
from signing_core.storage.locks import file_lock
from signing_core.storage.objects import ObjectStore, open_objects
from signing_core.storage.settings import Settings
from signing_core.storage.settings_file import FILE_NAME, initial_file

if TYPE_CHECKING:
    from cryptography import x509

    from signing_core.keys.interface import TimeStampAuthority
    from signing_core.keys.ring import KeyRing
    from signing_core.keys.settings import KeySettings

Clock = Callable[[], datetime]
"""Gives the time now: aware, in UTC."""

_UNFINISHED = ".unfinished"
_LOCK = ".creating"
_OURS = (
    "database.sqlite",
    "database.sqlite-wal",
    "database.sqlite-shm",
    "objects",
    "outbox",
    "locks",
    "keys",
    "secrets",
)


def system_clock() -> datetime:
    return datetime.now(UTC)


class Workspace:
    """An open workspace. `open` and `create` make one; `close` (or a `with` block) lets go of the database."""

    def __init__(self, path: Path, settings: Settings, engine: sa.Engine, clock: Clock) -> None:
        self.path = path
        self.settings = settings
        self.engine = with_event_key(engine, lambda: self.keys().event_key)
        self.clock = clock
        self.objects: ObjectStore = open_objects(settings.objects_url, path)

    @classmethod
    def create(
        cls,
        path: Path | str,
        *,
        settings: Mapping[str, Any] | None = None,
        clock: Clock = system_clock,
        country: str | None = None,
        first_party: str | None = None,
        key_work: int | None = None,
    ) -> Workspace:
        """A new workspace at `path`; `settings` are written to its `sealtrail.toml`.

        Company CA and keys are made with the passphrase from SEALTRAIL_PASSPHRASE or the passphrase file; with neither, a
        passphrase is made and written to that file (0600): `passphrase_made` says so. `country` (ISO 3166) and
        `first_party` (who signs for the company) go into X.509 certificates; `key_work` is log2 of scrypt's N. Raises
        `UsageError` when there is something already, or a setting cannot be used.
        """
        path = Path(path).absolute()
        text = initial_file({"organisation": Settings().organisation, **(settings or {})})
        _refuse_existing(path)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with file_lock(path / _LOCK, wait=0) as alone:
            if not alone:
                raise UsageError(f"Another process is creating a workspace in {path}.")
            _refuse_existing(path)
            _start_again(path)
            loaded = Settings.load(path, **(settings or {}))
            workspace = cls(path, loaded, make_engine(_database_url(loaded, path)), clock)
            try:
                workspace._make_tables()
                workspace._make_keys(country, first_party, key_work)
            except BaseException:
                workspace.close()
                raise
            write_file(path / FILE_NAME, text.encode())
            (path / _UNFINISHED).unlink()
            sync_folder(path)
        return workspace

    @classmethod
    def open(cls, path: Path | str, *, clock: Clock = system_clock, upgrade: bool = True) -> Workspace:
        """The workspace at `path`; a database of an older version is upgraded, unless it is only to be looked at.

        Raises `WorkspaceMissing` when there is none, when it is unfinished or of a newer version, and `UsageError` for
        settings that cannot be used.
        """
        path = Path(path).absolute()
        if not (path / FILE_NAME).is_file():
            if (path / _UNFINISHED).exists():
                raise WorkspaceMissing(f"The workspace in {path} was not finished; run `sealtrail init {path}` again.")
            raise WorkspaceMissing(f"There is no workspace in {path}; make one with `sealtrail init {path}`.")
        settings = Settings.load(path)
        url = _database_url(settings, path)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            raise WorkspaceMissing(
                f"The database {url.database} of the workspace is not there; restore it from a backup."
            )
        workspace = cls(path, settings, make_engine(url), clock)
        try:
            if upgrade:
                migrations.bring_up_to_date(workspace.engine)
        except BaseException:
            workspace.close()
            raise
        return workspace

    passphrase_made = False
    """Whether `create` had to make a passphrase and wrote it to the settings' passphrase file."""

    @cached_property
    def id(self) -> str:
        """A random id that travels with the database."""
        return self._stored("id")

    @property
    def log_origin(self) -> str:
        """The audit log's name in checkpoints (C2SP tlog-checkpoint, "origin"). Fixed at creation: see `audit_log.log`."""
        return self._stored("log_origin")

    def keys(self) -> KeyRing:
        """The key ring, opened on first use. Raises `KeyUnavailable`."""
        return self._keys

    @property
    def time_stamps(self) -> TimeStampAuthority:
        """The RFC 3161 authority of the settings, the embedded one (with the key that is in use now) without any.

        Raises `KeyUnavailable`.
        """
        chosen = self.settings.time_stamps
        if chosen.url is None:
            return self.keys().time_stamp_authority
        # Before its first time-stamp: from then on its roots are remembered, whatever the settings say later.
        self.keys().remember_authorities(self.authority_roots)
        from signing_core.keys.time_stamping import HttpAuthority

        password = chosen.password.get_secret_value() if chosen.password else ""
        return HttpAuthority(
            chosen.url,
            auth=(chosen.user, password) if chosen.user else None,
            timeout=chosen.timeout_seconds,
            # Those that the sealed file is judged by: a token that leads to none of them is refused at the first
            # signature and not when everybody has signed.
            anchors=(*self.authority_roots, *self.keys().trust_anchors),
            clock=self.clock,
        )

    @cached_property
    def authority_roots(self) -> tuple[x509.Certificate, ...]:
        """Of the outside time-stamp authority in use, as the settings name them. Raises `KeyUnavailable`."""
        chosen = self.settings.time_stamps
        if chosen.url is None or chosen.trust is None:
            return ()
        from signing_core.keys.public import read_authorities

        return read_authorities(self.resolve(chosen.trust))

    @property
    def time_stamp_anchors(self) -> tuple[x509.Certificate, ...]:
        """The roots of all outside time-stamp authorities that were ever used. Raises `KeyUnavailable`."""
        return tuple(dict.fromkeys((*self.authority_roots, *self.keys().authorities)))

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which times are shown to people."""
        return ZoneInfo(self.settings.time_zone)

    def resolve(self, setting: Path) -> Path:
        """A path of the settings, relative ones being relative to the workspace."""
        return self.path / setting

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def _keys(self) -> KeyRing:
        from signing_core.keys import passphrase
        from signing_core.keys.ring import KeyRing

        chosen = self.settings.keys
        secret = passphrase.find(self.resolve(chosen.passphrase_file))
        return KeyRing.open(self.resolve(chosen.folder), secret, self._key_settings(), clock=self.clock)

    def _stored(self, key: str) -> str:
        with reading(self.engine) as connection:
            return str(connection.execute(_STORED, {"wanted": key}).scalar_one())

    def _key_settings(self) -> KeySettings:
        from signing_core.keys.settings import KeySettings, TokenSettings

        chosen = self.settings.keys
        tokens = {
            name: TokenSettings(
                module=token.module,
                token_label=token.token_label,
                key_label=token.key_label,
                pin_file=token.pin_file and self.resolve(token.pin_file),
                pin_variable=token.pin_variable,
                certificate_file=token.certificate_file and self.resolve(token.certificate_file),
            )
            for name, token in chosen.tokens.items()
        }
        return KeySettings(
            base_url=self.settings.base_url,
            one_time_lifetime=timedelta(minutes=chosen.one_time_lifetime_minutes),
            crl_lifetime=timedelta(days=chosen.crl_lifetime_days),
            tokens=tokens,
        )

    def _make_tables(self) -> None:
        migrations.bring_up_to_date(self.engine)
        # The same id in the marker and the database: so a second try knows a server database as its own.
        mine = (self.path / _UNFINISHED).read_text()
        with writing(self.engine) as connection:
            found = connection.execute(_STORED, {"wanted": "id"}).scalar()
            if found is None:
                origin = self.settings.audit_log.origin or f"{self.settings.host}/log/{mine}"
                rows = [{"key": "id", "value": mine}, {"key": "log_origin", "value": origin}]
                connection.execute(sa.insert(schema.settings), rows)
            elif found != mine:
                raise UsageError("The database of database_url belongs to another workspace; name a new, empty one.")
        for folder in ("objects", "outbox", "locks", "secrets"):
            make_folder(self.path / folder)

    def _make_keys(self, country: str | None, first_party: str | None, work: int | None) -> None:
        from signing_core.keys import passphrase, register, vault
        from signing_core.keys.ring import KeyRing

        chosen = self.settings.keys
        file = self.resolve(chosen.passphrase_file)
        if not os.environ.get(passphrase.VARIABLE) and not file.exists():
            passphrase.create_file(file)
            self.passphrase_made = True
        ring = KeyRing.create(
            self.resolve(chosen.folder),
            passphrase.find(file),
            organisation=self.settings.organisation,
            clock=self.clock,
            country=country,
            first_party=first_party,
            settings=self._key_settings(),
            work=work or vault.DEFAULT_WORK,
        )
        with writing(self.engine) as connection:
            for ca, purpose, certificate in ring.issued():
                register.record_issued(connection, ca, certificate, purpose=purpose)
        self.__dict__["_keys"] = ring


_STORED = sa.select(schema.settings.c.value).where(schema.settings.c.key == sa.bindparam("wanted"))


def _database_url(settings: Settings, path: Path) -> sa.URL:
    url = sa.make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        return url.set(database=str(path / (url.database or "database.sqlite")))
    return url


def _refuse_existing(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file; name a folder for the workspace.")
    if (path / FILE_NAME).exists():
        raise UsageError(f"There is a workspace in {path} already; choose another folder.")
    if not (path / _UNFINISHED).exists():
        taken = [name for name in _OURS if (path / name).exists()]
        if taken:
            raise UsageError(f"{path} holds {taken[0]}, which a workspace would use; choose another folder.")


def _start_again(path: Path) -> None:
    """Mark the folder as unfinished, or clear what an unfinished creation left in it."""
    if not (path / _UNFINISHED).exists():
        write_file(path / _UNFINISHED, secrets.token_hex(8).encode())
        return
    for name in _OURS:
        if (path / name).is_dir():
            shutil.rmtree(path / name)
        else:
            (path / name).unlink(missing_ok=True)
