#!/usr/bin/env python3
"""Checks the evidence folder that it lies in, without the program that made it.

Needs Python 3.9 or newer and the package `cryptography`. Reads only this folder, uses no network, changes nothing.
Exit status: 0 everything that could be checked is right; 1 something is wrong.

    python verify.py [FOLDER]
"""

# ruff: noqa: B905, T201, UP017

from __future__ import annotations

import base64
import hashlib
import json
import struct
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding

HASHES: dict[str, hashes.HashAlgorithm] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}
# What each signature algorithm hashes with: ECDSA (RFC 5758), RSA PKCS #1 v1.5; plain RSA leaves it to the signer.
SIGNATURES = {
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
    "1.2.840.113549.1.1.1": None,
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
}
SIGNED_DATA, TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
MESSAGE_DIGEST, SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.16.2.47"
INTEGER, OCTET_STRING, OBJECT_IDENTIFIER, SEQUENCE, SET, EXPLICIT_0 = 0x02, 0x04, 0x06, 0x30, 0x31, 0xA0


class Wrong(Exception):
    """A check that failed; the message says why."""


def main(folder: Path) -> int:
    steps = [
        ("The files of this folder are those of its manifest", check_files),
        ("The PDF is the one that the completion event names", check_pdf),
        ("The events of the document follow one another without a gap", check_chain),
        ("Every event is in the log that the checkpoint states", check_inclusion),
        ("The checkpoint is signed by the log's key", check_signature),
        ("Witnesses cosigned the checkpoint", check_witnesses),
        ("Time-stamp authorities time-stamped the checkpoint", check_time_stamps),
        ("Personal values open the commitments in the events", check_personal),
    ]
    failed = False
    for number, (title, step) in enumerate(steps, start=1):
        print(f"({number}) {title}")
        try:
            lines, mark = step(folder), "ok"
        except Wrong as reason:
            lines, mark, failed = [str(reason)], "WRONG", True
        except Exception as error:
            lines, mark, failed = [f"cannot be read ({type(error).__name__}: {error})"], "WRONG", True
        for line in lines:
            print(f"      {line}")
        print("    " + ("not checked: nothing here to check" if not lines else mark))
    print()
    print("WRONG: at least one check failed." if failed else "All checks passed.")
    if not failed:
        print("Compare the keys in keys/ and certificates/ with a copy from another source: see README.txt.")
    return 1 if failed else 0


# (1) to (3): plain SHA-256


def check_files(folder: Path) -> list[str]:
    wanted = manifest(folder)["files"]
    for name, digest in sorted(wanted.items()):
        if sha256(read(folder, name)) != digest:
            raise Wrong(f"{name} was changed")
    return [f"{len(wanted)} files, SHA-256 each"]


def check_pdf(folder: Path) -> list[str]:
    facts = manifest(folder)
    event = json.loads(dict(events(folder))[facts["file"]["named_by_event"]])
    digest = sha256(read(folder, "document.pdf"))
    if event["type"] != "document.completed" or event["document"] != facts["document_id"]:
        raise Wrong("the event that should name the file is not the document's completion")
    if event["data"]["sha256"] != digest:
        raise Wrong(f"document.pdf has {digest}, event {event['seq']} names {event['data']['sha256']}")
    return [f"SHA-256 {digest}, recorded at {event['time']} as event {event['seq']}"]


def check_chain(folder: Path) -> list[str]:
    previous, document = None, manifest(folder)["document_id"]
    found = events(folder)
    for seq, body in found:
        event = json.loads(body)
        if event["seq"] != seq or event["document"] != document:
            raise Wrong(f"event {seq} is of another document or place")
        if event["prev"] != previous:
            raise Wrong(f"event {seq} does not follow the event before it")
        previous = sha256(body)
    return [f"{len(found)} events, numbers {found[0][0]} to {found[-1][0]} of the log"]


# (4): RFC 6962


