"""The `sealtrail` program as a shell runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("sealtrail")


def sealtrail(
    *arguments: object, cwd: Path | None = None, environment: dict[str, str] | None = None, timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    """Runs it to its end; nothing of this process's own SEALTRAIL_ settings reaches it."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("SEALTRAIL_")}
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        cwd=cwd,
        env={**own, **(environment or {})},
    )
