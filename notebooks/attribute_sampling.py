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
# # Attribute sampling
#
# **Question.** Looking at some documents only: at which rate do documents fail, at most, with the stated confidence?
#
# **Population.** The documents completed in the period.
#
# **Attribute.** A document deviates when its stored file does not verify, when what is stored, registered, logged, mailed and
# printed is not one, or when a control of the signing process was broken.
#
# **Criteria.** Confidence (one minus the risk of overreliance), tolerable rate and expected rate are fixed before the first
# document is looked at.
#
# **Procedure.** Sample size by the hypergeometric distribution, which is exact for a population of known size; selection by a
# recorded seed; projection of the deviations found, with the upper limit. The same formulas without a population give the
# numbers of the tables in the AICPA Audit Guide *Audit Sampling*, appendix A; some are compared below, many more in the tests.
# Nothing is changed.

# %% tags=["parameters"]
workspace = ""  # folder of the workspace; empty: SEALTRAIL_WORKSPACE, then the current folder
month = "all"  # such as 2026-11; "all" for the whole archive
confidence = 0.95  # one minus the risk of overreliance
tolerable = 0.10  # rate of deviations from which on the control is not relied upon
expected = 0.0  # rate of deviations that is expected
seed = ""  # of the selection; empty: a new one, which the conclusion records

# %%
import hashlib
import os

import pandas as pd
from matplotlib.figure import Figure
from tqdm.auto import tqdm

from signing_core import Conclusion, Picture, Workspace, controls, frames, sampling, verify_archive

opened = Workspace.open(workspace or os.environ.get("SEALTRAIL_WORKSPACE", "."))
now = opened.clock()
since, until = (None, None) if month == "all" else frames.period(month, opened.zone)
population = frames.documents(opened, since=since, until=until, completed=True)
print(f"{len(population)} documents in the population")

# %% [markdown]
# ## Sample size
#
# The smallest sample in which the deviations that may occur, at least the expected ones, still keep the upper limit at the
# tolerable rate. A population too small for that is examined as a whole: then nothing is left to chance.

# %%
plan = sampling.plan(tolerable, expected=expected, confidence=confidence, population=len(population))
print(
    f"{plan.size} of {plan.population} documents; with at most {plan.acceptable} deviations the rate is at most "
    f"{tolerable:.1%} at {confidence:.0%} confidence."
)

# %% [markdown]
# The same formula without a population, beside published values (AICPA Audit Guide *Audit Sampling*, table A-1: 5 % risk of
# overreliance; rows are expected, columns tolerable rates).

# %%
published = {(0.0, 0.05): 59, (0.0, 0.10): 29, (0.01, 0.05): 93, (0.02, 0.05): 181, (0.01, 0.04): 156, (0.04, 0.10): 89}
compared = pd.DataFrame(
    [(e, t, sampling.plan(t, expected=e).size, size) for (e, t), size in published.items()],
    columns=["expected", "tolerable", "computed", "published"],
)
agrees = bool((compared["computed"] == compared["published"]).all())
assert agrees, "The computed sample sizes are not the published ones."
frames.listing(
    compared.assign(
        expected=compared["expected"].map("{:.0%}".format), tolerable=compared["tolerable"].map("{:.0%}".format)
    )
)

# %% [markdown]
# ## Selection
#
# Of all SHA-256(seed ":" document id), the smallest are taken. Anybody can repeat that with any program; below it is done a second
# time without the project's code.

# %%
seed = seed or sampling.new_seed()
chosen = sampling.select(population["document_id"], plan.size, seed)
again = sorted(population["document_id"], key=lambda one: hashlib.sha256(f"{seed}:{one}".encode()).hexdigest())[
    : plan.size
]
assert chosen == again
print(f"Seed {seed}: {len(chosen)} documents drawn, the first of them {', '.join(chosen[:3])}")

# %% [markdown]
# ## Examination
#
# Each document of the sample is asked one question: is it in order? The stored file is verified; what is stored, registered, logged,
# mailed and printed is compared; the controls of the signing process are checked. A file that is gone cannot be verified and counts
# as a deviation.

