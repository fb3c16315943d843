"""Sets the authenticity certificate: one page of the document's paper, ready to become the appearance of the seal's signature field."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Any, Final

from signing_core import typesetting
from signing_core.certificate import qr_writer
from signing_core.certificate.facts import CertificateData, PartyFacts, Picture
from signing_core.certificate.words import count, moment, words
from signing_core.pdf.geometry import A4

_MAX_CODE_ROWS: Final = 7
_ROWS_PT: Final = 191.0
"""Height that a page of A4 has for a party's rows."""
_ONE_LINE: Final = 0.74
"""Height of a row in its type size, from the capitals' top to the base line."""
_TWO_LINES: Final = 2.0
"""The same with a second line below."""
_ROW_SIZES: Final = (
    (8.0, 7.4),
    (8.0, 6.4),
    (7.8, 5.4),
    (7.8, 4.4),
    (7.4, 4.0),
    (7.1, 3.2),
    (7.1, 2.0),
)
_SHORT: Final = 30
"""Values up to this many characters fit their line in any script of the house; longer ones are measured."""
_JOINERS: Final = "\u200c\u200d"
"""Zero-width joiner and non-joiner: part of how Persian and Indic names are spelled."""
_URL_SPACE_PT: Final = 366.0
_MONO_EM: Final = 0.6
"""Width of every mono character."""
_URL_LINES: Final = 4
_LEAST_PT: Final = 6.5
"""Of any type on the page."""


def typeset(data: CertificateData, qr_text: str, language: str, *, tagged: bool = False) -> bytes:
    """The page as a PDF of one page, as large as `data.paper` says, with `qr_text` as QR code and as text; `language` is `en` or `de`.

    The same facts give the same bytes. `tagged` adds a structure tree, for the copy that is read as a page of its own
    and not as an appearance. Raises `TypesettingFailed` when a picture is damaged, `UsageError` when `qr_text` cannot be
    a QR code.
    """
    template = _template()
    return typesetting.compile_pdf(template, _inputs(data, qr_text, language), created_at=data.issued_at, tagged=tagged)


def summary(data: CertificateData, language: str) -> str:
    """The page in a few sentences of plain text: the /TU entry of the seal's field (ISO 32000-2, table 226)."""
    say = words(language)
    parties = "; ".join(
        say["summary_party"].format(
            name=_clean(party.name),
            role=say[f"role_{party.role}"],
            time=moment(party.time_stamped_at, data.zone, language) if party.time_stamped_at else say["not_recorded"],
        )
        for party in data.parties
    )
    return say["summary"].format(
        certificate_id=data.certificate_id,
        document_id=data.document_id,
        title=_clean(data.title),
        pages=data.pages,
        parties=parties,
        count=count(data.signed_length, language),
        sha256=data.signed_sha256,
        organisation=_clean(data.organisation),
        issued=moment(data.issued_at, data.zone, language),
        host=data.host,
    )


def pages(data: CertificateData, language: str) -> str:
    """How many pages the document has, and what else is in the file."""
    key = "pages_embedded" if data.embedded_files else "pages_value"
    return words(language)[key].format(pages=data.pages, n=data.embedded_files)


def file_names(data: CertificateData, language: str) -> str | None:
    """What the author's files were called, in one line."""
    if not data.file_names:
        return None
    first, more = _shown(data.file_names[0]), len(data.file_names) - 1
    return words(language)["more_files"].format(name=first, n=more) if more else first


def link_opened(party: PartyFacts, language: str) -> str:
    """What the time of the first opening is called."""
    say = words(language)
    return (
        say["link_opened_first"].format(n=party.link_openings) if (party.link_openings or 0) > 1 else say["link_opened"]
    )


@functools.cache
def _template() -> str:
    return typesetting.load_template("signing_core.certificate", "page.typ")


@functools.cache
def _ribbon() -> str:
    return typesetting.load_template("signing_core.certificate", "ribbon.svg")


def _inputs(data: CertificateData, qr_text: str, language: str) -> dict[str, Any]:
    say = words(language)
    symbol = qr_writer.write(qr_text)
    lines, line_size = _url_lines(qr_text)
    parties = [_party(party, data, language) for party in data.parties]
    return {
        "language": language,
        "paper": list(data.paper),
        "words": dict(say),
        "fonts": {
            "text": typesetting.text_families(),
            "mono": typesetting.mono_families(),
            "display": typesetting.display_families(),
        },
        "ribbon": _ribbon(),
        "footer": [data.host, f"{say['document_id']} {data.document_id}"],
        "heading_title": f"{say['heading']} {data.certificate_id}",
        "organisation": _shown(data.organisation),
        "issued_at": moment(data.issued_at, data.zone, language),
        "certificate_id": data.certificate_id,
        "document_id": data.document_id,
        "title": _shown(data.title),
        "pages": pages(data, language),
        "author": _shown(data.author) if data.author else None,
        "file_names": file_names(data, language),
        "created_at": moment(data.created_at, data.zone, language) if data.created_at else None,
        "signed_length": say["bytes"].format(count=count(data.signed_length, language)),
        "signed_sha256": data.signed_sha256,
        "parties": parties,
        "rows": _row_size(parties, _ROWS_PT + data.paper[1] - A4[1]),
        "authority": None
        if data.time_stamps is None
        else {"name": _shown(data.time_stamps.name), "embedded": data.time_stamps.embedded},
        "seal": data.seal_certificate_sha256,
        "qr_key": data.qr_key_id,
        "log_sequence": None if data.log_sequence is None else count(data.log_sequence, language),
        "verify": [
            _rich(
                say[key],
                host=data.host,
                count=count(data.signed_length, language),
                length=str(data.signed_length),
            )
            for key in ("verify_phone", "verify_file", "verify_paper")
        ],
        "qr": {
            "svg": symbol.svg(),
            "modules": symbol.modules,
            "lines": lines,
            "line_size": line_size,
        },
    }


