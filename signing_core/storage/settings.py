"""What can be set: environment (`SEALTRAIL_...`), then `sealtrail.toml` in the workspace, then the defaults here.

A table of the file becomes a prefix in the environment: `host` under `[mail]` is `SEALTRAIL_MAIL__HOST`. Relative paths
are relative to the workspace. Secrets may stand in the file (it is made readable by its owner only), better in the
environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
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
from signing_core.storage import settings_errors, settings_file
from signing_core.storage.bounds import MOST_UPLOAD_MEGABYTES
from signing_core.storage.settings_file import FILE_NAME

_WEB_ADDRESS = r"^https?://[^/\s?#]+(/[^\s?#]*)?$"
_REQUEST_ADDRESS = r"^https?://[^/\s?#]+\S*$"
_LETTER_REGIONS = frozenset(["BZ", "CA", "CL", "CO", "CR", "GT", "MX", "NI", "PA", "PH", "PR", "SV", "US", "VE"])


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Mail(_Table):
    """E-mail over SMTP; without `host`, messages go to the outbox folder."""

    host: str | None = Field(default=None, examples=["mail.example.org"])
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = Field(default=None, examples=["sealtrail"])
    password: SecretStr | None = None
    sender: str = Field(
        default="Sealtrail <sealtrail@localhost>",
        pattern=r"^([^<>\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$",
        description="an e-mail address, with or without a name",
        examples=["Sample Company <signing@example.org>"],
    )
    """The From address."""
    timeout_seconds: float = Field(default=20, gt=0, le=300)


class Sms(_Table):
    """SMS through an HTTP gateway; with `none`, messages go to the outbox folder."""

    kind: Literal["none", "json", "twilio"] = "none"
    url: str | None = Field(
        default=None,
        pattern=_REQUEST_ADDRESS,
        description="the gateway's web address",
        examples=["https://gateway.example/send"],
    )
    user: str | None = Field(default=None, examples=["sealtrail"])
    """The account id for `twilio`; the user of HTTP basic authentication for `json`."""
    password: SecretStr | None = None
    token: SecretStr | None = None
    """A bearer token, for `json`."""
    sender: str | None = Field(default=None, examples=["+4930123456"])
    timeout_seconds: float = Field(default=20, gt=0, le=300)

    @model_validator(mode="after")
    def _complete(self) -> Sms:
        if self.kind == "json" and not self.url:
            raise ValueError('kind json needs url, such as `url = "https://gateway.example/send"` under [sms]')
        if self.kind == "twilio" and not (self.user and self.password and self.sender):
            raise ValueError(
                'kind twilio needs user, password and sender, such as `sender = "+4930123456"` under [sms]'
            )
        return self


class TimeStamps(_Table):
    """RFC 3161 time-stamps; without `url` the workspace's embedded authority makes them, and is marked as such."""

    url: str | None = Field(
        default=None,
        pattern=_REQUEST_ADDRESS,
        description="the authority's web address",
        examples=["https://time-stamps.example/"],
    )
    user: str | None = Field(default=None, examples=["sealtrail"])
    password: SecretStr | None = None
    trust: Path | None = Field(default=None, examples=["secrets/authority-root.pem"])
    """PEM or DER of the authority's root X.509 certificate."""
    timeout_seconds: float = Field(default=20, gt=0, le=300)


class Token(_Table):
    """One key on a PKCS#11 token."""

    module: Path = Field(examples=["/usr/lib/softhsm/libsofthsm2.so"])
    token_label: str = Field(examples=["sealtrail"])
    key_label: str = Field(examples=["seal"])
    pin_file: Path | None = Field(default=None, examples=["secrets/token-pin"])
    pin_variable: str = "SEALTRAIL_TOKEN_PIN"
    certificate_file: Path | None = Field(default=None, examples=["secrets/seal-certificate.pem"])


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
            raise ValueError(
                "it needs different days, from 1 on, in ascending order, such as `reminder_days = [3, 7, 12]`"
            )
        return value

    @property
    def lifetime(self) -> timedelta:
        return timedelta(days=self.lifetime_days)


