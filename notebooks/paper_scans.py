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
# # QR codes on paper
#
# **Question.** Which of the photographed or scanned certificates are ours, and does the registry know them as they are?
#
# **Population.** Every file in a folder of photos and scans.
#
# **Criteria.** The code's signature verifies with the company's public key; certificate, signed revision and document are those
# of the registry; the document was not withdrawn.
#
# **Procedure.** Each file is read offline and judged. A code proves that its *certificate* is the company's. That the pages lying
# with it are those it was issued for has to be seen by comparing them; what to compare is listed. Nothing is changed.

# %% tags=["parameters"]
workspace = ""  # folder of the workspace; empty: SEALTRAIL_WORKSPACE, then the current folder
photos = (
    ""  # folder of photos and scans (PNG, JPEG, HEIC, TIFF, PDF); empty: `photos` in the workspace, else sample photos
)

# %%
import os
import tempfile
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from PIL import Image, ImageFilter
from tqdm.auto import tqdm

from signing_core import Conclusion, Picture, Workspace, frames, stored_file
from signing_core.certificate.registry import WorkspaceRegistry
from signing_core.certificate.scan_files import scan_files
from signing_core.errors import SealtrailError, UsageError
from signing_core.pdf import render
from signing_core.trust.workspace import of_workspace

opened = Workspace.open(workspace or os.environ.get("SEALTRAIL_WORKSPACE", "."))
folder = Path(photos) if photos else opened.path / "photos"
if photos and not folder.is_dir():
    raise UsageError(f"There is no folder {photos}; give a folder of photos or scans.")
samples = not folder.is_dir()

# %% [markdown]
# ## Sample photos
#
# Only where no photos are given and the workspace has no folder `photos`: to show how the audit works, certificate pages of the
# workspace's own documents are drawn and treated as paper is: turned, blurred, saved as a poor JPEG, photographed from the side,
# faxed. The conclusion says when the photos were such samples.

