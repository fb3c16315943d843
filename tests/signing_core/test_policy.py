"""Algorithms as ETSI TS 119 312 judges them, and policy files."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signing_core.errors import UsageError
from signing_core.policy import ALWAYS, CUT_OFFS, NEVER, Algorithm, CutOff, Policy, cut_offs, load, read

ROOT = Path(__file__).parents[2]


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


ENDING = [row for row in CUT_OFFS if row.until not in (NEVER, ALWAYS)]


def made_with(row: CutOff) -> Algorithm:
    """An algorithm of which this row, and nothing else, is the weakest part."""
    if row.kind == "digest":
        return Algorithm("ecdsa", row.name, "ec", 256, "secp256r1")
    if row.kind == "scheme":
        return Algorithm(row.name, "sha256", "rsa", 4096)
    scheme = {"rsa": "rsassa-pss", "dsa": "dsa", "ec": "ecdsa"}[row.name]
    return Algorithm(scheme, "sha256", row.name, row.bits, "secp224r1" if row.name == "ec" else None)


@pytest.mark.parametrize("row", ENDING, ids=lambda row: f"{row.name}-{row.bits}")
def test_every_cut_off(row: CutOff) -> None:
    judged = Policy().judge(made_with(row))
    assert judged.good_at(row.until - timedelta(days=1))
    assert judged.good_at(row.until - timedelta(microseconds=1))
    assert not judged.good_at(row.until)


@pytest.mark.parametrize("row", [row for row in ENDING if row.kind == "key"], ids=lambda row: f"{row.name}-{row.bits}")
def test_a_bit_less_than_a_row_is_the_row_before(row: CutOff) -> None:
    less = replace(made_with(row), bits=row.bits - 1)
    before = [
        other.until for other in CUT_OFFS if (other.kind, other.name) == ("key", row.name) and other.bits < row.bits
    ]
    assert Policy().judge(less).until == (before[-1] if before else NEVER)


@pytest.mark.parametrize(
    ("algorithm", "last_good_day"),
    [
        (Algorithm("rsa-pkcs1v15", "sha256", "rsa", 2048), "2028-12-31"),
        (Algorithm("rsassa-pss", "sha256", "rsa", 1900), "2028-12-31"),
        (Algorithm("rsa-pkcs1v15", "sha256", "rsa", 4096), "2028-12-31"),
        (Algorithm("rsa-pkcs1v15", "sha1", "rsa", 2048), "2012-07-31"),
        (Algorithm("rsa-pkcs1v15", "sha256", "rsa", 1536), "2019-09-30"),
        (Algorithm("rsa-pkcs1v15", "sha1", "rsa", 1024), "2012-07-31"),
        (Algorithm("dsa", "sha256", "dsa", 2048), "2028-12-31"),
        (Algorithm("dsa", "sha1", "dsa", 1024), "2012-07-31"),
        (Algorithm("ecdsa", "sha224", "ec", 224, "secp224r1"), "2021-09-30"),
        (Algorithm("ecdsa", "sha256", "ec", 192, "secp192r1"), "2012-07-31"),
    ],
)
def test_the_standards_own_words(algorithm: Algorithm, last_good_day: str) -> None:
    """Written down by hand, so that a slip in the table is seen: TS 119 312 V1.5.1, and V2.1.1, annex D."""
    judged = Policy().judge(algorithm)
    assert judged.good_at(day(last_good_day))
    assert judged.until == day(last_good_day) + timedelta(days=1)


def test_each_row_names_its_edition_and_stands_in_the_documentation() -> None:
    assert all(row.edition for row in CUT_OFFS)
    assert len({(row.kind, row.name, row.bits) for row in CUT_OFFS}) == len(CUT_OFFS)
    assert cut_offs.markdown() in (ROOT / "docs" / "verification.md").read_text()


@pytest.mark.parametrize(
    "algorithm",
    [
        Algorithm("rsassa-pss", "sha256", "rsa", 3072),
        Algorithm("rsassa-pss", "sha512", "rsa", 4096),
        Algorithm("rsassa-pss", "sha3_256", "rsa", 3000),
        Algorithm("dsa", "sha256", "dsa", 3072),
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
