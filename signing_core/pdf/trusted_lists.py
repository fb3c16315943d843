"""European trusted lists (ETSI TS 119 612) from a file: which services are granted, and when they were.

What a service entry means is pyHanko's business; that the list is whole and whose it is, is settled here before. Nothing
is fetched: neither the list of the lists, nor what a list points to, nor what a hostile file would like to have loaded.
"""

from __future__ import annotations

import base64
import copy
import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from signing_core.errors import UsageError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from lxml import etree

Kind = Literal["CA/QC", "QTST"]

MAX_SIZE: Final = 16 * 1024 * 1024
"""Octets; national lists have up to five million."""

TSL_SIGNING: Final = "0.4.0.2231.3.0"
"""id-tsl-kp-tslSigning: what a scheme operator's X.509 certificate is for (TS 119 612, 5.7.1)."""

_ROOT: Final = "TrustServiceStatusList"
_TSL: Final = "{http://uri.etsi.org/02231/v2#}"
_DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_LIST_OF_LISTS: Final = "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUlistofthelists"
_PARSER_LOG: Final = "pyhanko.sign.validation.qualified.eutl_parse"


@dataclass(frozen=True, slots=True)
class GrantedService:
    """A service in a span of time in which its status was `granted` (TS 119 612, 5.5.4 and 5.6)."""

    kind: Kind
    """`CA/QC`: issues qualified X.509 certificates for signatures or seals; `QTST`: qualified time-stamps."""
    name: str
    certificates: tuple[bytes, ...]
    """DER, of the service's key (5.5.3)."""
    since: datetime
    until: datetime | None
    """The moment from which it was not any more; None: it still is."""


@dataclass(frozen=True, slots=True)
class TrustedList:
    territory: str
    """5.3.10, as `DE`."""
    sequence: str
    """5.3.2, the number of this issue."""
    issued: datetime
    next_update: datetime | None
    """Until when this issue speaks at the latest (5.3.15); None for a list that was closed."""
    operator: bytes | None
    """DER of the X.509 certificate among those given that its signature verified with; None when none was given for it."""
    services: tuple[GrantedService, ...]
    problems: tuple[str, ...]
    """Entries that could not be read, and so grant nothing."""


def looks_like_one(data: bytes) -> bool:
    """Whether it is XML that speaks of a trusted list; cheap, for telling files apart."""
    return is_xml(data) and _ROOT.encode() in data


def is_xml(data: bytes) -> bool:
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def read(xml: bytes, *, name: str, operators: Iterable[bytes] = ()) -> TrustedList:
    """Read one list.

    Args:
        name: of the file, for messages.
        operators: X.509 certificates in DER that were given beside the list; those that may have signed it count. If any
            of them is a scheme operator's by its extended key usage, the list has to be signed with one of them.

    Raises `UsageError` for anything but a whole list whose signature verifies, and without the libraries of the extra.
    """
    try:
        import signxml  # noqa: F401
        from pyhanko.sign.validation.qualified import eutl_parse  # noqa: F401
    except ImportError:
        raise UsageError(f"The trusted list {name} needs more to be read; install `sealtrail[etsi]`.") from None
    root = _parsed(xml, name)
    issued = _time(root, "ListIssueDateTime")
    if issued is None:
        raise UsageError(f"The trusted list {name} does not say when it was issued; fetch it again from its operator.")
    signed, operator = _authenticated(root, xml, issued, name, tuple(operators))
    root = _parsed(signed, name)  # from here on nothing but what was signed
    if _text(root, "TSLType") == _LIST_OF_LISTS:
        raise UsageError(
            f"{name} is the list of the trusted lists, which holds no services; give the lists of countries."
        )
    services, problems = _services(root, name)
    return TrustedList(
        territory=_text(root, "SchemeTerritory"),
        sequence=_text(root, "TSLSequenceNumber"),
        issued=_time(root, "ListIssueDateTime") or issued,
        next_update=_time(root, "NextUpdate"),
        operator=operator,
        services=services,
        problems=problems,
    )


# -- XML --------------------------------------------------------------------------------------------------------------


def _parsed(xml: bytes, name: str) -> etree._Element:
    from lxml import etree

    if len(xml) > MAX_SIZE:
        raise UsageError(
            f"{name} has {len(xml)} bytes, and trusted lists of more than {MAX_SIZE} are not read; check it."
        )
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        raise UsageError(f"{name} is no well-formed XML ({_sentence(error)}); fetch the trusted list again.") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise UsageError(f"{name} declares a document type, which a trusted list does not; it is not read.")
    if root.tag != _TSL + _ROOT:
        raise UsageError(f"{name} is XML and no trusted list of ETSI TS 119 612; check that it is the right file.")
    return root


def _scheme(root: etree._Element, field: str) -> etree._Element | None:
    return root.find(f"{_TSL}SchemeInformation/{_TSL}{field}")


def _text(root: etree._Element, field: str) -> str:
    found = _scheme(root, field)
    return "".join(found.itertext()).strip() if found is not None else ""


def _time(root: etree._Element, field: str) -> datetime | None:
    try:
        return _aware(datetime.fromisoformat(_text(root, field)))
    except ValueError:
        return None


