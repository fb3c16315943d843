"""What the reader of a verdict can do about what was found, English and German side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Advice = Literal[
    "again", "altered", "ask-change", "ask-issuer", "ask-when", "ask-who", "compare", "copy", "forgery", "none", "not-valid",
    "program", "resign", "signed-pdf", "smaller", "trust", "whole",
]  # fmt: skip

ADVICE: Final[Mapping[Advice, tuple[str, str]]] = {
    "again": (
        "Upload it again.",
        "Laden Sie sie noch einmal hoch.",
    ),
    "altered": (
        "Do not rely on this file. Ask the sender for the file as it was signed.",
        "Verlassen Sie sich nicht auf diese Datei. Bitten Sie den Absender um die Datei, wie sie unterschrieben wurde.",
    ),
    "ask-change": (
        "Ask the sender who changed it and why.",
        "Fragen Sie den Absender, wer das geändert hat und warum.",
    ),
    "ask-issuer": (
        "Ask the organisation that is named as its issuer, by an address that you know.",
        "Fragen Sie die Organisation, die als Aussteller genannt ist, unter einer Adresse, die Sie kennen.",
    ),
    "ask-when": (
        "If the day of signing matters to you, ask for other evidence of it.",
        "Wenn es Ihnen auf den Tag der Unterschrift ankommt, bitten Sie um einen anderen Beleg dafür.",
    ),
    "ask-who": (
        "Ask the signer in another way, for example by telephone, whether the signature is theirs.",
        "Fragen Sie auf anderem Weg nach, etwa am Telefon, ob die Unterschrift wirklich von dieser Person ist.",
    ),
    "compare": (
        "Compare the pages with the copy that was signed.",
        "Vergleichen Sie die Seiten mit dem Exemplar, das unterschrieben wurde.",
    ),
    "copy": (
        "Ask the sender for an undamaged copy.",
        "Bitten Sie den Absender um ein unbeschädigtes Exemplar.",
    ),
    "forgery": (
        "Treat this file as a forgery. Keep it, and tell the organisation that is named on it.",
        "Behandeln Sie diese Datei als Fälschung. Bewahren Sie sie auf, und sagen Sie der genannten Organisation Bescheid.",
    ),
    "none": (
        "You need not do anything about it.",
        "Sie müssen deshalb nichts tun.",
    ),
    "not-valid": (
        "Do not rely on this file, whoever has signed it. Ask the sender what applies instead.",
        "Verlassen Sie sich nicht auf diese Datei, wer auch immer sie unterschrieben hat. Fragen Sie den Absender, was stattdessen gilt.",
    ),
    "program": (
        "Check it with the program that made the signature.",
        "Prüfen Sie sie mit dem Programm, das die Signatur gemacht hat.",
    ),
    "resign": (
        "Ask the sender to have it signed again.",
        "Bitten Sie den Absender, es noch einmal unterschreiben zu lassen.",
    ),
    "signed-pdf": (
        "Ask the sender for the signed PDF itself, check that, and compare these pages with it.",
        "Bitten Sie den Absender um das unterschriebene PDF selbst, prüfen Sie dieses, und vergleichen Sie diese Seiten damit.",
    ),
    "smaller": (
        "Ask the sender for a simpler or smaller file.",
        "Bitten Sie den Absender um eine einfachere oder kleinere Datei.",
    ),
    "trust": (
        "Find out in another way whether you can trust the issuer of this signature.",
        "Klären Sie auf anderem Weg, ob Sie der Stelle hinter dieser Signatur vertrauen können.",
    ),
    "whole": (
        "Ask the sender for the completed document.",
        "Bitten Sie den Absender um das abgeschlossene Dokument.",
    ),
}  # fmt: skip
