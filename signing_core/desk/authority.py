"""Which time-stamp authority a workspace uses: the one in its settings, else the embedded one, which is marked as such."""

from __future__ import annotations

from signing_core.keys.interface import TimeStampAuthority
from signing_core.storage.workspace import Workspace


def time_stamps(workspace: Workspace) -> TimeStampAuthority:
    """The authority to ask; whether it answers is seen when it is asked."""
    chosen = workspace.settings.time_stamps
    ring = workspace.keys()
    if chosen.url is None:
        return ring.time_stamp_authority
    from signing_core.keys.time_stamping import HttpAuthority
    from signing_core.keys.trust import load_anchors

    anchors = load_anchors([workspace.resolve(chosen.trust)]) if chosen.trust else None
    auth = (chosen.user, chosen.password.get_secret_value()) if chosen.user and chosen.password else None
    return HttpAuthority(chosen.url, auth=auth, timeout=chosen.timeout_seconds, trust_anchors=anchors)
