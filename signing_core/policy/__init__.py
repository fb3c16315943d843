"""What counts as valid: algorithms with their cut-off dates, revocation, time, and where anchors are.

A policy is a value that is handed in, never a global. The default one follows ETSI TS 119 312 V1.5.1; `cut_offs` has every row
with the edition that it is from. A *cut-off* is the first moment at which an algorithm no longer suffices. What was made with
it before, and is proven to be older by a time-stamp, stays good (ETSI EN 319 102-1, 5.6.2.4).

A policy file is TOML or JSON and names only what it changes::

    id = "archive-2026"
    [digests]
    sha1 = 2012-01-01          # a date, or "never" / "always"
    [keys]
    rsa = [[1900, 2027-01-01], [3000, "always"]]
    [schemes]
    plain-ecdsa = "never"
    [curves]
    secp256k1 = "always"
    [revocation]
    mode = "required"          # "required", "declared" or "ignored"
    [time]
    require_time_stamp = true
    accept_embedded_authority = true
    [trust]
    anchors = ["anchors"]      # files or folders, relative to the policy file
"""

from signing_core.policy.cut_offs import ALWAYS, CUT_OFFS, NEVER, CutOff
from signing_core.policy.files import load, read
from signing_core.policy.rules import Algorithm, Judgement, Policy, RevocationMode

__all__ = [
    "ALWAYS",
    "CUT_OFFS",
    "NEVER",
    "Algorithm",
    "CutOff",
    "Judgement",
    "Policy",
    "RevocationMode",
    "load",
    "read",
]
