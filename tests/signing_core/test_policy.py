"""Algorithms as ETSI TS 119 312 judges them, and policy files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signing_core.errors import UsageError
from signing_core.policy import ALWAYS, NEVER, Algorithm, Policy, load, read


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("algorithm", "last_good_year"),
    [
        (Algorithm("rsa-pkcs1v15", "sha1", "rsa", 2048), 2008),
        (Algorithm("rsa-pkcs1v15", "sha256", "rsa", 1024), 2008),
        (Algorithm("rsa-pkcs1v15", "sha256", "rsa", 1536), 2015),
        (Algorithm("rsa-pkcs1v15", "sha256", "rsa", 2048), 2025),
        (Algorithm("rsassa-pss", "sha224", "rsa", 4096), 2025),
        (Algorithm("dsa", "sha256", "dsa", 1024), 2012),
        (Algorithm("dsa", "sha256", "dsa", 2048), 2025),
        (Algorithm("ecdsa", "sha256", "ec", 192, "secp192r1"), 2012),
        (Algorithm("ecdsa", "sha256", "ec", 224, "secp224r1"), 2015),
    ],
)
def test_cut_offs(algorithm: Algorithm, last_good_year: int) -> None:
    judged = Policy().judge(algorithm)
    assert judged.good_at(day(f"{last_good_year}-12-31"))
    assert not judged.good_at(day(f"{last_good_year + 1}-01-01"))


@pytest.mark.parametrize(
    "algorithm",
    [
        Algorithm("rsa-pkcs1v15", "sha256", "rsa", 3072),
        Algorithm("rsassa-pss", "sha512", "rsa", 4096),
        Algorithm("rsa-pkcs1v15", "sha3_256", "rsa", 3072),
        Algorithm("ecdsa", "sha256", "ec", 256, "secp256r1"),
        Algorithm("ecdsa", "sha3_384", "ec", 384, "secp384r1"),
        Algorithm("plain-ecdsa", "sha256", "ec", 256, "brainpoolp256r1"),
        Algorithm("ecdsa", "sha512", "ec", 512, "brainpoolp512r1"),
        Algorithm("ed25519", None, "ed25519", 256),
        Algorithm("ed448", None, "ed448", 448),
    ],
)
def test_good_without_an_end(algorithm: Algorithm) -> None:
    assert Policy().judge(algorithm).until == ALWAYS


@pytest.mark.parametrize(
    ("algorithm", "limit"),
    [
        (Algorithm("rsa-pkcs1v15", "sha256", "rsa", 768), "RSA with 768 bits"),
        (Algorithm("ecdsa", "sha256", "ec", 256, "secp256k1"), "the curve secp256k1"),
        (Algorithm("rsa-pkcs1v15", "md2", "rsa", 4096), "MD2"),
        (Algorithm("rsa-pkcs1v15", "sha3_224", "rsa", 4096), "SHA3-224"),
        (Algorithm("something-new", "sha256", "rsa", 4096), "SOMETHING-NEW"),
    ],
)
def test_never_good_enough(algorithm: Algorithm, limit: str) -> None:
    judged = Policy().judge(algorithm)
    assert judged.until == NEVER
    assert judged.limit == limit


def test_the_part_that_ends_first_is_named() -> None:
    assert Policy().judge(Algorithm("rsa-pkcs1v15", "sha1", "rsa", 2048)).limit == "SHA-1"
    assert Policy().judge(Algorithm("rsa-pkcs1v15", "sha256", "rsa", 2048)).limit == "RSA with 2048 bits"


TOML = """
id = "archive-2026"
[digests]
sha1 = 2012-01-01
[keys]
rsa = [[1900, 2027-01-01], [3000, "always"]]
[schemes]
plain-ecdsa = "never"
[curves]
secp256k1 = "always"
[revocation]
mode = "required"
[time]
require_time_stamp = true
accept_embedded_authority = false
[trust]
anchors = ["anchors"]
"""


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(TOML)
    policy = load(file)
    assert policy.id == "archive-2026"
    assert policy.judge_digest("sha1").until == day("2012-01-01")
    assert policy.judge_digest("sha256").until == ALWAYS
    assert policy.judge(Algorithm("rsa-pkcs1v15", "sha256", "rsa", 2048)).until == day("2027-01-01")
    assert policy.judge(Algorithm("rsa-pkcs1v15", "sha256", "rsa", 1024)).until == NEVER
    assert policy.judge(Algorithm("plain-ecdsa", "sha256", "ec", 256, "secp256r1")).until == NEVER
    assert policy.judge(Algorithm("ecdsa", "sha256", "ec", 256, "secp256k1")).until == ALWAYS
    assert (policy.revocation, policy.require_time_stamp, policy.accept_embedded_authority) == ("required", True, False)
    assert policy.anchors == (str(tmp_path / "anchors"),)


def test_json_says_the_same(tmp_path: Path) -> None:
    content = Policy(id="sample").to_json()
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(content))
    assert load(file).reference() == Policy(id="sample").reference()


def test_the_reference_follows_the_content_and_nothing_else() -> None:
    default = Policy()
    assert default.reference() == Policy().reference() == read(default.to_json()).reference()
    assert read({"digests": {"sha1": "always"}}).reference().sha256 != default.reference().sha256
    assert len(default.reference().sha256) == 64


@pytest.mark.parametrize(
    ("content", "entry"),
    [
        ({"digest": {}}, "digest"),
        ({"digests": []}, "digests"),
        ({"digests": {"sha1": "soon"}}, "digests.sha1"),
        ({"digests": {"sha1": 2012}}, "digests.sha1"),
        ({"keys": {"rsa": [2048]}}, "keys.rsa"),
        ({"keys": {"elgamal": []}}, "keys.elgamal"),
        ({"revocation": {"mode": "maybe"}}, "revocation.mode"),
        ({"revocation": {"modus": "required"}}, "revocation.modus"),
        ({"time": {"require_time_stamp": "yes"}}, "time.require_time_stamp"),
        ({"trust": {"anchors": "folder"}}, "trust.anchors"),
        ({"id": ""}, "id"),
    ],
)
def test_a_wrong_entry_is_named(content: dict[str, object], entry: str) -> None:
    with pytest.raises(UsageError, match=entry.replace(".", r"\.")):
        read(content)


@pytest.mark.parametrize(("name", "text"), [("p.toml", "id = "), ("p.json", "{"), ("p.toml", "\udcff")])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match=name):
        load(file)
    with pytest.raises(UsageError, match="missing"):
        load(tmp_path / "missing.toml")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("comments.toml", "# nothing but this\n", "no entry"),
        ("empty.toml", "", "no entry"),
        ("empty.json", "{}", "no entry"),
        ("list.json", "[]", "table of entries"),
        ("number.json", "5", "table of entries"),
        ("deep.json", "[" * 100_000, "nested too deeply"),
        ("deep.toml", "a = " + "[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_says_nothing_or_too_much_is_refused(name: str, content: str, why: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=why) as refused:
        load(tmp_path / name)
    assert name in str(refused.value)
