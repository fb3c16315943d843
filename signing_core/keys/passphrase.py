"""Where the key ring's passphrase comes from: the environment variable SEALTRAIL_PASSPHRASE, else a file of mode 0600."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from signing_core.errors import KeyUnavailable
from signing_core.keys import files

VARIABLE = "SEALTRAIL_PASSPHRASE"
SHORTEST = 8


def find(file: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """The passphrase from the environment, else from `file` (first line). Raises `KeyUnavailable`."""
    given = (os.environ if environment is None else environment).get(VARIABLE)
    if given:
        return given
    if file is None:
        raise KeyUnavailable(f"No passphrase for the keys: set {VARIABLE} or name a passphrase file in the settings.")
    return read_secret(file, what="The passphrase file")


def read_secret(file: Path, *, what: str) -> str:
    """The first line of a file that nobody but its owner can read. Raises `KeyUnavailable`."""
    data = files.read(file, what=what, limit=4096)
    if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise KeyUnavailable(f"{what} {file} can be read by others; run `chmod 600 {file}` and try again.")
    try:
        text = data.decode().partition("\n")[0].removesuffix("\r")
    except UnicodeDecodeError:
        raise KeyUnavailable(f"{what} {file} is not UTF-8 text.") from None
    if not text:
        raise KeyUnavailable(f"{what} {file} is empty.")
    return text


def create_file(file: Path) -> str:
    """Makes a passphrase of 256 random bits, writes it to `file` (0600) and returns it. Never overwrites."""
    if file.exists():
        raise KeyUnavailable(f"{file} exists already and was not overwritten.")
    text = secrets.token_urlsafe(32)
    files.write_atomically(file, text.encode() + b"\n")
    return text


def check_strength(passphrase: str) -> None:
    if len(passphrase) < SHORTEST:
        raise KeyUnavailable(f"The passphrase has fewer than {SHORTEST} characters; choose a longer one.")
