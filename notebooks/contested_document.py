# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # One contested document
#
# **Question.** Somebody disputes a document: that it is the one that was signed, that they saw it as it is, or when they signed.
# What can be shown?
#
# **Subject.** One document: its stored file, every state of it that was kept, its events, and the proofs that these are in the
# audit log.
#
# **Criteria.** Each hash that anybody wrote down is computed anew from the bytes, here, with Python's own `hashlib`. What the
# project's code says of signatures stands beside it as the verdict.
#
# **Procedure.** Verdict, revisions, what each signer saw, timeline, proofs, hashes. Nothing is changed.

# %% tags=["parameters"]
workspace = ""  # folder of the workspace; empty: SEALTRAIL_WORKSPACE, then the current folder
document = ""  # id of the document; empty: the first completed one whose stored file was changed, else the newest

# %%
import base64
import hashlib
import os

import matplotlib.pyplot as plt
import pandas as pd
import sqlalchemy as sa
from tqdm.auto import tqdm

from signing_core import AuditTrail, Conclusion, Workspace, frames, verify
from signing_core.audit_log.log import AuditLog
from signing_core.desk import judging
from signing_core.desk.verifying import stored_file
from signing_core.errors import SealtrailError
from signing_core.pdf import render, revisions
from signing_core.storage.database import reading
from signing_core.storage.schema import document_files

opened = Workspace.open(workspace or os.environ.get("SEALTRAIL_WORKSPACE", "."))
now = opened.clock()
archive = frames.documents(opened, completed=True)


def stored(sha256):
    """The bytes in the object store under this name, whatever they are now; None when they are gone."""
    try:
        return stored_file(opened, sha256)
    except SealtrailError:
        return None


def digest(data):
    return hashlib.sha256(data).hexdigest()


if not document:
    changed = [
        row.document_id
        for row in tqdm(archive.itertuples(), total=len(archive), unit="document")
        if (data := stored(row.final_sha256)) is not None and digest(data) != row.final_sha256
    ]
    document = changed[0] if changed else archive.sort_values("completed_at")["document_id"].iloc[-1]
registered = frames.documents(opened).set_index("document_id").loc[document]
print(f"Document {document}, {registered['title']}, {registered['status']}")

# %% [markdown]
# ## The verdict on the stored file

# %%
final = stored(registered["final_sha256"]) if pd.notna(registered["final_sha256"]) else None
verdict = verify(final, at=now, workspace_context=judging.context_of(opened)) if final is not None else None
verdict if verdict is not None else print("There is no stored file: it is gone, or the document is not completed.")

# %% [markdown]
# ## Revisions
#
# A PDF keeps what it was: every signature appended to the file, and the first bytes of the file are still the earlier state. Each
# state is cut out and hashed; the column `kept as` says which file of the signing process has exactly that hash.

# %%
with reading(opened.engine) as connection:
    query = (
        sa.select(document_files).where(document_files.c.document_id == document).order_by(document_files.c.created_at)
    )
    kept = {row.step: row for row in connection.execute(query)}
steps = {row.sha256: step for step, row in kept.items()}
structure = revisions.parse(final) if final is not None else None
rows = []
for number, one in enumerate(structure.revisions if structure else (), start=1):
    signers = [s.fields[0] for s in structure.signatures if s.revision == number]
    cuts = {digest(final[:end]): end for end in (one.end_with_eol, one.end)}
    name, length = next(((h, n) for h, n in cuts.items() if h in steps), next(iter(cuts.items())))
    rows.append((number, length, ", ".join(signers), name, steps.get(name, "")))
revisions_table = pd.DataFrame(rows, columns=["revision", "bytes", "signed in it", "sha256", "kept as"])
revisions_table

# %% [markdown]
# ## What each signer saw
#
# Consent is given to a hash. It has to be the hash of the file that was kept from before the signature; the pictures show the first
# page of that file.

# %%
trail = AuditTrail.of(opened, document)
before = {"first-party": "prepared", "client": "first-party"}
seen = []
figure, panels = plt.subplots(1, 2, figsize=(9, 6))
for panel, (role, step) in zip(panels, before.items(), strict=True):
    data = stored(kept[step].sha256) if step in kept else None
    consents = [event for event in trail.events if event.type == "consent.given" and event.data.get("role") == role]
    consented = consents[-1].data["document_sha256"] if consents else None
    seen.append((role, step, consented, digest(data) if data is not None else None))
    panel.set_axis_off()
    panel.set_title(f"{role}: the file {step}")
    if data is not None:
        panel.imshow(render.render(data, 1, dpi=70))
