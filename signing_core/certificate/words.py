"""The words of the authenticity certificate in English and German."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Final

_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "heading": "Authenticity certificate",
        "lead": "This page states how the document above was signed, by whom, and how anybody can check it.",
        "issued_by": "Issued by",
        "issued_at": "Issued",
        "certificate_id": "Certificate id",
        "document": "Document",
        "document_id": "Document id",
        "pages": "Pages",
        "pages_value": "{pages} and this certificate",
        "pages_embedded": "{pages} and this certificate, {n} embedded files",
        "created_at": "Created",
        "author": "Author",
        "file_names": "Original file",
        "more_files": "{name} and {n} more",
        "signed_length": "Length of the signed revision",
        "bytes": "{count} bytes",
        "signed_sha256": "SHA-256 of the signed revision",
        "role_first-party": "First party",
        "role_client": "Client",
        "contact": "Contact",
        "channel_email": "by e-mail",
        "channel_sms": "by text message",
        "link_sent": "Link sent",
        "link_opened": "Link opened",
        "link_opened_first": "Opened {n} times, first",
        "code_sent": "Code {n} sent",
        "code_undelivered": "Code {n} not delivered",
        "code_failed": "Code {n} wrong entry",
        "code_expired": "Code {n} expired",
        "code_confirmed": "Code {n} confirmed",
        "code_locked": "Step locked",
        "codes": "Confirmation code",
        "codes_left_out": "{n} more events, see the audit log",
        "consented": "Consent given",
        "agreed": "Consent text",
        "agreed_value": "version {version}",
        "copy_to": "Copy to",
        "time_stamped": "Time-stamp",
        "mark": "Signature",
        "mark_name": "generated from the name",
        "mark_drawn": "drawn by hand",
        "mark_uploaded": "uploaded picture",
        "with_stamp": "with company stamp",
        "ip_address": "IP address",
        "device": "Device",
        "x509": "X.509 certificate, SHA-256",
        "not_recorded": "not recorded",
        "no_picture": "no picture recorded",
        "evidence": "Time and keys",
        "authority": "Time-stamp authority",
        "embedded": "embedded",
        "embedded_note": "its time rests on the issuer's own clock",
        "seal": "Seal, X.509 certificate SHA-256",
        "qr_key": "QR key id",
        "log_sequence": "Audit log entry",
        "verify": "How to verify",
        "verify_phone": "**Phone.** Scan the code. The page it opens must be on **{host}**: any other address is a copy of this page.",
        "verify_file": "**File.** Upload it there, or run `sealtrail verify FILE`. Its first {count} bytes have the SHA-256 above: `head -c {length} FILE | sha256sum`",
        "verify_paper": "**Paper only.** `sealtrail scan PHOTO` checks the code without a network. That proves this certificate, not the pages above it: compare title, pages and parties, and ask for the file.",
        "address": "The code as text",
        "summary": "Authenticity certificate {certificate_id} for document {document_id}, “{title}”, {pages} pages. "
        "Signed by {parties}. SHA-256 of the signed revision ({count} bytes): {sha256}. Issued by {organisation} on {issued}. "
        "An accessible version is at https://{host}/v/.",
        "summary_party": "{name} ({role}, {time})",
    },
    "de": {
        "heading": "Echtheitszertifikat",
        "lead": "Diese Seite hält fest, wie das vorstehende Dokument unterzeichnet wurde, von wem, und wie sich das prüfen lässt.",
        "issued_by": "Ausgestellt von",
        "issued_at": "Ausgestellt",
        "certificate_id": "Zertifikatsnummer",
        "document": "Dokument",
        "document_id": "Dokumentnummer",
        "pages": "Seiten",
        "pages_value": "{pages} und dieses Zertifikat",
        "pages_embedded": "{pages} und dieses Zertifikat, {n} eingebettete Dateien",
        "created_at": "Erstellt",
        "author": "Verfasst von",
        "file_names": "Ursprüngliche Datei",
        "more_files": "{name} und {n} weitere",
        "signed_length": "Länge der signierten Fassung",
        "bytes": "{count} Bytes",
        "signed_sha256": "SHA-256 der signierten Fassung",
        "role_first-party": "Erste Partei",
        "role_client": "Kunde",
        "contact": "Kontakt",
        "channel_email": "per E-Mail",
        "channel_sms": "per SMS",
        "link_sent": "Link versandt",
        "link_opened": "Link geöffnet",
        "link_opened_first": "{n}-mal geöffnet, zuerst",
        "code_sent": "Code {n} versandt",
        "code_undelivered": "Code {n} nicht zugestellt",
        "code_failed": "Code {n} falsche Eingabe",
        "code_expired": "Code {n} abgelaufen",
        "code_confirmed": "Code {n} bestätigt",
        "code_locked": "Schritt gesperrt",
        "codes": "Bestätigungscode",
        "codes_left_out": "{n} weitere Ereignisse, siehe Audit-Log",
        "consented": "Zustimmung",
        "agreed": "Zustimmungstext",
        "agreed_value": "Fassung {version}",
        "copy_to": "Kopie an",
        "time_stamped": "Zeitstempel",
        "mark": "Unterschrift",
        "mark_name": "aus dem Namen erzeugt",
        "mark_drawn": "von Hand gezeichnet",
        "mark_uploaded": "hochgeladenes Bild",
        "with_stamp": "mit Firmenstempel",
        "ip_address": "IP-Adresse",
        "device": "Gerät",
        "x509": "X.509-Zertifikat, SHA-256",
        "not_recorded": "nicht erfasst",
        "no_picture": "kein Bild erfasst",
        "evidence": "Zeit und Schlüssel",
        "authority": "Zeitstempelstelle",
        "embedded": "eingebaut",
        "embedded_note": "ihre Zeit beruht allein auf der Uhr des Ausstellers",
        "seal": "Siegel, X.509-Zertifikat SHA-256",
        "qr_key": "QR-Schlüssel",
        "log_sequence": "Eintrag im Audit-Log",
        "verify": "So wird geprüft",
        "verify_phone": "**Telefon.** Code scannen. Die Seite, die sich öffnet, muss auf **{host}** liegen: jede andere Adresse ist eine Kopie dieser Seite.",
        "verify_file": "**Datei.** Dort hochladen oder `sealtrail verify DATEI`. Ihre ersten {count} Bytes haben den obigen SHA-256: `head -c {length} DATEI | sha256sum`",
        "verify_paper": "**Nur Papier.** `sealtrail scan FOTO` prüft den Code ohne Netz. Das beweist dieses Zertifikat, nicht die Seiten davor: Titel, Seitenzahl und Parteien vergleichen und die Datei anfordern.",
        "address": "Der Code als Text",
        "summary": "Echtheitszertifikat {certificate_id} für Dokument {document_id}, „{title}“, {pages} Seiten. "
        "Unterzeichnet von {parties}. SHA-256 der signierten Fassung ({count} Bytes): {sha256}. Ausgestellt von {organisation} am {issued}. "
        "Eine barrierefreie Fassung steht unter https://{host}/v/.",
        "summary_party": "{name} ({role}, {time})",
    },
}


def words(language: str) -> Mapping[str, str]:
    """The words in `en` or `de`; English for any other language."""
    return WORDS.get(language, WORDS["en"])


def moment(at: datetime, zone: tzinfo, language: str) -> str:
    """A time to the second in `zone`, always with its offset: `25 Nov 2026, 13:50:01 +01:00`."""
    local = at.astimezone(zone)
    offset = local.strftime("%z")
    date = local.strftime("%d.%m.%Y") if language == "de" else f"{local.day} {_MONTHS_EN[local.month - 1]} {local.year}"
    return f"{date}, {local:%H:%M:%S} {offset[:3]}:{offset[3:5]}"


def count(number: int, language: str) -> str:
    """An integer with the language's thousands separator (a narrow no-break space would be lost when copied)."""
    return f"{number:,}".replace(",", ".") if language == "de" else f"{number:,}"
