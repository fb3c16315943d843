"""Parties and templates: the directory, what belongs to each entry, and template versions with a preview."""

from __future__ import annotations

import hashlib
import json
from html import escape

import streamlit as st

from dashboards import lists, look, pictures, queries, session, shared
from dashboards.words import t
from signing_core.access import Access, Right, acting
from signing_core.delivery import contacts
from signing_core.desk import sources
from signing_core.errors import SealtrailError, UsageError
from signing_core.storage import directory
from signing_core.storage.database import reading

SIZE = 25
_TYPST = "#let data = json(bytes(sys.inputs.data))"


def page() -> None:
    mine = session.guard(Right.SEE_DIRECTORY)
    st.title(t("Parties and templates"))
    view = shared.segmented(
        t("View"),
        ["parties", "templates"],
        default="parties",
        format_func={"parties": t("Parties"), "templates": t("Templates")}.__getitem__,
        key="dirview",
        label_visibility="collapsed",
    )
    if view == "templates":
        _templates(mine)
    else:
        _parties(mine)


def _parties(mine: Access) -> None:
    left, right = st.columns([6, 3], gap="large")
    with left:
        text = st.text_input(
            t("Search"),
            key="party",
            bind="query-params",
            placeholder=t("Name, organisation or contact"),
            on_change=shared.first_page("ppage"),
        )
        rows, total = queries.directory(mine, text, page=int(st.session_state.get("ppage") or 1), size=SIZE)
        look.html(look.muted(t("{number} found", number=total)))
        chosen = shared.opened("of")
        for row in rows:
            one, other = st.columns([3, 6], vertical_alignment="center")
            one.page_link("screens/directory.py", label=row.name, query_params={"of": row.id})
            reached = ", ".join(contacts.mask(value) for value in (row.phone, row.email) if value)
            with other:
                look.row(
                    "1.2fr 1.3fr 110px 90px",
                    [
                        escape(row.organisation or "–"),
                        escape(reached),
                        escape(t(row.kind)),
                        look.muted(t("Documents: {number}", number=row.documents)),
                    ],
                )
        if not rows:
            look.nothing(
                t("Nobody is in the directory yet. Parties of documents need not be; it saves typing them again.")
            )
        if total > SIZE:
            st.pagination(-(-total // SIZE), key="ppage", bind="query-params")
        if chosen:
            st.subheader(t("Documents of this party"))
            found = queries.documents_of_party(mine, chosen)
            if not found:
                look.nothing(t("No document that you may see."))
            else:
                with st.container(gap=None, key="list"):
                    lists.head()
                    for document in found:
                        lists.line(document)
    with right:
        if mine.may(Right.CHANGE_DIRECTORY):
            _add_party(mine)


def _add_party(mine: Access) -> None:
    st.subheader(t("Add a party"))
    with st.form("party_form", clear_on_submit=True):
        name = st.text_input(t("Name"))
        organisation = st.text_input(t("Organisation"))
        email = st.text_input(t("E-mail"))
        phone = st.text_input(t("Mobile number"))
        kind = st.segmented_control(
            t("Signs as"), ["client", "first-party", "both"], default="client", required=True, format_func=t
        )
        language = st.segmented_control(t("Language"), ["en", "de"], default="en", required=True, format_func=t)
        if st.form_submit_button(t("Add"), type="primary"):
            try:
                mine.require(Right.CHANGE_DIRECTORY)
                region = mine.workspace.settings.phone_region
                number = contacts.parse(phone, region=region) if phone.strip() else None
                if number is not None and number.kind != "sms":
                    raise UsageError(t("{number} is no mobile number.", number=phone))
                acting.add_party(
                    mine,
                    kind=kind or "client",  # type: ignore[arg-type]
                    name=name,
                    language=language or "en",
                    organisation=organisation.strip() or None,
                    email=contacts.parse_email(email).value if email.strip() else None,
                    phone=number.value if number else None,
                )
            except SealtrailError as error:
                st.error(str(error))
            else:
                st.rerun()


def _templates(mine: Access) -> None:
    left, right = st.columns([6, 3], gap="large")
    with reading(mine.workspace.engine) as connection:
        known = directory.templates(connection)
    with left:
        if not known:
            look.nothing(t("There is no template yet."))
        else:
            _template(mine, known)
    with right:
        if mine.may(Right.CHANGE_DIRECTORY):
            _add_template(mine)


def _template(mine: Access, known: list[directory.Template]) -> None:
    name = shared.select(t("Template"), [one.name for one in known], key="template", default=known[0].name)
    with reading(mine.workspace.engine) as connection:
        versions = directory.template_versions(connection, str(name))
    number = st.segmented_control(
        t("Version"),
        [one.version for one in versions],
        default=versions[-1].version,
        required=True,
        key="template_version",
    )
    one = next((version for version in versions if version.version == number), versions[-1])
    look.facts(
        [
            (t("Kind"), escape(t(one.kind))),
            (t("Added"), escape(look.when(one.created_at))),
            ("SHA-256", look.mono(one.source_sha256)),
            (t("Fields"), ", ".join(escape(field["name"]) for field in one.fields) or look.muted("–")),
        ]
    )
    try:
        source = mine.workspace.objects.get(one.source_sha256)
        if one.kind == "pdf-form":
            st.image(
                pictures.page(one.source_sha256, 1, source),
                width="stretch",
                alt=t("Page {page} of the template", page=1),
            )
        else:
            sample = {field["name"]: _sample(field) for field in one.fields}
            made = sources.from_template(mine.workspace, one.name, sample, version=one.version)
            sha256 = hashlib.sha256(made.pdf).hexdigest()
            st.image(pictures.page(sha256, 1, made.pdf), width="stretch", alt=t("Page {page} of the template", page=1))
    except SealtrailError as error:
        look.nothing(t("There is no preview: {why}", why=error))


def _sample(field: dict[str, object]) -> object:
    """Something of the field's kind, so that the preview shows where it stands."""
    options = field.get("choices") or field.get("options")
    if isinstance(options, list) and options:
        return options[0]
    kinds = {"boolean": True, "bool": True, "number": 1, "integer": 1, "decimal": "1.00", "date": "2026-01-31"}
    return kinds.get(str(field.get("type") or field.get("kind")), str(field.get("label") or field["name"]))


def _add_template(mine: Access) -> None:
    st.subheader(t("Add a template, or its next version"))
    with st.form("template_form", clear_on_submit=True):
        name = st.text_input(t("Name"))
        given = st.file_uploader(
            t("PDF form, text with controls, or Typst template"),
            help=t("A Typst template begins with {line} and finds its values in data.fields.", line=f"`{_TYPST}`"),
        )
        declared = st.text_area(
            t("Fields of a Typst template (JSON)"), placeholder='[{"name": "place", "type": "text"}]'
        )
        if st.form_submit_button(t("Add"), type="primary"):
            try:
                mine.require(Right.CHANGE_DIRECTORY)
                if given is None:
                    raise UsageError(t("Choose a file."))
                kind = sources.template_kind(given.getvalue())
                fields = json.loads(declared) if declared.strip() and kind == "typst" else None
                acting.add_template(mine, name or given.name, given.getvalue(), kind=kind, fields=fields)
            except json.JSONDecodeError as error:
                st.error(t("The fields are not JSON: {why}", why=error.msg))
            except SealtrailError as error:
                st.error(str(error))
            else:
                st.rerun()


page()
