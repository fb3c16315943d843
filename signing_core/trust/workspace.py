"""The store of a workspace: its own house with all that it ever used, and the houses that it was told of."""

from __future__ import annotations

from signing_core.errors import KeyUnavailable
from signing_core.keys.ring_folder import HOUSES, PUBLIC, read_description
from signing_core.storage.workspace import Workspace
from signing_core.trust.files import load_trust
from signing_core.trust.store import TrustStore


def of_workspace(workspace: Workspace) -> TrustStore:
    """From the public parts beside the key ring; no passphrase is needed. Raises `KeyUnavailable`, `UsageError`."""
    folder = workspace.resolve(workspace.settings.keys.folder)
    own = read_description(folder).house
    store = load_trust((folder / name for name in (PUBLIC, HOUSES) if (folder / name).is_dir()), own=own)
    if store.own_house is None:
        # Nothing believed would pass as nothing to be believed.
        raise KeyUnavailable(
            f"The public parts of the key ring are missing from {folder / PUBLIC}; restore them from your backup."
        )
    return store
