"""Revocation data from files that a person names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from signing_core.errors import UsageError
from signing_core.keys.headed_pem import blocks
from signing_core.pki import der
from signing_core.trust.files import given
from signing_core.verification.crl import parse_crl
from signing_core.verification.ocsp import parse_ocsp
from signing_core.verification.revocation import Material, material


def load(paths: Iterable[Path]) -> Material:
    """CRLs and OCSP responses (DER or PEM) from files and folders. Raises `UsageError` for a named file without any."""
    paths = list(paths)
    crls: list[bytes] = []
    ocsps: list[bytes] = []
    for path, content in given(paths, "revocation data"):
        usable = False
        for body in [body for block in blocks(content) if (body := block.der()) is not None] or [content]:
            try:
                der.read(body)
            except der.DerError:
                continue
            if parse_crl(body) is not None:
                crls.append(body)
                usable = True
            elif parse_ocsp(body) is not None:
                ocsps.append(body)
                usable = True
        if path in paths and not usable:
            raise UsageError(f"The file {path} is neither a CRL nor an OCSP response in PEM or DER.")
    return material(crls, ocsps)
