"""The German sentences of the catalogue, by code: what it means, and what is to be done."""

from __future__ import annotations

from typing import Final

GERMAN: Final[dict[str, tuple[str, str]]] = {
    # What the four-way reconciliation finds in a completed document
    "stored-file-missing": (
        "Die gespeicherte Datei eines Dokuments ist verschwunden oder nicht lesbar.",
        "Prüfen Sie Datenträger und Rechte; stellen Sie sie aus einer Sicherung wieder her, oder aus der Nachricht, wie sie "
        "gesendet wurde; ihr Hash steht im Prüfprotokoll.",
    ),
    "stored-file-changed": (
        "Die gespeicherten Bytes sind nicht die, die Register und Prüfprotokoll nennen.",
        "Vergleichen Sie sie mit der Datei, die versandt wurde; klären Sie, wer in den Objektspeicher schreiben kann.",
    ),
    "registry-differs-from-log": (
        "Das Register sagt über ein Dokument nicht, was dessen Ereignisse sagen.",
        "Prüfpunkte decken die Ereignisse, nicht aber das Register: Verlassen Sie sich auf die Ereignisse, und klären Sie, wer die "
        "Zeile geändert hat.",
    ),
    "file-differs-from-log": (
        "Die gespeicherte Datei ist nicht die, die die Ereignisse Schritt für Schritt nennen: Sie wurde zwischen zwei Schritten "
        "ausgetauscht.",
        "Verlassen Sie sich auf das Ereignis: Holen Sie die Datei, die es nennt, aus einer Sicherung oder von einer Partei, und "
        "klären Sie, wer in Objektspeicher und Register geschrieben hat.",
    ),
    "revisions-beyond-steps": (
        "Zwischen zwei Ständen der Datei liegen andere Revisionen als die, die der Schritt dazwischen hinzufügt.",
        "Vergleichen Sie die Stände, um zu sehen, was dazwischen hinzukam (`sealtrail verify --compare`), und ziehen Sie das "
        "Dokument zurück oder ersetzen Sie es.",
    ),
    "renewed-file-differs": (
        "Die Datei mit dem erneuerten Archivzeitstempel ist nicht die, die ihr Ereignis nennt, oder sie ist verschwunden.",
        "Stellen Sie sie aus einer Sicherung wieder her; die fertige Datei von damals ist noch da, und ihr Zeitstempel lässt "
        "sich noch einmal erneuern.",
    ),
    "mailed-file-differs": (
        "Der Anhang einer Nachricht über den Abschluss ist nicht die fertige Datei.",
        "Bitten Sie den Empfänger um die Datei, die er erhalten hat, und senden Sie ihm die richtige.",
    ),
    "mailed-message-missing": (
        "Eine Nachricht über den Abschluss müsste noch so aufbewahrt sein, wie sie gesendet wurde, und fehlt.",
        "Stellen Sie das Objekt wieder her; bis dahin lässt sich nicht zeigen, was versandt wurde.",
    ),
    "certificate-differs-from-log": (
        "Das gedruckte Echtheitszertifikat sagt nicht, was das Prüfprotokoll sagt.",
        "Sehen Sie sich beides an; die Ereignisse des Prüfprotokolls sind durch Prüfpunkte gedeckt.",
    ),
    "certificate-not-compared": (
        "Das gedruckte Echtheitszertifikat ließ sich nicht noch einmal setzen und wurde daher nicht mit dem Prüfprotokoll "
        "verglichen.",
        "Jeder Lauf versucht es wieder; sehen Sie nach, ob die Schriftarten da und die Unterschriftsbilder der Parteien "
        "unbeschädigt sind.",
    ),
    "event-changed": (
        "Ein Ereignis des Prüfprotokolls ist nicht das, was sein Hash sagt, oder schließt nicht an das vorige an.",
        "Führen Sie `sealtrail audit verify` aus, und holen Sie das Ereignis aus einem Nachweispaket oder einer Sicherung.",
    ),
    # What the controls find in a document's history
    "parties-share-contact": (
        "Erste Partei und Kunde wurden unter derselben Adresse oder Nummer erreicht.",
        "Fragen Sie, wer den Link des Kunden erhalten hat; die Unterschrift kann von der ersten Partei selbst stammen.",
    ),
    "parties-share-ip": (
        "Erste Partei und Kunde haben von derselben IP-Adresse aus zugestimmt.",
        "Harmlos, wenn beide in einem Büro sitzen oder denselben Proxy benutzen; sonst fragen Sie, wer für den Kunden "
        "unterschrieben hat.",
    ),
    "parties-share-device": (
        "Erste Partei und Kunde haben mit Geräten zugestimmt, die sich gleich ausgeben.",
        "Das beweist allein wenig: Viele Geräte geben sich gleich aus. Ist auch die IP-Adresse dieselbe, fragen Sie, wer für "
        "den Kunden unterschrieben hat.",
    ),
    "client-before-first-party": (
        "Der Kunde hat vor der ersten Partei unterschrieben.",
        "Der Ablauf lässt das nicht zu: Am Prüfprotokoll oder am Dokument wurde etwas verfälscht.",
    ),
    "code-confirmed-late": (
        "Ein Code wurde angenommen, als seine fünf Minuten vorbei waren.",
        "Der Ablauf lässt das nicht zu: Prüfen Sie die Uhr des Servers, und wer in die Datenbank schreiben kann.",
    ),
    "consent-without-code": (
        "Einer Zustimmung ging kein bestätigter Code voraus.",
        "Der Ablauf lässt das nicht zu: Am Prüfprotokoll oder an der Datenbank wurde etwas verfälscht.",
    ),
    "consent-too-late": (
        "Eine Zustimmung wurde gegeben, als die Bestätigung durch ihren Code nicht mehr galt.",
        "Der Ablauf lässt das nicht zu: Prüfen Sie die Uhr des Servers, und wer in die Datenbank schreiben kann.",
    ),
    "sender-opened-clients-link": (
        "Der Link des Kunden wurde von dort geöffnet, wo die erste Partei gehandelt hatte.",
        "Fragen Sie, ob der Link des Kunden an den Absender weitergegeben wurde.",
    ),
    "undelivered-counts-as-delivered": (
        "Eine Nachricht ist endgültig gescheitert und gilt trotzdem als zugestellt.",
        "Senden Sie sie erneut, und klären Sie, was ihren Zustand geändert hat.",
    ),
    "completed-without-certificate": (
        "Ein Dokument gilt ohne Echtheitszertifikat als abgeschlossen.",
        "Behandeln Sie es als nicht abgeschlossen, bis es gesiegelt ist.",
    ),
    "completed-not-mailed": (
        "Ein abgeschlossenes Dokument hat eine seiner Parteien nicht erreicht.",
        "Sehen Sie im Postausgang nach, und senden Sie es erneut.",
    ),
    "stuck": (
        "Ein Dokument wartet seit mehr als einer Stunde auf seine Signatur oder sein Siegel.",
        "Sehen Sie seine letzten Ereignisse an: Meist antwortet der Zeitstempeldienst nicht, oder die Hintergrundarbeit läuft "
        "nicht.",
    ),
    "expired-link-accepted": (
        "Ein Schritt geschah über einen Link, der schon abgelaufen war.",
        "Der Ablauf lässt das nicht zu: Prüfen Sie die Uhr des Servers, und wer in die Datenbank schreiben kann.",
    ),
    "verified-as-altered": (
        "Jemand hat eine Datei dieses Dokuments geprüft, und sie war verändert.",
        "Klären Sie, welche Datei das war und woher sie kam; das Original liegt im Archiv.",
    ),
    # What a run finds besides
    "certificate-differs": (
        "Das Echtheitszertifikat in einer gespeicherten Datei ist nicht in Ordnung.",
        "Vergleichen Sie die Datei mit der, die versandt wurde.",
    ),
    "stored-file-fails": (
        "Die Signaturen eines gespeicherten, abgeschlossenen Dokuments halten der Prüfung nicht stand.",
        "Öffnen Sie das Urteil: Es nennt Signatur, Revision und Seite. Den Hash der abgeschlossenen Datei hat das "
        "Prüfprotokoll.",
    ),
    "stored-file-not-judged": (
        "Ein gespeichertes, abgeschlossenes Dokument ließ sich nicht beurteilen: Die Prüfung kam zu keinem Ende.",
        "Sehen Sie nach, ob der Rechner genug Speicher und Zeit hat; es wird jede Nacht erneut versucht.",
    ),
    "not-in-registry": (
        "Eine gespeicherte Datei des Archivs ist nicht die, die das Register kennt.",
        "Klären Sie, wer das Register oder den Objektspeicher geändert hat.",
    ),
    "log-disagrees": (
        "Das Prüfprotokoll nennt eine gespeicherte Datei nicht, oder die Ereignisse des Dokuments bilden keine Kette.",
        "Führen Sie `sealtrail audit verify` aus.",
    ),
    "time-stamp-ended": (
        "Der Archivzeitstempel eines abgeschlossenen Dokuments ist abgelaufen und wurde nicht rechtzeitig erneuert.",
        "Erneuern Sie ihn jetzt; was er über diesen Tag hinaus bewies, ist anders zu zeigen: mit dem Prüfprotokoll und seinen "
        "Ankern.",
    ),
    "time-stamp-ends": (
        "Der Archivzeitstempel eines abgeschlossenen Dokuments läuft bald ab und ließ sich bisher nicht erneuern.",
        "Sehen Sie nach, warum: Meist antwortet der Zeitstempeldienst nicht, oder die gespeicherte Datei ist nicht in Ordnung.",
    ),
    "file-altered": (
        "Eine eingegangene Datei wurde nach dem Unterschreiben verändert.",
        "Verlassen Sie sich nicht auf sie; bitten Sie den Absender um das Original, und gehen Sie der Herkunft der Änderung "
        "nach.",
    ),
    "file-not-the-registered": (
        "Eine eingegangene Datei nennt ein Dokument von uns und ist eine andere Datei als dieses Dokument.",
        "Vergleichen Sie sie mit dem archivierten Dokument.",
    ),
    "file-foreign": (
        "Eine eingegangene Datei wurde von jemandem signiert oder gesiegelt, dem wir nicht vertrauen.",
        "Nehmen Sie den X.509-Anker des Unterzeichners in die Vertrauenseinstellungen auf, wenn ihm vertraut werden soll; "
        "sonst geben Sie die Datei zurück.",
    ),
    "file-expired-certificate": (
        "Eine eingegangene Datei wurde mit einem X.509-Zertifikat signiert, das zu dieser Zeit nicht gültig war.",
        "Bitten Sie um eine Signatur mit gültigem X.509-Zertifikat, oder um einen Zeitstempel, der eine frühere Signatur "
        "beweist.",
    ),
    "file-revoked-certificate": (
        "Eine eingegangene Datei wurde mit einem widerrufenen X.509-Zertifikat signiert.",
        "Verlassen Sie sich nicht auf sie; fragen Sie den Absender.",
    ),
    "file-not-judged": (
        "Eine eingegangene Datei lässt sich nicht beurteilen.",
        "Öffnen Sie das Urteil: Es sagt, woran es liegt; meist fehlen Daten über den Widerruf, oder das Verfahren ist uns unbekannt.",
    ),
    "file-encrypted": (
        "Eine eingegangene Datei ist verschlüsselt, und das Passwort ist nicht bekannt.",
        "Bitten Sie den Absender um das Passwort oder um eine unverschlüsselte Kopie.",
    ),
    "file-unsigned": (
        "Eine eingegangene Datei hat keine Signatur.",
        "Bitten Sie den Absender um das unterschriebene Dokument.",
    ),
    "file-gone": (
        "Eine eingegangene Datei ist nicht mehr da oder nicht lesbar.",
        "Stellen Sie sie wieder her, oder ziehen Sie sie mit dem Auftrag `withdraw_files` zurück, der fragt, wer das sagt und "
        "warum.",
    ),
    "file-left-out": (
        "Am überwachten Ort liegt etwas, das sich nicht aufnehmen lässt.",
        "Bringen Sie es in Ordnung, wie der Befund es sagt; bis dahin hat es niemand geprüft.",
    ),
    "file-replaced": (
        "Eine eingegangene Datei hat jetzt andere Bytes als beim ersten Lesen.",
        "Fragen Sie, wer sie ersetzt hat und warum; was über die erste Datei gesagt wurde, gilt nicht für diese.",
    ),
    "withdrawals-damaged": (
        "Die Liste der Dateien, die aus einem Stapel zurückgezogen wurden, ist beschädigt.",
        "Stellen Sie sie aus einer Sicherung wieder her; ihren SHA-256 nennt das Ereignis `files.withdrawn` im Prüfprotokoll.",
    ),
    "duplicate-file": (
        "Dieselbe Datei ist mehr als einmal eingegangen.",
        "Klären Sie, ob eine davon ein anderes Dokument hätte sein sollen.",
    ),
    "log-inconsistent": (
        "Das Prüfprotokoll widerspricht sich selbst, oder dem, was früher davon signiert wurde.",
        "Halten Sie die Arbeit in diesem Arbeitsbereich an, und führen Sie `sealtrail audit verify` aus.",
    ),
    "log-remark": (
        "Das Prüfprotokoll ist unversehrt, aber etwas daran braucht Aufmerksamkeit.",
        "Führen Sie `sealtrail audit verify` aus.",
    ),
    "batch-stopped": (
        "Ein Stapel ist nicht fertig: Eine Prüfung hat ihn angehalten, oder ein Schritt ist gescheitert.",
        "Öffnen Sie den Stapel im Webserver, sehen Sie nach, woran es liegt, und starten Sie ihn noch einmal.",
    ),
}
