"""European trusted lists as trust: whose they are, what they grant and when, and files that are none.

The lists are built here for throwaway services and signed (XAdES) by throwaway scheme operators.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
import signed_samples as made
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from signed_samples import NOW, YEAR, Identity
from signxml import SignatureMethod
from signxml.xades import XAdESSigner

from signing_core.errors import UsageError
from signing_core.pdf import trusted_lists
from signing_core.trust import TrustStore, load_trust
from signing_core.verdict import DocumentVerdict, Indication
from signing_core.verdict import Trust as Trusted
from signing_core.verification import verify
from signing_core.verification.batch import Rules
from signing_core.verification.believed import believed
from signing_core.verification.journal import rules_digest

URI = "http://uri.etsi.org/TrstSvc"
GRANTED, WITHDRAWN = "granted", "withdrawn"
TSL_SIGNING = trusted_lists.TSL_SIGNING


def when(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def names(tag: str, text: str) -> str:
    return f'<{tag}><Name xml:lang="en">{escape(text)}</Name></{tag}>'


def certificate(of: Identity) -> str:
    return f"<DigitalId><X509Certificate>{base64.b64encode(of.der).decode()}</X509Certificate></DigitalId>"


def key_identifier(of: Identity) -> str:
    from cryptography.x509 import SubjectKeyIdentifier

    value = of.certificate.extensions.get_extension_for_class(SubjectKeyIdentifier).value.digest
    return f"<DigitalId><X509SKI>{base64.b64encode(value).decode()}</X509SKI></DigitalId>"


@dataclass(frozen=True)
class Service:
    """`states`: (status, since), the newest first; former ones name the key by its identifier, as real lists do."""

    of: Identity
    states: tuple[tuple[str, datetime], ...] = ((GRANTED, NOW - 2 * YEAR),)
    kind: str = "CA/QC"
    uses: tuple[str, ...] = ("ForeSignatures",)
    extension: str = ""

    def xml(self) -> str:
        (status, since), *former = self.states
        uses = "".join(
            f'<Extension Critical="true"><AdditionalServiceInformation><URI xml:lang="en">{URI}/TrustedList/SvcInfoExt/{use}'
            "</URI></AdditionalServiceInformation></Extension>"
            for use in self.uses
        )
        extensions = f"<ServiceInformationExtensions>{uses}{self.extension}</ServiceInformationExtensions>"
        history = "".join(
            f"<ServiceHistoryInstance>{self._state(*state, key_identifier(self.of))}</ServiceHistoryInstance>"
            for state in former
        )
        return (
            f"<TSPService><ServiceInformation>{self._state(status, since, certificate(self.of))}"
            f"{extensions if self.uses or self.extension else ''}</ServiceInformation>"
            f"<ServiceHistory>{history}</ServiceHistory></TSPService>"
        )

    def _state(self, status: str, since: datetime, identity: str) -> str:
        kind = "TSA/QTST" if self.kind == "QTST" else self.kind
        return (
            f"<ServiceTypeIdentifier>{URI}/Svctype/{kind}</ServiceTypeIdentifier>"
            f"{names('ServiceName', self.of.certificate.subject.rfc4514_string())}"
            f"<ServiceDigitalIdentity>{identity}</ServiceDigitalIdentity>"
            f"<ServiceStatus>{URI}/TrustedList/Svcstatus/{status}</ServiceStatus>"
            f"<StatusStartingTime>{when(since)}</StatusStartingTime>"
        )


def unsigned(
    *services: Service,
    issued: datetime = NOW - timedelta(days=1),
    next_update: datetime | None = NOW + YEAR / 2,
    kind: str = "EUgeneric",
) -> bytes:
    address = (
        '<PostalAddresses><PostalAddress xml:lang="en"><StreetAddress>1 Sample Street</StreetAddress><Locality>Sample'
        "</Locality><CountryName>XX</CountryName></PostalAddress></PostalAddresses><ElectronicAddress>"
        '<URI xml:lang="en">mailto:sample@example.org</URI></ElectronicAddress>'
    )
    update = f"<dateTime>{when(next_update)}</dateTime>" if next_update else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#" Id="list" TSLTag="{URI.replace("TrstSvc", "19612")}/TSLTag">'
        "<SchemeInformation><TSLVersionIdentifier>5</TSLVersionIdentifier><TSLSequenceNumber>7</TSLSequenceNumber>"
        f"<TSLType>{URI}/TrustedList/TSLType/{kind}</TSLType>{names('SchemeOperatorName', 'Sample Operator')}"
        f"<SchemeOperatorAddress>{address}</SchemeOperatorAddress>{names('SchemeName', 'XX: a sample list')}"
        '<SchemeInformationURI><URI xml:lang="en">https://example.org/</URI></SchemeInformationURI>'
        f"<StatusDeterminationApproach>{URI}/TrustedList/StatusDetn/EUappropriate</StatusDeterminationApproach>"
        "<SchemeTerritory>XX</SchemeTerritory><HistoricalInformationPeriod>65535</HistoricalInformationPeriod>"
        f"<ListIssueDateTime>{when(issued)}</ListIssueDateTime><NextUpdate>{update}</NextUpdate></SchemeInformation>"
        "<TrustServiceProviderList><TrustServiceProvider><TSPInformation>"
        f"{names('TSPName', 'Sample Provider')}{names('TSPTradeName', 'VATXX-1')}<TSPAddress>{address}</TSPAddress>"
        '<TSPInformationURI><URI xml:lang="en">https://example.org/</URI></TSPInformationURI></TSPInformation>'
        f"<TSPServices>{''.join(service.xml() for service in services)}</TSPServices></TrustServiceProvider>"
        "</TrustServiceProviderList></TrustServiceStatusList>"
    ).encode()


def signed(xml: bytes, operator: Identity, *, reference: str | None = None) -> bytes:
    signer = XAdESSigner(signature_algorithm=SignatureMethod.ECDSA_SHA256)
    root = signer.sign(
        etree.fromstring(xml), key=operator.key, cert=[operator.certificate], reference_uri=reference  # type: ignore[arg-type]
    )  # fmt: skip
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


@pytest.fixture(scope="module")
def operator() -> Identity:
    return made.issue("Sample Operator", extended=[TSL_SIGNING])


def document(world: Any, *, stamp: Callable[[bytes], bytes] | None = None) -> bytes:
    pdf = made.Pdf.new()
    pdf.sign(lambda covered: made.cms(world.signer, covered, stamp=stamp))
    return pdf.data


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., DocumentVerdict]:
    """`judged(data, list, certificate, ..., at=NOW)`: with a list and with X.509 certificates beside it, from files."""

    def judge(data: bytes, xml: bytes, *beside: Identity, at: datetime = NOW) -> DocumentVerdict:
        return verify(data, at=at, trust=trust_from(tmp_path, xml, *beside))

    return judge


def trust_from(folder: Path, xml: bytes, *beside: Identity) -> TrustStore:
    (folder / "list.xml").write_bytes(xml)
    for number, identity in enumerate(beside):
        (folder / f"{number}.pem").write_bytes(made.pem(identity.der))
    return load_trust([folder])


def outcome(verdict: DocumentVerdict) -> tuple[str, set[str]]:
    return str(verdict.trust), {finding.code for s in verdict.signatures for finding in s.findings} & LISTED


LISTED = {
    "trusted-list", "trusted-list-unchecked", "trusted-list-expired", "trusted-list-incomplete", "service-not-granted",
    "chain-not-found", "no-anchors",
}  # fmt: skip


# -- what a list grants -----------------------------------------------------------------------------------------------


def test_a_granted_service_is_an_anchor(world, operator, judged) -> None:
    verdict = judged(document(world), signed(unsigned(Service(world.root)), operator), operator)
    assert outcome(verdict) == ("trusted", {"trusted-list"})
    assert verdict.indication is Indication.TOTAL_PASSED
    (found,) = [f for f in verdict.signatures[0].findings if f.code == "trusted-list"]
    assert found.severity == "info"
    assert "Sample Root" in found.message
    assert "(CA/QC, trusted list XX no. 7), granted since 2024-06-01" in found.message


def test_a_service_of_another_issuer_is_none(world, operator, judged) -> None:
    xml = signed(unsigned(Service(made.issue("Sample Other Root", ca=True))), operator)
    verdict = judged(document(world), xml, operator)
    assert outcome(verdict) == ("untrusted", {"chain-not-found"})
    assert not verdict.in_order


def test_a_list_that_grants_nothing_is_still_trust_that_was_given(world, operator, judged) -> None:
    verdict = judged(document(world), signed(unsigned(), operator), operator)
    assert outcome(verdict) == ("untrusted", {"chain-not-found"})


def test_a_withdrawn_service_is_no_anchor(world, operator, judged) -> None:
    service = Service(world.root, ((WITHDRAWN, NOW - timedelta(days=30)), (GRANTED, NOW - 2 * YEAR)))
    verdict = judged(document(world), signed(unsigned(service), operator), operator)
    assert outcome(verdict) == ("untrusted", {"service-not-granted"})
    assert verdict.indication is Indication.INDETERMINATE
    (found,) = [f for f in verdict.signatures[0].findings if f.code == "service-not-granted"]
    assert "granted since 2024-06-01 until 2026-05-02, used 2026-06-01" in found.message


@pytest.mark.parametrize(
    ("days_before_withdrawal", "expected"), [(1, ("trusted", {"trusted-list"})), (-1, ("untrusted", {"service-not-granted"}))]
)  # fmt: skip
def test_what_was_stamped_while_the_service_was_granted_stays_good(
    world, operator, judged, days_before_withdrawal: int, expected: tuple[str, set[str]]
) -> None:
    withdrawn = NOW - timedelta(days=30)
    stamped = document(world, stamp=world.stamp(withdrawn - timedelta(days=days_before_withdrawal)))
    services = (
        Service(world.root, ((WITHDRAWN, withdrawn), (GRANTED, NOW - 2 * YEAR))),
        Service(world.authority, kind="QTST", uses=()),
    )
    assert outcome(judged(stamped, signed(unsigned(*services), operator), operator)) == expected


def test_a_service_before_it_was_granted(world, operator, judged) -> None:
    service = Service(world.root, ((GRANTED, NOW - timedelta(days=3)),))
    xml = signed(unsigned(service), operator)
    assert outcome(judged(document(world), xml, operator))[0] == "trusted"
    before = judged(document(world), xml, operator, at=NOW - timedelta(days=4))
    assert outcome(before) == ("untrusted", {"service-not-granted"})


def test_a_service_that_was_granted_twice(world, operator, judged) -> None:
    days = [NOW - timedelta(days=n) for n in (10, 20, 30)]
    states = tuple(zip((GRANTED, WITHDRAWN, GRANTED), days, strict=True))
    xml = signed(unsigned(Service(world.root, states)), operator)
    ages = {25: "trusted", 15: "untrusted", 5: "trusted", 35: "untrusted"}
    for age, expected in ages.items():
        assert outcome(judged(document(world), xml, operator, at=NOW - timedelta(days=age)))[0] == expected, age


def test_each_kind_of_service_is_for_its_own_purpose(world, operator, judged) -> None:
    stamped = document(world, stamp=world.stamp())
    both = judged(
        stamped,
        signed(unsigned(Service(world.root), Service(world.authority, kind="QTST", uses=())), operator),
        operator,
    )
    assert (both.trust, str(both.time)) == (Trusted.TRUSTED, "proven")
    signer_only = judged(stamped, signed(unsigned(Service(world.root)), operator), operator)
    assert (signer_only.trust, str(signer_only.time)) == (Trusted.TRUSTED, "claimed")
    stamps_only = judged(stamped, signed(unsigned(Service(world.root, kind="QTST", uses=())), operator), operator)
    assert outcome(stamps_only) == ("untrusted", {"service-not-granted"})
    assert str(stamps_only.time) == "proven"


def test_a_service_for_web_sites_only(world, operator, judged) -> None:
    xml = signed(unsigned(Service(world.root, uses=("ForWebSiteAuthentication",))), operator)
    assert outcome(judged(document(world), xml, operator)) == ("untrusted", {"chain-not-found"})


def test_another_kind_of_service(world, operator, judged) -> None:
    xml = signed(unsigned(Service(world.root, kind="CA/PKC")), operator)
    assert outcome(judged(document(world), xml, operator)) == ("untrusted", {"chain-not-found"})


def test_an_entry_that_cannot_be_understood_grants_nothing_and_is_named(world, operator, judged) -> None:
    unknown = '<Extension Critical="true"><Sample xmlns="urn:sample">what is this</Sample></Extension>'
    xml = signed(unsigned(Service(world.root, extension=unknown)), operator)
    verdict = judged(document(world), xml, operator)
    assert outcome(verdict) == ("untrusted", {"chain-not-found", "trusted-list-incomplete"})


def test_a_given_authority_is_an_anchor_whatever_lists_say(world, operator, judged) -> None:
    service = Service(world.root, ((WITHDRAWN, NOW - timedelta(days=30)),))
    verdict = judged(document(world), signed(unsigned(service), operator), operator, world.root)
    assert outcome(verdict) == ("trusted", set())


def test_an_intermediate_authority_is_listed(operator, judged) -> None:
    root = made.issue("Sample Root of All", ca=True)
    middle = made.issue("Sample Issuing CA", root, ca=True)
    signer = made.issue("Sample Signer", middle)
    pdf = made.Pdf.new()
    pdf.sign(lambda covered: made.cms(signer, covered, made.How(certificates=[signer.der])))
    assert outcome(judged(pdf.data, signed(unsigned(Service(middle)), operator), operator))[0] == "trusted"


# -- next update ------------------------------------------------------------------------------------------------------


def test_an_expired_list_speaks_of_the_time_before_its_next_update(world, operator, judged) -> None:
    xml = signed(
        unsigned(Service(world.root), issued=NOW - timedelta(days=200), next_update=NOW - timedelta(days=10)), operator
    )
    verdict = judged(document(world), xml, operator)
    assert outcome(verdict) == ("untrusted", {"trusted-list-expired"})
    earlier = judged(document(world), xml, operator, at=NOW - timedelta(days=11))
    assert outcome(earlier) == ("trusted", {"trusted-list"})


def test_a_closed_list_speaks_until_it_was_issued(world, operator, judged) -> None:
    xml = signed(unsigned(Service(world.root), next_update=None), operator)
    assert outcome(judged(document(world), xml, operator))[0] == "untrusted"
    assert outcome(judged(document(world), xml, operator, at=NOW - timedelta(days=2)))[0] == "trusted"


# -- whose it is ------------------------------------------------------------------------------------------------------


def test_without_its_operator_a_list_is_believed_like_a_pem_and_that_is_said(world, operator, judged) -> None:
    verdict = judged(document(world), signed(unsigned(Service(world.root)), operator))
    assert outcome(verdict) == ("trusted", {"trusted-list", "trusted-list-unchecked"})


@pytest.mark.parametrize("beside", [True, False], ids=["operator given", "operator not given"])
def test_a_list_that_was_tampered_with(world, operator, tmp_path: Path, beside: bool) -> None:
    other = made.issue("Sample Intruder", ca=True)
    xml = signed(unsigned(Service(other)), operator)
    tampered = xml.replace(base64.b64encode(other.der), base64.b64encode(world.root.der))
    assert tampered != xml
    with pytest.raises(UsageError, match=r"signature of the trusted list .*list\.xml does not verify \("):
        trust_from(tmp_path, tampered, *([operator] if beside else []))


def test_a_list_of_another_operator(world, operator, tmp_path: Path) -> None:
    foreign = made.issue("Sample Foreign Operator", extended=[TSL_SIGNING])
    with pytest.raises(UsageError, match=r"list\.xml is not signed by a scheme operator whose"):
        trust_from(tmp_path, signed(unsigned(Service(world.root)), foreign), operator)


def test_a_list_that_names_the_operator_and_is_signed_by_another(world, operator, tmp_path: Path) -> None:
    foreign = made.issue("Sample Foreign Operator", extended=[TSL_SIGNING])
    xml = signed(unsigned(Service(world.root)), foreign)
    swapped = re.sub(
        rb"(<ds:X509Certificate>)[^<]+", lambda m: m[1] + base64.b64encode(operator.der), xml, count=1
    )  # fmt: skip
    assert swapped != xml
    for beside in ([operator], []):
        with pytest.raises(UsageError, match="does not verify"):
            trust_from(tmp_path, swapped, *beside)


def test_an_unsigned_list(world, operator, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="0 signatures instead of one"):
        trust_from(tmp_path, unsigned(Service(world.root)), operator)


def test_a_signature_over_a_part_only(world, operator, tmp_path: Path) -> None:
    xml = unsigned(Service(world.root)).replace(b"<SchemeInformation>", b'<SchemeInformation Id="part">')
    with pytest.raises(UsageError, match="something else than the list"):
        trust_from(tmp_path, signed(xml, operator, reference="#part"), operator)


def test_a_genuine_list_wrapped_into_another_one(world, operator, tmp_path: Path) -> None:
    """What is read is what was signed, not what stands around it."""
    genuine = etree.fromstring(
        signed(unsigned(Service(made.issue("Sample Other", ca=True))), operator, reference="#list")
    )
    outer = etree.fromstring(unsigned(Service(world.root)).replace(b'Id="list"', b'Id="outer"'))
    signature = genuine.find("{http://www.w3.org/2000/09/xmldsig#}Signature")
    outer.append(signature)
    outer.append(genuine)
    try:
        trust = trust_from(tmp_path, etree.tostring(outer), operator)
    except UsageError:
        return
    assert {grant.certificate.common_name for grant in believed(trust).listed.grants} == {"Sample Other"}


def test_an_old_list_with_its_old_operator(world, judged) -> None:
    old = made.issue(
        "Sample Former Operator", extended=[TSL_SIGNING], not_before=NOW - 5 * YEAR, not_after=NOW - 2 * YEAR
    )
    issued = NOW - 3 * YEAR
    xml = signed(unsigned(Service(world.root, ((GRANTED, issued),)), issued=issued, next_update=issued + YEAR / 2), old)
    trust = judged(document(world), xml, old, at=issued + timedelta(days=1))
    assert "trusted-list" in outcome(trust)[1]


def test_an_operator_is_no_anchor(operator, tmp_path: Path) -> None:
    trust = trust_from(tmp_path, signed(unsigned(), operator), operator)
    found = believed(trust)
    assert (found.anchors, found.listed.grants, found.listed.given) == (frozenset(), (), True)


def test_an_operator_without_the_extended_key_usage_is_known_by_its_certificate(world, judged) -> None:
    plain = made.issue("Sample Plain Operator")
    verdict = judged(document(world), signed(unsigned(Service(world.root)), plain), plain)
    assert outcome(verdict) == ("trusted", {"trusted-list"})


# -- files that are none ----------------------------------------------------------------------------------------------

BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b']><TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#">&j;</TrustServiceStatusList>'
)
OUTSIDE = (
    b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
    b'<TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#">&f;</TrustServiceStatusList>'
)


@pytest.mark.parametrize(
    ("xml", "cause"),
    [
        (b"<html><body>Not found</body></html>", "no trusted list of ETSI TS 119 612"),
        (b"<TrustServiceStatusList/>", "no trusted list of ETSI TS 119 612"),
        (b"<TrustServiceStatusList", "no well-formed XML"),
        (b'<TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#"/>', "when it was issued"),
        (b"<" + b"a" * (trusted_lists.MAX_SIZE + 1), "are not read"),
        (BOMB, "declares a document type|no well-formed XML"),
        (OUTSIDE, "declares a document type"),
        (b"<a>" * 300 + b"TrustServiceStatusList", "no well-formed XML"),
    ],
    ids=["page", "no namespace", "cut off", "empty", "huge", "bomb", "outside", "deep"],
)
def test_hostile_files_are_one_sentence(xml: bytes, cause: str, tmp_path: Path) -> None:
    file = tmp_path / "list.xml"
    file.write_bytes(xml)
    with pytest.raises(UsageError, match=cause) as raised:
        load_trust([file])
    message = str(raised.value)
    assert "list.xml" in message
    assert "\n" not in message
    assert len(message) < 500


def test_a_file_that_is_too_large_for_anything(tmp_path: Path) -> None:
    file = tmp_path / "list.xml"
    with file.open("wb") as sparse:
        sparse.truncate(65 * 1024 * 1024)
    with pytest.raises(UsageError, match="too large"):
        load_trust([file])


def test_other_xml_in_a_folder_is_passed_over(world, operator, tmp_path: Path) -> None:
    (tmp_path / "page.xml").write_text("<html/>")
    store = trust_from(tmp_path, signed(unsigned(Service(world.root)), operator), operator)
    assert len(believed(store).listed.grants) == 1


def test_the_list_of_the_lists(operator, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="list of the trusted lists"):
        trust_from(tmp_path, signed(unsigned(kind="EUlistofthelists"), operator), operator)


def test_without_the_extra(world, operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "signxml", None)
    with pytest.raises(UsageError, match=r"list\.xml .*`sealtrail\[etsi\]`"):
        trust_from(tmp_path, signed(unsigned(Service(world.root)), operator), operator)


def test_trust_without_a_list_does_not_load_xml_libraries() -> None:
    code = "import sys, signing_core.verification.document; print({'lxml', 'signxml', 'xsdata'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600)
    assert done.stdout.strip() == "set()"


@pytest.fixture(scope="module")
def sample(operator) -> bytes:
    return signed(unsigned(Service(made.issue("Sample CA", ca=True))), operator)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_lists_are_refused_or_say_the_same(data: st.DataObject, sample: bytes, operator: Identity) -> None:
    start = data.draw(st.integers(0, len(sample) - 1))
    end = data.draw(st.integers(start, min(len(sample), start + 40)))
    changed = sample[:start] + data.draw(st.binary(max_size=20)) + sample[end:]
    genuine = trusted_lists.read(sample, name="list.xml", operators=[operator.der])
    try:
        found = trusted_lists.read(changed, name="list.xml", operators=[operator.der])
    except UsageError as error:
        assert "\n" not in str(error)
    else:
        assert found == genuine


# -- the program ------------------------------------------------------------------------------------------


def test_a_list_counts_for_the_journal_and_travels(world, operator, tmp_path: Path) -> None:
    import pickle

    trust = trust_from(tmp_path, signed(unsigned(Service(world.root)), operator), operator)
    assert pickle.loads(pickle.dumps(trust)) == trust
    assert trust + trust == trust
    later = signed(unsigned(Service(world.root), next_update=NOW + YEAR / 4), operator)
    other = trust_from(tmp_path, later, operator)
    digests = {rules_digest(Rules(at=NOW, trust=t)) for t in (trust, other, TrustStore())}
    assert len(digests) == 3


def test_the_command_line_takes_a_list(world, operator, tmp_path: Path) -> None:
    (tmp_path / "contract.pdf").write_bytes(document(world))
    (tmp_path / "operator.pem").write_bytes(made.pem(operator.der))
    (tmp_path / "list.xml").write_bytes(signed(unsigned(Service(world.root)), operator))
    (tmp_path / "page.xml").write_bytes(b"<html/>")
    program = [sys.executable, "-c", "from signing_core.cli import main; main()", "verify", "contract.pdf"]

    def run(*trusted: str) -> subprocess.CompletedProcess[str]:
        options = [word for name in trusted for word in ("--trust", name)]
        command = [*program, "--at", "2026-06-02", *options]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)

    done = run("list.xml", "operator.pem")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["trust"] == "trusted"
    refused = run("page.xml")
    assert refused.returncode == 2
    assert "page.xml is XML and no trusted list" in refused.stderr
