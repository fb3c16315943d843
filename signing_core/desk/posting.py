"""Which channels a workspace's settings ask for; the outbox folder where they ask for none."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parseaddr

from signing_core.delivery.channels.folder import FolderChannel
from signing_core.delivery.channels.interface import Channel, Sender
from signing_core.errors import UsageError
from signing_core.storage.settings import Settings
from signing_core.storage.workspace import Workspace


def sender(settings: Settings) -> Sender:
    """Who the mail is from. Raises `UsageError` when the setting is no address."""
    name, address = parseaddr(settings.mail.sender)
    if "@" not in address:
        raise UsageError("The setting sender under [mail] is no e-mail address; write Name <address@example.org>.")
    return Sender(address, name or settings.organisation)


def channels(workspace: Workspace) -> Mapping[str, Channel]:
    """The way out for `email` and for `sms`."""
    folder = FolderChannel(workspace.resolve(workspace.settings.outbox_folder))
    return {"email": _email(workspace.settings) or folder, "sms": _sms(workspace.settings) or folder}