figure.tight_layout()
seen = pd.DataFrame(seen, columns=["signer", "file", "consent names", "kept file has"])
seen["same"] = seen["consent names"] == seen["kept file has"]
seen

# %% [markdown]
# ## Timeline
#
# Each event names the hash of the one before it. Names, addresses and devices stay closed here; the log holds commitments to
# them, and `AuditTrail.of(..., with_personal=True)` opens them where that is needed.

# %%
trail

# %% [markdown]
# ## Proofs
#
# Every event under a signed checkpoint gets a proof, and the proof is checked here from the event's bytes upwards: the leaf is
# SHA-256(0x00 || body), an inner node SHA-256(0x01 || left || right) (RFC 6962), and the end has to be the checkpoint's root.


# %%
def root_from(body, index, size, path):
    """The root that an inclusion proof leads to (RFC 9162, section 2.1.3.2)."""
    value, last = hashlib.sha256(b"\0" + body).digest(), size - 1
    for sibling in path:
        if index % 2 or index == last:
            value = hashlib.sha256(b"\1" + sibling + value).digest()
            while index % 2 == 0 and index:
                index, last = index // 2, last // 2
        else:
            value = hashlib.sha256(b"\1" + value + sibling).digest()
        index, last = index // 2, last // 2
    return value


audit_log = AuditLog(opened)
proofs = {}
for event in tqdm(trail.events, unit="proof"):
    if audit_log.covers(event.seq):
        proofs[event.seq] = audit_log.prove(event.seq)
rooted = {
    seq: root_from(proof.extra, proof.index, proof.checkpoint.size, proof.path) == proof.checkpoint.root
    for seq, proof in proofs.items()
}
print(
    f"{len(proofs)} of {len(trail.events)} events are under a checkpoint; {sum(rooted.values())} proofs lead to its root."
)
next(reversed(proofs.values()), None)

# %% [markdown]
# ## Every hash, computed anew
#
# All files that were kept, every hash that an event names, the chain of the events, the proofs, and the prefix that the QR code
# names.

# %%
checks = []


def compare(what, named, computed):
    checks.append((what, named, computed, named == computed))


for step, row in kept.items():
    data = stored(row.sha256)
    compare(f"kept file {step}", row.sha256, digest(data) if data is not None else None)
if final is not None:
    compare("stored file, by the registry", registered["final_sha256"], digest(final))
    compare("signed revision (QR code)", registered["prefix_sha256"], digest(final[: int(registered["prefix_length"])]))
    for event in trail.events:
        if event.type == "document.completed":
            compare(f"stored file, by event {event.seq}", event.data["sha256"], digest(final))
for event in trail.events:
    if event.type == "signature.made":
        step = event.data["role"]
        data = stored(kept[step].sha256) if step in kept else None
        compare(f"file {step}, by event {event.seq}", event.data["sha256"], digest(data) if data is not None else None)
previous = None
for event in trail.events:
    compare(f"event {event.seq} follows", event.content["prev"], previous)
    previous = digest(event.body)
for seq, proof in proofs.items():
    computed = root_from(proof.extra, proof.index, proof.checkpoint.size, proof.path)
    compare(
        f"event {seq} is in the log",
        base64.b64encode(proof.checkpoint.root).decode(),
        base64.b64encode(computed).decode(),
    )
hashes = pd.DataFrame(checks, columns=["what", "named", "computed", "same"])
print(f"{len(hashes)} hashes computed, {int((~hashes['same']).sum())} differ.")
hashes[~hashes["same"]] if not hashes["same"].all() else hashes

# %% [markdown]
# ## Conclusion

# %%
differing = hashes.loc[~hashes["same"], "what"].tolist()
sound = verdict is not None and verdict.in_order
in_order = sound and not differing and trail.in_order and bool(seen["same"].all())
said = (
    f"{verdict.integrity}{f' ({verdict.reason.message})' if verdict.reason and not sound else ''}"
    if verdict
    else "not there"
)
Conclusion(
    in_order,
    f"The stored file is {said}. Of {len(hashes)} hashes computed anew, {len(differing)} differ from what was written down. "
    + (
        "Each signer's consent names the file that was kept. "
        if seen["same"].all()
        else "A consent names another file than was kept. "
    )
    + f"{sum(rooted.values())} of {len(trail.events)} events are proven to be in the audit log as signed.",
    {
        "document": document,
        "integrity": str(verdict.integrity) if verdict else None,
        "indication": str(verdict.indication) if verdict and verdict.indication else None,
        "hashes": len(hashes),
        "differing": differing,
        "events": len(trail.events),
        "events_proven": sum(rooted.values()),
        "trail_in_order": trail.in_order,
        "revisions": len(revisions_table),
    },
)
