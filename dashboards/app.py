"""The dashboard's entry: who is there, which pages there are for that person, and the frame around them.

Run by `sealtrail serve`, or alone with `streamlit run dashboards/app.py` and SEALTRAIL_WORKSPACE set.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

import dashboards.warm  # noqa: F401  loads what the pages need, once
from dashboards import look, session
from dashboards.words import LANGUAGES, t
from signing_core.access import LOCAL_ADMINISTRATOR, Access, Person, Right

_PAGES = Path(__file__).parent / "screens"  # a folder "pages" would be run by Streamlit past this file


def _page(name: str, title: str, icon: str, *, shown: bool = True, default: bool = False) -> st.Page:
    # A page that the person may not see is hidden, not absent: trying its address has to reach the guard that records it.
    return st.Page(
        _PAGES / f"{name}.py",
        title=title,
        icon=f":material/{icon}:",
        url_path=None if default else name,
        default=default,
        visibility="visible" if shown else "hidden",
    )


def _pages(mine: Access) -> dict[str, list[st.Page]]:
    return {
        "": [
            _page("today", t("Today"), "today", default=True),
            _page("documents", t("Documents"), "description"),
            _page("document", t("Document"), "article", shown=False),
            _page("findings", t("Findings"), "rule", shown=mine.may(Right.SEE_FINDINGS)),
            _page("check", t("Verify"), "verified", shown=mine.may(Right.VERIFY)),
        ],
        t("Work"): [
            _page("new", t("New document"), "note_add", shown=mine.may(Right.CREATE)),
            _page("directory", t("Parties and templates"), "contacts", shown=mine.may(Right.SEE_DIRECTORY)),
        ],
        t("Oversight"): [
            _page("runs", t("Runs"), "play_circle", shown=mine.may(Right.SEE_FINDINGS)),
            _page("log", t("Audit log"), "account_tree", shown=mine.may(Right.SEE_LOG)),
            _page("people", t("People and roles"), "group", shown=mine.may(Right.ADMINISTER)),
        ],
    }


def _nobody(nobody: session.Nobody) -> None:
    """Why there is nothing to see, and the way on."""
    st.title("Sealtrail")
    if nobody.because == "log-in":
        st.write(t("Log in with your company account to see the documents."))
        st.button(t("Log in"), type="primary", on_click=st.login)
    elif nobody.because == "not-local":
        look.refused(
            t(
                "Nothing is configured for logging in, so this dashboard opens only in a browser on the same machine, "
                "straight at its local address. Set up an OpenID provider to use it from elsewhere or behind a proxy."
            )
        )
    else:
        reason = {
            "unverified": t("Your provider did not confirm the e-mail address {who}.", who=nobody.who),
            "no-role": t("{who} has no role here yet; ask an administrator for one.", who=nobody.who),
        }
        look.refused(reason[nobody.because])
        st.button(t("Log out"), on_click=st.logout)


def _sidebar(person: Person) -> None:
    with st.sidebar:
        if session.demo() and not session.login_configured():
            people = [LOCAL_ADMINISTRATOR, *session.sample_people()]
            names = {
                one.subject: f"{t(one.name)} · {', '.join(t(role) for role in sorted(one.roles))}" for one in people
            }
            st.selectbox(t("Working as"), list(names), format_func=names.__getitem__, key="demo_person")
        else:
            st.caption(f"{t(person.name)} · {', '.join(t(role) for role in sorted(person.roles))}")
        st.segmented_control(
            t("Language"),
            LANGUAGES,
            default=session.language(),
            format_func={"en": "English", "de": "Deutsch"}.__getitem__,
            key="language",
            label_visibility="collapsed",
            required=True,
        )
        if session.login_configured():
            st.button(t("Log out"), on_click=st.logout)


def _banner() -> None:
    if session.login_configured():
        return
    text = t("No login is configured: whoever uses this machine is the local administrator.")
    if session.demo():
        text = t("Demonstration with sample documents. ") + text
    look.html(f"<div class='st-banner' role='status'>{look.chip(t('Local only'), 'warn')} {text}</div>")


def main() -> None:
    st.set_page_config(page_title="Sealtrail", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide")
    st.session_state["speaks"] = session.language()
    look.style()
    person = session.person()
    if isinstance(person, session.Nobody):
        st.navigation([st.Page(lambda: _nobody(person), title="Sealtrail")], position="hidden").run()
        return
    st.session_state["access"] = Access(session.workspace(), person)
    page = st.navigation(_pages(session.access()))
    _sidebar(person)
    _banner()
    page.run()


main()
