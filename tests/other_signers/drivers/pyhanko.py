"""pyHanko: signatures (PAdES), empty fields for tools that need them, a DSS, document time-stamps."""

from __future__ import annotations

from typing import Any

from asn1crypto import crl, pem, x509
from pyhanko import keys as key_files
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfTimeStamper, fields, signers
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.sign.validation import DocumentSecurityStore
from pyhanko.stamp import TextStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore

from ..keys import SIGNERS, Keys
from ..workshop import Step, Tool, Workshop


def sign(workshop: Workshop, step: Step) -> None:
    field = step.own_field or step.new_field
    metadata = signers.PdfSignatureMetadata(field_name=field, subfilter=fields.SigSeedSubFilter.PADES, reason="agreed")
    place = None
    if not step.own_field:
        place = fields.SigFieldSpec(field, box=step.visible)
    signer = signers.SimpleSigner(
        signing_cert=key_files.load_cert_from_pemder(str(step.keys.certificate(step.signer))),
        signing_key=key_files.load_private_key_from_pemder(str(step.keys.key(step.signer)), passphrase=None),
        cert_registry=_store(step.keys),
    )
    style = TextStampStyle(stamp_text="Signed by %(signer)s") if step.visible or step.own_field else None
    pdf_signer = signers.PdfSigner(metadata, signer, new_field_spec=place, stamp_style=style)
    with step.source.open("rb") as file, step.target.open("w+b") as out:
        pdf_signer.sign_pdf(IncrementalPdfFileWriter(file, strict=False), output=out)


def prepare(workshop: Workshop, step: Step) -> None:
    """Adds an empty field, for tools that sign only fields that are there."""
    with step.source.open("rb") as file, step.target.open("w+b") as out:
        writer = IncrementalPdfFileWriter(file, strict=False)
        fields.append_signature_field(writer, fields.SigFieldSpec(step.new_field, box=step.visible))
        writer.write(out)


def store(workshop: Workshop, step: Step) -> None:
    certificates = [
        x509.Certificate.load(_der(step.keys.certificate(name).read_bytes())) for name in ("root", *SIGNERS, "tsa")
    ]
    lists = [crl.CertificateList.load(step.keys.crl.read_bytes())]
    with step.source.open("rb") as file, step.target.open("w+b") as out:
        writer = IncrementalPdfFileWriter(file, strict=False)
        DocumentSecurityStore.supply_dss_in_writer(writer, sig_contents=None, certs=certificates, crls=lists)
        writer.write(out)


def stamp(workshop: Workshop, step: Step) -> None:
    key = key_files.load_private_key_from_pemder(str(step.keys.key("tsa")), passphrase=None)
    certificate = key_files.load_cert_from_pemder(str(step.keys.certificate("tsa")))
    authority = DummyTimeStamper(certificate, key, certs_to_embed=_store(step.keys))
    with step.source.open("rb") as file, step.target.open("w+b") as out:
        PdfTimeStamper(authority).timestamp_pdf(
            IncrementalPdfFileWriter(file, strict=False), md_algorithm="sha256", output=out
        )


def _store(keys: Keys) -> Any:
    certificates = SimpleCertificateStore()
    certificates.register(key_files.load_cert_from_pemder(str(keys.root)))
    return certificates


def _der(data: bytes) -> bytes:
    _name, _headers, der = pem.unarmor(data)
    return bytes(der)


def _ready(workshop: Workshop) -> None:
    """It is one of our own dependencies."""


TOOL = Tool("pyHanko", "PyPI", _ready, sign, store=store, stamp=stamp)
