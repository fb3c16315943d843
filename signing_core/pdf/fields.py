"""Filling a signature field of a prepared document: the part that signing and sealing share."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.form_tools import enumerate_fields_in
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import SigMDPSetup
from pyhanko.sign.signers.pdf_byterange import BuildProps, PdfSignedData, SignatureObject

from signing_core.errors import DocumentRefused, StepNotAllowed
from signing_core.keys.interface import SigningKey, TimeStampAuthority
from signing_core.pdf import cms
from signing_core.pdf.geometry import upright
from signing_core.pdf.names import PRODUCER
from signing_core.pdf.prepare import FieldBox
from signing_core.pdf.update import Signed, append_signature

_CMS_BYTES: Final = 1_100  # a P-256 or RSA-4096 SignerInfo with its attributes, without certificates
_DEVICE_COLOURS: Final = {1: "/DeviceGray", 3: "/DeviceRGB"}
_TOKEN_BYTES: Final = {True: 3_000, False: 8_000}  # by whether the authority is the embedded one


def fill(
    data: bytes,
    *,
    field: str,
    key: SigningKey,
    time_stamps: TimeStampAuthority,
    appearance: bytes,
    summary: str,
    signed_at: datetime,
    reason: str | None,
    name: str | None,
    mdp: SigMDPSetup | None,
) -> Signed:
    """Signs into the empty signature field called `field`.

    `appearance` is a PDF of one page, drawn upright into the field; `summary` is what a program that reads to people
    gets in its place. Raises `StepNotAllowed` when there is no such field or it is filled, else as `append_signature`.
    """
    picture = PdfFileReader(io.BytesIO(appearance))

    def build(writer: IncrementalPdfFileWriter, room: int) -> PdfSignedData:
        if (
            "/OutputIntents" not in writer.root
        ):  # what has one may be PDF/A, where it alone says what device colours are
            _name_device_colours(picture)
        reference = _empty_field(writer, field)
        dictionary = reference.get_object()
        dictionary[pdf_name("/AP")] = generic.DictionaryObject(
            {pdf_name("/N"): _appearance(writer, picture, dictionary, summary)}
        )
        value = SignatureObject(
            timestamp=signed_at,
            subfilter=SigSeedSubFilter.PADES,
            name=name,
            reason=reason,
            app_build_props=BuildProps(PRODUCER),
            bytes_reserved=2 * room,
        )
        value_reference = writer.add_object(value)
        dictionary[pdf_name("/V")] = value_reference
        writer.mark_update(reference)
        if mdp is not None:
            mdp.apply(value_reference, writer)
        return value

    return append_signature(
        data,
        build,
        lambda digest: cms.signature(digest, key=key, time_stamps=time_stamps),
        room=_room(key, time_stamps),
    )


def box(data: bytes, field: str) -> FieldBox:
    """Page and size of a signature field, filled or not. Raises `StepNotAllowed` when there is no such field."""
    with _readable():
        reader = PdfFileReader(io.BytesIO(data))
        for _, _, reference in enumerate_fields_in(
            _fields(reader.root), with_name=field, target_field_type="/Sig", refs_seen=set()
        ):
            return _box(reader, field, reference.get_object())
    raise StepNotAllowed(f"The document has no signature field {field}; prepare it first.")


def _box(reader: PdfFileReader, field: str, dictionary: generic.DictionaryObject) -> FieldBox:
    page = dictionary.raw_get("/P").reference
    kids = reader.root["/Pages"]["/Kids"]
    index = next(i for i in range(len(kids)) if kids.raw_get(i).reference == page)
    unit = float(page.get_object().get("/UserUnit", 1))
    x0, y0, x1, y1 = (float(edge) * unit for edge in dictionary["/Rect"])
    width, height = (x1 - x0, y1 - y0) if _turn(dictionary) in (0, 180) else (y1 - y0, x1 - x0)
    return FieldBox(field, index + 1, round(width, 3), round(height, 3))


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (PdfError, KeyError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise DocumentRefused(
            "The document is damaged or was not prepared for signing; create it again.", code="damaged"
        ) from error


def _room(key: SigningKey, time_stamps: TimeStampAuthority) -> int:
    certificates = (key.certificate, *key.chain)
    return (
        _CMS_BYTES + _TOKEN_BYTES[time_stamps.embedded] + sum(len(c.public_bytes(Encoding.DER)) for c in certificates)
    )


def _empty_field(writer: IncrementalPdfFileWriter, field: str) -> generic.IndirectObject:
    for _, value, reference in enumerate_fields_in(
        _fields(writer.root), with_name=field, target_field_type="/Sig", refs_seen=set()
    ):
        if value is not None:
            raise StepNotAllowed(f"The signature field {field} is filled already.")
        found: generic.IndirectObject = reference
        return found
    raise StepNotAllowed(f"The document has no signature field {field}; prepare it first.")


def _fields(root: generic.DictionaryObject) -> generic.ArrayObject:
    try:
        fields: generic.ArrayObject = root["/AcroForm"]["/Fields"]
        return fields
    except KeyError:
        raise StepNotAllowed("The document has no signature fields; prepare it first.") from None


def _appearance(
    writer: IncrementalPdfFileWriter, picture: PdfFileReader, field: generic.DictionaryObject, summary: str
) -> generic.IndirectObject:
    """The appearance stream (ISO 32000-2, 12.5.5): the picture inside a marked span that says `summary`."""
    inner = writer.import_page_as_xobject(picture)
    x0, y0, x1, y1 = (float(edge) for edge in inner.get_object()["/BBox"])
    width, height = x1 - x0, y1 - y0
    matrix, _, _ = upright(_turn(field), width, height)
    spoken = (b"\xfe\xff" + summary.encode("utf-16-be")).hex().encode("ascii")
    content = b"/Span <</ActualText <%s>>> BDC q 1 0 0 1 %s %s cm /Picture Do Q EMC" % (
        spoken,
        _number(-x0),
        _number(-y0),
    )
    stream = generic.StreamObject(
        {
            pdf_name("/Type"): pdf_name("/XObject"),
            pdf_name("/Subtype"): pdf_name("/Form"),
            pdf_name("/BBox"): _array(0, 0, width, height),
            pdf_name("/Matrix"): _array(*matrix),
            pdf_name("/Resources"): generic.DictionaryObject(
                {pdf_name("/XObject"): generic.DictionaryObject({pdf_name("/Picture"): inner})}
            ),
        },
        stream_data=content,
    )
    return writer.add_object(stream)


def _name_device_colours(picture: PdfFileReader) -> None:
    """sRGB and its grey are named as device colours instead of by ICC profile, which viewers show alike.

    Building the profiles' tables is nearly half of what it takes to render a certificate page, again for every document
    that is verified.
    """
    _, resources = picture.find_page_for_modification(0)
    spaces = resources.get_object().get("/ColorSpace", None)
    for key in list(spaces or ()):
        space = spaces[key]
        if isinstance(space, generic.ArrayObject) and len(space) == 2 and space[0] == "/ICCBased":
            components = space[1].get("/N", None)
            if components in _DEVICE_COLOURS:
                spaces[pdf_name(key)] = pdf_name(_DEVICE_COLOURS[components])


def _turn(field: generic.DictionaryObject) -> int:
    characteristics: Any = field.get("/MK", None)
    return int(characteristics.get("/R", 0)) if characteristics else 0


def _array(*values: float) -> generic.ArrayObject:
    return generic.ArrayObject([generic.FloatObject(_number(value).decode()) for value in values])


def _number(value: float) -> bytes:
    return f"{round(value, 4):.4f}".rstrip("0").rstrip(".").encode()
