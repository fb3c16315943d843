"""Signs with endesive: SOURCE TARGET P12 PASSWORD FIELD new|existing BOX. Runs in the tools' own venv."""

from __future__ import annotations

import sys
import types
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from cryptography.hazmat.primitives.serialization import pkcs12

# endesive's verifier needs a library that does not know today's OpenSSL; it is not wanted here.
verifier = types.ModuleType("endesive.pdf.verify")
vars(verifier).update(PDFVerifier=None, verify=None)
sys.modules["endesive.pdf.verify"] = verifier

cms = import_module("endesive.pdf.cms")


def main(source: str, target: str, p12: str, password: str, field: str, existing: str, box: str) -> None:
    data = Path(source).read_bytes()
    key, certificate, others = pkcs12.load_key_and_certificates(Path(p12).read_bytes(), password.encode())
    wanted = {
        "sigflags": 3,
        "sigpage": 0,
        "sigfield": field,
        "signform": existing == "existing",
        "contact": "",
        "location": "Sample",
        "signingdate": datetime.now(UTC).strftime("D:%Y%m%d%H%M%S+00'00'"),
        "reason": "agreed",
    }
    if box:
        wanted |= {"signaturebox": tuple(map(int, box.split(","))), "signature": "Signed"}
    Path(target).write_bytes(data + cms.sign(data, wanted, key, certificate, others, "sha256"))


main(*sys.argv[1:])
