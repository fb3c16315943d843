# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The audit log from outside, from the evidence pack alone
#
# **Question.** Does an evidence pack prove, to somebody who trusts neither the company nor its program, that the document was
# recorded as completed and that nothing of its history was changed since?
#
# **Subject.** One evidence pack: a zip file made with `sealtrail audit export DOCUMENT`.
#
# **Criteria.** RFC 6962 (the tree), the C2SP forms `tlog-proof`, `tlog-checkpoint` and `signed-note`, RFC 3161 (time-stamps).
#
# **Procedure.** Everything is computed in this notebook with Python's standard library, the package `cryptography` for Ed25519, and
# OpenSSL for the time-stamps. **No code of the project is used for checking**, and no database; only when no pack is given does the
# first cell have the program export one, as the company would.

# %% tags=["parameters"]
evidence = ""  # the zip file; empty: have the newest completed document of the workspace exported
workspace = ""  # only for that

# %%
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from IPython.display import display

folder = Path(tempfile.mkdtemp(prefix="evidence-"))
if not evidence:
    where = ["--workspace", workspace or os.environ.get("SEALTRAIL_WORKSPACE", ".")]
    program = [sys.executable, "-c", "from signing_core.cli import main; main()"]
    listed = subprocess.run(
        [*program, "list", "--json", "--status", "completed", *where], check=True, capture_output=True
    )
    for one in json.loads(listed.stdout):
        evidence = str(folder / "evidence.zip")
        exported = subprocess.run(
            [*program, "audit", "export", one["document_id"], "-o", evidence, *where], capture_output=True
        )
        if exported.returncode == 0:
            break
        evidence = ""
    if not evidence:
        raise SystemExit("No evidence pack was given, and no completed document of the workspace could be exported.")
if not zipfile.is_zipfile(evidence):
    raise SystemExit(f"There is no evidence pack at {evidence}; make one with `sealtrail audit export DOCUMENT`.")
with zipfile.ZipFile(evidence) as pack:
    files = {name.partition("/")[2]: pack.read(name) for name in pack.namelist() if not name.endswith("/")}
print(
    f"{len(files)} files, {sum(map(len, files.values())):,} bytes; SHA-256 of the pack {hashlib.sha256(Path(evidence).read_bytes()).hexdigest()}"
)

results = []


def check(name, right, detail=""):
    """Write a result down and show it."""
    results.append((name, bool(right), detail))
    print(f"{'ok   ' if right else 'WRONG'}  {name}{f': {detail}' if detail else ''}")


# %% [markdown]
# ## 1. The files are those of the list
#
# `SHA256SUMS` names every file of the pack with its hash. This finds damage on the way, not forgery: whoever changes a file can
# change the list. The checks after it do not rest on it.

# %%
listed = dict(reversed(line.split("  ", 1)) for line in files["SHA256SUMS"].decode().splitlines())
wrong = [name for name, digest in listed.items() if hashlib.sha256(files.get(name, b"")).hexdigest() != digest]
check("files hash to what SHA256SUMS says", not wrong, ", ".join(wrong) or f"{len(listed)} files")
check("no file is left out of the list", set(files) - set(listed) <= {"SHA256SUMS"})

# %% [markdown]
# ## 2. The PDF is the one that the completion event names
#
# The event of completion carries the SHA-256 of the finished file. That this event is genuine is what checks 3 to 5 are about.

# %%
manifest = json.loads(files["manifest.json"])
events = {int(name[7:-5]): files[name] for name in sorted(files) if name.startswith("events/")}
bodies = {seq: json.loads(body) for seq, body in events.items()}
completion = next(body for body in bodies.values() if body["type"] == "document.completed")
pdf = hashlib.sha256(files["document.pdf"]).hexdigest()
check(
    "document.pdf is the completed file",
    completion["data"]["sha256"] == pdf,
    f"event {completion['seq']}, {completion['time']}",
)

