from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from signing_core.errors import UsageError
from signing_core.storage import directory
from signing_core.storage.database import reading, writing
from signing_core.storage.identifiers import is_id, new_id

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def test_parties_are_found_by_any_of_their_texts(database_engine: sa.Engine) -> None:
    with writing(database_engine) as connection:
        erika = directory.add_party(
            connection, kind="client", name="Erika Mustermann", language="de", email="erika@example.org", now=NOW
        )
        both = directory.add_party(
            connection,
            kind="both",
            name="100%_Sample",
            language="en",
            phone="+491701234567",
            organisation="Sample Ltd",
            now=NOW,
        )
    with reading(database_engine) as connection:
        assert directory.parties(connection, "mustermann") == [erika]
        assert directory.parties(connection, "ERIKA@") == [erika]
        assert directory.parties(connection, "%_s") == [both]
        assert directory.parties(connection, "e%a") == []
        assert directory.parties(connection, kind="first-party") == [both]
        assert directory.party(connection, erika.id) == erika
        with pytest.raises(UsageError, match="no party"):
            directory.party(connection, "X")


def test_a_party_needs_name_and_contact(database_engine: sa.Engine) -> None:
    with writing(database_engine) as connection:
        with pytest.raises(UsageError, match="name"):
            directory.add_party(connection, kind="client", name=" ", language="en", email="a@example.org", now=NOW)
        with pytest.raises(UsageError, match="e-mail address or a phone number"):
            directory.add_party(connection, kind="client", name="Sample Client", language="en", now=NOW)


def test_a_party_changes(database_engine: sa.Engine) -> None:
    with writing(database_engine) as connection:
        party = directory.add_party(
            connection, kind="client", name="Sample", language="en", email="a@example.org", now=NOW
        )
        assert directory.update_party(connection, party.id, phone="+4930123456").phone == "+4930123456"
        with pytest.raises(UsageError, match="forgotten_at"):
            directory.update_party(connection, party.id, forgotten_at=None)


def test_template_versions(database_engine: sa.Engine) -> None:
    def add(source: str, fields: object = None) -> directory.Template:
        return directory.add_template(
            connection, name="lease", kind="typst", source_sha256=source * 64, fields=fields or ["a"], now=NOW
        )

    with writing(database_engine) as connection:
        first, again, second = add("a"), add("a"), add("b")
        third = add("b", ["a", "c"])
        assert again == first
        assert [first.version, second.version, third.version] == [1, 2, 3]
        assert directory.template(connection, "lease") == third
        assert directory.template(connection, "lease", 2) == second
        assert directory.templates(connection) == [third]
        with pytest.raises(UsageError, match="version 9"):
            directory.template(connection, "lease", 9)
        with pytest.raises(UsageError, match="kind typst"):
            directory.add_template(connection, name="lease", kind="pdf-form", source_sha256="", fields=[], now=NOW)


def test_identifiers_sort_by_time() -> None:
    ids = [new_id(NOW + timedelta(milliseconds=i)) for i in range(50)]
    assert ids == sorted(ids)
    assert len({new_id(NOW) for _ in range(100)}) == 100
    assert all(is_id(one) for one in ids)
    assert not is_id(ids[0].lower())
    assert not is_id(ids[0] + "0")
