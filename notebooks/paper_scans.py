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
# with it are those it was issued for has to be seen by comparing them; what to compare is listed.

# %% tags=["parameters"]
workspace = ""  # folder of the workspace; empty: SEALTRAIL_WORKSPACE, then the current folder
photos = ""  # folder of photos and scans (PNG, JPEG, HEIC, TIFF, PDF); empty: the folder `photos` in the workspace

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from PIL import Image
from tqdm.auto import tqdm

from signing_core import Conclusion, Workspace
from signing_core.certificate.registry import WorkspaceRegistry
from signing_core.certificate.scan_files import scan_files
from signing_core.keys import trust

opened = Workspace.open(workspace or os.environ.get("SEALTRAIL_WORKSPACE", "."))
folder = Path(photos) if photos else opened.path / "photos"
files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
keys = trust.load([opened.resolve(opened.settings.keys.folder) / "public" / "qr.pem"]).statement_keys("qr")
print(f"{len(files)} files in the folder; {len(keys)} public keys to believe: {', '.join(key.hex() for key in keys)}")

# %% [markdown]
# ## Reading

# %%
registry = WorkspaceRegistry(opened.engine)
results = []
for file in tqdm(files, unit="file"):
    results += scan_files([file], keys=keys.values(), registry=registry)
states = {True: "valid and known", False: "not in order"}
table = pd.DataFrame(
    [
        (
            Path(one.path).name,
            one.page,
            one.found,
            one.qr or ("foreign" if one.found else "nothing read"),
            one.registry,
            one.document_id,
            one.certificate_id,
            one.method,
            states[one.in_order and one.registry == "known"],
            ", ".join(finding.code for finding in one.findings),
        )
        for one in results
    ],
    columns=["file", "page", "found", "code", "registry", "document", "certificate", "read by", "state", "findings"],
)
table

# %% [markdown]
# ## What to compare by eye
#
# Of each code that is in order: the document that its certificate was issued for, with the number of its pages without the
# certificate.

# %%
known = {one.document_id: one.document for one in results if one.document is not None}
pd.DataFrame(
    [(one.document_id, one.title, one.pages, one.status) for one in known.values()],
    columns=["document", "title", "pages", "status"],
)

# %% [markdown]
# ## Result

# %%
by_file = table.groupby("file")["state"].agg(
    lambda some: "valid and known" if "valid and known" in set(some) else "not in order"
)
outcome = table["code"].where(table["state"] != "valid and known", "valid, known").value_counts()
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), width_ratios=[3, 2])
left.barh(outcome.index, outcome.to_numpy(), color="#2c4a75")
left.set(xlabel="Codes", title="What was read")
pictures = [file for file in files if file.suffix.lower() in (".png", ".jpg", ".jpeg")]
right.set_axis_off()
if pictures:
    right.imshow(Image.open(pictures[0]), cmap="gray")
    right.set_title(pictures[0].name, fontsize=9)
figure.tight_layout()

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
    f"{len(good)} of {len(by_file)} files hold a valid certificate code that the registry knows, of {len(known)} documents. "
    + (f"The others have to be looked at: {', '.join(bad[:10])}." if bad else "None is left to look at."),
    {
        "files": len(by_file),
        "in_order": good,
        "not_in_order": {name: sorted(set(table.loc[table["file"] == name, "code"])) for name in bad},
        "documents": sorted(known),
        "invalid_codes": int((table["code"] == "invalid").sum()),
    },
)