# %% [markdown]
# ## 3. The events follow one another
#
# Each names the SHA-256 of the body before it; all are of one document.

# %%
previous, chained = None, True
for seq, body in events.items():
    chained = chained and bodies[seq]["prev"] == previous and bodies[seq]["seq"] == seq
    previous = hashlib.sha256(body).hexdigest()
check("the events form a chain", chained, f"{len(events)} events")
check("all events are of one document", {body["document"] for body in bodies.values()} == {manifest["document_id"]})

# %% [markdown]
# ## 4. Every event is in the log that the checkpoint states
#
# The leaf is SHA-256(0x00 || body), a node SHA-256(0x01 || left || right). A proof is the list of the siblings on the way to the
# root.


# %%
def root_of(body, index, size, path):
    """RFC 9162, section 2.1.3.2; None for a path of the wrong length."""
    value, place, last = hashlib.sha256(b"\0" + body).digest(), index, size - 1
    for sibling in path:
        if last == 0:
            return None
        if place % 2 or place == last:
            value = hashlib.sha256(b"\1" + sibling + value).digest()
            while place and place % 2 == 0:
                place, last = place // 2, last // 2
        else:
            value = hashlib.sha256(b"\1" + value + sibling).digest()
        place, last = place // 2, last // 2
    return value if last == 0 else None


checkpoint = files["checkpoint/checkpoint.txt"].decode()
origin, size, root = checkpoint.split("\n")[:3]
size, root = int(size), base64.b64decode(root)
included = []
for seq, body in events.items():
    head, _, note = files[f"proofs/{seq:09}.tlog-proof"].decode().partition("\n\n")
    lines = head.split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    index = int(next(line for line in lines if line.startswith("index "))[6:])
    path = [base64.b64decode(line) for line in lines[1:] if not line.startswith(("index ", "extra "))]
    included.append(
        index == seq and root_of(body, index, size, path) == root and note.startswith("\n".join([origin, str(size)]))
    )
check(
    "every event is in the checkpoint's log",
    all(included),
    f"{sum(included)} of {len(events)} under {size} events of {origin}",
)

# %% [markdown]
# ## 5. The checkpoint is signed by the log's key
#
# A verifier key is NAME+ID+KEY. Compare it with a copy from another source: the company's pages, an earlier mail, a witness.

# %%
text, _, signatures = checkpoint.partition("\n\n")
signed = (text + "\n").encode()
name, key_id, key = files["keys/log.vkey"].decode().split("\n")[0].split("+", 2)
key = base64.b64decode(key)
identity = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]


