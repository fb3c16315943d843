"""What CRLs and OCSP responses may say, of whom, and when (RFC 5280, 6.3.3; RFC 6960, 4.2.2.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import signed_samples as made
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as o
from cryptography.x509.oid import NameOID
from signed_samples import NOW, YEAR, How, Identity

from signing_core.pki.x509_certificates import parse
from signing_core.policy import Policy
from signing_core.verdict import DocumentVerdict, Indication, SubIndication
from signing_core.verification.ocsp import parse_ocsp

Judge = Callable[..., DocumentVerdict]
DAY = timedelta(days=1)
NO_CHECK = (x509.OCSPNoCheck(), False)
HOLD = x509.ReasonFlags.certificate_hold
COMPROMISED = x509.ReasonFlags.key_compromise
RELEASED = x509.ReasonFlags.remove_from_crl


def state(verdict: DocumentVerdict) -> str:
    return str(verdict.signatures[0].revocation)


# --- whom a CRL speaks of ---


def uri(address: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(address)


def directory(name: str) -> x509.GeneralName:
    return x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))


def relative(name: str) -> x509.RelativeDistinguishedName:
    return x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def point(
    *names: x509.GeneralName,
    under: x509.RelativeDistinguishedName | None = None,
    issuer: x509.GeneralName | None = None,
    reasons: Sequence[x509.ReasonFlags] = (),
) -> x509.DistributionPoint:
    return x509.DistributionPoint(
        list(names) or None, under, frozenset(reasons) or None, [issuer] if issuer is not None else None
    )


def signer_with(root: Identity, *points: x509.DistributionPoint) -> Identity:
    extra = [(x509.CRLDistributionPoints(points), False)] if points else []
    return made.issue("Shard Signer", root, extra=extra)


def shard(
    root: Identity, *names: x509.GeneralName, under: object = None, revoked: object = (), **scope: object
) -> bytes:
    given = dict.fromkeys(
        ("only_contains_user_certs", "only_contains_ca_certs", "indirect_crl", "only_contains_attribute_certs"), False
    )
    scoped = x509.IssuingDistributionPoint(
        full_name=list(names) or None,
        relative_name=under,  # type: ignore[arg-type]
        only_some_reasons=scope.pop("reasons", None),  # type: ignore[arg-type]
        **(given | scope),  # type: ignore[arg-type]
    )
    return made.crl(root, revoked, extra=[(scoped, True)])  # type: ignore[arg-type]


HTTP, LDAP = "http://crl.example.org/1.crl", "ldap://dir.example.org/cn=1?certificateRevocationList"
WHOLE_NAME = [
    x509.NameAttribute(NameOID.COMMON_NAME, "Sample Root"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Sample"),
]  # fmt: skip

SCOPES: dict[str, tuple[list[x509.DistributionPoint], Callable[[Identity], bytes], bool]] = {
    "the same address": ([point(uri(HTTP))], lambda r: shard(r, uri(HTTP)), True),
    "another address": ([point(uri(HTTP))], lambda r: shard(r, uri("http://crl.example.org/2.crl")), False),
    "scheme and host in capitals": ([point(uri(HTTP))], lambda r: shard(r, uri("HTTP://CRL.Example.org/1.crl")), True),
    "path in capitals": ([point(uri(HTTP))], lambda r: shard(r, uri("http://crl.example.org/1.CRL")), False),
    "escaped": ([point(uri(LDAP))], lambda r: shard(r, uri(LDAP.replace("cn=", "cn%3D"))), True),
    "one of several": ([point(uri(LDAP), uri(HTTP))], lambda r: shard(r, uri("http://x.example/"), uri(HTTP)), True),
    "one of several points": ([point(uri(LDAP)), point(uri(HTTP))], lambda r: shard(r, uri(HTTP)), True),
    "ldap": ([point(uri(LDAP))], lambda r: shard(r, uri(LDAP)), True),
    "another ldap": ([point(uri(LDAP))], lambda r: shard(r, uri(LDAP.replace("cn=1", "cn=2"))), False),
    "ldap and http": ([point(uri(HTTP))], lambda r: shard(r, uri(LDAP)), False),
    "http and ldap": ([point(uri(LDAP))], lambda r: shard(r, uri(HTTP)), False),
    "a name": ([point(directory("Shard 1"))], lambda r: shard(r, directory("shard  1")), True),
    "another name": ([point(directory("Shard 1"))], lambda r: shard(r, directory("Shard 2")), False),
    "a name and an address": ([point(uri(HTTP))], lambda r: shard(r, directory("Shard 1")), False),
    "an address and a name": ([point(directory("Shard 1"))], lambda r: shard(r, uri(HTTP)), False),
    "another kind of name": ([point(x509.DNSName("a.example"))], lambda r: shard(r, x509.DNSName("a.example")), True),
    "another name of another kind": (
        [point(x509.DNSName("a.example"))], lambda r: shard(r, x509.DNSName("b.example")), False,
    ),
    "relative names": ([point(under=relative("1"))], lambda r: shard(r, under=relative("1")), True),
    "other relative names": ([point(under=relative("1"))], lambda r: shard(r, under=relative("2")), False),
    "relative and whole": (
        [point(x509.DirectoryName(x509.Name([*WHOLE_NAME, *relative("1")])))], lambda r: shard(r, under=relative("1")), True,
    ),
    "no point in the certificate": ([], lambda r: shard(r, uri(HTTP)), False),
    "no point, a list for the issuer's name": ([], lambda r: shard(r, x509.DirectoryName(x509.Name(WHOLE_NAME))), True),
    "no point in either": ([], lambda r: made.crl(r), True),
    "no point in the list": ([point(uri(HTTP))], lambda r: made.crl(r), True),
    "a scope without a point": ([point(uri(HTTP))], lambda r: shard(r, only_contains_user_certs=True), True),
    "of authorities": ([point(uri(HTTP))], lambda r: shard(r, uri(HTTP), only_contains_ca_certs=True), False),
    "of attribute certificates": ([point(uri(HTTP))], lambda r: shard(r, only_contains_attribute_certs=True), False),
    "indirect": ([point(uri(HTTP))], lambda r: shard(r, uri(HTTP), indirect_crl=True), False),
    "another issuer's list": (
        [point(uri(HTTP), issuer=directory("List Maker"))], lambda r: shard(r, uri(HTTP)), False,
    ),
    "another issuer's list, and the issuer's own": (
        [point(uri(HTTP), issuer=directory("List Maker"))], lambda r: made.crl(r), True,
    ),
    "for some reasons": ([point(uri(HTTP))], lambda r: shard(r, uri(HTTP), reasons=frozenset({COMPROMISED})), False),
    "at a point for some reasons": ([point(uri(HTTP), reasons=[COMPROMISED])], lambda r: shard(r, uri(HTTP)), False),
    "at a point for some reasons, beside one for all": (
        [point(uri(HTTP), reasons=[COMPROMISED]), point(uri(HTTP))], lambda r: shard(r, uri(HTTP)), True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("which", SCOPES)
def test_scope_of_a_crl(which: str, world, judge: Judge) -> None:
    points, make, covers = SCOPES[which]
    verdict = judge(
        made.signed(signer_with(world.root, *points)), crls=[make(world.root)], policy=Policy(revocation="required")
    )
    assert state(verdict) == ("good" if covers else "unknown")
    assert verdict.sub_indication is (None if covers else SubIndication.TRY_LATER)


@pytest.mark.parametrize("reasons", [None, frozenset({COMPROMISED})])
def test_what_another_shard_lists_is_not_good_there(reasons: object, world, judge: Judge) -> None:
    """The row that was seen: revoked in one shard, and only the other one is given."""
    signer = signer_with(world.root, point(uri(LDAP)))
    one = shard(world.root, uri(LDAP), revoked=[(signer, NOW - DAY, COMPROMISED)], reasons=reasons)
    other = shard(world.root, uri(LDAP.replace("cn=1", "cn=2")))
    assert state(judge(made.signed(signer), crls=[other])) == "unknown"
    assert state(judge(made.signed(signer), crls=[other, one])) == "revoked"  # also by a list for some reasons
    assert state(judge(made.signed(signer), crls=[made.crl(world.root), one])) == "revoked"


def test_an_authority_is_not_covered_by_a_list_of_users(world, judge: Judge) -> None:
    authority = made.issue("Sub CA", world.root, ca=True, crl_url=HTTP)
    data = made.signed(made.issue("Sample Signer", authority))
    for scope, sub in (("only_contains_user_certs", SubIndication.TRY_LATER), ("only_contains_ca_certs", None)):
        assert judge(data, crls=[shard(world.root, uri(HTTP), **{scope: True})]).sub_indication is sub


def test_two_scopes_in_one_list_are_none(world, judge: Judge) -> None:
    """The same extension twice (X.509 forbids it): whichever one believes, the other may be meant."""
    signer = signer_with(world.root, point(uri(HTTP)))
    inside = made.sequence(made.tlv(0xA0, made.tlv(0xA0, made.tlv(0x86, HTTP.encode()))))
    twice = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.28"), inside)
    lists = made.crl(world.root, extra=[(twice, True)])
    assert state(judge(made.signed(signer), crls=[lists])) == "good"
    body = x509.load_der_x509_crl(lists).tbs_certlist_bytes
    extension = made.sequence(made.oid("2.5.29.28"), b"\x01\x01\xff", made.tlv(4, inside))
    assert body.count(extension) == 1
    doubled = resigned(body, extension, extension * 2, world.root)
    assert state(judge(made.signed(signer), crls=[doubled])) == "unknown"


def resigned(body: bytes, old: bytes, new: bytes, by: Identity) -> bytes:
    """A CRL whose last element of the body was changed: the lengths around it are set anew."""
    from signing_core.pki import der

    parts = der.children(der.read(body))
    extensions = der.children(parts[-1])[0]
    inner = made.sequence(extensions.content.replace(old, new))
    body = made.sequence(*(part.encoded for part in parts[:-1]), made.tlv(0xA0, inner))
    algorithm, value = made.sign_value(by.key, body, How())
    return made.sequence(body, algorithm, made.tlv(3, b"\x00", value))


# --- who may sign a CRL ---


def lists_of(identity: Identity, name: Identity | None = None, **more: object) -> bytes:
    return made.crl(Identity(identity.key, (name or identity).certificate), **more)  # type: ignore[arg-type]


def rolling(parent: Identity, **more: object) -> Identity:
    return made.issue("Rolling CA", parent, **{"ca": True, **more})  # type: ignore[arg-type]


def judged_with(judge: Judge, root: Identity, signer: Identity, others: Sequence[Identity], **more: object) -> str:
    data = made.signed(signer, How(certificates=[*signer.chain, *(other.der for other in others)]))
    return state(judge(data, roots=[root], **more))


def test_a_signer_of_crls_needs_its_key_usage(world, judge: Judge) -> None:
    parent = made.issue("Parent", ca=True)
    ca = rolling(parent)
    signer = made.issue("Sample Signer", ca, crl_url=HTTP)
    assert judged_with(judge, parent, signer, [], crls=[lists_of(ca)]) == "good"
    for usage, expected in (("ca", "good"), ("document", "unknown"), ("none", "unknown"), (None, "good")):
        second = made.issue("Rolling CA", parent, usage=usage)
        assert judged_with(judge, parent, signer, [second], crls=[lists_of(second)]) == expected, usage


def test_a_signer_of_crls_leads_to_the_same_anchor(world, judge: Judge) -> None:
    """The parent that both have is the one on the path, not one that the file brings."""
    parent = made.issue("Parent", ca=True)
    ca = rolling(parent)
    signer = made.issue("Sample Signer", ca, crl_url=HTTP)
    own = made.issue("Rolling CA", ca, usage="ca")
    assert judged_with(judge, parent, signer, [own], crls=[lists_of(own)]) == "good"
    fake_parent = made.issue("Parent", ca=True)
    another = made.issue("Parent", made.issue("Elsewhere", ca=True), ca=True)
    for stranger in (rolling(fake_parent), rolling(another), made.issue("Rolling CA", ca=True)):
        others = [stranger, *stranger.issuers]
        assert judged_with(judge, parent, signer, others, crls=[lists_of(stranger)]) == "unknown"


def test_a_signer_of_crls_that_the_file_makes_look_like_a_relative(
    world, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For an RSA signature, a second key can be made under which it verifies too; that key signs a second authority.

    Making such a key takes minutes, so the check of that one signature is told to pass.
    """
    from signing_core.verification import issuer_signatures

    parent = made.issue("Parent", ca=True)
    ca = rolling(parent)
    signer = made.issue("Sample Signer", ca, crl_url=HTTP)
    twin_key = made.issue("Parent", ca=True)
    second = rolling(twin_key)
    real = issuer_signatures._check_signature
    twin, target = parse(twin_key.der), parse(ca.der)
    assert twin is not None and target is not None

    def check(tbs: bytes, algorithm: bytes, signature: bytes, issuer: object) -> bool:
        return (issuer == twin and tbs == target.tbs) or real(tbs, algorithm, signature, issuer)  # type: ignore[arg-type]

    monkeypatch.setattr(issuer_signatures, "_check_signature", check)
    monkeypatch.setattr(issuer_signatures, "_checked", {})
    assert judged_with(judge, parent, signer, [second, twin_key], crls=[lists_of(second)]) == "unknown"


