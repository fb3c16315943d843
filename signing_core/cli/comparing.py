"""`sealtrail verify --compare`: what each signer saw, beside the file as it is now."""

from __future__ import annotations

from pathlib import Path

import click

from signing_core.errors import UsageError
from signing_core.verdict import DocumentVerdict
from signing_core.verification.batch import Limits
from signing_core.verification.comparison.apart import write_apart
from signing_core.verification.comparison.files import folder_name


class Comparing:
    """`--compare`: one folder for one document, numbered folders in it for several. Only what is signed is compared."""

    def __init__(self, folder: Path, total: int, limits: Limits, password: str | None, language: str) -> None:
        self._folder = folder
        self._total = total
        self._limits = limits
        self._password = password
        self._language = language
        self._count = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"The folder {folder} cannot be made: {error.strerror}; choose another one.") from error

    def add(self, verdict: DocumentVerdict) -> None:
        self._count += 1
        if verdict.path is None or not verdict.signatures:
            return
        name = folder_name(verdict.path, self._count, self._total) if self._total > 1 else ""
        why_not = write_apart(
            verdict.path,
            self._folder / name,
            verdict,
            limits=self._limits,
            password=self._password,
            language=self._language,
        )
        if why_not:
            click.echo(f"sealtrail: {verdict.path} was not compared: {why_not}.", err=True)