def _party(party: PartyFacts, data: CertificateData, language: str) -> dict[str, Any]:
    return {
        "role": words(language)[f"role_{party.role}"],
        "name": _shown(party.name),
        "organisation": _shown(party.organisation) if party.organisation else None,
        "mark": _picture(party.mark),
        "stamp": _picture(party.stamp),
        "rows": _rows(party, data, language),
        "x509": party.x509_certificate_sha256,
    }


def _rows(party: PartyFacts, data: CertificateData, language: str) -> list[dict[str, Any]]:
    say = words(language)

    def row(label: str, text: str | None, *, lines: int = 1) -> dict[str, Any]:
        return {
            "label": label,
            "value": {"text": text, "lines": lines, "long": text is not None and len(text) > _SHORT},
        }

    def at(label: str, time: Any) -> dict[str, Any]:
        return row(label, moment(time, data.zone, language) if time else None)

    contact = None
    if party.contact:
        contact = _shown(party.contact, 26) + (f", {say[f'channel_{party.channel}']}" if party.channel else "")
    mark = say[f"mark_{party.mark_kind}"] if party.mark_kind else None
    if mark and party.stamp:
        mark += f", {say['with_stamp']}"
    return [
        row(say["contact"], contact, lines=2),
        at(say["link_sent"], party.link_sent_at),
        at(link_opened(party, language), party.link_opened_at),
        *_code_rows(party, data, language, row),
        at(say["consented"], party.consented_at),
        *([row(say["agreed"], say["agreed_value"].format(version=party.agreed))] if party.agreed else []),
        at(say["time_stamped"], party.time_stamped_at),
        row(say["mark"], mark, lines=2),
        *([row(say["copy_to"], _shown(party.copy_to, 26), lines=2)] if party.copy_to else []),
        row(say["ip_address"], _shown(party.ip_address, 31) if party.ip_address else None, lines=2),
        row(say["device"], _shown(party.device, 26) if party.device else None, lines=2),
    ]


def _row_size(parties: list[dict[str, Any]], room: float) -> tuple[float, float]:
    """Type size and space between rows, in points: the largest of `_ROW_SIZES` at which the longest column fits `room`."""
    for size, lead in _ROW_SIZES:
        if max(sum(size * _lines(row) + lead for row in party["rows"]) for party in parties) - lead <= room:
            return size, lead
    return _ROW_SIZES[-1]


def _lines(row: dict[str, Any]) -> float:
    return _TWO_LINES if row["value"]["long"] and row["value"]["lines"] == 2 else _ONE_LINE


def _code_rows(party: PartyFacts, data: CertificateData, language: str, row: Any) -> list[dict[str, Any]]:
    """One row for each thing that happened to a code; of many, the first two and the last ones."""
    say = words(language)
    if not party.codes:
        return [row(say["codes"], None)]
    rows = [
        row(say[f"code_{event.kind}"].format(n=event.number), moment(event.at, data.zone, language))
        for event in party.codes
    ]
    if len(rows) > _MAX_CODE_ROWS:
        left_out = len(rows) - _MAX_CODE_ROWS + 1
        rows[2 : 2 + left_out] = [row("…", say["codes_left_out"].format(n=left_out))]
    return rows


def _picture(picture: Picture | None) -> str | None:
    return typesetting.picture(picture.media_type, picture.data) if picture else None


def _clean(text: str) -> str:
    """One line without control and direction characters, which could make a name read as something else."""
    kept = (
        " " if c.isspace() else c
        for c in text
        if c.isspace() or c in _JOINERS or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co")
    )
    return " ".join("".join(kept).split())


def _shown(text: str, longest: int = 40) -> str:
    """`_clean`; a word of more than `longest` characters gets places to break, which are seen only where they are used."""
    return " ".join(
        word if len(word) <= longest else "\u200b".join(word[i : i + 8] for i in range(0, len(word), 8))
        for word in _clean(text).split()
    )


def _url_lines(text: str) -> tuple[list[str], float]:
    """The URL in lines of equal length and their type size in points: whoever types it in can count the lines."""
    widest = int(_URL_SPACE_PT / (_LEAST_PT * _MONO_EM))
    each = -(-len(text) // max(_URL_LINES, -(-len(text) // widest)))
    lines = [text[i : i + each] for i in range(0, len(text), each)]
    return lines, min(6.6, _URL_SPACE_PT / (each * _MONO_EM))


_PART = re.compile(r"\*\*(.+?)\*\*|`(.+?)`")


def _rich(sentence: str, **values: str) -> list[dict[str, str]]:
    """Our own sentence with `**bold**` and `` `code` ``, taken apart before the values go in."""
    parts: list[dict[str, str]] = []
    end = 0
    for found in _PART.finditer(sentence):
        parts.append({"style": "plain", "text": sentence[end : found.start()]})
        parts.append({"style": "bold" if found[1] else "code", "text": found[1] or found[2]})
        end = found.end()
    parts.append({"style": "plain", "text": sentence[end:]})
    return [{"style": part["style"], "text": part["text"].format(**values)} for part in parts if part["text"]]
