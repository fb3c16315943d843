"""What can be set: environment (`SEALTRAIL_...`), then `sealtrail.toml` in the workspace, then the defaults here.

A table of the file becomes a prefix in the environment: `host` under `[mail]` is `SEALTRAIL_MAIL__HOST`. Relative paths
are relative to the workspace. Secrets may stand in the file (it is made readable by its owner only), better in the
environment.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from signing_core.errors import UsageError

FILE_NAME = "sealtrail.toml"

CODE_LIFETIME = timedelta(minutes=5)
"""How long a confirmation code is valid. Fixed: the authenticity certificate and the messages say so."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Mail(_Table):
    """E-mail over SMTP; without `host`, messages go to the outbox folder."""

    host: str | None = None
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: SecretStr | None = None
    sender: str = "Sealtrail <sealtrail@localhost>"
    """The From address."""
    timeout_seconds: float = Field(default=20, gt=0, le=300)


class Sms(_Table):
    """SMS through an HTTP gateway; with `none`, messages go to the outbox folder."""

    kind: Literal["none", "json", "twilio"] = "none"
    url: str | None = None
    user: str | None = None
    """The account id for `twilio`; the user of HTTP basic authentication for `json`."""
    password: SecretStr | None = None
    token: SecretStr | None = None
    """A bearer token, for `json`."""
    sender: str | None = None
    timeout_seconds: float = Field(default=20, gt=0, le=300)

    @model_validator(mode="after")
    def _complete(self) -> Sms:
        if self.kind == "json" and not self.url:
            raise ValueError("kind json needs url")
        if self.kind == "twilio" and not (self.user and self.password and self.sender):
            raise ValueError("kind twilio needs user, password and sender")
        return self


class TimeStamps(_Table):
    """RFC 3161 time-stamps; without `url` the workspace's embedded authority makes them, and is marked as such."""

    url: str | None = None
    user: str | None = None
    password: SecretStr | None = None
    trust: Path | None = None
    """PEM or DER of the authority's root X.509 certificate."""
    timeout_seconds: float = Field(default=20, gt=0, le=300)


class Token(_Table):
    """One key on a PKCS#11 token."""

    module: Path
    token_label: str
    key_label: str
    pin_file: Path | None = None
    pin_variable: str = "SEALTRAIL_TOKEN_PIN"
    certificate_file: Path | None = None


class Keys(_Table):
    """Where keys and passphrase are. `tokens` names keys that live on a PKCS#11 token."""

    folder: Path = Path("keys")
    passphrase_file: Path = Path("secrets/passphrase")
    """Used when the environment variable SEALTRAIL_PASSPHRASE is not set."""
    one_time_lifetime_minutes: int = Field(default=60, ge=5, le=1440)
    crl_lifetime_days: int = Field(default=7, ge=1, le=90)
    tokens: dict[Literal["ca", "first-party", "seal", "time-stamp", "qr", "checkpoint"], Token] = {}


