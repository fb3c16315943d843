"""New document: from a PDF, a text or pictures, or from a template, for two parties, with the places of their signatures; one or many."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from dashboards import look, many, placing, prepared, queries, session, shared
from dashboards.words import t
from signing_core.access import Access, Right, Role, acting
from signing_core.desk import Author, NewDocument, Signer, sources
from signing_core.errors import SealtrailError
from signing_core.pdf import foreign
from signing_core.pdf.conversion import MadeFrom
from signing_core.pdf.places import Placement
from signing_core.storage import directory
from signing_core.storage.database import reading


@dataclass(frozen=True)
class Source:
    pdf: bytes
    name: str
    file: str
    made_from: MadeFrom | None = None
    template_id: str | None = None
    data: dict[str, str] | None = None


def page() -> None:
    mine = session.guard(Right.CREATE)
    st.title(t("New document"))
    way = shared.segmented(
        t("From"),
        ["pdf", "template", "table"],
        default="pdf",
        format_func={"pdf": t("Files"), "template": t("A template"), "table": t("Many, from a table")}.__getitem__,
        key="from",
    )
    if way == "table":
        many.show(mine, lambda: (_signer(mine, "first-party", t("First party")), _author(mine)))
        return
    left, right = st.columns([5, 4], gap="large")
    with left:
        st.header(t("1 · What is signed"))
        source = _template(mine) if way == "template" else _upload(mine)
        st.header(t("2 · Who signs"))
        first = _signer(mine, "first-party", t("First party"))
        client = _signer(mine, "client", t("Client"))
        author = _author(mine)
    with right:
        st.header(t("3 · Where, and send"))
        if source is None:
            look.nothing(t("Choose files or a template first; the pages are shown here."))
            return
        placements = placing.places(source.pdf)
        title = st.text_input(t("Title"), source.name, key="new_title")
        language = st.segmented_control(
            t("Language of the document"),
            ["en", "de"],
            default=session.language(),
            required=True,
            format_func=t,
            key="new_language",
        )
        ready = bool(first and client and author and title.strip())
        with st.container(horizontal=True):
            draft = st.button(t("Save as a draft"), disabled=not ready)
            send = st.button(t("Create and send"), type="primary", icon=":material/send:", disabled=not ready)
        if not ready:
            look.nothing(t("Name both parties with a contact each, and the author."))
        if (draft or send) and first and client and author:
            _make(mine, source, title, author, first, client, placements, language or "en", send)


def _upload(mine: Access) -> Source | None:
    given = st.file_uploader(
        t("A PDF, a text, or pictures"),
        accept_multiple_files=True,
        key="new_pdf",
        help=t(
            "Texts: Word, OpenDocument, RTF. Pictures: JPEG, PNG, HEIC, TIFF, WebP; several become the pages in this order."
        ),
    )
    made = prepared.uploaded(mine.workspace, given)
    if made is None:
        return None
    name = given[0].name
    try:
        found = foreign.inspect(made.pdf, name=name)
    except SealtrailError as error:
        st.error(str(error), icon=":material/error:")
        return None
    if found.told or made.made_from:
        with st.expander(t("What will be changed in it"), icon=":material/info:", expanded=True):
            prepared.changes(found.told, made.made_from)
            prepared.files([(file.name, file.length, file.sha256) for file in found.attachments])
    return Source(made.pdf, Path(name).stem, name, made.made_from)


def _template(mine: Access) -> Source | None:
    with reading(mine.workspace.engine) as connection:
        known = directory.templates(connection)
    if not known:
        look.nothing(t("There is no template yet; “Parties and templates” takes one."))
        return None
    name = st.selectbox(t("Template"), [one.name for one in known], key="new_template")
    chosen = next(one for one in known if one.name == name)
    data = _fields(chosen)
    try:
        made = sources.from_template(mine.workspace, chosen.name, data, language=session.language())
    except SealtrailError as error:
        look.nothing(str(error))
        return None
    return Source(
        made.pdf,
        chosen.name,
        f"{chosen.name}.pdf",
        template_id=made.template_id,
        data={key: str(value) for key, value in data.items()},
    )


def _fields(template: directory.Template) -> dict[str, Any]:
    """One input for each of the template's fields; what is left empty is not given."""
    values: dict[str, Any] = {}
    for field in template.fields:
        name, label = field["name"], field.get("label") or field["name"]
        key = f"field {template.id} {name}"
        kind = field.get("type") or field.get("kind")  # of a Typst template, of a form
        options = field.get("choices") or field.get("options")
        if kind in ("checkbox", "boolean", "bool"):
            values[name] = st.checkbox(label, key=key)
        elif options:
            chosen = st.selectbox(label, options, index=None, key=key)
            if chosen is not None:
                values[name] = chosen
        else:
            text = st.text_input(f"{label} *" if field.get("required") else label, key=key)
            if text:
                values[name] = text
    return values


def _signer(mine: Access, role: str, label: str) -> Signer | None:
    st.subheader(label)
    searched = str(st.session_state.get(f"{role}_search") or "")
    known, more = queries.choices(mine, role, searched)
    if more or searched:
        st.text_input(t("Search the directory"), key=f"{role}_search", placeholder=t("Name, organisation or contact"))
    names = {one.id: f"{one.name} · {one.organisation}" if one.organisation else one.name for one in known}
    picked = None
    if known:
        picked = st.selectbox(
            t("From the directory"),
            list(names),
            index=None,
            placeholder=t("Or type below"),
            format_func=names.__getitem__,
            key=f"{role}_known",
        )
    if picked is not None:
        one = next(party for party in known if party.id == picked)
        return Signer(
            one.name,
            one.phone or one.email or "",
            one.organisation,
            one.email if one.phone else None,
            one.language,
            party_id=one.id,
        )
    left, right = st.columns(2)
    name = left.text_input(t("Name"), key=f"{role}_name")
    contact = right.text_input(t("E-mail or mobile number"), key=f"{role}_contact")
    organisation = left.text_input(t("Organisation"), key=f"{role}_organisation")
    copy = right.text_input(
        t("E-mail for the finished PDF"), key=f"{role}_copy", help=t("When reached by text message.")
    )
    if not name.strip() or not contact.strip():
        return None
    return Signer(name, contact, organisation or None, copy or None)


def _author(mine: Access) -> Author | None:
    """Who logged in is the author; on one machine without login the author is typed."""
    if "@" in mine.person.subject and Role.AUTHOR in mine.person.roles:
        return Author(mine.person.name, mine.person.subject)
    st.subheader(t("Author"))
    left, right = st.columns(2)
    name = left.text_input(t("Name"), key="author_name")
    email = right.text_input(t("E-mail"), key="author_email")
    return Author(name, email) if name.strip() and email.strip() else None


def _make(
    mine: Access,
    source: Source,
    title: str,
    author: Author,
    first: Signer,
    client: Signer,
    placements: dict[str, Placement | None],
    language: str,
    send: bool,
) -> None:
    from dataclasses import replace

    try:
        document_id = acting.create(
            mine,
            NewDocument(
                source=source.pdf,
                title=title,
                author=author,
                first_party=replace(first, placement=placements["first-party"]),
                client=replace(client, placement=placements["client"]),
                language=language,
                source_name=source.file,
                made_from=source.made_from,
                template_id=source.template_id,
                template_data=source.data,
            ),
            send=send,
        )
    except SealtrailError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.success(t("Created and sent to the first party.") if send else t("Created as a draft."))
    st.page_link("screens/document.py", label=title, icon=":material/article:", query_params={"id": document_id})


page()
