"""A workspace of realistic documents with planted defects of known kinds: for trying out, demonstrations and tests.

The documents are real: each went through the three phases with its own clock, keys and messages. The list of what was
planted is written outside the workspace, so that no check can read it.
"""

from signing_core.seeding.defects import KINDS, Planted
from signing_core.seeding.make import seed

__all__ = ["KINDS", "Planted", "seed"]
