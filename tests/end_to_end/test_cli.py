"""The `sealtrail` program as a shell sees it: what it prints, where, and with which exit status."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import office_files
import pytest
from PIL import Image
from program import PROGRAM, sealtrail

from signing_core.desk import Desk
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play, contract

PARTIES = (
    "--author", "Sample Author", "--author-email", "author@example.org",
    "--first-party", "Sample Director", "--first-party-contact", "director@example.org",
    "--client", "Sample Client", "--client-contact", "+491713920012", "--client-email", "client@example.org",
)  # fmt: skip


@pytest.fixture(scope="module")
def place(blank_workspace: Path, tmp_path_factory: pytest.TempPathFactory, make: SimpleNamespace) -> Path:
    """A folder with a workspace `house` and files to work on."""
    folder = tmp_path_factory.mktemp("place")
    shutil.copytree(blank_workspace, folder / "house")
    (folder / "contract.pdf").write_bytes(contract(1))
    (folder / "form.pdf").write_bytes(make.form())
    (folder / "letter.txt").write_text("Not a PDF at all.")
    (folder / "empty.pdf").write_bytes(b"")
    (folder / "template.typ").write_text("#let data = json(bytes(sys.inputs.data))\n= Offer for #data.fields.who\n")
    (folder / "fields.json").write_text('[{"name": "who", "required": true}]')
    (folder / "broken.json").write_text('{"who": "Sample",\n oops}')
    (folder / "list.json").write_text("[1, 2]")
    (folder / "latin.json").write_bytes(b'{"who": "M\xfcller"}')
    (folder / "unknown.json").write_text('{"nobody": "x"}')
    (folder / "good.json").write_text('{"who": "Sample"}')
    return folder


def run(place: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return sealtrail(*arguments, cwd=place, environment={"SEALTRAIL_WORKSPACE": "house", **environment})


SCRIPT = """
set -eu
id=$(sealtrail create contract.pdf --title "Scripted agreement" --author "Sample Author" \\
       --author-email author@example.org \\
       --first-party "Sample Director" --first-party-contact director@example.org \\
       --client "Sample Client" --client-contact +491713920012 --client-email client@example.org --json \\
     | python -c 'import json, sys; print(json.load(sys.stdin)["document_id"])')