def test_a_signer_of_crls_was_valid_and_is_not_revoked(world, judge: Judge) -> None:
    parent = made.issue("Parent", ca=True)
    ca = rolling(parent)
    signer = made.issue("Sample Signer", ca, crl_url=HTTP)
    expired = rolling(parent, not_after=NOW - DAY)
    assert judged_with(judge, parent, signer, [expired], crls=[lists_of(expired)]) == "unknown"
    second = rolling(parent)
    lists = [lists_of(second), made.crl(parent, [(second, NOW - DAY, None)])]
    assert judged_with(judge, parent, signer, [second], crls=lists) == "unknown"
    declaring = rolling(parent, crl_url="http://crl.example.org/parent.crl")
    assert judged_with(judge, parent, signer, [declaring], crls=[lists_of(declaring)]) == "unknown"
    lists = [lists_of(declaring), made.crl(parent)]
    assert judged_with(judge, parent, signer, [declaring], crls=lists) == "good"


def test_a_revoked_signer_of_crls_does_not_vouch_for_itself(world, judge: Judge) -> None:
    """Its own list is under the name of the authority that certified it too."""
    parent = made.issue("Parent", ca=True)
    ca = rolling(parent)
    signer = made.issue("Sample Signer", ca, crl_url=HTTP)
    own = made.issue("Rolling CA", ca, usage="ca", crl_url=HTTP)
    assert judged_with(judge, parent, signer, [own], crls=[lists_of(own)]) == "unknown"
    assert judged_with(judge, parent, signer, [own], crls=[lists_of(own), lists_of(ca)]) == "good"


