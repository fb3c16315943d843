"""Logging in through a real OpenID provider in a process of its own, and what a login is good for."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dashboard_browser import dashboard, settled
from dashboard_parts import ANNA, Furnished
from servers import free_port, running

from signing_core.audit_log import events
from signing_core.storage.database import reading
from signing_core.storage.workspace import Workspace

pytestmark = pytest.mark.slow

USERS = (
    {"sub": "1", "email": ANNA.upper(), "email_verified": True, "name": "Anna Analyst"},
    {"sub": "2", "email": "ada.auditor@example.org", "email_verified": True, "name": "Ada Auditor"},
    {"sub": "3", "email": ANNA, "email_verified": False, "name": "Not Anna"},
    {"sub": "4", "email": "nobody@example.org", "email_verified": True, "name": "Sample Nobody"},
)


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    port = free_port()
    users = [part for user in USERS for part in ("--user-claims", json.dumps(user))]
    with running([sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), *users], port):
        yield f"http://localhost:{port}"


@pytest.fixture(scope="module")
def guarded(
    furnished: Furnished, provider: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Furnished, str]]:
    """The dashboard with an `[auth]` section: nobody is the local administrator any more."""
    port = free_port()
    base = tmp_path_factory.mktemp("guarded")
    folder = Path(shutil.copytree(furnished.folder, base / "workspace"))
    secrets = base / "secrets.toml"
    secrets.write_text(
        f"""
[auth]
redirect_uri = "http://localhost:{port}/oauth2callback"
cookie_secret = "only for this test, thrown away"
client_id = "sealtrail"
client_secret = "only for this test"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""
    )
    with dashboard(folder, port=port, secrets=secrets) as address:
        yield Furnished(folder, furnished.documents), address


def log_in(page: Any, address: str, subject: str) -> None:
    page.goto(address)
    settled(page)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/oauth2/authorize**")
    page.locator("input[name='sub']").first.fill(subject)
    page.locator("input[name='sub']").first.press("Enter")
    page.wait_for_url(f"{address}/**")
    settled(page)


def test_a_verified_address_with_a_role_gets_in_and_others_do_not(
    guarded: tuple[Furnished, str], desktop: Callable[..., Any]
) -> None:
    furnished, address = guarded
    anna = desktop()
    log_in(anna, address, "1")
    anna.get_by_role("heading", name="Today").wait_for()
    anna.get_by_text("Anna Analyst · analyst").wait_for()
    assert anna.get_by_text("No login is configured").count() == 0
    assert anna.get_by_label("Working as").count() == 0

    # What an analyst may not do is refused by its address too, and recorded with the person.
    anna.goto(f"{address}/people")
    settled(anna)
    anna.get_by_text("has no right to administer").wait_for()
    with Workspace.open(furnished.folder) as workspace, reading(workspace.engine) as connection:
        denied = events.of_type(connection, "access.denied")
    assert [event.data["right"] for event in denied] == ["administer"]

    # Logged out, the next look asks for a login.
    anna.goto(address)
    settled(anna)
    with anna.expect_navigation():
        anna.get_by_role("button", name="Log out").click()
    anna.goto(address)
    settled(anna)
    anna.get_by_role("button", name="Log in").wait_for()

    unverified = desktop()
    log_in(unverified, address, "3")
    unverified.get_by_text("did not confirm the e-mail address").wait_for()

    stranger = desktop()
    log_in(stranger, address, "4")
    stranger.get_by_text("has no role here yet").wait_for()
    assert stranger.get_by_role("link", name="Documents").count() == 0


def test_an_auditor_sees_everything_and_changes_nothing(
    guarded: tuple[Furnished, str], desktop: Callable[..., Any]
) -> None:
    furnished, address = guarded
    page = desktop()
    log_in(page, address, "2")
    page.goto(f"{address}/document?id={furnished.documents['altered']}")
    settled(page)
    page.get_by_text("The stored file is altered").wait_for()
    page.get_by_role("button", name="Evidence pack").wait_for()
    for name in ("Verify now", "Resend", "Void", "Send"):
        assert page.get_by_role("button", name=name, exact=True).count() == 0
