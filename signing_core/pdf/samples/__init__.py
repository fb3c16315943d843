"""A service contract that a company might really sign, in English and German, for demonstrations and tests.

The text is this project's own. It is a sample and no legal advice; the people and companies in it do not exist.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from signing_core.pdf import templates
from signing_core.pdf.templates import TemplateField

FIELDS: Final = (
    TemplateField("number"),
    TemplateField("provider"),
    TemplateField("provider_address"),
    TemplateField("provider_signatory"),
    TemplateField("client"),
    TemplateField("client_address"),
    TemplateField("services"),
    TemplateField("fee"),
    TemplateField("payment_days", "integer"),
    TemplateField("start", "date"),
    TemplateField("notice"),
    TemplateField("law"),
    TemplateField("venue"),
)
"""What `template` asks for."""

DATA: Final[Mapping[str, Mapping[str, Any]]] = {
    "en": {
        "number": "2025-0417",
        "provider": "Sample Seals GmbH",
        "provider_address": "Sample Street 1, 12345 Sample City",
        "provider_signatory": "Sample Director, managing director",
        "client": "Sample Client",
        "client_address": "Example Road 22, 54321 Example Town",
        "services": "operation and monthly maintenance of the client's document archive, including monitoring, "
        "security updates and a report on each month",
        "fee": "EUR 1,850.00 per month",
        "payment_days": 14,
        "start": "2025-07-01",
        "notice": "three months'",
        "law": "the Federal Republic of Germany",
        "venue": "Sample City",
    },
    "de": {
        "number": "2025-0417",
        "provider": "Muster Siegel GmbH",
        "provider_address": "Musterstraße 1, 12345 Musterstadt",
        "provider_signatory": "Max Mustermann, Geschäftsführer",
        "client": "Erika Mustermann",
        "client_address": "Beispielweg 22, 54321 Beispielstadt",
        "services": "Betrieb und monatliche Wartung des Dokumentenarchivs des Auftraggebers einschließlich Überwachung, "
        "Sicherheitsaktualisierungen und eines Berichts zu jedem Monat",
        "fee": "1.850,00 EUR im Monat",
        "payment_days": 14,
        "start": "2025-07-01",
        "notice": "drei Monaten",
        "law": "der Bundesrepublik Deutschland",
        "venue": "Musterstadt",
    },
}
"""Values for all of `FIELDS`, by language."""


def template(language: str = "en") -> str:
    """The Typst source of the contract in `en` or `de`, complete in one text."""
    words = json.loads(_read(f"{language}.json"))
    source = _read("service_contract.typ")
    literal = json.dumps(json.dumps(words, ensure_ascii=False), ensure_ascii=False)
    return source.replace("#let words = data.words", f"#let words = json(bytes({literal}))")


def contract_pdf(language: str = "en", data: Mapping[str, Any] | None = None) -> bytes:
    """The contract as a PDF of A4 pages; `data` replaces single values of `DATA`. Raises `DataRefused`."""
    return templates.render(template(language), {**DATA[language], **(data or {})}, FIELDS, language=language)


def _read(file: str) -> str:
    return resources.files(__name__).joinpath(file).read_text(encoding="utf-8")


def encrypted_pdf(source: bytes, password: str) -> bytes:
    """The same pages encrypted with AES-256, for trying what happens to files that cannot be opened."""
    from io import BytesIO

    from pypdf import PdfWriter

    writer = PdfWriter(BytesIO(source))
    writer.encrypt(password, algorithm="AES-256")
    output = BytesIO()
    writer.write(output)
    return output.getvalue()


def overwritten(data: bytes, old: str, new: str) -> bytes:
    """As a forger would do it: `new` over the first place where `old` stands, as an incremental update of the file.

    The signatures stay where they are, and a viewer that checks nothing shows the new text. Raises `LookupError` when `old`
    stands on no page.
    """
    from io import BytesIO

    from pyhanko.pdf_utils import generic
    from pyhanko.pdf_utils.generic import pdf_name
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    index, (left, bottom, right, top) = _where(data, old)
    output = BytesIO(data)
    writer = IncrementalPdfFileWriter(output, strict=False)
    page = writer.root["/Pages"]["/Kids"].raw_get(index)
    leaf = page.get_object()
    kind = {pdf_name("/Type"): "/Font", pdf_name("/Subtype"): "/Type1", pdf_name("/BaseFont"): "/Helvetica-Bold"}
    font = generic.DictionaryObject({key: pdf_name(value) for key, value in kind.items()})
    resources = leaf["/Resources"]
    fonts = generic.DictionaryObject(resources.get("/Font", {}))
    fonts["/Forged"] = writer.add_object(font)
    leaf["/Resources"] = generic.DictionaryObject({**resources, pdf_name("/Font"): fonts})
    size, text = (top - bottom) * 1.07, new.replace("\\", "").replace("(", "").replace(")", "")
    cover = f"1 g {left - 1:.2f} {bottom - 2:.2f} {right - left + 2:.2f} {top - bottom + 4:.2f} re f 0 g"
    shown = f"q {cover} BT /Forged {size:.2f} Tf {left:.2f} {bottom:.2f} Td ({text}) Tj ET Q"
    extra = writer.add_object(generic.StreamObject(stream_data=shown.encode("latin-1")))
    held = leaf.raw_get("/Contents")
    known = held.get_object()
    # What was there is closed off first, so that its coordinates do not hold for what comes after it.
    before = writer.add_object(generic.StreamObject(stream_data=b"q"))
    after = writer.add_object(generic.StreamObject(stream_data=b"Q"))
    parts = list(known) if isinstance(known, generic.ArrayObject) else [held]
    leaf["/Contents"] = generic.ArrayObject([before, *parts, after, extra])
    writer.mark_update(page)
    writer.write_in_place()
    return output.getvalue()


def _where(data: bytes, text: str) -> tuple[int, tuple[float, float, float, float]]:
    """Page (from 0) and box in points, left, bottom, right, top, of the first place of `text`."""
    import pypdfium2

    document = pypdfium2.PdfDocument(data)
    try:
        for index in range(len(document)):
            words = document[index].get_textpage()
            found = words.search(text).get_next()
            if found is not None:
                boxes = [words.get_charbox(found[0] + offset) for offset in range(found[1])]
                lefts, bottoms, rights, tops = zip(*boxes, strict=True)
                return index, (min(lefts), min(bottoms), max(rights), max(tops))
    finally:
        document.close()
    raise LookupError(f"No page holds the text {text}.")
