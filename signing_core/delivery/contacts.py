"""A contact decides the channel: telephone numbers get SMS, everything else must be an e-mail address.

Nothing here asks the network: whether a mailbox or a number really answers is shown by the code that comes back from it.
"""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Literal

import idna
import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberType

from signing_core.errors import ContactRefused

ContactKind = Literal["email", "sms"]

_MAX_LENGTH: Final = 320  # RFC 3696, erratum 1690: 64 + 1 + 255

_NO_SMS: Final = {
    PhoneNumberType.FIXED_LINE: "a landline",
    PhoneNumberType.TOLL_FREE: "a toll-free number",
    PhoneNumberType.PREMIUM_RATE: "a premium-rate number",
    PhoneNumberType.SHARED_COST: "a shared-cost number",
    PhoneNumberType.UAN: "a company access number",
    PhoneNumberType.PAGER: "a pager",
    PhoneNumberType.VOICEMAIL: "a voicemail number",
}


@dataclass(frozen=True)
class Contact:
    """Where links and codes for one person go."""

    kind: ContactKind
    """`email` or `sms`: also the channel of the outbox."""
    value: str = field(repr=False)
    """An address in ASCII (RFC 5321, internationalised domains as A-labels) or a number in E.164."""
    masked: str
    """Enough to recognise it, too little to use it: for pages and the authenticity certificate."""


def parse(text: str, *, region: str | None = None) -> Contact:
    """The contact that a person typed.

    `region` is the ISO 3166-1 code of the country whose numbers may be written without country code; without it
    a number must begin with `+`. Raises `ContactRefused`.
    """
    cleaned = _cleaned(text)
    return _email(cleaned) if "@" in cleaned else _phone(cleaned, region)


def parse_email(text: str) -> Contact:
    """An e-mail address and nothing else, for copies of the finished document. Raises `ContactRefused`."""
    return _email(_cleaned(text))


def mask(value: str) -> str:
    """The masked form of a stored contact: `e…a@example.org`, `+49 … 34`."""
    if "@" in value:
        return _masked_email(value)
    try:
        country = f"+{phonenumbers.parse(value).country_code} "
    except NumberParseException:
        country = ""
    return f"{country}… {value[-2:]}"


def _cleaned(text: str) -> str:
    cleaned = unicodedata.normalize("NFKC", text).strip()
    if "@" not in cleaned:
        # Telephones put marks of writing direction around the numbers that they copy.
        cleaned = "".join(character for character in cleaned if unicodedata.category(character) != "Cf")
    if not cleaned:
        raise ContactRefused("The contact is empty; give an e-mail address or a mobile number.")
    if len(cleaned) > _MAX_LENGTH:
        raise ContactRefused(f"The contact is longer than {_MAX_LENGTH} characters; give one address or one number.")
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in cleaned):
        raise ContactRefused("The contact holds invisible characters; type it again instead of pasting it.")
    return cleaned


def _email(text: str) -> Contact:
    try:
        valid = validate_email(text, check_deliverability=False, allow_smtputf8=False, allow_quoted_local=False)
    except EmailNotValidError as error:
        reason = str(error).rstrip(".")
        raise ContactRefused(f"{_shown(text)} is not a usable e-mail address: {reason}. Correct the address.") from None
    address = valid.ascii_email
    if address is None:
        raise ContactRefused(
            f"{_shown(text)} cannot be written in ASCII, which mail servers ask for; use another address."
        )
    return Contact("email", address, _masked_email(address))


def _phone(text: str, region: str | None) -> Contact:
    shown = _shown(text)
    # phonenumbers would read letters as keypad digits and "x12" as an extension; neither can be meant here.
    if any(character.isalpha() for character in text):
        raise ContactRefused(f"{shown} is neither an e-mail address nor a telephone number; correct it.")
    try:
        number = phonenumbers.parse(text, region.upper() if region else None)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            raise ContactRefused(
                f"The number {shown} has no known country code; write it in full, for example +49 171 3920012."
            ) from None
        raise ContactRefused(f"{shown} is neither an e-mail address nor a telephone number; correct it.") from None
    if number.extension or not phonenumbers.is_valid_number(number):
        raise ContactRefused(f"{shown} is not a telephone number that exists in its country; check the digits.")
    kind = phonenumbers.number_type(number)
    if kind in _NO_SMS:
        raise ContactRefused(
            f"{shown} is {_NO_SMS[kind]}, which gets no text messages; give a mobile number or an e-mail address."
        )
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Contact("sms", e164, mask(e164))


def _masked_email(address: str) -> str:
    local, _, domain = address.rpartition("@")
    first = local[0] if len(local) > 1 else ""
    last = local[-1] if len(local) > 3 else ""
    with suppress(idna.IDNAError):
        domain = idna.decode(domain)  # as its owner knows it
    return f"{first}…{last}@{domain}"


def _shown(text: str) -> str:
    return f"“{text if len(text) <= 60 else text[:59] + '…'}”"