def _aware(time: datetime) -> datetime:
    """In UTC, which TS 119 612, 5.1.4, asks for anyway."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _sentence(error: Exception) -> str:
    """What a library says, fit for a line of ours."""
    return "".join(c for c in " ".join(str(error).split())[:200] if c.isprintable()) or type(error).__name__


# -- whose it is ------------------------------------------------------------------------------------------------------


def _authenticated(
    root: etree._Element, xml: bytes, issued: datetime, name: str, given: tuple[bytes, ...]
) -> tuple[bytes, bytes | None]:
    """(what is signed, the given X.509 certificate it was signed with, if any). TS 119 612, 5.7.1 and annex B."""
    signatures = root.findall(f"{_DS}Signature")
    if len(signatures) != 1:
        raise UsageError(
            f"The trusted list {name} has {len(signatures)} signatures instead of one; it is not believed."
        )
    from cryptography.x509 import load_der_x509_certificate

    inside = [
        encoded
        for element in signatures[0].iterfind(f"{_DS}KeyInfo/{_DS}X509Data/{_DS}X509Certificate")
        if (encoded := _decoded(element.text)) is not None
    ]
    operators = tuple(encoded for encoded in given if _is_operator(encoded))
    pinned = tuple(encoded for encoded in given if encoded in inside) or operators
    causes = []
    for encoded in pinned or inside[:4]:
        try:
            return _verified(xml, load_der_x509_certificate(encoded), issued), encoded if pinned else None
        except Exception as error:  # the library answers with a dozen kinds, for odd keys with those of others
            causes.append(_sentence(error))
    if pinned and not set(pinned) & set(inside):
        raise UsageError(
            f"The trusted list {name} is not signed by a scheme operator whose X.509 certificate was given; "
            "give that of its operator, or lists of the given operators only."
        )
    cause = causes[0] if causes else "it names no X.509 certificate"
    raise UsageError(f"The signature of the trusted list {name} does not verify ({cause}); fetch it again.")


def _verified(xml: bytes, certificate: Certificate, issued: datetime) -> bytes:
    """What was signed, canonical. Judged for the time of issue, so that an old list can be read with its old operator."""
    from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

    configuration = XAdESSignatureConfiguration(location="./", expect_references=True, verification_time=issued)
    results = XAdESVerifier().verify(xml, x509_cert=certificate, expect_config=configuration)
    for result in results:
        if result.signed_xml is not None and result.signed_xml.tag == _TSL + _ROOT:
            return bytes(result.signed_data)
    raise ValueError("it covers something else than the list")


def _decoded(text: str | None) -> bytes | None:
    try:
        return base64.b64decode(text or "", validate=False)
    except ValueError:
        return None


def _is_operator(encoded: bytes) -> bool:
    from cryptography import x509

    try:
        certificate = x509.load_der_x509_certificate(encoded)
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        return any(purpose.dotted_string == TSL_SIGNING for purpose in usage)
    except (ValueError, x509.ExtensionNotFound):
        return False


# -- what it grants ---------------------------------------------------------------------------------------------------


def _services(root: etree._Element, name: str) -> tuple[tuple[GrantedService, ...], tuple[str, ...]]:
    from lxml import etree
    from pyhanko.sign.validation.qualified.eutl_parse import trust_list_to_registry_unsafe
    from pyhanko.sign.validation.qualified.tsp import QcCertType, TSPRegistry

    _complete_history(root)
    found: list[GrantedService] = []
    problems: list[str] = []

    class Collected(TSPRegistry):
        """Keeps the entries themselves: a registry answers for one authority at a time."""

        def register_ca(self, ca_service_info: Any) -> None:
            kinds = ca_service_info.base_info.additional_info_certificate_type
            if not kinds or kinds & {QcCertType.QC_ESIGN, QcCertType.QC_ESEAL}:  # else for web sites only
                add("CA/QC", ca_service_info.base_info)

        def register_tst(self, qtst_service_info: Any) -> None:
            add("QTST", qtst_service_info.base_info)

    def add(kind: Kind, info: Any) -> None:
        certificates = tuple(certificate.dump() for certificate in info.provider_certs)
        if not certificates:
            problems.append(f"the service {info.service_name} has no X.509 certificate")
            return
        until = _aware(info.valid_until) if info.valid_until else None
        found.append(GrantedService(kind, info.service_name, certificates, _aware(info.valid_from), until))

    try:
        with _quiet():
            _, errors = trust_list_to_registry_unsafe(etree.tostring(root, encoding="unicode"), Collected())
    except Exception as error:  # a list that does not keep to the schema fails in as many ways as there are fields
        raise UsageError(f"The trusted list {name} does not keep to ETSI TS 119 612 ({_sentence(error)}).") from None
    problems += [_sentence(error) for error in errors]
    return tuple(found), tuple(problems)


def _complete_history(root: etree._Element) -> None:
    """Give former states of a service its X.509 certificates: they name the same key, often by its identifier alone
    (TS 119 612, 5.6.3), and pyHanko looks at each state by itself.
    """
    for service in root.iter(f"{_TSL}TSPService"):
        current = service.find(f"{_TSL}ServiceInformation/{_TSL}ServiceDigitalIdentity")
        certificates = [] if current is None else [i for i in current if i.find(f"{_TSL}X509Certificate") is not None]
        for state in service.iterfind(f"{_TSL}ServiceHistory/{_TSL}ServiceHistoryInstance"):
            identity = state.find(f"{_TSL}ServiceDigitalIdentity")
            if identity is not None and identity.find(f"{_TSL}DigitalId/{_TSL}X509Certificate") is None:
                identity.extend(copy.deepcopy(certificates))


@contextmanager
def _quiet() -> Iterator[None]:
    """Problems are returned; a log with tracebacks besides would only frighten."""
    log = logging.getLogger(_PARSER_LOG)
    before = log.disabled
    log.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.disabled = before
