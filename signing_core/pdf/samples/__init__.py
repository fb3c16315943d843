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
