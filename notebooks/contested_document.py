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
# **Procedure.** Verdict, revisions, what each signer saw, timeline, proofs, hashes. Nothing is changed. The verdict and the pictures
# of the pages name the signers, as the PDF does: treat a copy of this notebook as you treat the document.

# %% tags=["parameters"]
workspace = ""  # folder of the workspace; empty: SEALTRAIL_WORKSPACE, then the current folder
document = ""  # id of the document; empty: the first completed one whose stored file was changed, else the newest

# %%
import base64
import hashlib
import os

import pandas as pd
from IPython.display import display
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from tqdm.auto import tqdm

from signing_core import AuditLog, AuditTrail, Conclusion, Picture, Workspace, frames, stored_file, verify_archive
from signing_core.errors import SealtrailError, UsageError
from signing_core.pdf import render, revisions

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
    if archive.empty:
        raise UsageError("No document is completed in this workspace; name one with the parameter document.")
    document = changed[0] if changed else archive.sort_values("completed_at")["document_id"].iloc[-1]
known = frames.documents(opened).set_index("document_id")
if document not in known.index:
    raise UsageError(f"There is no document {document} in this workspace; look up the id with `sealtrail list`.")
registered = known.loc[document]
print(f"Document {document}, {registered['title']}, {registered['status']}")

# %% [markdown]
# ## The verdict on the stored file
#
# The file as it lies in the object store now, judged as anybody could judge it. The folds below each signature say who signed, when,
# and what was found.

# %%
final = stored(registered["final_sha256"]) if pd.notna(registered["final_sha256"]) else None
judged = verify_archive(opened, [document], at=now)
verdict = judged.verdicts[0] if judged.verdicts else None
verdict if verdict is not None else print("There is no stored file: it is gone, or the document is not completed.")

# %% [markdown]
# ## Revisions
#
# A PDF keeps what it was: every signature is appended to the file, and the first bytes of the file are still the earlier state.
# Each state is cut out and hashed. The last column says which file that was kept during the signing has exactly that hash; where it
# says that there is none, the state is not, or no longer, one of those.

# %%
files = frames.files(opened, document_id=document)
kept = dict(zip(files["step"].astype(str), files["sha256"], strict=True))
steps = {sha256: step for step, sha256 in kept.items()}
structure = revisions.parse(final) if final is not None else None
rows = []
for number, one in enumerate(structure.revisions if structure else (), start=1):
    signers = [s.fields[0] for s in structure.signatures if s.revision == number]
    cuts = {digest(final[:end]): end for end in (one.end_with_eol, one.end)}
    name, length = next(((h, n) for h, n in cuts.items() if h in steps), next(iter(cuts.items())))
    rows.append((number, length, ", ".join(signers) or "nothing", name, steps.get(name, "none of the kept files")))
revisions_table = pd.DataFrame(rows, columns=["revision", "bytes", "signed in it", "SHA-256", "kept as"])
frames.listing(revisions_table, caption="The states that are in the stored file")

# %% [markdown]
# ## What each signer saw
#
# Consent is given to a hash. It has to be the hash of the file that was kept from before that signature: `prepared` is the file that
# the first party was shown, `first-party` the one with the first party's signature, which the client was shown. The pictures are
# the pages of those files, up to eight of each.

