"""The second reader: zbar, an independent implementation, for pages that we rendered ourselves and nothing else.

zbar-py carries C code with CVE-2023-40889 (a heap overflow that a crafted picture can reach), so no upload and no
foreign file ever comes here. It is the extra `zbar`; without it the second reading is reported as not done.
"""

from __future__ import annotations

import importlib.util
from typing import Final

from PIL import Image

from signing_core.certificate.readers import pictures
from signing_core.certificate.readers.interface import FoundCode
from signing_core.errors import UsageError

MAX_PIXELS: Final = 40_000_000
_ONLY_QR: Final = [
    ("ZBAR_NONE", "ZBAR_CFG_ENABLE", 0),
    ("ZBAR_QRCODE", "ZBAR_CFG_ENABLE", 1),
    ("ZBAR_NONE", "ZBAR_CFG_POSITION", 1),
]


class ZbarReader:
    """Only for pictures made by `signing_core.pdf.render` of our own documents."""

    @property
    def name(self) -> str:
        from importlib.metadata import version  # costly to load, and seldom asked for

        return f"zbar-py {version('zbar-py')}" if self.unavailable is None else "zbar-py"

    @property
    def unavailable(self) -> str | None:
        if importlib.util.find_spec("zbar") is None:
            return "The second QR reader is not installed; install the extra sealtrail[zbar], which needs a C compiler."
        return None

    def read(self, image: Image.Image) -> list[FoundCode]:
        """See `QrReader.read`."""
        if self.unavailable is not None:
            raise UsageError(self.unavailable)
        if image.width * image.height > MAX_PIXELS:
            raise UsageError(f"The page has {image.width} x {image.height} pixels, too many for the second QR reader.")
        import numpy as np
        import zbar

        found = []
        for symbol in zbar.Scanner(_ONLY_QR).scan(np.ascontiguousarray(pictures.grey(image))):
            across, down = [float(x) for x, _ in symbol.position], [float(y) for _, y in symbol.position]
            left, top, right, bottom = min(across), min(down), max(across), max(down)
            corners = ((left, top), (right, top), (right, bottom), (left, bottom))
            found.append(FoundCode(symbol.data.decode("utf-8", "replace"), "QRCode", corners, "plain"))
        return found
