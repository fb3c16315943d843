"""What is said to an author about a document once it is prepared: what was changed, what could not stay, what was found.

Codes are kept and told; sentences are looked up here when they are shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_SENTENCES: Final = {
    "layers": (
        "Its layers are one now, as they are shown on screen; what hidden layers held is left out.",
        "Die Ebenen sind zusammengeführt, wie sie am Bildschirm erscheinen; was ausgeblendete enthielten, ist nicht mehr da.",
    ),
    "only-on-paper": (
        "Comments or fields that only a printer would have shown are left out.",
        "Kommentare oder Felder, die nur der Drucker gezeigt hätte, sind nicht mehr da.",
    ),
    "hidden-annotations": (
        "Hidden comments or fields are left out.",
        "Verborgene Kommentare oder Felder sind nicht mehr da.",
    ),
    "only-on-screen": (
        "Comments or fields that were shown on screen only are printed as well.",
        "Kommentare oder Felder, die nur am Bildschirm zu sehen waren, werden auch gedruckt.",
    ),
    "other-looks": (
        "Comments and links have one look; others, for when a pointer is over them, are left out.",
        "Kommentare und Verweise sehen immer gleich aus; andere Ansichten, etwa unter dem Mauszeiger, sind nicht mehr da.",
    ),
    "media": (
        "Sound, film and 3D are left out; their picture, where there is one, is part of the page.",
        "Ton, Film und 3D sind nicht mehr da; ihr Bild, wo es eines gibt, ist Teil der Seite.",
    ),
    "scripts": (
        "Scripts (JavaScript) are left out; the fields keep what they show.",
        "Skripte (JavaScript) sind nicht mehr da; die Felder zeigen, was sie zeigten.",
    ),
    "actions": (
        "Buttons and links do nothing but lead to a page or an address.",
        "Schaltflächen und Verweise führen nur noch zu einer Seite oder Adresse.",
    ),
    "other-pictures": (
        "Pictures meant for other purposes, such as printing, are left out; the shown ones stay.",
        "Bilder für andere Zwecke, etwa zum Drucken, sind nicht mehr da; die gezeigten bleiben.",
    ),
    "form": (
        "Its form is part of the pages, as it is filled in; nobody can change it any more.",
        "Das Formular ist Teil der Seiten, wie es ausgefüllt ist; niemand kann es mehr ändern.",
    ),
    "restrictions": (
        "Its owner's restrictions on printing and copying do not apply to the prepared document.",
        "Die Einschränkungen des Eigentümers für Drucken und Kopieren gelten für das vorbereitete Dokument nicht.",
    ),
    "attachments": (
        "Files are embedded in it; everybody who signs is shown their list.",
        "In das Dokument sind Dateien eingebettet; allen, die unterschreiben, wird ihre Liste gezeigt.",
    ),
    "junk": (
        "What stood in the file behind its end is left out.",
        "Was in der Datei hinter ihrem Ende stand, ist nicht mehr da.",
    ),
    "language": (
        "It says which language it is in, and keeps that; strips and certificate are in the language chosen.",
        "Die Sprache, die das Dokument nennt, bleibt; Fußzeilen und Zertifikat sind in der gewählten.",
    ),
    "signature-fields": (
        "Its empty signature fields are used: the parties sign there.",
        "Seine leeren Unterschriftsfelder werden verwendet: dort unterschreiben die Parteien.",
    ),
    "signature-fields-left": (
        "Empty signature fields that no party signs in are left out.",
        "Leere Unterschriftsfelder, in denen keine Partei unterschreibt, sind nicht mehr da.",
    ),
    "anchors": (
        "Printed marks such as {{sign:client}} are painted over: the parties sign there.",
        "Gedruckte Marken wie {{sign:client}} sind übermalt: dort unterschreiben die Parteien.",
    ),
    "pdfa-lost": (
        "It no longer claims to be PDF/A: a signed document cannot keep to the part of the standard that it follows.",
        "Es gibt sich nicht mehr als PDF/A aus: ein unterschriebenes Dokument kann den Teil der Norm, dem es folgt, nicht einhalten.",
    ),
    "pdfua-lost": (
        "It no longer claims to be accessible by PDF/UA, since its tags are not complete.",
        "Es gibt sich nicht mehr als barrierefrei nach PDF/UA aus, da seine Auszeichnung nicht vollständig ist.",
    ),
}  # fmt: skip

CODES: Final = tuple(_SENTENCES)
"""All codes, in the order in which they are told."""


def in_order(codes: Iterable[str]) -> tuple[str, ...]:
    """The codes, each once, in the order in which they are told. Raises `KeyError` for one that is not known."""
    return tuple(sorted(set(codes), key={code: place for place, code in enumerate(CODES)}.__getitem__))


def sentence(code: str, language: str) -> str:
    """What a code says, in `de` or else in English."""
    english, german = _SENTENCES[code]
    return german if language == "de" else english
