"""How often one address may ask, whichever of the processes answers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from portal.rates import RATES, Limiter, Rate, Table, group
from portal.sessions import key_of
from signing_core.delivery import tokens


@pytest.mark.parametrize(
    ("kind", "address"), [("link", "/s/{token}"), ("upload", "/verify"), ("code", "/sign/{key}/code")]
)
def test_rates_are_limited(make_company: Callable[..., Any], tmp_path: Path, kind: str, address: str) -> None:
    company = make_company(tmp_path / "workspace", rates={kind: Rate(3, 1)})
    with company.server, company.workspace:
        token = tokens.new_token()[0]
        address = address.format(token=token, key=key_of(token))
        visitor = company.visitor()
        ours = {"origin": "null", "sec-fetch-site": "same-origin"}

        def ask() -> httpx.Response:
            return visitor.get(address) if kind == "link" else visitor.post(address, data={"csrf": "0"}, headers=ours)

        assert 429 not in [ask().status_code for _ in range(3)]
        refused = ask()
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 61
        assert "try again" in refused.text
        assert visitor.get("/verify").status_code == 200  # the rest goes on


def test_limiter_fills_up_again() -> None:
    now = [0.0]
    limiter = Limiter({"link": Rate(2, 60)}, clock=lambda: now[0])
    assert [limiter.wait("link", "192.0.2.1") for _ in range(3)] == [0, 0, 1.0]
    assert limiter.wait("link", "192.0.2.2") == 0
    now[0] = 1.0
    assert [limiter.wait("link", "192.0.2.1") > 0 for _ in range(2)] == [False, True]
    # One subscriber of IPv6 has a /64: its addresses count as one; an IPv4 address is one however it is written.
    assert [limiter.wait("link", f"2001:db8::{n}") > 0 for n in range(3)] == [False, False, True]
    assert group("::ffff:192.0.2.1") == group("192.0.2.1")
    now[0] = -5000.0  # the machine was started anew: what was counted before is over
    assert limiter.wait("link", "192.0.2.1") == 0
    assert set(RATES) == {"link", "code", "upload", "frame", "page"}


def test_limits_hold_across_processes(tmp_path: Path) -> None:
    """Two processes that share nothing but the file let through as many as one."""
    program = (
        "import sys, pathlib\n"
        "from portal.rates import Limiter, Rate, Table\n"
        "limiter = Limiter({'code': Rate(500, 0.001)}, Table(pathlib.Path(sys.argv[1])))\n"
        "print(sum(not limiter.wait('code', '192.0.2.1') for _ in range(2000)))\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "rates")], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    let_through = [int(process.communicate(timeout=600)[0]) for process in running]
    assert sum(let_through) == 500
    limiter = Limiter({"code": Rate(500, 0.001)}, Table(tmp_path / "rates"))
    assert limiter.wait("code", "192.0.2.1") > 0  # and a restart forgives nothing
    assert limiter.wait("code", "192.0.2.2") == 0


def test_a_crowd_makes_the_table_no_larger_and_hardly_hits_others(tmp_path: Path) -> None:
    file = tmp_path / "rates"
    limiter = Limiter({"link": Rate(3, 0.001)}, Table(file), clock=lambda: 0.0)
    size = file.stat().st_size
    for number in range(4000):
        for _ in range(3):
            limiter.wait("link", f"2001:db8:{number:x}::1")
    others = [limiter.wait("link", f"192.0.{n // 250}.{n % 250}") > 0 for n in range(2000)]
    assert file.stat().st_size == size < 3_000_000
    assert sum(others) < 20
    file.write_bytes(b"damaged")
    assert Limiter({"link": Rate(3, 1)}, Table(file)).wait("link", "192.0.2.1") == 0
