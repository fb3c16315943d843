from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing_core.delivery import contacts
from signing_core.errors import ContactRefused


@pytest.mark.parametrize(
    ("typed", "value", "masked"),
    [
        ("erika.mustermann@example.org", "erika.mustermann@example.org", "e…n@example.org"),
        ("  Erika@Example.ORG ", "Erika@example.org", "E…a@example.org"),
        ("bob@example.org", "bob@example.org", "b…@example.org"),
        ("x@example.org", "x@example.org", "…@example.org"),
        ("erika@müller.example.org", "erika@xn--mller-kva.example.org", "e…a@müller.example.org"),
        ("erika＠example.org", "erika@example.org", "e…a@example.org"),
    ],
)
def test_an_address_becomes_an_email_contact(typed: str, value: str, masked: str) -> None:
    contact = contacts.parse(typed, region="DE")
    assert (contact.kind, contact.value, contact.masked) == ("email", value, masked)
    assert contacts.mask(contact.value) == masked


@pytest.mark.parametrize(
    ("typed", "region", "value", "masked"),
    [
        ("+49 171 3920012", None, "+491713920012", "+49 … 12"),
        ("0171/39 200 12", "DE", "+491713920012", "+49 … 12"),
        ("0171 3920012", "de", "+491713920012", "+49 … 12"),
        ("0049 171 3920012", "DE", "+491713920012", "+49 … 12"),
        ("\u202a+49 171 3920012\u202c", None, "+491713920012", "+49 … 12"),
        ("＋４９ 171 3920012", None, "+491713920012", "+49 … 12"),
        ("(202) 555-0143", "US", "+12025550143", "+1 … 43"),
        ("07400 123456", "GB", "+447400123456", "+44 … 56"),
    ],
)
def test_a_number_becomes_an_sms_contact_in_e164(typed: str, region: str | None, value: str, masked: str) -> None:
    contact = contacts.parse(typed, region=region)
    assert (contact.kind, contact.value, contact.masked) == ("sms", value, masked)
    assert contacts.mask(contact.value) == masked


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("Erika Mustermann", "neither"),
        ("0171 3920012", "country code"),
        ("+49 171", "not a telephone number"),
        ("+999 171 3920012", "country code"),
        ("+49 30 901820", "landline"),
        ("+49 800 3301000", "toll-free"),
        ("+49 900 1234567", "premium-rate"),
        ("1-800-FLOWERS", "neither"),
        ("+49 171 3920012 ext 5", "neither"),
        ("erika@", "not a usable e-mail address"),
        ("erika@example", "not a usable e-mail address"),
        ("erika@@example.org", "not a usable e-mail address"),
        ("erika@example.org, bob@example.org", "not a usable e-mail address"),
        ("Erika <erika@example.org>", "not a usable e-mail address"),
        ("érika@example.org", "not a usable e-mail address"),
        ("erika@example.org\r\nBcc: all@example.org", "invisible"),
        ("erika\u200b@example.org", "invisible"),
        ("erika@localhost", "not a usable e-mail address"),
        ("1" * 400, "longer"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(typed: str, says: str) -> None:
    with pytest.raises(ContactRefused, match=says) as refused:
        contacts.parse(typed)
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith(".")


def test_a_copy_goes_to_an_address_only() -> None:
    assert contacts.parse_email("erika@example.org").kind == "email"
    with pytest.raises(ContactRefused):
        contacts.parse_email("+49 171 3920012")


def test_the_repr_of_a_contact_does_not_show_it() -> None:
    assert "erika@" not in repr(contacts.parse("erika@example.org"))


@given(st.text(max_size=400), st.sampled_from([None, "DE", "US", "XX"]))
def test_whatever_is_typed_is_a_contact_or_refused(typed: str, region: str | None) -> None:
    try:
        contact = contacts.parse(typed, region=region)
    except ContactRefused as refused:
        assert "\n" not in str(refused)
        return
    assert contact.value.isascii() and not any(c.isspace() for c in contact.value)
    assert contacts.parse(contact.value) == contact  # what is stored is read again as the same
    assert contact.value not in contact.masked


@given(st.emails(domains=st.sampled_from(["example.org", "mail.example.com"])))
def test_a_masked_address_shows_at_most_two_characters_before_the_at(address: str) -> None:
    try:
        contact = contacts.parse(address)
    except ContactRefused:
        return
    assert len(contact.masked.rpartition("@")[0].replace("…", "", 1)) <= 2
