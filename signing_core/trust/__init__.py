"""What is believed: one store of houses, each with everything that was ever its own, and what each part is for.

Every judge (verification, scan, log, portal, pipelines, dashboard, notebooks) is given a `TrustStore` and puts nothing
together by itself; a workspace's is `trust.workspace.of_workspace`.
"""

from signing_core.trust.files import load_trust
from signing_core.trust.house import House, Part, Purpose
from signing_core.trust.store import TrustStore

__all__ = ["House", "Part", "Purpose", "TrustStore", "load_trust"]
