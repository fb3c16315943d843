"""Documents completed per minute on one core, beside pyHanko's bare signing of the same steps with the same keys.

    .venv/bin/python benchmarks/flow.py --documents 30

Everything runs in one process pinned to one core, with SQLite on `synchronous=FULL`. Reported apart are the two checks that
Sealtrail makes of its own work, which signing alone has no counterpart to: the verdict of its own verifier, and both QR
readers on the rendered certificate. What is left is held against pyHanko's high-level calls on the same prepared document:
a certification signature, an approval signature, a third one with DSS and document time-stamp (PAdES B-LTA), time-stamps
from the same embedded authority, no database, no messages, no certificate page.
"""

from __future__ import annotations

import argparse
import functools
import gc
import io
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers, timestamps
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from signing_core import testing
from signing_core.certificate import readback
from signing_core.desk import Desk, sealing
from signing_core.flow import Role, Status
from signing_core.keys.ring import KeyRing
from signing_core.pdf import render
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play, contract, make_workspace
from signing_core.verification import document as verifier

PASSPHRASE = "a passphrase for the benchmark only"
CHECKS = ("self-verification", "readers' check")
PLAYED = "parties reading their messages"
"""What the benchmark does in their place: no work of Sealtrail's."""


class Stopwatch:
    """Milliseconds by phase; what is measured inside of another phase is taken out of it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._clock = clock
        self._running: list[str] = []
        self._since = 0.0

    def _lap(self) -> None:
        now = self._clock()
        if self._running:
            self.spent[self._running[-1]] += (now - self._since) * 1000
        self._since = now

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        self._lap()
        self._running.append(name)
        try:
            yield
        finally:
            self._lap()
            self._running.pop()

    def wrap(self, owner: Any, attribute: str, name: str) -> None:
        """Every call of `owner.attribute` is counted as `name`."""
        real = getattr(owner, attribute)

        @functools.wraps(real)
        def timed(*arguments: Any, **options: Any) -> Any:
            with self.phase(name):
                return real(*arguments, **options)

        setattr(owner, attribute, timed)


def sealtrail_flow(play: Play, source: bytes, watch: Stopwatch) -> bytes:
    """One document from its source to the last message handed over; returns the completed file."""
    with watch.phase("create"):
        document_id = play.create(source)
    with watch.phase("send, links, codes, consent: first party"):
        play.desk.send(document_id)
        play.consent(document_id, Role.FIRST_PARTY)
    with watch.phase("signature: first party"):
        play.desk.work_on(document_id)
    with watch.phase("links, codes, consent: client"):
        play.consent(document_id, Role.CLIENT)
    with watch.phase("signature: client"):
        signed = play.desk.state(document_id)
        assert signed.status is Status.SIGNING
        real = sealing.seal
        sealing.seal = lambda workspace, state, clock: state  # type: ignore[assignment]
        try:
            play.desk.work_on(document_id)
        finally:
            sealing.seal = real
    with watch.phase("seal and preservation"):
        assert play.desk.work_on(document_id).status is Status.COMPLETED
    with watch.phase("completion messages"):
        play.deliver()
    return play.workspace.objects.get(play.desk.status(document_id)["final"]["sha256"])


class EmbeddedTimeStamper(timestamps.TimeStamper):
    def __init__(self, authority: Any) -> None:
        super().__init__(include_nonce=False)
        self._authority = authority

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> Any:
        from asn1crypto import cms

        return cms.ContentInfo.load(self._authority.time_stamp(message_digest))


class Bare:
    """pyHanko alone."""

    def __init__(self, ring: KeyRing) -> None:
        self.root = asn1_x509.Certificate.load(ring.ca.certificate.public_bytes(Encoding.DER))
        self.time_stamper = EmbeddedTimeStamper(ring.time_stamp_authority)
        self.ring = ring
        self.first_party, self.seal = (
            signers.SimpleSigner.load_pkcs12_data(
                ring.export_key(purpose, PASSPHRASE), other_certs=[], passphrase=PASSPHRASE.encode()
            )
            for purpose in ("first-party", "seal")
        )

    def client(self) -> signers.SimpleSigner:
        """A one-time key, made outside of what is measured."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.ring.ca.issue("client", key.public_key(), "Sample Client", now=datetime.now(UTC))
        registry = SimpleCertificateStore()
        registry.register(self.root)
        return signers.SimpleSigner(
            signing_cert=asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER)),
            signing_key=asn1_keys.PrivateKeyInfo.load(
                key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
            ),
            cert_registry=registry,
        )

    def flow(self, prepared: bytes, client: signers.SimpleSigner, watch: Stopwatch) -> bytes:
        with watch.phase("certification signature"):
            data = self._signed(prepared, "SealtrailFirstParty", self.first_party, certify=True)
        with watch.phase("approval signature"):
            data = self._signed(data, "SealtrailClient", client)
        with watch.phase("third signature, DSS, document time-stamp"):
            crl = self.ring.ca.crl(datetime.now(UTC), 1, [])
            context = ValidationContext(
                trust_roots=[self.root], allow_fetching=False, revocation_mode="hard-fail", crls=[crl]
            )
            return self._signed(
                data, "SealtrailSeal", self.seal, embed_validation_info=True, use_pades_lta=True,
                validation_context=context,
            )  # fmt: skip

    def _signed(self, data: bytes, field: str, signer: signers.Signer, **options: Any) -> bytes:
        metadata = signers.PdfSignatureMetadata(
            field_name=field, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES,
            docmdp_permissions=MDPPerm.FILL_FORMS, **options,
        )  # fmt: skip
        writer = IncrementalPdfFileWriter(io.BytesIO(data))
        output = signers.sign_pdf(writer, metadata, signer=signer, timestamper=self.time_stamper, in_place=True)
        return bytes(output.getvalue())


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def compare(documents: int, pages: int, clock: Callable[[], float]) -> dict[str, Any]:
    """The median of each phase, in milliseconds, the two taking turns, after two rounds to warm up."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    watch = Stopwatch(clock)
    for owner, attribute, name in (
        (verifier, "verify", CHECKS[0]),
        (readback, "read_back", CHECKS[1]),
        (render, "render", CHECKS[1]),
        (testing, "_newest", PLAYED),
    ):
        watch.wrap(owner, attribute, name)
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="sealtrail-benchmark-") as folder:
        workspace: Workspace = make_workspace(Path(folder) / "workspace")
        with workspace, workspace.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2, "synchronous=FULL"
            play, source = Play(Desk(workspace)), contract(pages)
            document_id = play.create(source)
            prepared = workspace.objects.get(play.desk.status(document_id)["files"]["prepared"]["sha256"])
            bare = Bare(workspace.keys())
            for number in range(documents + 2):
                client = bare.client()
                for once, kept in (
                    (lambda: sealtrail_flow(play, source, watch), ours),
                    (lambda client=client: bare.flow(prepared, client, watch), theirs),
                ):
                    watch.spent.clear()
                    gc.collect()
                    once()
                    if number >= 2:
                        kept.append({name: spent for name, spent in watch.spent.items() if name != PLAYED})
    mine, floor = medians(ours), medians(theirs)
    total, bare_total = sum(mine.values()), sum(floor.values())
    rest = sum(spent for name, spent in mine.items() if name not in CHECKS)
    signing = sum(spent for name, spent in mine.items() if name.startswith(("signature", "seal")))
    return {
        "documents": documents, "pages": pages, "python": sys.version.split()[0],
        "sealtrail_ms": mine, "bare_ms": floor, "total_ms": total, "rest_ms": rest, "bare_total_ms": bare_total,
        "documents_per_minute": 60_000 / total, "ratio_of_the_rest": rest / bare_total,
        "ratio_of_signing_and_sealing": signing / bare_total,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--documents", type=int, default=30)
    parser.add_argument("--pages", type=int, default=2)
    parser.add_argument("--cpu", action="store_true", help="Processor time instead of wall time: on a busy machine.")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging.getLogger("pyhanko").setLevel(logging.ERROR)  # it warns of what the benchmark asks for on purpose
    found = compare(options.documents, options.pages, time.process_time if options.cpu else time.perf_counter)
    if options.json:
        print(json.dumps(found, indent=1))
        return
    for title, phases in (("Sealtrail", found["sealtrail_ms"]), ("pyHanko, bare", found["bare_ms"])):
        print(f"\n{title}")
        for name, spent in phases.items():
            print(f"  {name:44} {spent:8.1f} ms{'  (apart)' if name in CHECKS else ''}")
    print(
        f"\n{found['documents_per_minute']:.0f} documents completed per minute on one core ({found['total_ms']:.0f} ms each)"
    )
    print(f"without its two checks {found['rest_ms']:.0f} ms, bare signing {found['bare_total_ms']:.0f} ms: "
          f"{found['ratio_of_the_rest']:.2f} times; signing and sealing alone "
          f"{found['ratio_of_signing_and_sealing']:.2f} times")  # fmt: skip


if __name__ == "__main__":
    main()