# %%
trail = AuditTrail.of(opened, document)
before = {"first-party": "prepared", "client": "first-party"}
seen = []
for role, step in before.items():
    data = stored(kept[step]) if step in kept else None
    consents = [event for event in trail.events if event.type == "consent.given" and event.data.get("role") == role]
    consented = consents[-1].data["document_sha256"] if consents else None
    computed = digest(data) if data is not None else None
    seen.append((role, step, consented, computed, consented is not None and consented == computed))
    if data is None:
        continue
    pages = render.page_count(data)
    shown = min(pages, 8)
    across, down = min(shown, 4), -(-shown // 4)
    figure = Figure(figsize=(2.4 * across, 3.5 * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for page, panel in enumerate(panels, start=1):
        panel.set_axis_off()
        if page <= shown:
            panel.imshow(render.render(data, page, dpi=80))
            panel.set_title(f"page {page}", fontsize=9)
            panel.add_patch(Rectangle((0, 0), 1, 1, transform=panel.transAxes, fill=False, edgecolor="#a3abb5"))
    reader = role.replace("-", " ")
    said = (
        f"Shown to the {reader} before the signature: {shown} of {pages} pages of the file {step}, SHA-256 {computed}"
    )
    display(Picture.of(figure, alt=f"{said}.", caption=said))
seen = pd.DataFrame(seen, columns=["signer", "file", "consent names", "kept file has", "same"])
frames.listing(seen, caption="The hash that each signer consented to, and that of the file")

# %% [markdown]
# ## Timeline
#
# What happened to the document, from first to last, with the time between. Each event names the hash of the one before it, so none
# can be taken out or exchanged without a trace. Names, addresses and devices stay closed here; the log holds commitments to
# them, and `AuditTrail.of(..., with_personal=True)` opens them where that is needed.

# %%
trail

# %% [markdown]
# ## When
#
# Three statements of when a signature was made: the time that the signature claims, the time that a time-stamp in it proves, and
# the time of the event in the log. A time-stamp by the company's own embedded authority shows no more than the company's clock.

# %%
made = {event.data.get("role"): event.time for event in trail.events if event.type == "signature.made"}
made["seal"] = next((event.time for event in trail.events if event.type == "document.completed"), None)
times = [
    (
        one.role or one.kind,
        one.claimed_time,
        one.proven_time,
        one.time_authority.name if one.time_authority else None,
        ("the company's own" if one.time_authority.embedded else "outside") if one.time_authority else None,
        made.get(one.role),
    )
    for one in (verdict.signatures if verdict is not None else ())
]
frames.listing(
    pd.DataFrame(
        times,
        columns=["signature", "claimed", "proven", "time-stamp authority", "authority is", "event in the log"],
        dtype=object,
    )
)

# %% [markdown]
# ## Proofs
#
# Every event under a signed checkpoint gets a proof, and the proof is checked here from the event's bytes upwards: the leaf is
# SHA-256(0x00 || body), an inner node SHA-256(0x01 || left || right) (RFC 6962), and the end has to be the checkpoint's root. The
# proof of the last event is shown; whoever has it and the log's public key needs nothing else of the company's.


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
    checks.append((what, named, computed, "same" if named == computed else "DIFFERS"))


for step, sha256 in kept.items():
    data = stored(sha256)
    compare(f"kept file {step}", sha256, digest(data) if data is not None else None)
if final is not None:
    compare("stored file, by the registry", registered["final_sha256"], digest(final))
    compare("signed revision (QR code)", registered["prefix_sha256"], digest(final[: int(registered["prefix_length"])]))
    for event in trail.events:
        if event.type == "document.completed":
            compare(f"stored file, by event {event.seq}", event.data["sha256"], digest(final))
for event in trail.events:
    if event.type == "signature.made":
        step = event.data["role"]
        data = stored(kept[step]) if step in kept else None
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
hashes = pd.DataFrame(checks, columns=["what", "written down", "computed now", "result"])
hashes = hashes.sort_values("result", kind="stable")
wrong = hashes["result"] == "DIFFERS"
frames.listing(hashes, caption=f"{len(hashes)} hashes computed, {int(wrong.sum())} differ (those first)", limit=200)

# %% [markdown]
# ## Conclusion

# %%
differing = hashes.loc[wrong, "what"].tolist()
sound = verdict is not None and verdict.in_order
in_order = sound and not differing and trail.in_order and bool(seen["same"].all())
because = f" ({verdict.reason.message.rstrip('.')})" if verdict is not None and verdict.reason and not sound else ""
said = f"{verdict.integrity}{because}" if verdict is not None else "not there"
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
