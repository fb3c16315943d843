"""Bounds that settings may not go beyond, known to who keeps to them as well."""

from __future__ import annotations

from typing import Final

MOST_UPLOAD_MEGABYTES: Final = 100
"""Of a file that is to be signed, in units of 1,000,000 bytes."""
