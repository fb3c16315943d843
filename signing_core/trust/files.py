"""A trust store from files and folders that a person names."""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from signing_core.errors import UsageError
from signing_core.keys.headed_pem import HouseName, blocks, heading
from signing_core.pdf import trusted_lists
from signing_core.pki import x509_certificates
from signing_core.trust import vouching
from signing_core.trust.house import ED25519, House, Part
from signing_core.trust.store import TrustStore

_VERIFIER_KEY: Final = re.compile(rb"^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)\s*$", re.MULTILINE)
"""A C2SP signed-note verifier key: name, key hash, base64 of type and key."""
_LARGEST: Final = 64 * 1024 * 1024


def given(paths: Iterable[Path], what: str) -> list[tuple[Path, bytes]]:
    """The files named, and those below folders named. Raises `UsageError` for what cannot be read or is too large."""
    found = []
    for path in paths:
        try:
            inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
            if inside == [path] and path.stat().st_size > _LARGEST:
                raise UsageError(f"The {what} {path} is too large to be one; check that it is the right file.")
            found += [(p, p.read_bytes()) for p in inside if p.stat().st_size <= _LARGEST]
        except OSError as error:
            raise UsageError(f"The {what} {path} cannot be read: {error.strerror}; check its path.") from error
    return found


def load_trust(paths: Iterable[Path], *, own: str | None = None) -> TrustStore:
    """From files and folders: X.509 certificates (PEM, DER), Ed25519 public keys (PEM, DER), C2SP verifier keys, and European
    trusted lists (XML; see `pdf.trusted_lists`).

    A folder may hold other files, which are passed over; a file that is named and holds nothing usable is refused with
    `UsageError`, and so are private keys and every trusted list that is not whole. The signature of a list is held against
    the scheme operators' X.509 certificates among those given. The files of one folder are one source: two that say different
    things of a house are refused, see `TrustStore`; and so is a part of a house that its company CA did not vouch for.
    """
    paths = list(paths)
    lists: list[tuple[Path, bytes]] = []
    sources: dict[Path, TrustStore] = {}
    for path, content in given(paths, "trust anchor"):
        if trusted_lists.looks_like_one(content) or (path in paths and trusted_lists.is_xml(content)):
            lists.append((path, content))
            continue
        found = parse(content, name=str(path))
        if path in paths and not found:
            raise UsageError(_unusable(path, content))
        sources[path.parent] = sources.get(path.parent, TrustStore()).joined(found)
    for path in paths:
        held = [store for folder, store in sources.items() if folder == path or path in folder.parents]
        if path.is_dir() and not any(held) and not any(path in file.parents for file, _ in lists):
            raise UsageError(
                f"The folder {path} holds no trust anchor: no X.509 certificate and no Ed25519 public key in PEM or DER; name the right one."
            )
    for source in sources.values():
        source.check()
        for house in source.houses:
            vouching.check(house)
    store = sum(sources.values(), TrustStore())
    operators = _certificates(*store.every)
    read = tuple(trusted_lists.read(content, name=str(path), operators=operators) for path, content in lists)
    return replace(store, own=own, lists=read)


def load_certificates(paths: Iterable[Path]) -> tuple[bytes, ...]:
    """DER of the X.509 certificates in files and folders, whatever is said above them. Raises `UsageError` like `load`."""
    paths = list(paths)
    found: list[bytes] = []
    for path, content in given(paths, "X.509 certificate"):
        held = _certificates(*parse(content, name=str(path)).every)
        if path in paths and not held:
            raise UsageError(f"The file {path} holds no X.509 certificate in PEM or DER.")
        found += held
    return tuple(dict.fromkeys(found))


def parse(content: bytes, *, name: str) -> TrustStore:
    """One file's content; empty when there is nothing usable in it. Raises `UsageError` for a private key."""
    loose: list[Part] = []
    houses: dict[HouseName, list[Part]] = {}
    seals = Path(name).stem == "seal" or Path(name).stem.startswith("seal-")
    for block in blocks(content):
        if block.label.endswith("PRIVATE KEY"):
            raise UsageError(f"{name} holds a private key; give the public key or the X.509 certificate instead.")
        body = block.der()
        bare = _content(body) if body is not None else None
        if bare is None:
            continue
        if block.house is None:
            loose.append(Part(block.purpose or ("seal" if seals else None), bare))
        else:
            houses.setdefault(block.house, []).append(Part(block.purpose, bare, block.used_from, block.voucher))
    if not loose and not houses and (bare := _content(content)) is not None:
        loose.append(Part("seal" if seals else None, bare))
    for _, _, encoded in _VERIFIER_KEY.findall(content):
        raw = base64.b64decode(encoded + b"=" * (-len(encoded) % 4))
        if len(raw) == 33 and raw[0] == 1:  # C2SP signed-note: 0x01 is Ed25519
            loose.append(Part("checkpoint", raw[1:]))
    return TrustStore(
        tuple(House(house.id, house.name, tuple(parts)) for house, parts in houses.items()),
        House("", "", tuple(dict.fromkeys(loose))),
    )


def written(house: House) -> bytes:
    """A house as PEM with its headings, as `parse` reads it."""
    text = ""
    for part in house.parts:
        if part.purpose is not None:
            text += heading(part.purpose, HouseName(house.id, house.name), part.used_from, part.voucher)
            label = "PUBLIC KEY" if part.is_key else "CERTIFICATE"
            lines = textwrap.fill(base64.b64encode(part.der).decode(), 64)
            text += f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n\n"
    return text.encode()


def _content(body: bytes) -> bytes | None:
    """What a `Part` holds of a DER structure: an X.509 certificate as it is, of a public key its octets."""
    if body.startswith(ED25519):
        return body[len(ED25519) :] if len(body) == len(ED25519) + 32 else None
    return body if x509_certificates.parse(body) is not None else None


def _certificates(*houses: House) -> list[bytes]:
    return [part.content for house in houses for part in house.parts if not part.is_key]


def _unusable(path: Path, content: bytes) -> str:
    if b"-----BEGIN " in content and not blocks(content):
        return f"{path} holds no complete PEM block; export it again."
    return f"The trust anchor {path} is neither an X.509 certificate nor an Ed25519 public key in PEM or DER."
