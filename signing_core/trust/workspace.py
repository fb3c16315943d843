"""The store of a workspace: its own house with all that it ever used, and the houses that it was told of."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Final

from signing_core.errors import KeyUnavailable
from signing_core.keys.ring_folder import HOUSES, PUBLIC, published, read_description
from signing_core.storage.workspace import Workspace
from signing_core.trust.files import load_trust
from signing_core.trust.store import TrustStore

_READ: Final[dict[Path, tuple[Hashable, TrustStore]]] = {}
"""By folder: what was published when it was read, and the store. Steps and pages ask many times a second."""


def of_workspace(workspace: Workspace) -> TrustStore:
    """From the public parts beside the key ring; no passphrase is needed. The same object until something is published, by
    whatever process. Raises `KeyUnavailable`, `UsageError`."""
    folder = workspace.resolve(workspace.settings.keys.folder).absolute()
    state = published(folder)
    known = _READ.get(folder)
    if known is None or known[0] != state:
        known = _READ[folder] = (state, _read(folder))
    return known[1]


def _read(folder: Path) -> TrustStore:
    own = read_description(folder).house
    store = load_trust((folder / name for name in (PUBLIC, HOUSES) if any((folder / name).glob("*"))), own=own)
    if store.own_house is None:
        # Nothing believed would pass as nothing to be believed.
        raise KeyUnavailable(
            f"The public parts of the key ring are missing from {folder / PUBLIC}; restore them from your backup."
        )
    return store
