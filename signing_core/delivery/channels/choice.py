"""The channels that the settings name."""

from __future__ import annotations

import re
from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Final

from signing_core.delivery.channels.folder import FolderChannel
from signing_core.delivery.channels.interface import Channel, Channels, Sender
from signing_core.errors import UsageError

if TYPE_CHECKING:
    from signing_core.storage.settings import Mail, Settings, Sms
    from signing_core.storage.workspace import Workspace

_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


def channels_of(workspace: Workspace) -> Channels:
    """The channels of a workspace, made once for each pass or kept for the life of a worker."""
    return from_settings(workspace.settings, workspace.path)


def from_settings(settings: Settings, base: Path) -> Channels:
    """A way out for e-mail and one for SMS; the outbox folder (relative to `base`) where nothing is set.

    Raises `UsageError` naming the setting that does not fit.
    """
    folder = FolderChannel(base / settings.outbox_folder)
    return Channels(email=_mail(settings.mail, folder), sms=_sms(settings.sms, folder), sender=sender_of(settings))


def sender_of(settings: Settings) -> Sender:
    """Who the mail is from: the setting `mail.sender`, under the organisation's name when it has none of its own."""
    name, address = parseaddr(settings.mail.sender)
    if not settings.mail.sender.isprintable() or not _ADDRESS.fullmatch(address):
        raise UsageError("The setting mail.sender is not an address; write Name <name@example.org>.")
    return Sender(address, name or settings.organisation)


def _mail(mail: Mail, folder: FolderChannel) -> Channel:
    if mail.host is None:
        return folder
    from signing_core.delivery.channels.smtp import SmtpChannel

    return SmtpChannel(
        mail.host,
        mail.port,
        security=mail.security,
        user=mail.user,
        password=mail.password.get_secret_value() if mail.password else None,
        timeout=mail.timeout_seconds,
    )


def _sms(sms: Sms, folder: FolderChannel) -> Channel:
    if sms.kind == "none":
        return folder
    password = sms.password.get_secret_value() if sms.password else None
    if sms.kind == "json":
        from signing_core.delivery.channels.sms_json import JsonSmsChannel

        return JsonSmsChannel(
            sms.url or "",
            token=sms.token.get_secret_value() if sms.token else None,
            user=sms.user,
            password=password,
            sender=sms.sender,
            timeout=sms.timeout_seconds,
        )
    from signing_core.delivery.channels.sms_twilio import API, TwilioSmsChannel

    return TwilioSmsChannel(
        sms.user or "", password or "", sms.sender or "", url=sms.url or API, timeout=sms.timeout_seconds
    )
