"""What the authenticity certificate states is what the log has: nothing more, and nothing left out."""

from __future__ import annotations

import hashlib

from signing_core.desk import Desk, Origin, certificate_facts
from signing_core.flow import Role, Status
from signing_core.storage.database import reading
from signing_core.testing import Play

AGREED = "I have read the document and sign it."


def test_who_wrote_it_what_it_was_called_how_often_it_was_opened_what_was_agreed_and_where_copies_go(
    play: Play, desk: Desk, source: bytes
) -> None:
    document_id = play.create(source, source_name="Sample agreement.pdf")
    steps = play.steps(document_id)
    while (state := next(steps)).status is not Status.AWAITING_CLIENT or state.client.confirmation is None:
        if state.status is Status.AWAITING_CLIENT and state.client.opened_at is None:
            play.deliver()
            desk.open(play.token(Role.CLIENT), "session-client", Origin("192.0.2.17", "another device"))
    desk.sign(
        play.token(Role.CLIENT), "session-client", play.mark(Role.CLIENT), Origin("192.0.2.17", "a device"),
        copy_email="sample.client@example.org", agreed=AGREED,
    )  # fmt: skip
    play.to_completion(document_id)
    completed = next(event for event in desk.events(document_id) if event.type == "document.completed")
    with reading(desk.workspace.engine) as connection:
        data, _ = certificate_facts.as_issued(desk.workspace, connection, document_id, completed)
    first, client = data.parties
    assert (data.author, data.file_names, data.embedded_files) == ("Sample Author", ("Sample agreement.pdf",), 0)
    openings = [e for e in desk.events(document_id) if e.type == "link.opened" and e.data["role"] == "client"]
    assert client.link_openings == len(openings) and client.link_opened_at == openings[0].time
    assert client.agreed == hashlib.sha256(AGREED.encode()).hexdigest()[:8]
    assert (
        client.copy_to is not None and client.copy_to.endswith("@example.org") and "sample.client" not in client.copy_to
    )
    assert (first.agreed, first.copy_to, first.link_openings) == (None, None, 1)
