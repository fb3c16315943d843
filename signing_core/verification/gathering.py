"""X.509 certificates and revocation data from every corner of one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from signing_core.pki.x509_certificates import X509
from signing_core.verification.cms import Cms
from signing_core.verification.examination import Examined
from signing_core.verification.revocation import Material, material
from signing_core.verification.validation_data import Store


def _structures(examined: Sequence[Examined]) -> Iterator[Cms]:
    """The CMS structures of signatures and of all their time-stamps."""
    for item in examined:
        if item.structure is not None:
            yield item.structure
        for token in (*item.signature_time_stamps, *item.content_time_stamps):
            if token.token is not None:
                yield token.token.structure


def certificates(examined: Sequence[Examined], others: tuple[X509, ...]) -> tuple[X509, ...]:
    """What chains may be built from: those in the signatures, then `others`, each once."""
    found: dict[X509, None] = {}
    for structure in _structures(examined):
        found.update(dict.fromkeys(structure.certificates))
    return tuple(dict.fromkeys((*found, *(c for e in examined for c in e.certificates), *others)))


def revocation_data(examined: Sequence[Examined], stores: Sequence[Store]) -> Material:
    """CRLs and OCSP responses in the file, in signatures, time-stamps and document security stores."""
    crls: dict[bytes, None] = {}
    ocsps: dict[bytes, None] = {}
    sources: list[Cms | Store] = [*_structures(examined), *stores]
    for source in sources:
        crls.update(dict.fromkeys(source.crls))
        ocsps.update(dict.fromkeys(source.ocsps))
    return material(crls, ocsps)
