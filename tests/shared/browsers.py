"""A real Chromium, which asks nothing of the network by itself; without one the test is skipped."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

_QUIET = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"]


def chromium(playwright: Any, *switches: str, **options: Any) -> Any:
    """Starts it, with switches of one's own where wanted; whoever starts it closes it."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed")
    return playwright.chromium.launch(
        executable_path=program,
        args=["--no-sandbox", "--disable-gpu", "--disable-sync", *_QUIET, *switches],
        **options,
    )
