"""What is known of a document at a glance: dates, parties, messages, and why the verdict is what it is."""

from __future__ import annotations

from html import escape
from typing import Any

import sqlalchemy as sa
import streamlit as st

from dashboards import judged, look, prepared, session
from dashboards.words import t
from signing_core.verdict import DocumentVerdict


def show(document: sa.Row[Any], status: dict[str, Any], found: DocumentVerdict | None) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(t("Document"))
        look.facts(
            [
                (t("Next"), escape(t(status["next"]))),
                (t("Author"), escape(status["author"])),
                (t("Language"), escape({"en": "English", "de": "Deutsch"}[document.language])),
                (t("Pages"), str(document.pages)),
                (t("Created"), escape(look.when(document.created_at))),
                (t("Completed"), escape(look.when(document.completed_at))),
                (
                    t("Expires"),
                    escape(look.when(document.expires_at)) if not document.completed_at else look.muted("–"),
                ),
                (t("Certificate id"), look.mono(document.certificate_id)),
                (t("SHA-256 of the finished file"), look.mono(document.final_sha256)),
            ]
        )
        _prepared(status)
        st.subheader(t("Messages"))
        look.listing(
            [t("Message"), t("To"), t("Channel"), t("State"), t("Delivered")],
            [
                [
                    escape(t(one["kind"])),
                    escape(t(one["role"] or "–")),
                    escape(t(one["channel"])),
                    look.chip(t(one["state"]), "good" if one["state"] == "delivered" else "warn"),
                    escape(look.when_text(one["delivered_at"])),
                ]
                for one in status["messages"]
            ],
            caption=t("Messages"),
        )
    with right:
        st.subheader(t("Parties"))
        parties = status["parties"]
        names = [
            (t("Name"), "name"),
            (t("Organisation"), "organisation"),
            (t("Contact"), "contact"),
            (t("Channel"), "channel"),
            (t("Opened"), "opened_at"),
            (t("Code confirmed"), "code_confirmed_at"),
            (t("Consent"), "consented_at"),
            (t("Signed"), "signed_at"),
            (t("Reminders"), "reminders"),
        ]
        look.listing(
            ["", t("First party"), t("Client")],
            [
                [look.muted(label), *(_value(key, parties[role][key]) for role in ("first-party", "client"))]
                for label, key in names
            ],
            caption=t("Parties"),
        )
        if found is not None:
            st.subheader(t("Why the verdict is what it is"))
            judged.reasons(found.all_findings, least="warning")


def _prepared(status: dict[str, Any]) -> None:
    if status["changed_in_preparing"]:
        st.subheader(t("Changed in preparing"))
        prepared.sentences([change[session.language()] for change in status["changed_in_preparing"]])
    origin = status["made_from"]
    if origin:
        look.listing(
            [t("Made from"), t("Bytes"), "SHA-256"],
            [
                [escape(file["name"] or t("not recorded")), f"{file['length']:,}", look.mono(file["sha256"])]
                for file in origin["files"]
            ],
            caption=t("What its pages were made from"),
        )
    prepared.files([(file["name"], file["length"], file["sha256"]) for file in status["embedded_files"]])


def _value(key: str, value: Any) -> str:
    if key.endswith("_at"):
        return escape(look.when_text(value))
    if key == "channel":
        return escape(t(value))
    return escape(str(value)) if value is not None else look.muted(t("not recorded"))