# --- who may answer by OCSP ---


def responder(root: Identity, name: str = "Responder", **more: object) -> Identity:
    given = {"extended": ["1.3.6.1.5.5.7.3.9"], **more}
    return made.issue(name, root, **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def declared(world) -> Identity:
    return made.issue("Declaring Signer", world.root, ocsp_url="http://ocsp.example.org/")


@pytest.mark.parametrize("extra", [[], [NO_CHECK]], ids=["", "nocheck"])
def test_a_revoked_responder_says_nothing(
    extra: list[tuple[x509.ExtensionType, bool]], world, declared, judge: Judge
) -> None:
    """Not even one that nobody need ask about, when its revocation is at hand. The list is for it alone, not for the signer."""
    by = responder(world.root, extra=[*extra, (x509.CRLDistributionPoints([point(uri(HTTP))]), False)])
    answer = made.ocsp(declared, world.root, by)
    good = shard(world.root, uri(HTTP))
    assert state(judge(made.signed(declared), ocsps=[answer], crls=[good])) == "good"
    revoked = shard(world.root, uri(HTTP), revoked=[(by, NOW - DAY, COMPROMISED)])
    assert state(judge(made.signed(declared), ocsps=[answer], crls=[revoked])) == "unknown"


def test_a_revoked_responder_does_not_revoke_either(world, declared, judge: Judge) -> None:
    by = responder(world.root, extra=[(x509.CRLDistributionPoints([point(uri(HTTP))]), False)])
    only = shard(world.root, uri(HTTP), revoked=[(by, NOW - DAY, COMPROMISED)])
    answer = made.ocsp(declared, world.root, by, revoked_at=NOW - DAY)
    assert state(judge(made.signed(declared), ocsps=[answer], crls=[only])) == "unknown"
    assert state(judge(made.signed(declared), ocsps=[answer])) == "revoked"  # nobody knows better


@pytest.mark.parametrize(
    ("reason", "revoked_at", "expected"),
    [
        (x509.ReasonFlags.superseded, NOW + 2 * DAY, "good"),
        (x509.ReasonFlags.superseded, NOW - DAY, "unknown"),
        (COMPROMISED, NOW + 2 * DAY, "unknown"),
        (None, NOW + 2 * DAY, "unknown"),
        (HOLD, NOW + 2 * DAY, "unknown"),
    ],
)
def test_a_responder_revoked_since(
    reason: x509.ReasonFlags | None, revoked_at: datetime, expected: str, world, declared, judge: Judge
) -> None:
    """Who has its key could have made the answer yesterday, unless the reason says that nobody has."""
    by = responder(world.root, extra=[(x509.CRLDistributionPoints([point(uri(HTTP))]), False)])
    answer = made.ocsp(declared, world.root, by)
    scope = x509.IssuingDistributionPoint([uri(HTTP)], None, False, False, None, False, False)
    later = made.crl(
        world.root,
        [(by, revoked_at, reason)],
        this_update=NOW + 3 * DAY,
        next_update=NOW + 9 * DAY,
        extra=[(scope, True)],
    )
    verdict = judge(made.signed(declared), at=NOW + 4 * DAY, ocsps=[answer], crls=[later])
    assert state(verdict) == expected


def test_a_responder_that_says_where_to_ask_is_asked_about(world, declared, judge: Judge) -> None:
    by = responder(world.root, crl_url=HTTP)
    answer = made.ocsp(declared, world.root, by)
    users = shard(world.root, uri(HTTP))
    assert state(judge(made.signed(declared), ocsps=[answer])) == "unknown"
    assert state(judge(made.signed(declared), ocsps=[answer], crls=[users])) == "good"
    assert state(judge(made.signed(declared), ocsps=[answer, made.ocsp(by, world.root)])) == "good"
    ignoring = judge(made.signed(declared), ocsps=[answer], policy=Policy(revocation="ignored"))
    assert ignoring.indication is Indication.TOTAL_PASSED
    silent = made.ocsp(declared, world.root, responder(world.root))
    assert state(judge(made.signed(declared), ocsps=[silent])) == "good"
    assert state(judge(made.signed(declared), ocsps=[silent], policy=Policy(revocation="required"))) == "unknown"


def test_nobody_vouches_for_itself(world, judge: Judge) -> None:
    itself = responder(world.root, "Signer and Responder", ocsp_url="http://ocsp.example.org/")
    assert state(judge(made.signed(itself), ocsps=[made.ocsp(itself, world.root, itself)])) == "unknown"
    renewed = made.issue(
        "Signer and Responder", Identity(world.root.key, world.root.certificate), extended=["1.3.6.1.5.5.7.3.9"], extra=[NO_CHECK]
    )  # fmt: skip
    same_key = Identity(itself.key, certificate_for(itself, world.root, "Signer and Responder"))
    assert state(judge(made.signed(itself), ocsps=[made.ocsp(itself, world.root, same_key)])) == "unknown"
    assert state(judge(made.signed(itself), ocsps=[made.ocsp(itself, world.root, renewed)])) == "good"


def certificate_for(holder: Identity, root: Identity, name: str) -> x509.Certificate:
    """Another X.509 certificate for the same key, as a responder that nobody need ask about."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(root.certificate.subject)
        .public_key(holder.key.public_key())
        .serial_number(4711)
        .not_valid_before(NOW - YEAR)
        .not_valid_after(NOW + YEAR)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.OCSP_SIGNING]), False)
        .add_extension(x509.OCSPNoCheck(), False)
        .sign(root.key, hashes.SHA256())
    )


def test_two_responders_do_not_vouch_for_each_other(world, declared, judge: Judge) -> None:
    one, two = (responder(world.root, f"Responder {n}", ocsp_url="http://ocsp.example.org/") for n in (1, 2))
    answers = [made.ocsp(declared, world.root, one), made.ocsp(one, world.root, two), made.ocsp(two, world.root, one)]
    assert state(judge(made.signed(declared), ocsps=answers)) == "unknown"
    assert state(judge(made.signed(declared), ocsps=[*answers, made.ocsp(two, world.root)])) == "unknown"
    assert state(judge(made.signed(declared), ocsps=[*answers, made.ocsp(one, world.root)])) == "good"


def test_a_responder_is_certified_by_the_issuer_itself_for_ocsp(world, declared, judge: Judge) -> None:
    sub = made.issue("Sub CA", world.root, ca=True)
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    wrong = {
        "no purpose": responder(world.root, extended=[]),
        "another purpose": responder(world.root, extended=["1.3.6.1.5.5.7.3.8"]),
        "any purpose": responder(world.root, extended=["2.5.29.37.0"]),
        "of a sub CA": responder(sub),
        "of a namesake": responder(made.issue("Sample Root", ca=True)),
        "not for signatures": responder(world.root, usage="none"),
        "critical extension": responder(world.root, extra=[(strange, True)]),
        "expired": responder(world.root, not_after=NOW - DAY),
        "not valid yet": responder(world.root, not_before=NOW + DAY),
        "a stranger": made.issue("Stranger", ca=True),
        "an authority above": made.issue("Above", ca=True),
    }
    states = {
        which: state(judge(made.signed(declared), ocsps=[made.ocsp(declared, world.root, by)]))
        for which, by in wrong.items()
    }
    assert states == dict.fromkeys(wrong, "unknown")


# --- what an OCSP response says ---


def answer(root: Identity, *singles: tuple[Identity, Identity, tuple], produced: datetime = NOW) -> bytes:
    """A response of several answers: (certificate, issuer, (status, thisUpdate, nextUpdate, hash))."""
    parts = [
        made.sequence(
            made.cert_id(of, issuer, name),
            status,
            made.generalized(this_update),
            made.tlv(0xA0, made.generalized(next_update)) if next_update else b"",
        )
        for of, issuer, (status, this_update, next_update, name) in singles
    ]
    return made.ocsp_response(root, *parts, produced=produced)


GOOD, UNKNOWN = made.tlv(0x80), made.tlv(0x82)


def revoked(at: datetime, reason: int | None = None) -> bytes:
    return made.tlv(0xA1, made.generalized(at), *([made.tlv(0xA0, made.tlv(10, bytes((reason,))))] if reason else []))


def test_every_answer_about_the_certificate_counts(world, declared, judge: Judge) -> None:
    """Of two answers in one response, under two hashes, the second revokes."""
    week = NOW + 7 * DAY
    good, gone = (GOOD, NOW, week, "sha1"), (revoked(NOW - DAY), NOW, week, "sha256")
    other = made.issue("Another", world.root)
    cases: list[tuple[list[tuple[Identity, Identity, object]], str]] = [
        ([(declared, world.root, good)], "good"),
        ([(declared, world.root, good), (declared, world.root, gone)], "revoked"),
        ([(declared, world.root, gone), (declared, world.root, good)], "revoked"),
        ([(declared, world.root, (UNKNOWN, NOW, week, "sha1"))], "unknown"),
        ([(declared, world.root, (UNKNOWN, NOW, week, "sha1")), (declared, world.root, gone)], "revoked"),
        ([(other, world.root, good)], "unknown"),
        ([(other, world.root, good), (declared, world.root, (GOOD, NOW, week, "sha512"))], "good"),
        ([(declared, made.issue("Sample Root", ca=True), good)], "unknown"),
        ([(declared, world.root, (GOOD, NOW - 9 * DAY, NOW - DAY, "sha1"))], "unknown"),
        ([(declared, world.root, (GOOD, NOW + DAY, week, "sha1"))], "unknown"),
        ([(declared, world.root, (GOOD, NOW, None, "sha1"))], "good"),
        ([(declared, world.root, (GOOD, NOW - DAY, None, "sha1"))], "unknown"),
    ]
    for singles, expected in cases:
        assert state(judge(made.signed(declared), ocsps=[answer(world.root, *singles)])) == expected, singles


@pytest.mark.parametrize("which", [1, 2], ids=["name", "key"])
def test_both_hashes_of_the_issuer_are_compared(which: int, world, declared, judge: Judge) -> None:
    parts = [
        made.algorithm(made.DIGEST_OIDS["sha1"], b"\x05\x00"),
        made.tlv(4, made.digest("sha1", world.root.certificate.subject.public_bytes())),
        made.tlv(4, made.digest("sha1", made.key_bits(world.root))),
        made.integer(declared.certificate.serial_number),
    ]
    for wrong, expected in ((False, "good"), (True, "unknown")):
        if wrong:
            parts[which] = made.tlv(4, bytes(20))
        single = made.sequence(made.sequence(*parts), GOOD, made.generalized(NOW))
        response = made.ocsp_response(world.root, single, produced=NOW)
        assert state(judge(made.signed(declared), ocsps=[response])) == expected


def test_a_response_made_after_the_time_judged_for_does_not_count(world, declared, judge: Judge) -> None:
    single = (declared, world.root, (GOOD, NOW, NOW + 7 * DAY, "sha1"))
    late = answer(world.root, single, produced=NOW + 2 * DAY)
    assert state(judge(made.signed(declared), ocsps=[late])) == "unknown"
    assert state(judge(made.signed(declared), at=NOW + 3 * DAY, ocsps=[late])) == "good"


# --- with which algorithms ---


def weakly(crl: bytes, by: Identity, name: str) -> bytes:
    """The same list, signed with RSA and another digest."""
    from signing_core.pki import der

    parts = der.children(der.children(der.read(crl))[0])
    algorithm, _ = made.sign_value(by.key, b"", How(digest=name))
    body = made.sequence(parts[0].encoded, algorithm, *(part.encoded for part in parts[2:]))
    algorithm, value = made.sign_value(by.key, body, How(digest=name))
    return made.sequence(body, algorithm, made.tlv(3, b"\x00", value))


def test_revocation_data_goes_by_the_policy(judge: Judge) -> None:
    """Good by an algorithm that no longer sufficed when the data was made is unknown; revoked is revoked."""
    root = made.issue("RSA Root", ca=True, kind="rsa2048", not_before=NOW - 20 * YEAR)
    weak = made.issue("RSA CA", root, ca=True, kind="rsa1024", not_before=NOW - 20 * YEAR)
    signer = made.issue("Sample Signer", root, crl_url=HTTP)
    for name, expected in (("sha256", "good"), ("sha1", "unknown"), ("md5", "unknown")):
        data = weakly(made.crl(root), root, name)
        assert state(judge(made.signed(signer), roots=[root], crls=[data])) == expected
        gone = weakly(made.crl(root, [(signer, NOW - DAY, None)]), root, name)
        assert state(judge(made.signed(signer), roots=[root], crls=[gone])) == "revoked"
    small = made.issue("Sample Signer", weak, crl_url=HTTP)
    data = weakly(made.crl(weak), weak, "sha256")
    assert state(judge(made.signed(small), roots=[root], crls=[data, made.crl(root)])) == "unknown"
    by = responder(root, extra=[NO_CHECK], kind="rsa1024")
    assert state(judge(made.signed(signer), roots=[root], ocsps=[made.ocsp(signer, root, by)])) == "unknown"


@pytest.mark.parametrize(("name", "expected"), [("sha1", "good"), ("md5", "unknown")])
def test_revocation_data_of_long_ago(name: str, expected: str, judge: Judge) -> None:
    """SHA-1 sufficed then; a date in what is signed with MD5 is no proof of when it was signed."""
    long_ago = datetime(2004, 6, 1, tzinfo=UTC)
    root = made.issue("RSA Root", ca=True, kind="rsa2048", not_before=long_ago - YEAR)
    signer = made.issue("Sample Signer", root, crl_url=HTTP, not_before=long_ago - YEAR)
    data = weakly(made.crl(root, this_update=long_ago, next_update=long_ago + DAY), root, name)
    assert state(judge(made.signed(signer), at=long_ago + DAY / 2, roots=[root], crls=[data])) == expected


# --- on hold, and released ---


def listing(root: Identity, signer: Identity, at: datetime, *entry: object) -> bytes:
    """A CRL of that time; `entry` a date and a reason."""
    gone = [(signer, *entry)] if entry else []
    return made.crl(root, gone, this_update=at, next_update=at + 30 * DAY)  # type: ignore[list-item]


HELD = NOW - 20 * DAY
"""When it was put on hold."""


def held_and(root: Identity, signer: Identity, *more: bytes) -> list[bytes]:
    return [listing(root, signer, NOW - 19 * DAY, HELD, HOLD), listing(root, signer, NOW - 15 * DAY, HELD, HOLD), *more]


def test_the_newest_word_of_a_hold_counts(world, declared, judge: Judge) -> None:
    data, root = made.signed(declared), world.root
    absent = listing(root, declared, NOW - 10 * DAY)
    cases = {
        "on hold": (held_and(root, declared), [], "revoked"),
        "released": (held_and(root, declared, absent), [], "good"),
        "released, the other way round": ([absent, *held_and(root, declared)], [], "good"),
        "released by OCSP": (held_and(root, declared), [made.ocsp(declared, root, this_update=NOW - DAY)], "good"),
        "removeFromCRL": (held_and(root, declared, listing(root, declared, NOW - 10 * DAY, HELD, RELEASED)), [], "good"),
        "held again": (
            held_and(root, declared, absent, listing(root, declared, NOW - 5 * DAY, NOW - 6 * DAY, HOLD)), [], "revoked",
        ),
        "good before": ([listing(root, declared, NOW - 25 * DAY), *held_and(root, declared)], [], "revoked"),
        "good in the same second": (
            held_and(root, declared), [made.ocsp(declared, root, this_update=NOW - 15 * DAY)], "revoked",
        ),
        "then revoked": (held_and(root, declared, listing(root, declared, NOW - DAY, HELD, COMPROMISED)), [], "revoked"),
        "revoked, then absent": (
            [listing(root, declared, NOW - 15 * DAY, HELD, COMPROMISED), listing(root, declared, NOW - DAY)], [], "revoked",
        ),
        "revoked, then on hold, then absent": (
            [listing(root, declared, NOW - 19 * DAY, HELD, None), listing(root, declared, NOW - 15 * DAY, HELD, HOLD), absent],
            [], "revoked",
        ),
        "released by another shard": (
            held_and(root, declared, made.crl(root, this_update=NOW - DAY, extra=[(ELSEWHERE, True)])), [], "revoked",
        ),
        "released for some reasons": (
            held_and(root, declared, made.crl(root, this_update=NOW - DAY, extra=[(FOR_REASONS, True)])), [], "revoked",
        ),
    }  # fmt: skip
    states = {which: state(judge(data, crls=crls, ocsps=ocsps)) for which, (crls, ocsps, _) in cases.items()}
    assert states == {which: expected for which, (_, _, expected) in cases.items()}


ELSEWHERE = x509.IssuingDistributionPoint([uri("http://x.example/")], None, False, False, None, False, False)
FOR_REASONS = x509.IssuingDistributionPoint(None, None, False, False, frozenset({COMPROMISED}), False, False)


def test_a_list_from_after_expiry_releases_nobody(world, judge: Judge) -> None:
    """An expired certificate leaves the list, on hold or not."""
    short = made.issue("Short Signer", world.root, not_after=NOW - 12 * DAY, ocsp_url="http://ocsp.example.org/")
    absent = listing(world.root, short, NOW - 10 * DAY)
    assert state(judge(made.signed(short), crls=held_and(world.root, short, absent))) == "revoked"
    listed = made.crl(world.root, this_update=NOW - 10 * DAY, next_update=NOW + DAY, expired_since=NOW - YEAR)
    assert state(judge(made.signed(short), crls=held_and(world.root, short, listed))) != "revoked"


@pytest.mark.parametrize(
    ("stamped", "covers", "expected"),
    [
        # proven before the hold
        (NOW - 21 * DAY, None, Indication.TOTAL_PASSED),
        # proven while it was on hold; without a lower end it may be older than the hold
        (NOW - 17 * DAY, None, SubIndication.REVOKED_NO_POE),
        (NOW - 17 * DAY, NOW - 18 * DAY, SubIndication.REVOKED),
        (NOW - 17 * DAY, NOW - 25 * DAY, SubIndication.REVOKED_NO_POE),
        # between the last word of the hold and the first of its end nobody knows
        (NOW - 12 * DAY, None, SubIndication.REVOKED_NO_POE),
        (NOW - 12 * DAY, NOW - 13 * DAY, SubIndication.REVOKED_NO_POE),
        # proven after the release
        (NOW - 9 * DAY, None, Indication.TOTAL_PASSED),
        (NOW - 9 * DAY, NOW - 17 * DAY, Indication.TOTAL_PASSED),
        # not proven: what counts is the time judged for
        (None, None, Indication.TOTAL_PASSED),
    ],
)
def test_a_signature_from_the_time_of_a_hold(
    stamped: datetime | None, covers: datetime | None, expected: object, world, declared, judge: Judge
) -> None:
    pdf = made.Pdf.new()
    if covers is not None:
        pdf.time_stamp(world.authority, covers)
    stamp = world.stamp(stamped) if stamped is not None else None
    pdf.sign(lambda covered: made.cms(declared, covered, None, stamp), time=stamped or NOW)
    released = listing(world.root, declared, NOW - 10 * DAY)
    current = listing(world.root, declared, NOW)
    verdict = judge(pdf.data, at=NOW, crls=held_and(world.root, declared, released, current))
    signature = next(s for s in verdict.signatures if s.kind == "signature")
    assert (signature.sub_indication or signature.indication) is expected
    if expected is SubIndication.REVOKED_NO_POE:
        assert any("on hold" in f.message for f in signature.findings if f.code == "revoked")


def test_a_time_stamp_of_an_authority_on_hold(world, judge: Judge) -> None:
    """Stamped while on hold, released since: it was not to stamp then."""
    authority = made.time_stamping("Held TSA", world.root)
    released = listing(world.root, authority, NOW - 10 * DAY)
    current = listing(world.root, authority, NOW)
    crls = held_and(world.root, authority, released, current)
    for stamped, proves in ((NOW - 21 * DAY, True), (NOW - 17 * DAY, False), (NOW - 9 * DAY, True)):
        data = made.signed(world.signer, stamp=lambda value, t=stamped: made.token(authority, value, t))
        verdict = judge(data, crls=crls)
        assert (verdict.signatures[0].proven_time is not None) == proves, stamped


# --- delta CRLs ---


def delta(
    root: Identity, base: int, *entry: object, at: datetime = NOW, of: Identity | None = None, extra: Sequence = ()
) -> bytes:
    gone = [(of, *entry)] if of is not None else []
    numbers = [(x509.DeltaCRLIndicator(base), True), (x509.CRLNumber(base + 5), False)]
    return made.crl(root, gone, this_update=at, extra=[*numbers, *extra])  # type: ignore[list-item]


def numbered(root: Identity, number: int, at: datetime, *entry: object, of: Identity | None = None) -> bytes:
    gone = [(of, *entry)] if of is not None else []
    return made.crl(root, gone, this_update=at, next_update=NOW + DAY, extra=[(x509.CRLNumber(number), False)])  # type: ignore[list-item]


def test_what_a_delta_crl_adds_counts(world, declared, judge: Judge) -> None:
    root, data = world.root, made.signed(declared)
    before = NOW - 2 * DAY
    held = numbered(root, 10, before, before, HOLD, of=declared)
    cases = {
        "says nothing by itself": ([delta(root, 10)], "unknown"),
        "revokes": ([numbered(root, 10, before), delta(root, 10, NOW - DAY, COMPROMISED, of=declared)], "revoked"),
        "revokes, without its base": ([delta(root, 10, NOW - DAY, COMPROMISED, of=declared)], "revoked"),
        "changes nothing": ([numbered(root, 10, before), delta(root, 10)], "good"),
        "releases": ([held, delta(root, 10, before, RELEASED, of=declared)], "good"),
        "releases, base older than its own": ([held, delta(root, 11, before, RELEASED, of=declared)], "revoked"),
        "releases, without a base": ([delta(root, 10, before, RELEASED, of=declared)], "unknown"),
        "releases in another scope": (
            [held, delta(root, 10, before, RELEASED, of=declared, extra=[(ELSEWHERE, True)])], "revoked",
        ),
        "releases who was revoked": (
            [numbered(root, 10, before, before, COMPROMISED, of=declared), delta(root, 10, before, RELEASED, of=declared)], "revoked",
        ),
    }  # fmt: skip
    states = {which: state(judge(data, crls=crls)) for which, (crls, _) in cases.items()}
    assert states == {which: expected for which, (_, expected) in cases.items()}


def test_a_response_by_another_maker_is_understood(world, declared, judge: Judge) -> None:
    """By the responder's name, from OpenSSL's code, whose time is that of this machine."""
    by = responder(world.root, extra=[NO_CHECK], not_after=NOW + 40 * YEAR)
    now = datetime.now(UTC)
    status = o.OCSPCertStatus.GOOD
    builder = (
        o.OCSPResponseBuilder()
        .add_response(
            declared.certificate, world.root.certificate, hashes.SHA256(), status, NOW, now + 2 * DAY, None, None
        )
        .responder_id(o.OCSPResponderEncoding.NAME, by.certificate)
        .certificates([by.certificate])
    )
    encoded = builder.sign(by.key, hashes.SHA256()).public_bytes(Encoding.DER)
    parsed = parse_ocsp(encoded)
    certificates = [parse(identity.der) for identity in (declared, world.root)]
    assert parsed is not None and certificates[0] is not None and certificates[1] is not None
    assert [entry.revoked_at for entry in parsed.entries(certificates[0], certificates[1])] == [None]
    assert parsed.signed_under(certificates[0], certificates[1], ()) == parse(by.der)