def holds(public, signature, message):
    """Whether the Ed25519 signature verifies."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


verified = False
for line in signatures.splitlines():
    _, signer, signature = line.split(" ")
    raw = base64.b64decode(signature)
    verified = verified or (signer == name and raw[:4] == identity and holds(key[1:], raw[4:], signed))
check("the key's id is that of the key", identity.hex() == key_id and name == origin, f"{name}+{key_id}")
check("the log's key signed the checkpoint", verified)

# %% [markdown]
# ## 6. When: time-stamps over the checkpoint
#
# OpenSSL checks each token against the X.509 certificates that came with the pack. One by the company's own authority shows no
# more than its own clock: only one from outside proves that the log was so at that time.

# %%
openssl = shutil.which("openssl")
outside, left_out = 0, 0
for name in ("checkpoint/checkpoint.txt", "certificates/anchors.pem", "certificates/time-stamp-authorities.pem"):
    if name in files:
        (folder / Path(name).name).write_bytes(files[name])
for stamp in manifest["time_stamps"]:
    if not openssl:
        left_out += 1
        continue
    token = folder / Path(stamp["file"]).name
    token.write_bytes(files[stamp["file"]])
    anchors = folder / ("anchors.pem" if stamp["embedded"] else "time-stamp-authorities.pem")
    command = [
        openssl,
        "ts",
        "-verify",
        "-token_in",
        "-in",
        token,
        "-data",
        folder / "checkpoint.txt",
        "-CAfile",
        anchors,
    ]
    right = subprocess.run(command, capture_output=True).returncode == 0
    outside += right and not stamp["embedded"]
    check(f"time-stamp by {stamp['by']}", right, "the company's own" if stamp["embedded"] else "from outside")
if left_out:
    print(f"NOT CHECKED: {left_out} time-stamps, because the program openssl is not installed.")
if not manifest["time_stamps"]:
    print("There is no time-stamp in the pack.")

# %% [markdown]
# ## 7. Who else saw the log so: witnesses
#
# A witness is somebody else's program that signs a checkpoint only when it continues the one it signed before. Its cosignature is
# over the text `cosignature/v1`, a time and the checkpoint (C2SP `tlog-cosignature`). Its key, too, has to be compared with a copy
# from the witness itself.

# %%
witnessed = []
if manifest["witnesses"]:
    cosigned, _, lines = files["checkpoint/cosigned.txt"].decode().partition("\n\n")
    check("the witnesses signed the same checkpoint", cosigned == text)
    for line in files["keys/witnesses.vkey"].decode().split():
        name, key_id, public = line.split("+", 2)
        public = base64.b64decode(public)
        identity = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
        for one in lines.splitlines():
            _, signer, signature = one.split(" ")
            raw = base64.b64decode(signature)
            if (signer, raw[:4], public[0]) == (name, identity, 4) and identity.hex() == key_id:
                at = int.from_bytes(raw[4:12], "big")
                if holds(public[1:], raw[12:], f"cosignature/v1\ntime {at}\n".encode() + signed):
                    witnessed.append(name)
                    print(f"       {name} at {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC")
    check("every witness cosigned", set(manifest["witnesses"]) == set(witnessed), ", ".join(witnessed))
else:
    print("There is no witness in the pack.")

# %% [markdown]
# ## 8. Personal values open the commitments
#
# Names and contacts stand in events as SHA-256(salt || value). Erased ones stay closed, and everything above still holds.

# %%
personal = json.loads(files["personal.json"])
held = {
    value["commitment"]
    for body in bodies.values()
    for value in body["data"].values()
    if isinstance(value, dict) and "commitment" in value
}
opened = [
    c
    for c, one in personal.items()
    if "salt" in one and hashlib.sha256(bytes.fromhex(one["salt"]) + one["value"].encode()).hexdigest() == c
]
erased = [c for c, one in personal.items() if "salt" not in one]
check(
    "personal values open their commitments",
    len(opened) + len(erased) == len(personal),
    f"{len(opened)} opened, {len(erased)} erased",
)
check("every commitment of the events is listed", held <= set(personal))

# %% [markdown]
# ## Conclusion

# %%
wrong = [name for name, right, _ in results if not right]
figures = {
    "document": manifest["document_id"],
    "checks": len(results),
    "wrong": wrong,
    "events": len(events),
    "events_included": sum(included),
    "log_size": size,
    "sha256": pdf,
    "outside_time_stamps": outside,
    "time_stamps_not_checked": left_out,
    "witnesses": len(witnessed),
}
statement = (
    f"{len(results) - len(wrong)} of {len(results)} checks hold. "
    + (
        "The document and its whole history are as they were when the log was signed. "
        if not wrong
        else f"WRONG: {', '.join(wrong)}. "
    )
    + (f"{left_out} time-stamps were NOT checked: openssl is missing. " if left_out else "")
    + (
        "Somebody outside states when that was."
        if outside or witnessed
        else "Nobody outside states when that was: compare the checkpoint with one received earlier."
    )
)
conclusion = {"in_order": not wrong, "statement": statement, "figures": figures}
display({"text/plain": statement, "application/vnd.sealtrail.conclusion+json": conclusion}, raw=True)
shutil.rmtree(folder)
