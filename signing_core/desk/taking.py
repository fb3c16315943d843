"""Who takes steps: a workspace, its clock, and the one way from a command to a transaction."""

from __future__ import annotations

from collections.abc import Mapping

from signing_core.desk import steps
from signing_core.desk.people import Origin
from signing_core.flow import State
from signing_core.flow import commands as c
from signing_core.flow.commands import EventType
from signing_core.storage.workspace import Workspace


class TakesSteps:
    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.clock = workspace.clock

    def _take(
        self,
        document_id: str,
        make: steps.Make,
        *,
        actor: str,
        origin: Origin | None = None,
        remarks: Mapping[EventType, steps.Remarks] | None = None,
        before: steps.Before | None = None,
        also: steps.Also | None = None,
    ) -> steps.Taken:
        """The step that `make` prepares from the document's state in the same transaction."""
        return steps.take(
            self.workspace,
            document_id,
            make,
            actor=actor,
            now=self.clock(),
            origin=origin,
            remarks=remarks,
            before=before,
            also=also,
        )

    def _take_command(
        self,
        document_id: str,
        command: c.Command,
        *,
        actor: str,
        origin: Origin | None = None,
        remarks: Mapping[EventType, steps.Remarks] | None = None,
    ) -> State:
        """The step of a command that is known before the document is looked at."""
        reason = command.reason.strip() if isinstance(command, c.Decline | c.Void) else ""
        prepared = steps.Prepared(command, reason=reason)
        return self._take(document_id, lambda _: prepared, actor=actor, origin=origin, remarks=remarks).state
