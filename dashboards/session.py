"""Who looks at the dashboard, on which workspace, in which language: settled once at the start of every run."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import streamlit as st

from dashboards.words import LANGUAGES, Language
from signing_core import access as who
from signing_core.access import LOCAL_ADMINISTRATOR, Access, Person, Right
from signing_core.errors import AccessDenied, DocumentUnknown
from signing_core.storage.workspace import Workspace

DEMO_VARIABLE: Final = "SEALTRAIL_DEMO"
"""Set by `sealtrail serve --demo`: the sample people of the seeded workspace can be chosen from."""
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
_FORWARDED: Final = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "x-original-host", "true-client-ip"})
_FORWARDED_AS: Final = ("x-forwarded", "cf-", "x-envoy-")
"""Headers that only something in between adds."""


@dataclass(frozen=True)
class Connection:
    """How the browser reached us."""

    host: str
    """The Host header; empty when there was none."""
    headers: frozenset[str]
    """Names of all headers, in lower case."""
    loopback: bool
    """Whether the other end of the connection is this machine."""

    @property
    def local(self) -> bool:
        """Straight from this machine: no proxy in between, and no other name in the address bar.

        A proxy on this machine looks like loopback, so its headers count; another Host is a proxy that hides them, or a
        page elsewhere whose name was made to lead here.
        """
        name = self.host.rpartition(":")[0] if self.host.rpartition(":")[2].isdigit() else self.host
        forwarded = self.headers & _FORWARDED or any(header.startswith(_FORWARDED_AS) for header in self.headers)
        return self.loopback and name.lower() in _LOOPBACK and not forwarded


def connection() -> Connection:
    headers = {key.lower(): value for key, value in st.context.headers.to_dict().items()}
    return Connection(headers.get("host", ""), frozenset(headers), st.context.ip_address is None)


_lock = threading.Lock()
_open: dict[Path, Workspace] = {}


def workspace() -> Workspace:
    """The workspace of SEALTRAIL_WORKSPACE, or of the current folder; opened once for all sessions."""
    path = Path(os.environ.get("SEALTRAIL_WORKSPACE") or ".").absolute()
    with _lock:
        if path not in _open:
            _open[path] = Workspace.open(path)
        return _open[path]


def demo() -> bool:
    return bool(os.environ.get(DEMO_VARIABLE))


def login_configured() -> bool:
    """Whether Streamlit's secrets hold an `[auth]` section, so that people log in with an OpenID provider."""
    try:
        return "auth" in st.secrets
    except FileNotFoundError:
        return False


@dataclass(frozen=True)
class Nobody:
    """Why there is nobody: `log-in` when somebody has to log in first, `not-local`, `unverified`, `no-role`."""

    because: str
    who: str = ""


def person() -> Person | Nobody:
    """Who is there. With login configured only who logged in; else the local administrator, on this machine only."""
    if login_configured():
        if not st.user.get("is_logged_in"):
            return Nobody("log-in")
        email = str(st.user.get("email") or "")
        if not email or st.user.get("email_verified") is not True:
            return Nobody("unverified", email or str(st.user.get("sub") or ""))
        found = who.person_of(workspace(), email, str(st.user.get("name") or email))
        return found if found.roles else Nobody("no-role", email)
    if not connection().local:
        return Nobody("not-local")
    if demo():
        chosen = st.session_state.get("demo_person")
        for sample in sample_people():
            if sample.subject == chosen:
                return sample
    return LOCAL_ADMINISTRATOR


def sample_people() -> list[Person]:
    """The people to whom the demonstration's workspace has granted roles."""
    from signing_core.storage.database import reading

    with reading(workspace().engine) as connection_:
        subjects = dict.fromkeys(row.subject for row in who.grants(connection_))
    return [who.person_of(workspace(), subject, _sample_name(subject)) for subject in subjects]


def _sample_name(subject: str) -> str:
    return subject.partition("@")[0].replace(".", " ").title()


def access() -> Access:
    """What the person of this session may do; `app` put it there."""
    return cast("Access", st.session_state["access"])


def guard(right: Right, *, document_id: str | None = None) -> Access:
    """For the top of a page: goes on only when the person has the right.

    A denied try is recorded once for each page and document of a session, not once for each of Streamlit's reruns.
    """
    from dashboards import look
    from dashboards.words import t

    mine = access()
    tried = st.session_state.setdefault("denied", set())
    if (right, document_id) in tried:
        look.refused(t("You may not see this."))
        st.stop()
    try:
        mine.require(right, document_id=document_id)
    except AccessDenied:
        tried.add((right, document_id))
        asked = t(right).replace("-", " ")
        look.refused(
            t("{who} has no right to {right}; ask an administrator for the role.", who=mine.person.name, right=asked)
        )
        st.stop()
    except DocumentUnknown:
        tried.add((right, document_id))
        look.refused(t("There is no document {id} among those you may see; check the id.", id=document_id))
        st.stop()
    return mine


def language() -> Language:
    chosen = st.session_state.get("language") or st.query_params.get("lang")
    if chosen in LANGUAGES:
        return cast("Language", chosen)
    locale = (st.context.locale or "").lower()
    return "de" if locale.startswith("de") else "en"
