"""URLs as they may be shown."""

from __future__ import annotations

import pytest

from signing_core.bulk import addresses


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://bucket/in", "s3://bucket/in"),
        ("s3://bucket/a@b/c:d", "s3://bucket/a@b/c:d"),
        ("ftp://host:2121/in/a@b", "ftp://host:2121/in/a@b"),
        ("ftp://user:secret@host/in", "ftp://host/in"),
        ("ftp://user:secret@host:2121/in/a@b", "ftp://host:2121/in/a@b"),
        ("ftp://user:sec@ret@host/in", "ftp://host/in"),
        ("ftp://user:sec/ret@host/in", "ftp://host/in"),
        ("ftp://user:sec#ret@host/in", "ftp://host/in"),
        ("https://secret@host/in", "https://host/in"),
        ("https://host/in?sig=secret&x=1#secret", "https://host/in"),
        ("simplecache::ftp://user:secret@host/in", "simplecache::ftp://host/in"),
        (
            "zip://*.pdf::https://a:secret@host/in.zip?sig=secret::file:///x",
            "zip://*.pdf::https://host/in.zip::file:///x",
        ),
        ("/mnt/in?x@y", "/mnt/in?x@y"),
        ("C:\\in@x", "C:\\in@x"),
    ],
)
def test_a_url_is_shown_without_a_password_or_a_key(url: str, shown: str) -> None:
    assert addresses.shown(url) == shown
    assert ("secret" in "".join(addresses.secrets(url))) == ("secret" in url)


def test_what_a_library_says_is_without_them_in_every_spelling() -> None:
    url = "ftp://user:p%C3%A4ss%20word@host/in?sig=a%2Bb"
    said = f"530 {url}: user:p%C3%A4ss%20word@host, päss word, p%C3%A4ss%20word, ?sig=a%2Bb, a+b were refused by host"
    assert addresses.without_secrets(said, url) == "530 ftp://host/in: host, ***, ***, , *** were refused by host"


def test_what_a_library_says_of_a_place_without_secrets_is_left_alone() -> None:
    assert addresses.without_secrets("No such bucket: s3://a/b@c", "s3://a/b@c") == "No such bucket: s3://a/b@c"