sealtrail send "$id" --json > sent.json
sealtrail work --once --json > work.json
sealtrail status "$id" --json > status.json
sealtrail events "$id" --json > events.jsonl
sealtrail list --json > list.json.out
echo "$id"
"""


def test_a_shell_script_creates_sends_and_watches(place: Path) -> None:
    path = f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "SEALTRAIL_WORKSPACE": "house", "HOME": str(place)}
    done = subprocess.run(
        ["sh", "-c", SCRIPT], cwd=place, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    document_id = done.stdout.strip()
    status = json.loads((place / "status.json").read_text())
    assert (status["document_id"], status["status"]) == (document_id, "awaiting-first-party")
    assert status["title"] == "Scripted agreement"
    assert [(m["kind"], m["state"]) for m in status["messages"]] == [("link", "delivered")]
    assert json.loads((place / "work.json").read_text())["undelivered"] == 0
    assert "+491713920012" not in json.dumps(status), "contacts are masked"
    events = [json.loads(line) for line in (place / "events.jsonl").read_text().splitlines()]
    assert events[0]["type"] == "document.created"
    assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)
    assert document_id in (place / "list.json.out").read_text()
    for command in ("status", "events"):
        text = run(place, command, document_id)
        assert text.returncode == 0 and document_id in text.stdout + document_id
    again = run(place, "send", document_id)
    assert again.returncode == 3
    one_sentence(again)
    voided = run(place, "void", document_id, "--reason", "A sample reason", "--json")
    assert json.loads(voided.stdout)["status"] == "voided"


def one_sentence(done: subprocess.CompletedProcess[str]) -> None:
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("sealtrail: ")
    assert lines[0].endswith((".", "`.")), lines[0]
    assert "Traceback" not in done.stderr and "unexpected" not in done.stderr
    assert not re.search(r"\b[A-Z]\w+Error\b", done.stderr), done.stderr


BAD: list[tuple[str, tuple[object, ...], int, str]] = [
    ("missing file", ("create", "nowhere.pdf", *PARTIES), 2, "nowhere.pdf"),
    ("not a PDF", ("create", "letter.txt", *PARTIES), 3, "letter.txt"),
    ("empty file", ("create", "empty.pdf", *PARTIES), 3, "empty.pdf"),
    ("folder as file", ("create", "house", *PARTIES), 2, "house"),
    ("no source", ("create", *PARTIES), 2, "--template"),
    ("two sources", ("create", "contract.pdf", "--template", "offer", *PARTIES), 2, "--template"),
    ("malformed data", ("create", "form.pdf", "--data", "broken.json", *PARTIES), 2, "broken.json: line 2"),
    ("data is a list", ("create", "form.pdf", "--data", "list.json", *PARTIES), 2, "list.json"),
    ("data not UTF-8", ("create", "form.pdf", "--data", "latin.json", *PARTIES), 2, "latin.json"),
    ("unknown field", ("create", "form.pdf", "--data", "unknown.json", *PARTIES), 2, "nobody"),
    ("data for no form", ("create", "contract.pdf", "--data", "good.json", *PARTIES), 2, "who"),
    ("unknown template", ("create", "--template", "nothing", *PARTIES), 2, "nothing"),
    ("bad contact", ("create", "contract.pdf", *PARTIES[:-4], "--client-contact", "12"), 2, "12"),
    ("bad duration", ("create", "contract.pdf", "--expires-in", "soon", *PARTIES), 2, "soon"),
    ("party not in directory", ("create", "contract.pdf", *PARTIES[:8], "--client", "Nobody"), 2, "Nobody"),
    ("endless title", ("create", "contract.pdf", "--title", "x" * 5000, *PARTIES), 2, "300"),
    ("blank title", ("create", "contract.pdf", "--title", " \t ", *PARTIES), 2, "title"),
    ("bytes for a title", ("create", "contract.pdf", "--title", "bad\udcff", *PARTIES), 2, "U+DCFF"),
    ("direction override", ("create", "contract.pdf", "--title", "exe.\u202efdp", *PARTIES), 2, "U+202E"),
    ("273 years", ("create", "contract.pdf", "--expires-in", "99999d", *PARTIES), 2, "3650 days"),
    ("a name too long to sign with", ("create", "contract.pdf", *PARTIES, "--client", "n" * 130), 2, "120"),
    ("bytes for an id", ("status", "\udcff"), 3, "udcff"),
    ("unprintable title", ("create", "contract.pdf", "--title", "a\x07b", *PARTIES), 2, "U+0007"),
    ("unknown document", ("status", "01M00000000000000000000000"), 3, "01M00000000000000000000000"),
    ("nonsense id", ("events", "../../etc/passwd"), 3, "etc/passwd"),
    ("endless id", ("send", "9" * 4000), 3, ""),
    ("unknown workspace", ("list", "--workspace", "elsewhere"), 3, "elsewhere"),
    ("workspace is a file", ("list", "--workspace", "letter.txt"), 2, "letter.txt"),
    ("unknown command", ("sign",), 2, "sign"),
    ("unknown option", ("list", "--jsn"), 2, "--jsn"),
    ("init over a workspace", ("init", "house"), 2, "house"),
    ("init over a file", ("init", "letter.txt"), 2, "letter.txt"),
    ("bad URL", ("init", "new", "--base-url", "ftp://x"), 2, "base_url"),
    ("other database", ("init", "new", "--database", "mysql://x/y"), 2, "database_url"),
    ("import of nonsense", ("keys", "import", "seal", "letter.txt"), 3, ""),
    ("revoke of nothing", ("keys", "revoke", "abcdef", "--reason", "superseded"), 3, "abcdef"),
    ("verify of an empty folder", ("verify", "house/outbox"), 2, "house/outbox"),
    ("trust that is none", ("verify", "contract.pdf", "--trust", "letter.txt"), 2, "letter.txt"),
    ("time that is none", ("verify", "contract.pdf", "--at", "tomorrow"), 2, "tomorrow"),
    ("demo into a full folder", ("demo", "house"), 2, "house"),
]


@pytest.mark.parametrize(("arguments", "status", "named"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_input_gets_one_sentence(place: Path, arguments: tuple[object, ...], status: int, named: str) -> None:
    before = sorted(path for path in (place / "house" / "objects").rglob("*") if path.is_file())
    done = run(place, *arguments, SEALTRAIL_IMPORT_PASSWORD="x")
    one_sentence(done)
    assert done.returncode == status, done.stderr
    assert named in done.stderr
    after = sorted(path for path in (place / "house" / "objects").rglob("*") if path.is_file())
    assert after == before, "nothing was stored"
    assert not (place / "new" / "sealtrail.toml").exists()


def test_a_wrong_passphrase(place: Path) -> None:
    done = run(place, "keys", "show", SEALTRAIL_PASSPHRASE="a wrong passphrase")
    one_sentence(done)
    assert done.returncode == 3
    assert "passphrase" in done.stderr
    assert "a wrong passphrase" not in done.stderr


def test_a_folder_that_may_not_be_written(place: Path) -> None:
    locked = place / "locked"
    locked.mkdir(exist_ok=True)
    locked.chmod(0o555)
    done = run(place, "init", locked / "new" if os.geteuid() else "/proc/new")  # root may write everywhere else
    one_sentence(done)
    assert done.returncode == 3


def test_templates_and_parties(place: Path) -> None:
    added = run(place, "template", "add", "offer", "template.typ", "--fields", "fields.json", "--json")
    assert added.returncode == 0, added.stderr
    assert json.loads(added.stdout)["version"] == 1
    assert "offer" in run(place, "template", "list").stdout
    party = run(place, "party", "add", "Erika Mustermann", "--contact", "erika@example.org", "--json")
    assert party.returncode == 0, party.stderr
    assert "erika@example.org" not in run(place, "party", "list", "--json").stdout
    parties = (*PARTIES[:8], "--client", "Erika Mustermann")
    made = run(place, "create", "--template", "offer", "--data", "good.json", "--json", *parties)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["parties"]["client"]["channel"] == "email"
    for data, named in (("unknown.json", "nobody"), (None, "who")):
        refused = run(place, "create", "--template", "offer", *(("--data", data) if data else ()), *parties)
        one_sentence(refused)
        assert refused.returncode == 2 and named in refused.stderr


def test_what_preparing_changed_is_told(place: Path, make: SimpleNamespace) -> None:
    (place / "files.pdf").write_bytes(make.with_files(terms=b"the terms"))
    said = run(place, "create", "files.pdf", *PARTIES).stdout
    assert "Scripts (JavaScript) are left out" in said and "terms.txt (9 bytes)" in said
    created = json.loads(run(place, "create", "files.pdf", *PARTIES, "--json").stdout)
    assert [change["code"] for change in created["changed_in_preparing"]] == ["scripts", "attachments"]
    assert all(change["en"] and change["de"] for change in created["changed_in_preparing"])
    assert [(file["name"], file["length"]) for file in created["embedded_files"]] == [("terms.txt", 9)]
    listed = run(place, "events", created["document_id"], "--json").stdout.splitlines()
    event = json.loads(listed[0])
    assert event["data"]["changed_in_preparing"] == ["scripts", "attachments"]
    assert event["data"]["embedded_files"] == [{"length": 9, "sha256": created["embedded_files"][0]["sha256"]}]
    assert event["personal"]["embedded_names"] == ["terms.txt"]


def test_pictures_become_a_document_and_what_they_were_is_on_record(place: Path) -> None:
    for number, size in enumerate(((900, 1200), (1200, 900)), start=1):
        Image.new("RGB", size, "white").save(place / f"page {number}.jpg")
    said = run(place, "create", "page 1.jpg", "page 2.jpg", *PARTIES).stdout
    assert said.startswith("Its pages are made from 2 pictures (JPEG).\n")
    created = json.loads(run(place, "create", "page 1.jpg", "page 2.jpg", *PARTIES, "--json").stdout)
    assert (created["title"], created["pages"]) == ("page 1", 3)
    assert created["changed_in_preparing"][0]["de"] == "Die Seiten sind aus 2 Bildern gemacht (JPEG)."
    assert created["made_from"]["program"].startswith("Pillow ")
    files = [(place / file["name"], file) for file in created["made_from"]["files"]]
    assert [(hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size) for path, _ in files] == [
        (file["sha256"], file["length"]) for _, file in files
    ]
    event = json.loads(run(place, "events", created["document_id"], "--json").stdout.splitlines()[0])
    assert event["personal"]["file_names"] == ["page 1.jpg", "page 2.jpg"]
    assert "page 1.jpg" not in json.dumps(event["data"])
    assert (
        json.loads(run(place, "status", created["document_id"], "--json").stdout)["made_from"] == created["made_from"]
    )
    refused = run(place, "create", "page 1.jpg", "contract.pdf", *PARTIES)
    one_sentence(refused)
    assert refused.returncode == 2 and "contract.pdf is no picture" in refused.stderr


@pytest.mark.skipif(shutil.which("soffice") is None, reason="libreoffice-writer-nogui is not installed")
def test_a_text_becomes_a_document_that_is_completed(place: Path) -> None:
    (place / "offer.docx").write_bytes(office_files.docx(*map(office_files.paragraph, ("Sample offer", "1,000 EUR"))))
    created = json.loads(run(place, "create", "offer.docx", *PARTIES, "--json").stdout)
    assert "Converted from Word (DOCX) by LibreOffice" in created["changed_in_preparing"][0]["en"]
    assert [file["format"] for file in created["made_from"]["files"]] == ["docx"]
    with Workspace.open(place / "house") as workspace:
        play = Play(Desk(workspace))
        document_id = play.create(
            workspace.objects.get(created["files"]["source"]["sha256"]), source_name="offer.docx", title="Offer"
        )
        assert play.to_completion(document_id).status == "completed"


def test_the_author_says_where_to_sign(place: Path) -> None:
    at = ("--place", "client=1:20,30,60,20", "--place", "first-party=text:Page 1 of")
    created = run(place, "create", "contract.pdf", *PARTIES, *at, "--json")
    assert created.returncode == 0, created.stderr
    for wrong, named in (("client", "no place"), ("buyer=1:1,1", "role"), ("client=there", "millimetres")):
        refused = run(place, "create", "contract.pdf", *PARTIES, "--place", wrong)
        assert refused.returncode == 2 and named in refused.stderr
        one_sentence(refused)


def test_a_form_is_filled(place: Path) -> None:
    values = {
        "name": "Erika Mustermann", "city": "Berlin", "notes": "None", "iban": "DE89370400440532013000", "agree": True,
        "newsletter": False, "pay": "bank", "country": "Austria", "topics": ["a"],
    }  # fmt: skip
    (place / "filled.json").write_text(json.dumps(values))
    made = run(place, "create", "form.pdf", "--data", "filled.json", "--json", *PARTIES)
    assert made.returncode == 0, made.stderr


@pytest.mark.parametrize(
    "command",
    ["audit", "create", "demo", "events", "init", "keys", "list", "party", "remind", "replace-contact", "resend", "scan",
     "send", "status", "template", "unlock", "verify", "void", "work"],
)  # fmt: skip
def test_every_command_explains_itself(command: str) -> None:
    """In process: it is about words, not about the shell."""
    from click.testing import CliRunner

    from signing_core.cli import sealtrail as group

    result = CliRunner().invoke(group, [command, "--help"])
    assert result.exit_code == 0, result.output
    assert f"sealtrail {command}" in result.output or "Commands" in result.output or "Usage" in result.output
    if command not in ("audit", "keys", "party", "template"):
        assert "Example:" in result.output


def test_verify_and_scan_the_demo_s_file(completed: Any, place: Path) -> None:
    (place / "final.pdf").write_bytes(completed.final)
    changed = bytearray(completed.final)
    changed[changed.index(b"stream", 200) + 20] ^= 1
    (place / "changed.pdf").write_bytes(changed)
    done = sealtrail(
        "verify",
        "final.pdf",
        "changed.pdf",
        "contract.pdf",
        "--trust",
        completed.public,
        "--format",
        "jsonl",
        cwd=place,
    )
    assert done.returncode == 1
    integrity = [json.loads(line)["integrity"] for line in done.stdout.splitlines()]
    assert integrity == ["intact", "altered", "unsigned"], "in the order in which they were named"
    scanned = sealtrail("scan", "final.pdf", "--trust", completed.public, "--format", "jsonl", cwd=place)
    assert scanned.returncode == 0, scanned.stderr
    assert json.loads(scanned.stdout)["qr"] == "valid"
    nothing = sealtrail("scan", "contract.pdf", "--trust", completed.public, "--format", "jsonl", cwd=place)
    assert nothing.returncode == 1
    assert json.loads(nothing.stdout)["found"] is False


def test_status_and_events_of_a_completed_document(completed: Any) -> None:
    status = sealtrail("status", completed.document_id, "--json", "--workspace", completed.folder)
    said = json.loads(status.stdout)
    assert (status.returncode, said["status"]) == (0, "completed")
    assert said["final"]["length"] == len(completed.final)
    text = sealtrail("events", completed.document_id, "--workspace", completed.folder)
    assert text.returncode == 0
    assert "document.completed" in text.stdout
    for secret in ("+491713920012", "director@example.org"):
        assert secret not in text.stdout + status.stdout


HOSTILE: list[str] = [
    "'; DROP TABLE documents; --", "<script>alert(1)</script>", "#include \"/etc/passwd\"", "${jndi:ldap://x}",
    "../../../etc/passwd", "Ünïcödé Größe", "مثال عربي", "O'Brien \"Quoted\" \\ back", "%PDF-1.7 %%EOF", "=1+1",
    "{{ 7*7 }}", "a" * 199, "𝒜 bold 𝔘", "\u200bZero\u200b", "name\r\nBcc: victim@example.org", "n" * 121,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_and_titles_are_words_like_any_other(blank_copy: Callable[..., Path], text: str) -> None:
    """They go through to a completed document, or are refused with one sentence; nothing in between."""
    from signing_core.errors import SealtrailError
    from signing_core.testing import CLIENT, received
    from signing_core.trust import load_trust
    from signing_core.verification import verify

    folder = blank_copy()
    with Workspace.open(folder) as workspace:
        play = Play(Desk(workspace))
        client = type(CLIENT)(text, CLIENT.contact, text, CLIENT.copy_email)
        try:
            document_id = play.create(contract(1), title=text, client=client)
        except SealtrailError as error:
            assert error.exit_status == 2
            assert play.desk.workspace.objects.path is not None
            return
        play.to_completion(document_id)
        final = workspace.objects.get(play.desk.status(document_id)["final"]["sha256"])
        verdict = verify(
            final, at=workspace.clock() + timedelta(seconds=2), trust=load_trust([folder / "keys" / "public"])
        )
        assert verdict.indication == "TOTAL-PASSED"
        mails = [message for message in received(workspace) if message.attachment_sha256]
        assert sorted(m.to for m in mails) == ["author@example.org", "client@example.org", "director@example.org"]
        for file in (folder / "outbox").glob("*.eml"):
            head = file.read_bytes().partition(b"\r\n\r\n")[0].lower()
            assert b"\nbcc:" not in head
