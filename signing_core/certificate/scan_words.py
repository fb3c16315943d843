"""What a scan says in words, in English and German: what a code proves, what it does not, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from signing_core.verdict import Severity

SEVERITIES: Final[Mapping[str, Severity]] = {
    "file-unreadable": "error",
    "not-a-picture": "error",
    "too-many-pixels": "error",
    "too-many-bytes": "error",
    "pdf-encrypted": "error",
    "pdf-damaged": "error",
    "no-code": "error",
    "pages-left-out": "warning",
    "qr-foreign": "info",
    "qr-malformed": "error",
    "qr-signature": "error",
    "qr-unknown-key": "warning",
    "qr-host-differs": "error",
    "qr-key-retired": "warning",
    "registry-unknown": "warning",
    "registry-mismatch": "error",
    "document-ended": "warning",
}
"""Every finding that a scan can have. The codes are stable."""

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "proves_issued": "Certificate {certificate_id} for document {document_id} was issued on {issued_at} by the holder of key {key_id} ({key_name}), under the name {issuer}.",
        "proves_prefix": "By then {signers} parties had signed a file that begins with exactly the {length} bytes whose SHA-256 is {sha256}.",
        "proves_registry": "This workspace issued it: “{title}”, {pages} pages, {parties}.",
        "not_pages": "It does not prove that the pages at hand are those of this document. With the file, `sealtrail verify` decides that; on paper, compare every page with a copy that was verified.",
        "not_print": "It does not prove what is printed around the code: title, names and pictures on paper can be changed.",
        "not_compare_registry": "Compare by eye: title “{title}”, {pages} pages, {parties}.",
        "not_compare": "Title, number of pages and parties are not in the code: ask {issuer} for them, or scan with the workspace that issued it, and compare by eye.",
        "not_unknown": "Nothing is proven: the code names {issuer} as its issuer and key {key_id}, which is not among the given keys. Get the key from {issuer} by a way you trust and give it with --trust.",
        "not_invalid": "Nothing is proven: the code is made like a certificate's, but nobody whose key is known signed it. Treat the page as forged or misprinted.",
        "not_foreign": "Nothing is proven: this code is none of an authenticity certificate.",
        "file-unreadable": "The file cannot be read: {detail}. Check path and permissions.",
        "not-a-picture": "This is neither a picture nor a PDF that can be read. Give a photo or scan as JPEG, PNG, WebP, HEIC, TIFF or PDF.",
        "too-many-pixels": "The picture has more pixels than are read ({detail}). Give a smaller one.",
        "too-many-bytes": "The file is larger than {detail}. Give a smaller one.",
        "pdf-encrypted": "The PDF is protected by a password. Save it without and scan again.",
        "pdf-damaged": "The PDF is damaged, so that it cannot be shown. Ask for the file again.",
        "no-code": "No QR code was read. Take the photo closer, straight from above and without reflections.",
        "pages-left-out": "Only the first {detail} pages were looked at.",
        "qr-foreign": "A QR code that is none of an authenticity certificate.",
        "qr-malformed": "The code is made like a certificate's but is not well formed ({detail}).",
        "qr-signature": "The signature in the code does not verify with key {detail}.",
        "qr-unknown-key": "The code was signed with key {detail}, which is not among the given ones.",
        "qr-host-differs": "The printed address leads to {detail}, which is not the issuer. Do not open it: the code may stand on a copied page.",
        "registry-unknown": "This workspace does not know the document.",
        "registry-mismatch": "This workspace knows the document, but issued another certificate or another signed revision for it. Have this looked into.",
        "document-ended": "In this workspace the document is {detail}.",
        "qr-key-retired": "The code was signed with a key that had been replaced on {detail}. Ask the issuer whether it made this certificate.",
        "of_house": "of {house}",
        "given_key": "given",
        "role_first-party": "first party",
        "role_client": "client",
    },
    "de": {
        "proves_issued": "Zertifikat {certificate_id} für Dokument {document_id} wurde am {issued_at} vom Inhaber des Schlüssels {key_id} ({key_name}) unter dem Namen {issuer} ausgestellt.",
        "proves_prefix": "Bis dahin hatten {signers} Parteien eine Datei unterzeichnet, die mit genau den {length} Bytes beginnt, deren SHA-256 {sha256} ist.",
        "proves_registry": "Dieser Workspace hat es ausgestellt: „{title}“, {pages} Seiten, {parties}.",
        "not_pages": "Nicht bewiesen ist, dass die vorliegenden Seiten zu diesem Dokument gehören. Mit der Datei entscheidet das `sealtrail verify`; auf Papier jede Seite mit einer geprüften Kopie vergleichen.",
        "not_print": "Nicht bewiesen ist, was um den Code herum gedruckt ist: Titel, Namen und Bilder auf Papier lassen sich ändern.",
        "not_compare_registry": "Mit dem Auge vergleichen: Titel „{title}“, {pages} Seiten, {parties}.",
        "not_compare": "Titel, Seitenzahl und Parteien stehen nicht im Code: bei {issuer} erfragen oder mit dem ausstellenden Workspace scannen, und mit dem Auge vergleichen.",
        "not_unknown": "Bewiesen ist nichts: der Code nennt {issuer} als Aussteller und den Schlüssel {key_id}, der nicht unter den angegebenen ist. Den Schlüssel auf vertrauenswürdigem Weg von {issuer} holen und mit --trust angeben.",
        "not_invalid": "Bewiesen ist nichts: der Code ist wie der eines Zertifikats gemacht, aber von niemandem signiert, dessen Schlüssel bekannt ist. Die Seite als gefälscht oder fehlerhaft behandeln.",
        "not_foreign": "Bewiesen ist nichts: dieser Code gehört zu keinem Echtheitszertifikat.",
        "file-unreadable": "Die Datei ist nicht lesbar: {detail}. Pfad und Rechte prüfen.",
        "not-a-picture": "Das ist weder ein lesbares Bild noch ein lesbares PDF. Ein Foto oder einen Scan als JPEG, PNG, WebP, HEIC, TIFF oder PDF angeben.",
        "too-many-pixels": "Das Bild hat mehr Pixel, als gelesen werden ({detail}). Ein kleineres angeben.",
        "too-many-bytes": "Die Datei ist größer als {detail}. Eine kleinere angeben.",
        "pdf-encrypted": "Das PDF ist mit einem Passwort geschützt. Ohne Passwort speichern und erneut scannen.",
        "pdf-damaged": "Das PDF ist beschädigt und lässt sich nicht anzeigen. Die Datei neu anfordern.",
        "no-code": "Es wurde kein QR-Code gelesen. Das Foto näher, gerade von oben und ohne Spiegelungen aufnehmen.",
        "pages-left-out": "Nur die ersten {detail} Seiten wurden durchsucht.",
        "qr-foreign": "Ein QR-Code, der zu keinem Echtheitszertifikat gehört.",
        "qr-malformed": "Der Code ist wie der eines Zertifikats gemacht, aber nicht wohlgeformt ({detail}).",
        "qr-signature": "Die Signatur im Code lässt sich mit dem Schlüssel {detail} nicht bestätigen.",
        "qr-unknown-key": "Der Code wurde mit dem Schlüssel {detail} signiert, der nicht unter den angegebenen ist.",
        "qr-host-differs": "Die gedruckte Adresse führt zu {detail}, das ist nicht der Aussteller. Nicht öffnen: der Code kann auf einer kopierten Seite stehen.",
        "registry-unknown": "Dieser Workspace kennt das Dokument nicht.",
        "registry-mismatch": "Dieser Workspace kennt das Dokument, hat dafür aber ein anderes Zertifikat oder eine andere signierte Fassung ausgestellt. Das muss untersucht werden.",
        "document-ended": "In diesem Workspace ist das Dokument {detail}.",
        "qr-key-retired": "Der Code wurde mit einem Schlüssel signiert, der am {detail} ersetzt worden war. Beim Aussteller erfragen, ob er dieses Zertifikat ausgestellt hat.",
        "of_house": "von {house}",
        "given_key": "angegeben",
        "role_first-party": "erste Partei",
        "role_client": "Kunde",
    },
}


def words(language: str) -> Mapping[str, str]:
    """The words in `en` or `de`; English for any other language."""
    return WORDS.get(language, WORDS["en"])
