"""What a party's signature looks like: set from the name, drawn, or uploaded; company stamps; the block that shows them."""

from signing_core.marks.block import appearance
from signing_core.marks.mark import Mark
from signing_core.marks.pictures import stamp, uploaded
from signing_core.marks.stamps import default_stamp
from signing_core.marks.strokes import drawn
from signing_core.marks.written import STYLES, from_name, readable

__all__ = ["STYLES", "Mark", "appearance", "default_stamp", "drawn", "from_name", "readable", "stamp", "uploaded"]
