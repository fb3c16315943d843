"""The service over the flow: storage, keys and delivery around the state machine."""

from signing_core.desk.creating import NewDocument
from signing_core.desk.desk import Desk
from signing_core.desk.party_steps import OpenedLink
from signing_core.desk.people import Author, Origin, Signer

__all__ = ["Author", "Desk", "NewDocument", "OpenedLink", "Origin", "Signer"]