def check_inclusion(folder: Path) -> list[str]:
    _, size, root = checkpoint(folder)
    found = events(folder)
    for seq, body in found:
        head, _, note = read(folder, f"proofs/{seq:09}.tlog-proof").decode().partition("\n\n")
        lines = head.split("\n")
        if lines.pop(0) != "c2sp.org/tlog-proof@v1":
            raise Wrong(f"the proof of event {seq} is in another form")
        if lines[0].startswith("extra "):
            lines.pop(0)
        if lines.pop(0) != f"index {seq}" or note_text(note) != note_text(checkpoint_note(folder)):
            raise Wrong(f"the proof of event {seq} is for another event or checkpoint")
        path = [base64.b64decode(line, validate=True) for line in lines]
        if root_from(seq, size, hashlib.sha256(b"\x00" + body).digest(), path) != root:
            raise Wrong(f"event {seq} is not in the log of this checkpoint")
    return [f"{len(found)} inclusion proofs lead to the root at {size} events"]


def root_from(index: int, size: int, value: bytes, path: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.3.2."""
    if index >= size:
        raise Wrong("the event lies outside the checkpoint")
    last = size - 1
    for sibling in path:
        if last == 0:
            raise Wrong("a proof is too long")
        if index & 1 or index == last:
            value = hashlib.sha256(b"\x01" + sibling + value).digest()
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            value = hashlib.sha256(b"\x01" + value + sibling).digest()
        index, last = index >> 1, last >> 1
    if last != 0:
        raise Wrong("a proof is too short")
    return value


# (5) and (6): c2sp.org/signed-note and c2sp.org/tlog-cosignature


def check_signature(folder: Path) -> list[str]:
    origin, size, _ = checkpoint(folder)
    for name, key_id, value in signatures(checkpoint_note(folder)):
        for known, kind, known_id, key in verifier_keys(folder, "keys/log.vkey"):
            if (name, key_id, kind) == (known, known_id, 1) and name == origin:
                verify_ed25519(key, value, note_text(checkpoint_note(folder)))
                return [f"log {origin}, {size} events, key {key_id.hex()}"]
    raise Wrong("no signature is by a key of keys/log.vkey")


def check_witnesses(folder: Path) -> list[str]:
    if not manifest(folder)["witnesses"]:
        return []
    note, lines = read(folder, "checkpoint/cosigned.txt").decode(), []
    if note_text(note) != note_text(checkpoint_note(folder)):
        raise Wrong("the witnesses cosigned another checkpoint")
    for name, key_id, value in signatures(note):
        for known, kind, known_id, key in verifier_keys(folder, "keys/witnesses.vkey"):
            if (name, key_id, kind) == (known, known_id, 4):
                seconds = struct.unpack(">Q", value[:8])[0]
                verify_ed25519(key, value[8:], f"cosignature/v1\ntime {seconds}\n{note_text(note)}")
                lines.append(f"{name} at {datetime.fromtimestamp(seconds, timezone.utc)}")
    missing = set(manifest(folder)["witnesses"]) - {line.partition(" at ")[0] for line in lines}
    if missing:
        raise Wrong(f"no cosignature by {sorted(missing)[0]} verifies")
    return lines


def signatures(note: str) -> Iterator[tuple[str, bytes, bytes]]:
    for line in note.rpartition("\n\n")[2].split("\n")[:-1]:
        dash, name, encoded = line.split(" ")
        raw = base64.b64decode(encoded, validate=True)
        if dash != "\u2014":
            raise Wrong("a signature line has another form")
        yield name, raw[:4], raw[4:]


def verifier_keys(folder: Path, file: str) -> Iterator[tuple[str, int, bytes, Ed25519PublicKey]]:
    for line in read(folder, file).decode().split("\n")[:-1]:
        name, key_id, encoded = line.split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        if hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex() != key_id:
            raise Wrong(f"{file} holds a key whose id is not its own")
        yield name, raw[0], bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(raw[1:])


def verify_ed25519(key: Ed25519PublicKey, signature: bytes, text: str) -> None:
    try:
        key.verify(signature, text.encode())
    except InvalidSignature:
        raise Wrong("a signature does not verify") from None


# (7): RFC 3161


def check_time_stamps(folder: Path) -> list[str]:
    lines = []
    for stamp in manifest(folder)["time_stamps"]:
        time, subject, root = check_token(
            read(folder, stamp["file"]), read(folder, "checkpoint/checkpoint.txt"), anchors(folder, stamp["embedded"])
        )
        whose = "the signing company's own authority, NOT from outside" if stamp["embedded"] else root
        lines.append(f"{time} by {subject} ({whose})")
    return lines


def anchors(folder: Path, embedded: bool) -> list[x509.Certificate]:
    file = folder / "certificates" / ("anchors.pem" if embedded else "time-stamp-authorities.pem")
    return x509.load_pem_x509_certificates(file.read_bytes()) if file.is_file() else []


def check_token(token: bytes, data: bytes, trusted: list[x509.Certificate]) -> tuple[datetime, str, str]:
    """A TimeStampToken (RFC 3161, section 2.4.2) over `data`: its time, signer and root."""
    kind, wrapped = parts(only(token, SEQUENCE), OBJECT_IDENTIFIER, EXPLICIT_0)
    fields = children(only(wrapped, SEQUENCE))
    version, algorithms, encapsulated = (field.of(tag) for field, tag in zip(fields, (INTEGER, SET, SEQUENCE)))
    content_kind, content = parts(encapsulated, OBJECT_IDENTIFIER, EXPLICIT_0)
    info = only(content, OCTET_STRING)
    if (oid(kind), version, oid(content_kind)) != (SIGNED_DATA, b"\x03", TST_INFO):
        raise Wrong("a time-stamp is of another kind")
    # What it states
    stated = children(only(info, SEQUENCE))
    imprint_algorithm, imprint = parts(stated[2].of(SEQUENCE), SEQUENCE, OCTET_STRING)
    if digest(hash_named(imprint_algorithm), data) != imprint:
        raise Wrong("a time-stamp is over another checkpoint")
    time = datetime.strptime(stated[4].of(0x18).decode()[:14], "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
    # Who signed it
    signer = children(only(fields[-1].of(SET), SEQUENCE))
    certificates = [x509.load_der_x509_certificate(one.whole) for one in children(fields[3].of(EXPLICIT_0))]
    issuer, serial = children(signer[1].of(SEQUENCE))
    found = [
        one
        for one in certificates
        if (one.issuer.public_bytes(), one.serial_number) == (issuer.whole, int.from_bytes(serial.of(INTEGER), "big"))
    ]
    if not found or signer[0].of(INTEGER) != b"\x01":
        raise Wrong("a time-stamp does not hold the certificate of its signer")
    certificate = found[0]
    # The signature, over the attributes, over the content. The attributes are signed as a SET OF (RFC 5652, section 5.4).
    algorithm = hash_named(signer[2].of(SEQUENCE))
    if only(algorithms, SEQUENCE) != signer[2].content:
        raise Wrong("a time-stamp names two hash algorithms")
    attributes = {}
    for attribute in children(signer[3].of(EXPLICIT_0)):
        name, values = parts(attribute.of(SEQUENCE), OBJECT_IDENTIFIER, SET)
        attributes[oid(name)] = values
    if only(attributes[MESSAGE_DIGEST], OCTET_STRING) != digest(algorithm, info):
        raise Wrong("the content of a time-stamp was changed")
    signature_kind = children(signer[4].of(SEQUENCE))[0].of(OBJECT_IDENTIFIER)
    if SIGNATURES.get(oid(signature_kind), "unknown") not in (None, algorithm.name):
        raise Wrong(f"a time-stamp uses the signature {oid(signature_kind)}, which is not accepted")
    message = bytes([SET]) + signer[3].whole[1:]
    if not signed_by(certificate.public_key(), signer[5].of(OCTET_STRING), message, algorithm):
        raise Wrong("the signature of a time-stamp does not verify")
    if SIGNING_CERTIFICATE_V2 in attributes:  # RFC 5035: which certificate was meant
        listed = children(only(attributes[SIGNING_CERTIFICATE_V2], SEQUENCE))[0].of(SEQUENCE)
        named = children(children(listed)[0].of(SEQUENCE))
        meant = hash_named(named.pop(0).content) if named[0].tag == SEQUENCE else hashes.SHA256()
        if named[0].of(OCTET_STRING) != digest(meant, certificate.public_bytes(Encoding.DER)):
            raise Wrong("a time-stamp names another certificate than it holds")
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if [one.dotted_string for one in usage] != ["1.3.6.1.5.5.7.3.8"]:
        raise Wrong("the certificate of a time-stamp is not for time-stamping alone")
    if not certificate.not_valid_before_utc <= time <= certificate.not_valid_after_utc:
        raise Wrong("the certificate of a time-stamp was not valid at its time")
    return time, certificate.subject.rfc4514_string(), chain_root(certificate, certificates, trusted)


def hash_named(algorithm: bytes) -> hashes.HashAlgorithm:
    name = oid(children(algorithm)[0].of(OBJECT_IDENTIFIER))
    if name not in HASHES:
        raise Wrong(f"a time-stamp uses the hash {name}, which is not accepted")
    return HASHES[name]


def signed_by(key: Any, signature: bytes, message: bytes, algorithm: hashes.HashAlgorithm) -> bool:
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), algorithm)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def chain_root(certificate: x509.Certificate, pool: list[x509.Certificate], trusted: list[x509.Certificate]) -> str:
    for _ in range(8):
        for root in trusted:
            if certificate == root or issued(certificate, root):
                return root.subject.rfc4514_string()
        above = [one for one in pool if one != certificate and issued(certificate, one)]
        if not above:
            break
        certificate = above[0]
    raise Wrong("the certificate of a time-stamp leads to none of those in certificates/")


def issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


# (8): salted hashes


def check_personal(folder: Path) -> list[str]:
    known = json.loads(read(folder, "personal.json"))
    inside = {c for _, body in events(folder) for c in commitments(json.loads(body)["data"])}
    opened = erased = 0
    for commitment in inside:
        value = known.get(commitment, {"erased_at": None})
        if "salt" not in value:
            erased += 1
        elif sha256(bytes.fromhex(value["salt"]) + value["value"].encode()) != commitment:
            raise Wrong(f"the value of commitment {commitment} is another one")
        else:
            opened += 1
    return [f"{opened} values open their commitments, {erased} were erased"] if inside else []


def commitments(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        if set(data) == {"commitment"}:
            yield data["commitment"]
        for value in data.values():
            yield from commitments(value)
    elif isinstance(data, list):
        for value in data:
            yield from commitments(value)


# What the steps share


def read(folder: Path, name: str) -> bytes:
    file = folder / name
    if not file.is_file():
        raise Wrong(f"{name} is missing")
    return file.read_bytes()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def manifest(folder: Path) -> Any:
    return json.loads(read(folder, "manifest.json"))


def events(folder: Path) -> list[tuple[int, bytes]]:
    wanted = [event["seq"] for event in manifest(folder)["events"]]
    return [(seq, read(folder, f"events/{seq:09}.json")) for seq in wanted]


def checkpoint_note(folder: Path) -> str:
    return read(folder, "checkpoint/checkpoint.txt").decode()


def note_text(note: str) -> str:
    return note.rpartition("\n\n")[0] + "\n"


def checkpoint(folder: Path) -> tuple[str, int, bytes]:
    origin, size, root = note_text(checkpoint_note(folder)).split("\n")[:3]
    return origin, int(size), base64.b64decode(root, validate=True)


def digest(algorithm: hashes.HashAlgorithm, data: bytes) -> bytes:
    value = hashes.Hash(algorithm)
    value.update(data)
    return value.finalize()


class Element(NamedTuple):
    """One DER element."""

    tag: int
    content: bytes
    whole: bytes

    def of(self, tag: int) -> bytes:
        """Its content, when it has that tag."""
        if self.tag != tag:
            raise Wrong("a time-stamp is not built as it should be")
        return self.content


def children(data: bytes) -> list[Element]:
    """The DER elements that `data` is made of."""
    found, at = [], 0
    while at < len(data):
        start, tag, length = at, data[at], data[at + 1]
        at += 2
        if length & 0x80:
            count = length & 0x7F
            length, at = int.from_bytes(data[at : at + count], "big"), at + count
        if at + length > len(data):
            raise Wrong("a time-stamp is cut off")
        found.append(Element(tag, data[at : at + length], data[start : at + length]))
        at += length
    return found


def parts(data: bytes, *tags: int) -> list[bytes]:
    """The contents of the elements that `data` is made of, which have these tags."""
    found = children(data)
    if len(found) != len(tags):
        raise Wrong("a time-stamp is not built as it should be")
    return [one.of(tag) for one, tag in zip(found, tags)]


def only(data: bytes, tag: int) -> bytes:
    """The content of the one element that `data` is."""
    return parts(data, tag)[0]


def oid(content: bytes) -> str:
    first = content[0]
    parts, value = [min(first // 40, 2), first - 40 * min(first // 40, 2)], 0
    for byte in content[1:]:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            parts.append(value)
            value = 0
    return ".".join(map(str, parts))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent))