class Limits(_Table):
    """Sizes and lifetimes of documents."""

    document_lifetime_days: int = Field(default=60, ge=1, le=3650)
    """From sending to expiry, when not all have signed."""
    upload_megabytes: int = Field(default=64, ge=1, le=MOST_UPLOAD_MEGABYTES)
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

    origin: str | None = Field(
        default=None,
        pattern=r"^[^\s+]{1,200}$",
        description="a name of up to 200 characters, without spaces and +",
        examples=["sign.example.org/log/1"],
    )
    """The log's name in checkpoints (C2SP tlog-checkpoint): a URL without scheme, unique; only read when the workspace is
    created. By default public_host/log/WORKSPACE_ID."""
    checkpoint_seconds: int = Field(default=60, ge=1, le=3600)
    anchor_minutes: int = Field(default=60, ge=1, le=1440)
    witnesses: tuple[Annotated[str, Field(pattern=_WEB_ADDRESS)], ...] = Field(
        default=(), description="a list of web addresses", examples=[("https://witness.example",)]
    )
    """Base URLs of C2SP tlog-witness servers."""
    witness_keys: tuple[str, ...] = Field(default=(), examples=[("witness.example/w1+1a2b3c4d+BAbC...",)])
    """Their verifier keys, as C2SP signed-note vkeys."""
    signer_state: Path = Path("secrets/checkpoint-signer.note")
    """Outside the database on purpose; put it where a restore of the database does not bring it back."""


class Network(_Table):
    """What may be asked of other machines beyond what everybody may know of: see `signing_core.network`."""

    crl_hosts: tuple[Annotated[str, Field(pattern=r"^[a-z0-9._:\[\]-]+$")], ...] = Field(
        default=(),
        description="a list of hosts in small letters, with or without a port",
        examples=[("crl.example.internal:8080",)],
    )
    """Hosts of CRLs of bought keys and of time-stamp authorities that are in a private network or on another port than 80 and 443."""


class Access(_Table):
    """Who may use the dashboard when people log in to it; all other roles are granted there."""

    administrators: tuple[Annotated[str, Field(pattern=r"^[^\s@]+@[^\s@]+$")], ...] = Field(
        default=(), description="a list of e-mail addresses", examples=[("analyst@example.org",)]
    )
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

    organisation: str = Field(
        default="Sample Company", min_length=1, max_length=200, description="a name of 1 to 200 characters"
    )
    language: Literal["en", "de"] = "en"
    phone_region: str = Field(default="DE", pattern=r"^[A-Z]{2}$", description="a country's two capital letters")
    """ISO 3166 country whose numbers may be written without a country code; its paper is what pictures become pages of."""
    time_zone: str = Field(
        default="UTC", description="the name of a time zone that this machine knows", examples=["Europe/Berlin"]
    )
    """IANA name of the zone in which messages and certificates show times, always with their offset."""
    base_url: str = Field(
        default="http://localhost:8501",
        pattern=_WEB_ADDRESS,
        description="a web address that begins with https:// or http:// and has no space, ? or #",
        examples=["https://sign.example.org"],
    )
    """Where the public pages are: links in messages start with it."""
    public_host: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9.-]+(:[0-9]{1,5})?$",
        description="a host, with a port if it is not the usual one, and without https://",
        examples=["sign.example.org"],
    )
    """The host in QR codes and in the log's name; by default the one of base_url."""
    database_url: str = Field(
        default="sqlite:///database.sqlite",
        pattern=r"^(sqlite|postgresql)(\+[a-z0-9]+)?://\S*$",
        description="the address of an SQLite or PostgreSQL database",
    )
    objects_url: str = "objects"
    outbox_folder: Path = Path("outbox")
    mail: Mail = Mail()
    sms: Sms = Sms()
    time_stamps: TimeStamps = TimeStamps()
    keys: Keys = Keys()
    links: Links = Links()
    limits: Limits = Limits()
    audit_log: AuditLog = AuditLog()
    network: Network = Network()
    access: Access = Access()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError):  # a KeyError where no zone has the name
            raise ValueError(
                'it needs the name of a time zone that this machine knows, such as `time_zone = "Europe/Berlin"`'
            ) from None
        return value

    @field_validator("base_url")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @property
    def paper(self) -> Literal["a4", "letter"]:
        """What pictures become pages of: what is usual where `phone_region` is (CLDR, paperSize)."""
        return "letter" if self.phone_region in _LETTER_REGIONS else "a4"

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
        values = settings_file.read(file)
        given = _file_values.set(values)
        try:
            return cls(**overrides)
        except ValidationError as error:
            raise UsageError(
                settings_errors.sentence(error, cls, file=file, values=values, overrides=overrides)
            ) from None
        except SettingsError:
            raise UsageError(settings_errors.unreadable_variable(cls, os.environ)) from None
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
