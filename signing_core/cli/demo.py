"""`sealtrail demo`: the whole job on one contract, with nothing configured and nothing pretended.

Both parties are played here, but only through what they would see: links and codes are read from the messages in the
outbox folder, the QR code from the rendered page.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from signing_core.cli.common import json_option, print_json
from signing_core.errors import SealtrailError, UsageError

if TYPE_CHECKING:
    from signing_core.desk import Desk
    from signing_core.marks import Mark
    from signing_core.verdict import DocumentVerdict

_AUTHOR = "author@example.org"
_DIRECTOR = "director@example.org"
_CLIENT = "+491713920012"
_CLIENT_COPY = "client@example.org"


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--language", type=click.Choice(["en", "de"]), default="en", show_default=True)
@json_option
def command(directory: Path | None, language: str, as_json: bool) -> None:
    """A real document through all three phases, verified from file and QR code, and one changed byte caught.

    Makes a new workspace at DIRECTORY, or in a temporary folder without it, and keeps it for looking at.

    \b
    Example: sealtrail demo demo
    """
    target = directory or Path(tempfile.mkdtemp(prefix="sealtrail-demo-"))
    if directory is not None and directory.exists() and any(directory.iterdir()):
        raise UsageError(f"{directory} is not empty; name a new folder, or leave it out for a temporary one.")
    console = Console(quiet=as_json, highlight=False)
    outcome = _Demo(target, language, console).run()
    if as_json:
        print_json(outcome)


class _Demo:
    def __init__(self, target: Path, language: str, console: Console) -> None:
        self.target = target
        self.language = language
        self.console = console

    def run(self) -> dict[str, Any]:
        from signing_core import marks
        from signing_core.desk import Author, Desk, NewDocument, Signer
        from signing_core.pdf import samples
        from signing_core.storage.workspace import Workspace

        self.heading("Preparing")
        organisation = "Sample Seals GmbH"
        settings = {"organisation": organisation, "base_url": "https://sign.example.org", "language": self.language}
        workspace = Workspace.create(self.target, settings=settings, first_party="Sample Director")
        self.say("A workspace with its own company CA, keys and time-stamp authority", workspace.path)
        desk = Desk(workspace)
        contract = samples.contract_pdf(self.language)
        (self.target / "contract.pdf").write_bytes(contract)
        document_id = desk.create(
            NewDocument(
                source=contract,
                title={"en": "Service agreement", "de": "Dienstleistungsvertrag"}[self.language],
                author=Author("Sample Author", _AUTHOR),
                first_party=Signer("Sample Director", _DIRECTOR, organisation),
                client=Signer("Sample Client", _CLIENT, copy_email=_CLIENT_COPY),
                source_name="contract.pdf",
            )
        )
        self.say("A contract, prepared for two signatures", f"document {document_id}")

        self.heading("Phase 1 and 2: the author sends, the first party signs")
        desk.send(document_id)
        stamp = marks.default_stamp(organisation)
        self._party(desk, "first-party", marks.from_name("Sample Director"), stamp=stamp, wrong_first=False)
        self.heading("Phase 3: the client signs")
        self._party(desk, "client", marks.drawn(_SIGNATURE), stamp=None, wrong_first=True)

        self.heading("Sealing")
        status = desk.status(document_id)
        if status["status"] != "completed":
            raise SealtrailError(
                f"The demo's document is {status['status']} and not completed; see `sealtrail events`."
            )
        final = workspace.objects.get(status["final"]["sha256"])
        file = self.target / "contract-signed.pdf"
        file.write_bytes(final)
        self.say("Sealed with certificate, time-stamps and validation data (PAdES B-LTA), read back and verified", file)
        attached = {m.to: m.attachment_sha256 for m in self._messages() if m.attachment_sha256}
        for to, sha256 in attached.items():
            same = "same bytes" if sha256 == status["final"]["sha256"] else "OTHER BYTES"
            self.say(f"Mailed to {to}", f"{same}, SHA-256 {str(sha256)[:16]}…")

        outcome = {"workspace": str(self.target), "document_id": document_id, "final": status["final"]}
        outcome |= self._verify(desk, final, status)
        return outcome

    def _party(self, desk: Desk, role: str, mark: Mark, *, stamp: Mark | None, wrong_first: bool) -> None:
        from signing_core.desk import Origin
        from signing_core.errors import CodeRejected
        from signing_core.flow.values import spoken

        origin = Origin(ip="192.0.2.17" if role == "client" else "192.0.2.3", device=f"sealtrail demo ({spoken(role)})")
        self._deliver(desk)
        token = self._newest(_CLIENT if role == "client" else _DIRECTOR, r"/s/([A-Za-z0-9_-]{43})")
        session = f"demo-{role}"
        desk.open(token, session, origin)
        self.say("The link arrived and was opened", "by SMS" if role == "client" else "by e-mail")
        challenge = desk.request_code(token, session, origin)
        self._deliver(desk)
        code = self._newest(_CLIENT if role == "client" else _DIRECTOR, r"\b(\d{3} \d{3})\b")
        if wrong_first:
            try:
                desk.submit_code(token, session, challenge, _another(code), origin)
            except CodeRejected:
                self.say("A wrong code was typed", "it voided the code, and a new one was sent")
            self._deliver(desk)
            code = self._newest(_CLIENT, r"\b(\d{3} \d{3})\b")
        desk.submit_code(token, session, challenge, code, origin)
        self.say("The code was confirmed", "six digits, valid for five minutes")
        state = desk.sign(token, session, mark, origin, stamp=stamp)
        state = desk.work_on(state.document_id)
        signed = state.client.signed if role == "client" else state.first_party.signed
        how = {"name": "set from the name", "drawn": "drawn by hand", "uploaded": "an uploaded picture"}[mark.kind]
        if signed is not None:
            self.say("Signed and time-stamped", f"{how}; the first {signed.length:,} bytes are what was signed")
        self._deliver(desk)

    def _verify(self, desk: Desk, final: bytes, status: dict[str, Any]) -> dict[str, Any]:
        from signing_core.certificate.scan import scan
        from signing_core.desk import judging
        from signing_core.pdf import render
        from signing_core.verification import verify

        self.heading("Verification from the file")
        context = judging.context_of(desk.workspace)
        good = verify(final, at=desk.clock(), workspace_context=context)
        self._show(good)

        self.heading("Verification from paper: the QR code of the rendered certificate page")
        pages = render.page_count(final)
        picture = render.render(final, pages, dpi=150)
        picture.save(self.target / "certificate.png")
        found = scan(picture, trust=context.trust)
        if len(found) != 1 or found[0].qr != "valid" or found[0].signed_prefix is None:
            raise SealtrailError(
                "The QR code of the demo's certificate page was not read as valid; look at certificate.png."
            )
        code, signed = found[0], found[0].signed_prefix
        self.say("Read and verified offline", f"certificate {code.certificate_id}, {code.signers} signers")
        prefix = hashlib.sha256(final[: signed.length]).hexdigest()
        same = prefix == signed.sha256
        self.say(
            f"The first {signed.length:,} bytes of the file, hashed",
            f"{prefix[:16]}… {'is' if same else 'IS NOT'} what the QR code states",
        )

        self.heading("One byte changed")
        changed = bytearray(final)
        position = final.index(b"stream", 200) + 20
        changed[position] ^= 0x01
        file = self.target / "contract-changed.pdf"
        file.write_bytes(changed)
        bad = verify(bytes(changed), at=desk.clock(), workspace_context=context)
        self.say("Changed", f"byte {position:,} of {len(final):,}: {file}")
        self._show(bad)
        in_order = (
            good.integrity == "intact" and good.indication == "TOTAL-PASSED" and same and bad.integrity == "altered"
        )
        if not in_order:
            raise SealtrailError("The demo did not end as it should: look at the verdicts above.")
        self.heading("Look at it")
        self.say("The signed contract", self.target / "contract-signed.pdf")
        self.say("Its authenticity certificate as a picture", self.target / "certificate.png")
        self.say("What happened", f"sealtrail events {status['document_id']} --workspace {self.target}")
        self.say(
            "Judge for yourself",
            f"sealtrail verify {self.target / 'contract-signed.pdf'} --trust {self.target / 'keys' / 'public'}",
        )
        return {
            "verdict": {"integrity": good.integrity, "indication": good.indication, "level": good.signatures[-1].level},
            "qr": {"verdict": code.qr, "prefix": "match" if same else "mismatch"},
            "changed": {"integrity": bad.integrity, "indication": bad.indication, "sub_indication": bad.sub_indication},
        }

    def _show(self, verdict: DocumentVerdict) -> None:
        from signing_core.flow.values import spoken

        colour = {"intact": "green", "altered": "red"}.get(str(verdict.integrity), "yellow")
        below = f" / {verdict.sub_indication}" if verdict.sub_indication else ""
        self.console.print(f"  [{colour}]{verdict.integrity}[/]  {verdict.indication}{below}")
        for signature in verdict.signatures:
            who = spoken(signature.role or signature.kind)
            self.say(
                f"{who}: {signature.signer or '-'}",
                f"{signature.indication}, {signature.level or signature.sub_filter}, changes since: {signature.changes}",
            )
        for finding in [f for f in verdict.findings if f.severity == "error"][:3]:
            self.say(f"  {finding.code}", finding.message)

    def _deliver(self, desk: Desk) -> None:
        from signing_core.desk import notices

        for outcome in notices.deliver(desk.workspace):
            if outcome.state != "delivered":
                raise SealtrailError(f"The demo's message could not be put into the outbox folder: {outcome.error}.")

    def _newest(self, to: str, pattern: str) -> str:
        """The last match in the newest message to `to`: what a person would click or type."""
        for message in reversed(self._messages()):
            if message.to == to and (found := re.findall(pattern, message.text)):
                return str(found[-1])
        raise SealtrailError(f"No message with the expected content reached {to}; look into {self.target / 'outbox'}.")

    def _messages(self) -> list[_Message]:
        return [_read(file) for file in sorted((self.target / "outbox").iterdir()) if not file.name.startswith(".")]

    def heading(self, text: str) -> None:
        self.console.print(f"\n[bold]{text}[/]")

    def say(self, what: str, detail: object) -> None:
        self.console.print(f"  {what}\n    [dim]{detail}[/]", soft_wrap=True)


@dataclass(frozen=True)
class _Message:
    to: str
    text: str
    attachment_sha256: str | None = None


def _read(file: Path) -> _Message:
    if file.suffix == ".json":
        content = json.loads(file.read_text())
        return _Message(content["to"], content["text"])
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    body = message.get_body(("plain",))
    attached = next(iter(message.iter_attachments()), None)
    address = message["to"].addresses[0].addr_spec
    return _Message(
        address,
        body.get_content() if body else "",
        hashlib.sha256(attached.get_content()).hexdigest() if attached else None,
    )


def _another(code: str) -> str:
    """A code that is wrong for certain."""
    return f"{(int(code.replace(' ', '')) + 1) % 1_000_000:06d}"


_SIGNATURE = [
    [(10.0 + t, 60 - 28 * abs(((t / 14) % 2) - 1) + 6 * ((t / 30) % 1)) for t in range(0, 120, 3)],
    [(18.0 + t, 66.0 - 0.08 * t) for t in range(0, 130, 6)],
]
"""Two strokes of a pen, as a drawing area would send them."""