# %%
report = verify_archive(opened, chosen, at=now, progress=True)
deviating = {verdict.document_id: {"stored-file-fails"} for verdict in report.exceptions}
deviating |= {document_id: {"stored-file-fails"} for document_id, _ in report.not_judged}
for looked in tqdm(controls.look(opened, chosen, now=now), total=len(chosen), unit="document"):
    for finding in looked.findings:
        if finding.severity != "info":
            deviating.setdefault(looked.document_id, set()).add(finding.code)
frames.listing(
    pd.DataFrame(
        [
            (number, one, one in deviating, ", ".join(sorted(deviating.get(one, ()))))
            for number, one in enumerate(chosen, 1)
        ],
        columns=["drawn", "document", "deviates", "codes"],
    ),
    caption="The sample in the order in which it was drawn",
)

# %% [markdown]
# ## Projection
#
# The rate of the sample is the most likely rate of the population. Another sample could have had more: the upper limit is the rate
# that the population does not exceed, at the stated confidence. The control is relied upon when the upper limit is at most the
# tolerable rate. The plot shows what other numbers of deviations would have meant.

# %%
result = sampling.evaluate(plan.size, len(deviating), confidence=confidence, population=len(population))
rates = [
    sampling.evaluate(plan.size, k, confidence=confidence, population=len(population))
    for k in range(min(plan.size, max(6, result.deviations + 2)) + 1)
]
figure = Figure(figsize=(8, 3.2), layout="constrained")
axes = figure.subplots()
axes.plot(
    [one.deviations for one in rates], [one.upper_limit for one in rates], "o-", color="#2c4a75", label="upper limit"
)
axes.plot(
    [one.deviations for one in rates], [one.rate for one in rates], "s--", color="#7a9cc6", label="rate of the sample"
)
axes.axhline(tolerable, color="#a3161d", linestyle="-.", label="tolerable rate")
axes.axvline(result.deviations, color="#59616b", linestyle=":", label="deviations found")
axes.annotate(
    f"{result.upper_limit:.1%}", (result.deviations, result.upper_limit), xytext=(6, 6), textcoords="offset points"
)
axes.annotate(f"{result.rate:.1%}", (result.deviations, result.rate), xytext=(6, -14), textcoords="offset points")
axes.set(xlabel="Deviations in the sample", ylabel="Rate", title=f"Sample of {plan.size} from {len(population)}")
axes.set_ylim(bottom=-0.02)
axes.xaxis.get_major_locator().set_params(integer=True)
axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)
Picture.of(
    figure,
    alt=f"Upper limit and rate of the sample by number of deviations. Found: {result.deviations} deviations, rate {result.rate:.1%}, "
    f"upper limit {result.upper_limit:.1%}; tolerable rate {tolerable:.1%}.",
    caption=f"At {confidence:.0%} confidence. Dots: upper limit. Squares: rate of the sample. Dash and dot: tolerable rate.",
)

# %% [markdown]
# ## Conclusion

# %%
supports = result.supports(tolerable)
Conclusion(
    supports,
    f"{result.deviations} of {plan.size} documents deviate ({result.rate:.1%}). At {confidence:.0%} confidence at most "
    f"{result.at_most} of {len(population)} documents deviate ({result.upper_limit:.1%}), which is "
    f"{'within' if supports else 'above'} the tolerable rate of {tolerable:.1%}: the control is {'' if supports else 'NOT '}relied upon.",
    {
        "population": len(population),
        "confidence": confidence,
        "tolerable": tolerable,
        "expected": expected,
        "sample": plan.size,
        "acceptable": plan.acceptable,
        "seed": seed,
        "chosen": chosen,
        "deviations": result.deviations,
        "deviating": sorted(deviating),
        "rate": round(result.rate, 6),
        "projected": round(result.projected, 3),
        "upper_limit": round(result.upper_limit, 6),
        "at_most": result.at_most,
        "tables_agree": agrees,
    },
)
