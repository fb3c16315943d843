"""The words of a verdict: those of ETSI EN 319 102-1 (V1.3.1), clause 5.1.3, and of the published contract."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal


class Integrity(StrEnum):
    """Whether the document is what was signed."""

    UNSIGNED = "unsigned"
    INTACT = "intact"
    INDETERMINATE = "indeterminate"
    ALTERED = "altered"


class Trust(StrEnum):
    """Whether the signer's X.509 certificate leads to an anchor that was given."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    UNKNOWN = "unknown"
    """No anchors were given."""


class TimeAxis(StrEnum):
    PROVEN = "proven"
    """By a valid time-stamp."""
    CLAIMED = "claimed"
    INCONSISTENT = "inconsistent"
    """Times contradict each other: a time-stamp before the X.509 certificate's life, revisions out of order."""


class Indication(StrEnum):
    """ETSI EN 319 102-1, table 5."""

    TOTAL_PASSED = "TOTAL-PASSED"
    TOTAL_FAILED = "TOTAL-FAILED"
    INDETERMINATE = "INDETERMINATE"


class SubIndication(StrEnum):
    """ETSI EN 319 102-1, table 6."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    POLICY_PROCESSING_ERROR = "POLICY_PROCESSING_ERROR"
    SIGNATURE_POLICY_NOT_AVAILABLE = "SIGNATURE_POLICY_NOT_AVAILABLE"
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    OUT_OF_BOUNDS_NOT_REVOKED = "OUT_OF_BOUNDS_NOT_REVOKED"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    REVOCATION_OUT_OF_BOUNDS_NO_POE = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    NO_POE = "NO_POE"
    TRY_LATER = "TRY_LATER"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"
    CUSTOM = "CUSTOM"


Severity = Literal["error", "warning", "info"]
Level = Literal["B-B", "B-T", "B-LT", "B-LTA"]
Kind = Literal["signature", "document-timestamp"]
Coverage = Literal["whole-file", "whole-revision", "partial", "invalid"]
Changes = Literal["none", "permitted", "forbidden", "unknown"]
Revocation = Literal["good", "revoked", "unknown"]
QrState = Literal["valid", "invalid", "foreign", "absent", "unreadable"]
PrefixState = Literal["match", "mismatch", "not-checked"]
RegistryState = Literal["known", "prefix", "unknown", "mismatch"]
AuditLogState = Literal["included", "other-file", "missing", "inconsistent"]
Ended = Literal["voided", "declined", "expired"]
"""How a document ended that was not completed."""
