"""Preservation: the fifth step of a document, PAdES B-LTA (ETSI EN 319 142-1, 5.4 and 5.5).

A document security store (DSS) takes the X.509 certificates and CRLs with which every signature and every time-stamp in
it can be validated without a network, and a document time-stamp over all of it proves that they existed then. What
validates the document time-stamp itself is in the same store wherever its authority is known beforehand; what is not,
follows in a last revision.

To keep a document provable, `preserve` is called again before the document time-stamp's X.509 certificate ends, or its
algorithms become weak: with the certificates and fresh CRLs for that time-stamp, it adds the next one.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SignatureFormField
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp, PdfSignedData

from signing_core.keys.interface import TimeStampAuthority
from signing_core.pdf import cms
from signing_core.pdf.names import TIME_STAMP_FIELD
from signing_core.pdf.update import Signed, Update, append_signature


def preserve(
    data: bytes,
    *,
    certificates: Iterable[x509.Certificate],
    crls: Iterable[bytes],
    time_stamps: TimeStampAuthority,
) -> Signed:
    """The document with validation data and a document time-stamp appended.

    `certificates` are those of all signers, time-stamp authorities and their issuers, `crls` DER CertificateLists
    (RFC 5280, section 5). The certificates that the document time-stamp's token brings along are added by themselves.
    Raises `TimeStampUnavailable` and, for a damaged document, `DocumentRefused`.
    """
    store = _Store([certificate.public_bytes(Encoding.DER) for certificate in certificates], list(crls))
    tokens: list[bytes] = []

    def build(writer: IncrementalPdfFileWriter, room: int) -> PdfSignedData:
        store.write(writer)
        return _time_stamp_field(writer, room)

    def value(digest: bytes) -> bytes:
        tokens.append(cms.time_stamp(digest, time_stamps))
        return tokens[-1]

    stamped = append_signature(data, build, value, room=3_000 if time_stamps.embedded else 8_000)
    store = _Store(cms.certificates_in(tokens[-1]), [])
    output = io.BytesIO(stamped.data)
    writer: IncrementalPdfFileWriter = Update(output)
    if store.write(writer):
        writer.write_in_place()
        return Signed.of(output.getvalue())
    return stamped


class _Store:
    """What goes into the DSS (ETSI EN 319 142-1, 5.4.2); there is no /VRI, which that standard advises against."""

    def __init__(self, certificates: Sequence[bytes], crls: Sequence[bytes]) -> None:
        self._wanted = {"/Certs": list(dict.fromkeys(certificates)), "/CRLs": list(dict.fromkeys(crls))}

    def write(self, writer: IncrementalPdfFileWriter) -> bool:
        """Adds what is not there yet; False when nothing was missing."""
        root = writer.root
        new = "/DSS" not in root
        dss = generic.DictionaryObject({pdf_name("/Type"): pdf_name("/DSS")}) if new else root["/DSS"]
        changed = False
        for key, wanted in self._wanted.items():
            there = dss[key] if key in dss else generic.ArrayObject()
            known = {stream.get_object().read_data(DecodePurpose.CERTIFICATE) for stream in there}
            missing = [content for content in wanted if content not in known]
            if missing:
                there.extend(writer.add_object(_stream(content)) for content in missing)
                dss[pdf_name(key)] = there
                changed = True
        if new:
            root[pdf_name("/DSS")] = writer.add_object(dss)
            writer.update_root()
        elif changed:
            writer.update_container(dss)
        return changed or new


def _stream(content: bytes) -> generic.StreamObject:
    stream = generic.StreamObject(stream_data=content)
    stream.compress()
    return stream


def _time_stamp_field(writer: IncrementalPdfFileWriter, room: int) -> PdfSignedData:
    """A new invisible signature field whose value is the document time-stamp (ETSI EN 319 142-1, 5.4.3)."""
    form: Any = writer.root["/AcroForm"]
    fields = form["/Fields"]
    taken = {field.get_object().get("/T", None) for field in fields}
    name = next(one for one in _names() if one not in taken)
    page = _last_page(writer)
    value = DocumentTimestamp(bytes_reserved=2 * room)
    field = SignatureFormField(name, include_on_page=page)
    field[pdf_name("/V")] = writer.add_object(value)
    reference = writer.add_object(field)
    fields.append(reference)
    writer.update_container(fields)
    field.register_widget_annotation(writer, reference)
    return value


def _names() -> Iterator[str]:
    yield TIME_STAMP_FIELD
    yield from (f"{TIME_STAMP_FIELD}{number}" for number in itertools.count(2))


def _last_page(writer: IncrementalPdfFileWriter) -> generic.IndirectObject:
    kids: generic.ArrayObject = writer.root["/Pages"]["/Kids"]
    last: generic.IndirectObject = kids.raw_get(len(kids) - 1)
    return last
