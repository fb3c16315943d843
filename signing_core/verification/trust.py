"""What a verifier was given to believe in: anchors, our seals, public keys for QR codes and checkpoints.

Material is plain bytes and parsed X.509 certificates, so that it goes to worker processes as it is.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from signing_core.errors import UsageError
from signing_core.keys.headed_pem import blocks
from signing_core.pdf import trusted_lists
from signing_core.pki import der
from signing_core.pki.x509_certificates import X509
from signing_core.pki.x509_certificates import parse as parse_x509
from signing_core.verification.crl import parse_crl
from signing_core.verification.issuer_signatures import issued_by
from signing_core.verification.listed import NOTHING_LISTED, Listed, from_list
from signing_core.verification.ocsp import parse_ocsp
from signing_core.verification.revocation import Material, material

_ED25519_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")
_VERIFIER_KEY: Final = re.compile(rb"^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)\s*$", re.MULTILINE)
"""A C2SP signed-note verifier key: name, key hash, base64 of type and key."""
_MAX_FILE: Final = 64 * 1024 * 1024


@dataclass(frozen=True)
class Trust:
    """Nothing given: who signed is then not established, and `trust` is `unknown`."""

    anchors: frozenset[X509] = frozenset()
    others: tuple[X509, ...] = ()
    """Certificates that help to build chains and are not trusted for themselves."""
    seals: frozenset[bytes] = frozenset()
    """SHA-256 of X.509 certificates that are our seal, besides those our own authority issued for sealing."""
    statement_keys: tuple[bytes, ...] = ()
    """Raw Ed25519 public keys (32 octets) for QR payloads and checkpoints."""
    listed: Listed = NOTHING_LISTED
    """Services of European trusted lists, which are anchors while they were granted."""

    def __add__(self, other: Trust) -> Trust:
        return Trust(
            self.anchors | other.anchors,
            tuple(dict.fromkeys(self.others + other.others)),
            self.seals | other.seals,
            tuple(dict.fromkeys(self.statement_keys + other.statement_keys)),
            self.listed + other.listed,
        )


def _files(paths: Iterable[Path], what: str) -> list[tuple[Path, bytes]]:
    found = []
    for path in paths:
        try:
            inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
            if inside == [path] and path.stat().st_size > _MAX_FILE:
                raise UsageError(f"The {what} {path} is too large to be one; check that it is the right file.")
            found += [(p, p.read_bytes()) for p in inside if p.stat().st_size <= _MAX_FILE]
        except OSError as error:
            raise UsageError(f"The {what} {path} cannot be read: {error.strerror}; check its path.") from error
    return found


def _blocks(content: bytes) -> list[tuple[str | None, bytes]]:
    """(what it is said to be for, DER) of the PEM blocks; a file without any is taken as DER."""
    return [(block.purpose, body) for block in blocks(content) if (body := block.der()) is not None] or [
        (None, content)
    ]


def load(paths: Iterable[Path]) -> Trust:
    """From files and folders: X.509 certificates (PEM, DER), Ed25519 public keys (PEM), C2SP verifier keys, and European
    trusted lists (XML; see `pdf.trusted_lists`).

    Certification authorities become anchors. Other certificates are anchors only when nothing else that was given issued
    them; those that a line above says to be a seal (`keys.headed_pem`), or in a file called `seal.pem` (or `seal-....pem`, `.der`,
    `.crt`), are our seals. So the folder `public` of a key ring can be given as it is. A folder may hold other files, which are passed over; a file that is named and holds
    nothing usable is refused with `UsageError`, and so is every trusted list that is not whole. The signature of a list is
    held against the scheme operators' X.509 certificates among those given, which are no anchors.
    """
    paths = list(paths)
    lists: list[tuple[Path, bytes]] = []
    found: dict[X509, None] = {}
    seals: set[bytes] = set()
    keys: dict[bytes, None] = {}
    for path, content in _files(paths, "trust anchor"):
        if trusted_lists.looks_like_one(content) or (path in paths and trusted_lists.is_xml(content)):
            lists.append((path, content))
            continue
        usable = False
        for purpose, body in _blocks(content):
            certificate = parse_x509(body)
            if certificate is not None:
                found[certificate] = None
                usable = True
                if purpose == "seal" or path.stem == "seal" or path.stem.startswith("seal-"):
                    seals.add(certificate.sha256)
            elif body.startswith(_ED25519_PREFIX) and len(body) == len(_ED25519_PREFIX) + 32:
                keys[body[len(_ED25519_PREFIX) :]] = None
                usable = True
        for _, _, encoded in _VERIFIER_KEY.findall(content):
            raw = base64.b64decode(encoded + b"=" * (-len(encoded) % 4))
            if len(raw) == 33 and raw[0] == 1:
                keys[raw[1:]] = None
                usable = True
        if path in paths and not usable:
            raise UsageError(
                f"The trust anchor {path} is neither an X.509 certificate nor an Ed25519 public key in PEM or DER."
            )
    given = tuple(certificate.der for certificate in found)
    listed = sum(
        (from_list(trusted_lists.read(content, name=str(path), operators=given)) for path, content in lists), Listed()
    )
    authorities = [certificate for certificate in found if _is_authority(certificate)]
    anchors = {
        certificate
        for certificate in found
        if certificate in authorities
        or not (
            _signs_lists(certificate)
            or any(a.subject_key == certificate.issuer_key and issued_by(certificate, a) for a in authorities)
        )
    }
    return Trust(
        anchors=frozenset(anchors),
        others=tuple(certificate for certificate in found if certificate not in anchors),
        seals=frozenset(seals),
        statement_keys=tuple(keys),
        listed=listed,
    )


def _signs_lists(certificate: X509) -> bool:
    """Whether it is the X.509 certificate of a trusted list's scheme operator, who signs no documents with it."""
    return trusted_lists.TSL_SIGNING in (certificate.extended_key_usage or ())


def _is_authority(certificate: X509) -> bool:
    constraints = certificate.basic_constraints
    return constraints[0] if constraints is not None else certificate.version < 3 and certificate.self_issued


def load_revocation(paths: Iterable[Path]) -> Material:
    """CRLs and OCSP responses (DER or PEM) from files and folders. Raises `UsageError` like `load`."""
    paths = list(paths)
    crls: list[bytes] = []
    ocsps: list[bytes] = []
    for path, content in _files(paths, "revocation data"):
        usable = False
        for _, body in _blocks(content):
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
