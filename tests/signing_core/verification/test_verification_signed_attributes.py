"""One value where one is meant: signed attributes (RFC 5652, 11; RFC 5035), and keys of the signature dictionary."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import signed_samples as made
from signed_samples import NOW, How, Pdf

from signing_core.pki import der
from signing_core.verdict import DocumentVerdict, Indication, Integrity
from signing_core.verification import cms

Judge = Callable[..., DocumentVerdict]

TIME = made.tlv(0x17, b"250101000000Z")
OTHER_DIGEST = made.tlv(4, b"\x07" * 32)
NAMES = {name: kind for kind, name in cms.SINGLE_VALUED.items()}
OTHERS = {
    "content type": made.oid(made.DATA),
    "message digest": OTHER_DIGEST,
    "signing time": TIME,
    "signing certificate v2": made.sequence(made.sequence(made.sequence(made.tlv(4, b"\x07" * 32)))),
    "signature policy": made.tlv(5),
    "algorithm protection": made.sequence(made.algorithm(made.DIGEST_OIDS["sha256"])),
}
"""A second value for each; the first is there already, or is given with it."""


def resigned(identity: made.Identity, covered: bytes, change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """A signature whose signed attributes were changed before signing: all of it verifies."""
    info = der.read(made.signer_info(identity, made.digest("sha256", covered), covered, How(signing_time=NOW)))
    fields = [node.encoded for node in der.children(info)]
    attributes = sorted(change([node.encoded for node in der.children(der.children(info)[3])]))
    fields[3] = made.tlv(0xA0, *attributes)
    fields[5] = made.tlv(4, made.sign_value(identity.key, made.tlv(0x31, *attributes), How())[1])
    return made.signed_data([made.sequence(*fields)], How(), identity.chain)


def with_values(kind: str, *more: bytes, first: bool = False) -> Callable[[list[bytes]], list[bytes]]:
    """Further values in the same attribute, before or after the one that is there."""

    def change(attributes: list[bytes]) -> list[bytes]:
        kept, values = [], []
        for attribute in attributes:
            name, inner = der.children(der.read(attribute))
            if der.oid(name) == kind:
                values += [node.encoded for node in der.children(inner)]
            else:
                kept.append(attribute)
        both = [*more, *values] if first else [*values, *more]
        return [*kept, made.sequence(made.oid(kind), made.tlv(0x31, *both))]

    return change


def by(identity: made.Identity, change: Callable[[list[bytes]], list[bytes]], sub_filter: str) -> bytes:
    pdf = Pdf.new()
    pdf.sign(lambda covered: resigned(identity, covered, change), sub_filter=sub_filter)
    return pdf.data


SUB_FILTERS = ("ETSI.CAdES.detached", "adbe.pkcs7.detached")


@pytest.mark.parametrize("sub_filter", SUB_FILTERS)
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("name", OTHERS)
def test_two_values_in_one_attribute(name: str, first: bool, sub_filter: str, world, judge: Judge, codes) -> None:
    present = name not in ("signature policy", "algorithm protection")
    more = (OTHERS[name],) if present else (OTHERS[name], OTHERS[name])
    verdict = judge(by(world.signer, with_values(NAMES[name], *more, first=first), sub_filter))
    assert (verdict.integrity, verdict.indication) == (Integrity.INDETERMINATE, Indication.INDETERMINATE)
    assert "signed-attribute-ambiguous" in codes(verdict)


@pytest.mark.parametrize("name", OTHERS)
def test_an_attribute_twice(name: str, world, judge: Judge, codes) -> None:
    again = made.attribute(NAMES[name], OTHERS[name])
    present = name not in ("signature policy", "algorithm protection")
    more = [again] if present else [again, again]
    verdict = judge(by(world.signer, lambda attributes: [*attributes, *more], "ETSI.CAdES.detached"))
    assert verdict.integrity is Integrity.INDETERMINATE
    assert "signed-attribute-ambiguous" in codes(verdict)


def test_an_attribute_without_a_value(world, judge: Judge, codes) -> None:
    empty = made.sequence(made.oid(NAMES["signing certificate"]), made.tlv(0x31))
    verdict = judge(by(world.signer, lambda attributes: [*attributes, empty], "ETSI.CAdES.detached"))
    assert (verdict.integrity, "signed-attribute-ambiguous" in codes(verdict)) == (Integrity.INDETERMINATE, True)


def test_attributes_that_may_have_several_values_or_stand_there_twice(world, judge: Judge, codes) -> None:
    private = made.attribute("1.3.6.1.4.1.99999.7", made.tlv(5), made.tlv(4, b"x"))
    commitment = made.attribute(
        "1.2.840.113549.1.9.16.2.16", made.sequence(made.oid("1.2.3")), made.sequence(made.oid("1.2.4"))
    )
    verdict = judge(by(world.signer, lambda given: [*given, private, private, commitment], "adbe.pkcs7.detached"))
    assert (verdict.integrity, verdict.indication) == (Integrity.INTACT, Indication.TOTAL_PASSED)
    assert "signed-attribute-ambiguous" not in codes(verdict)


def test_none_of_several_digests_fitting_is_a_changed_document(world, judge: Judge) -> None:
    data = by(world.signer, with_values(NAMES["message digest"], OTHER_DIGEST), "ETSI.CAdES.detached")
    assert judge(data.replace(b"595 842", b"595 843", 1)).integrity is Integrity.ALTERED


def test_a_time_stamp_with_two_values_proves_nothing(world, judge: Judge) -> None:
    def token(stamped: bytes) -> bytes:
        how = How(
            extra_signed=[(NAMES["signing time"], TIME), (NAMES["signing time"], made.tlv(0x17, b"240101000000Z"))]
        )
        return made.token(world.authority, stamped, NOW, how=how)

    verdict = judge(made.signed(world.signer, stamp=token), at=NOW + timedelta(days=1))
    assert verdict.signatures[0].proven_time is None
    pdf = Pdf.new()
    pdf.sign(token, sub_filter="ETSI.RFC3161", kind="DocTimeStamp", time=None)
    assert judge(pdf.data).integrity is Integrity.INDETERMINATE


# --- the signature dictionary ---


@pytest.mark.parametrize(
    "entry",
    [
        "/ByteRange[0 9 9 9]",
        "/Contents<00>",
        "/Contents<" + "30" * 200 + ">",
        "/SubFilter/adbe.pkcs7.sha1",
        "/M(D:20200101000000Z)",
        "/Byte#52ange[0 9 9 9]",
        "/Reference[<</TransformMethod/DocMDP/TransformMethod/FieldMDP>>]",
    ],
)
@pytest.mark.parametrize("sub_filter", ["ETSI.CAdES.detached", "adbe.pkcs7.detached", "ETSI.RFC3161"])
def test_a_key_twice_in_the_signature_dictionary(entry: str, sub_filter: str, world, judge: Judge, codes) -> None:
    pdf = Pdf.new()
    make = {"ETSI.RFC3161": world.stamp()}.get(sub_filter, lambda covered: made.cms(world.signer, covered))
    pdf.sign(make, sub_filter=sub_filter, entries=entry)
    verdict = judge(pdf.data)
    assert (verdict.integrity, verdict.indication) == (Integrity.INDETERMINATE, Indication.INDETERMINATE)
    assert verdict.signatures[0].intact is None
    assert "signature-key-twice" in codes(verdict)


def test_a_changed_document_stays_altered(world, judge: Judge) -> None:
    data = made.signed(world.signer, entries="/Contents<00>")
    assert judge(data.replace(b"595 842", b"595 843", 1)).integrity is Integrity.ALTERED
