"""A certification authority, a signer and a time-stamp authority for every test, and verdicts in one word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import signed_samples as made
from signed_samples import NOW, Identity

from signing_core.policy import Policy
from signing_core.trust import TrustStore
from signing_core.verdict import DocumentVerdict, SignatureVerdict
from signing_core.verification import verify
from signing_core.verification.revocation import material


@dataclass(frozen=True)
class World:
    root: Identity
    signer: Identity
    authority: Identity

    @property
    def trust(self) -> TrustStore:
        return trust(self.root)

    def stamp(self, time: object = NOW) -> Callable[[bytes], bytes]:
        return lambda value: made.token(self.authority, value, time)  # type: ignore[arg-type]


def trust(*roots: Identity) -> TrustStore:
    return made.store(*(root.der for root in roots))


@pytest.fixture(scope="session")
def world() -> World:
    root = made.issue("Sample Root", ca=True, not_after=NOW + 20 * made.YEAR)
    return World(
        root, made.issue("Sample Signer", root), made.time_stamping("Sample TSA", root, not_after=NOW + 5 * made.YEAR)
    )


@pytest.fixture(scope="session")
def judge(world: World) -> Callable[..., DocumentVerdict]:
    """`judge(data, at=..., roots=..., crls=..., ocsps=..., policy=...)` with the sample root as the only anchor."""

    def judged(
        data: bytes, *, at: object = NOW, roots: object = None, crls: object = (), ocsps: object = (), **more: object
    ) -> DocumentVerdict:
        chosen = more.pop("trust", None) or (world.trust if roots is None else trust(*roots))  # type: ignore[misc]
        data_given = material(crls, ocsps)  # type: ignore[arg-type]
        policy = more.pop("policy", Policy())
        return verify(data, at=at, policy=policy, trust=chosen, revocation=data_given, **more)  # type: ignore[arg-type]

    return judged


@pytest.fixture(scope="session")
def codes() -> Callable[[DocumentVerdict | SignatureVerdict], set[str]]:
    """Finding codes of a document with its signatures, or of one signature."""

    def found(verdict: DocumentVerdict | SignatureVerdict) -> set[str]:
        inner = {code for s in getattr(verdict, "signatures", ()) for code in found(s)}
        return {finding.code for finding in verdict.findings} | inner

    return found