class Links(_Table):
    """Links, codes and reminders."""

    lifetime_days: int = Field(default=14, ge=1, le=365)
    resends_per_hour: int = Field(default=5, ge=1, le=100)
    codes_per_hour: int = Field(default=8, ge=1, le=100)
    reminder_days: tuple[int, ...] = (3, 7, 12)
    """Days after a link was sent at which its party is reminded."""

    @field_validator("reminder_days")
    @classmethod
    def _ascending(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(day < 1 for day in value) or list(value) != sorted(set(value)):
            raise ValueError("needs different days, from 1 on, in ascending order")
        return value

    @property
    def lifetime(self) -> timedelta:
        return timedelta(days=self.lifetime_days)


class Limits(_Table):
    """Sizes and lifetimes of documents."""

    document_lifetime_days: int = Field(default=60, ge=1, le=3650)
    """From sending to expiry, when not all have signed."""
    upload_megabytes: int = Field(default=64, ge=1, le=1024)
    attachment_megabytes: float = Field(default=15, gt=0, le=100)
    """A larger file is offered as a download link instead of being attached."""
    download_days: int = Field(default=30, ge=1, le=365)
    sent_messages_days: int = Field(default=90, ge=0, le=3650)
    """How long completion messages are kept as they were sent."""

    @property
    def attachment_bytes(self) -> int:
        return int(self.attachment_megabytes * 1_000_000)

    @property
    def upload_bytes(self) -> int:
        return self.upload_megabytes * 1_000_000

    @property
    def document_lifetime(self) -> timedelta:
        return timedelta(days=self.document_lifetime_days)


class AuditLog(_Table):
    """The audit log's checkpoints and witnesses."""

    origin: str | None = Field(default=None, pattern=r"^[^\s+]{1,200}$")
    """The log's name in checkpoints (C2SP tlog-checkpoint): a URL without scheme, unique; only read when the workspace is
    created. By default public_host/log/WORKSPACE_ID."""
    checkpoint_seconds: int = Field(default=60, ge=1, le=3600)
    anchor_minutes: int = Field(default=60, ge=1, le=1440)
    witnesses: tuple[str, ...] = ()
    """Base URLs of C2SP tlog-witness servers."""
    witness_keys: tuple[str, ...] = ()
    """Their verifier keys, as C2SP signed-note vkeys."""
    signer_state: Path = Path("secrets/checkpoint-signer.json")
    """Outside the database on purpose; put it where a restore of the database does not bring it back."""


class Access(_Table):
    """Who may use the dashboard when people log in to it; all other roles are granted there."""

    administrators: tuple[str, ...] = ()
    """E-mail addresses, as the OpenID provider verified them."""


class Settings(BaseSettings):
    """Everything that can be set. `Settings.load(workspace)` is the way to get one."""

    model_config = SettingsConfigDict(
        env_prefix="SEALTRAIL_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    organisation: str = Field(default="Sample Company", min_length=1, max_length=200)
    language: Literal["en", "de"] = "en"
    phone_region: str = Field(default="DE", pattern=r"^[A-Z]{2}$")
    """ISO 3166 country whose numbers may be written without a country code."""
    time_zone: str = "UTC"
    """IANA name of the zone in which messages and certificates show times, always with their offset."""
    base_url: str = Field(default="http://localhost:8501", pattern=r"^https?://[^/\s?#]+(/[^\s?#]*)?$")
    """Where the public pages are: links in messages start with it."""
    public_host: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.-]+(:[0-9]{1,5})?$")
    """The host in QR codes and in the log's name; by default the one of base_url."""
    database_url: str = "sqlite:///database.sqlite"
    objects_url: str = "objects"
    outbox_folder: Path = Path("outbox")
    mail: Mail = Mail()
    sms: Sms = Sms()
    time_stamps: TimeStamps = TimeStamps()
    keys: Keys = Keys()
    links: Links = Links()
    limits: Limits = Limits()
    audit_log: AuditLog = AuditLog()
    access: Access = Access()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError):
            raise ValueError(f"{value} is no time zone that this machine knows, such as Europe/Berlin") from None
        return value

    @field_validator("base_url")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @property
    def host(self) -> str:
        """The host (and port, if not the usual one) that QR codes name."""
        return self.public_host or self.base_url.partition("://")[2].partition("/")[0]

    @classmethod
    def load(cls, workspace: Path, **overrides: Any) -> Settings:
        """The settings of the workspace at `workspace`; `overrides` come before everything else.

        Raises `UsageError` naming the file (or the variable) and the key.
        """
        file = workspace / FILE_NAME
        values = _read(file)
        given = _file_values.set(values)
        try:
            return cls(**overrides)
        except ValidationError as error:
            raise UsageError(_sentence(error, file, values, overrides)) from None
        except SettingsError as error:
            raise UsageError(f"A SEALTRAIL_ environment variable cannot be read: {error}.") from None
        finally:
            _file_values.reset(given)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, InitSettingsSource(settings_cls, dict(_file_values.get({})))


_file_values: ContextVar[Mapping[str, Any]] = ContextVar("file_values")
"""What `Settings.load` read, for the sources that pydantic-settings builds from the class alone."""


def initial_file(values: Mapping[str, Any]) -> str:
    """The text of a new workspace's `sealtrail.toml`."""
    lines = ["# Settings of this Sealtrail workspace; docs/settings.md describes them all.", ""]
    lines += [f"{key} = {_toml(value)}" for key, value in values.items() if not isinstance(value, Mapping)]
    for key, table in values.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{key}]", *(f"{name} = {_toml(value)}" for name, value in table.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(part) for part in value) + "]"
    if isinstance(value, (bool, int, float, str)):
        # TOML's basic strings, numbers and booleans are JSON's, but for the escape of DEL.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    raise UsageError(f"A value of the kind {type(value).__name__} cannot be written to {FILE_NAME}.")


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not TOML: {error}; correct it and try again.") from None
    except RecursionError:
        raise UsageError(f"{file} is not TOML: it is nested too deeply; correct it and try again.") from None
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None


def _sentence(error: ValidationError, file: Path, values: Mapping[str, Any], overrides: Mapping[str, Any]) -> str:
    """One sentence about the first thing wrong. It never repeats the value, which may be a secret."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = [str(part) for part in first["loc"]]
    key = ".".join(path)
    if _holds(overrides, path):
        where = "the call"
    elif _holds(values, path):
        where = str(file)
    else:
        where = "the environment variable SEALTRAIL_" + "__".join(path).upper()
    if first["type"] == "extra_forbidden":
        return f"There is no setting {key} (from {where}); correct its name or remove it."
    reason = first["msg"].removeprefix("Value error, ")
    return f"The setting {key} from {where} cannot be used: {reason[:1].lower()}{reason[1:]}."


def _holds(values: Mapping[str, Any], path: list[str]) -> bool:
    """Whether the value at `path`, or the nearest thing above it, was given in `values`."""
    inner: Any = values
    for depth, part in enumerate(path):
        if not isinstance(inner, Mapping) or part not in inner:
            return depth > 1
        inner = inner[part]
    return True