# %%
WAYS = {
    "flat": lambda page: page.resize((page.width * 3 // 4, page.height * 3 // 4), Image.Resampling.BOX),
    "turned 17 degrees": lambda page: page.rotate(17, Image.Resampling.BICUBIC, expand=True, fillcolor=90),
    "blurred": lambda page: page.filter(ImageFilter.GaussianBlur(2.2)),
    "poor JPEG": lambda page: page.resize((page.width // 2, page.height // 2), Image.Resampling.BOX),
    "from the side": lambda page: page.transform(
        page.size,
        Image.Transform.QUAD,
        (-180, -60, -60, page.height + 120, page.width + 60, page.height + 40, page.width + 240, -200),
        Image.Resampling.BICUBIC,
        fillcolor=80,
    ),
    "faxed": lambda page: page.resize((page.width, page.height // 2), Image.Resampling.BOX).point(
        lambda v: 255 * (v > 128)
    ),
}
if samples:
    folder = Path(tempfile.mkdtemp(prefix="sample-photos-"))
    archive = frames.documents(opened, completed=True).sort_values("completed_at").tail(3)
    for number, row in enumerate(tqdm(archive.itertuples(), total=len(archive), unit="document"), start=1):
        try:
            data = stored_file(opened, row.final_sha256)
            page = render.render(data, render.page_count(data), dpi=200).convert("L")
        except SealtrailError:
            continue
        for way, change in WAYS.items():
            quality = 12 if way == "poor JPEG" else 80
            change(page).save(folder / f"sample {number}, {way}.jpg", quality=quality)
files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
if not files:
    raise UsageError(f"There is no file in {folder}; give a folder of photos or scans.")
print(f"{len(files)} {'SAMPLE photos, made here' if samples else 'files in the folder'}.")

# %% [markdown]
# ## Reading
#
# A code is `valid` when its signature is by one of the company's keys below. `unknown-key` is a code of this kind by somebody else,
# `invalid` one whose signature does not verify, `foreign` any other QR code. Where nothing was read, there is no code, or the
# picture is too poor: photograph it again, closer and flat.

# %%
believed = of_workspace(opened)
registry = WorkspaceRegistry(opened.engine)
results = []
for file in tqdm(files, unit="file"):
    results += scan_files([file], trust=believed, registry=registry)
table = pd.DataFrame(
    [
        (
            Path(one.path).name,
            one.page,
            one.qr or ("foreign" if one.found else "nothing read"),
            one.registry,
            one.document_id,
            one.method,
            "valid and known" if one.in_order and one.registry == "known" else "not in order",
            ", ".join(finding.code for finding in one.findings),
        )
        for one in results
    ],
    columns=["file", "page", "code", "registry", "document", "read by", "state", "findings"],
    dtype=object,
)
print(f"Public keys to believe: {', '.join(sorted(raw.hex()[:16] for raw in believed.keys('qr')))}.")
frames.listing(
    table if table["page"].notna().any() else table.drop(columns="page"), caption="What was read of each file"
)

# %% [markdown]
# ## The pictures
#
# Up to twelve, those that are not in order first.

# %%
by_file = table.groupby("file")["state"].agg(
    lambda some: "valid and known" if "valid and known" in set(some) else "not in order"
)


def opened_picture(file):
    """A small copy of a photo; None for what is no picture, such as a PDF."""
    try:
        with Image.open(file) as picture:
            picture.thumbnail((420, 420))
            return picture.convert("RGB")
    except OSError:
        return None


order = sorted(files, key=lambda file: (by_file.get(file.name) == "valid and known", file.name))
pictures = [(file, picture) for file in order[:24] if (picture := opened_picture(file)) is not None][:12]
across, down = min(6, max(1, len(pictures))), max(1, -(-len(pictures) // 6))
figure = Figure(figsize=(1.75 * across, 2.6 * down), layout="constrained")
panels = figure.subplots(down, across, squeeze=False).ravel()
for panel in panels:
    panel.set_axis_off()
for panel, (file, picture) in zip(panels, pictures, strict=False):
    panel.imshow(picture)
    panel.set_title(f"{file.stem[:24]}\n{by_file[file.name]}", fontsize=7)
said = [f"{file.name}: {by_file[file.name]}" for file, _ in pictures]
Picture.of(figure, alt=f"{len(pictures)} photos. {'; '.join(said)}.", caption=f"{len(pictures)} of {len(files)} files.")

# %% [markdown]
# ## What to compare by eye
#
# Of each code that is in order: the document that its certificate was issued for, with the number of its pages without the
# certificate. Title, pages and the printed hash have to be those of the paper in hand.

# %%
known = {one.document_id: one.document for one in results if one.document is not None}
frames.listing(
    pd.DataFrame(
        [(one.document_id, one.title, one.pages, one.status) for one in known.values()],
        columns=["document", "title", "pages", "status"],
    )
)

# %% [markdown]
# ## What no code proves

# %%
for sentence in dict.fromkeys(sentence for one in results for sentence in one.does_not_prove[:2]):
    print(f"- {sentence}")

# %% [markdown]
# ## Conclusion

# %%
good = sorted(by_file[by_file == "valid and known"].index)
bad = sorted(by_file[by_file != "valid and known"].index)
Conclusion(
    not bad,
    f"{len(good)} of {len(by_file)} {'SAMPLE photos' if samples else 'files'} hold a valid certificate code that the registry knows, "
    f"of {len(known)} documents. "
    + (f"The others have to be looked at: {', '.join(bad[:10])}." if bad else "None is left to look at."),
    {
        "files": len(by_file),
        "samples": samples,
        "in_order": good,
        "not_in_order": {name: sorted(set(table.loc[table["file"] == name, "code"])) for name in bad},
        "documents": sorted(known),
        "invalid_codes": int((table["code"] == "invalid").sum()),
    },
)
