"""Values that several queries ask for."""

from typing import Final

UNDECIDED: Final = ("open", "proposed")
"""States of a finding that is not closed; named one by one, so that an index finds them."""
