"""The three phases as a state machine without I/O: `apply(state, command, now) -> (state, events)`."""

from signing_core.flow.machine import apply, draft
from signing_core.flow.values import Channel, Limits, Role, State, Status

__all__ = ["Channel", "Limits", "Role", "State", "Status", "apply", "draft"]
