"""The channels that the settings name."""

from __future__ import annotations

from email.utils import parseaddr
from pathlib import Path

from email_validator import EmailNotValidError, validate_email

from signing_core.delivery.channels.folder import FolderChannel
from signing_core.delivery.channels.interface import Channel, Sender
from signing_core.errors import UsageError
from signing_core.storage.settings import Mail, Settings, Sms


def channels(settings: Settings, workspace: Path) -> dict[str, Channel]:
    """A channel for `email` and one for `sms`; the outbox folder (relative to `workspace`) where nothing is set."""
    folder = FolderChannel(workspace / settings.outbox_folder)
    return {
        "email": _mail(settings.mail, folder),
        "sms": _sms(settings.sms, folder),
    }


def sender(settings: Settings) -> Sender:
    """Who the mail is from. Raises `UsageError` when the setting is no address."""
    name, address = parseaddr(settings.mail.sender)
    try:
        valid = validate_email(
            address, check_deliverability=False, allow_smtputf8=False, test_environment=True, globally_deliverable=False
        )
    except EmailNotValidError:
        raise UsageError("The setting mail.sender is not an address; write Name <name@example.org>.") from None
    return Sender(valid.ascii_email or valid.normalized, name or settings.organisation)


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
    """httpx takes a tenth of a second to import: only who sends by a gateway pays for it."""
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
