"""Paging, searching and rights in the queries themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dashboards import bulk, queries
from dashboards.queries import Filters
from signing_core.access import LOCAL_ADMINISTRATOR, Access, Person, Role
from signing_core.errors import AccessDenied, UsageError
from signing_core.storage.workspace import Workspace
from signing_core.testing import ManualClock


@pytest.fixture
def workspace(furnished: Any) -> Any:
    with Workspace.open(furnished.folder) as opened:
        yield opened


def as_(workspace: Workspace, role: Role, subject: str = "somebody@example.org") -> Access:
    return Access(workspace, Person(subject, "Sample Person", frozenset({role})))


def test_pages_together_are_everything_once(workspace: Workspace) -> None:
    mine = Access(workspace, LOCAL_ADMINISTRATOR)
    for sort in ("newest", "oldest", "updated", "title"):
        ids: list[str] = []
        for page in range(1, 6):
            ids += [row.id for row in queries.search(mine, Filters(sort=sort), page=page, size=5).rows]
        assert len(ids) == len(set(ids)) == 25, sort
    newest = [row.created_at for row in queries.search(mine, Filters(), size=25).rows]
    assert newest == sorted(newest, reverse=True)
    assert queries.search(mine, Filters(), page=99).rows == ()


def test_an_author_finds_and_counts_its_own_only(workspace: Workspace) -> None:
    everything = queries.search(Access(workspace, LOCAL_ADMINISTRATOR), Filters(), size=50)
    own = queries.search(as_(workspace, Role.AUTHOR, "author1@example.org"), Filters(), size=50)
    assert {row.id for row in own.rows} == {row.id for row in everything.rows if row.author == "Sample Author 1"}
    assert own.total == len(own.rows) < everything.total
    other = next(row for row in everything.rows if row.author != "Sample Author 1")
    for text in (other.id, other.title, other.client or ""):
        found = queries.search(as_(workspace, Role.AUTHOR, "author1@example.org"), Filters(text=text)).rows
        assert other.id not in {row.id for row in found}
    assert queries.today(as_(workspace, Role.AUTHOR), since=None).by_status == {}


def test_what_needs_a_right_is_refused_in_the_query(workspace: Workspace) -> None:
    author = as_(workspace, Role.AUTHOR)
    for ask in (
        lambda: queries.find_findings(author, queries.FindingFilters()),
        lambda: queries.log_page(author),
        lambda: queries.verdicts_by_day(author),
        lambda: queries.directory(as_(workspace, Role.FIRST_PARTY)),
    ):
        with pytest.raises(AccessDenied):
            ask()


def test_dates_and_findings_filter(workspace: Workspace, furnished: Any) -> None:
    mine = Access(workspace, LOCAL_ADMINISTRATOR)
    rows = queries.search(mine, Filters(sort="oldest"), size=25).rows
    middle = rows[12].created_at
    assert queries.search(mine, Filters(since=middle)).total == 13
    assert queries.search(mine, Filters(until=middle)).total == 12
    with_findings = queries.search(mine, Filters(findings=True), size=25).rows
    assert furnished.documents["altered"] in {row.id for row in with_findings}
    assert all(row.open_findings for row in with_findings)


def test_a_visit_goes_on_until_one_was_away(furnished_copy: Any) -> None:
    clock = ManualClock()
    with Workspace.open(furnished_copy.folder, clock=clock) as workspace:
        mine = as_(workspace, Role.ANALYST)
        first = clock.now
        assert queries.visit(mine) is None
        clock.forward(minutes=20)
        assert queries.visit(mine) is None
        clock.forward(hours=15)
        assert queries.visit(mine) == first + timedelta(minutes=20)
        clock.forward(minutes=1)
        assert queries.visit(mine) == first + timedelta(minutes=20)


def test_a_table_is_looked_at_before_anything_is_made() -> None:
    table = "Title;client_name;client_contact;place\nA;Sample Client;client@example.org;Berlin\nB;;not a contact;\n\n"
    good, bad = bulk.read(table.encode(), "t.csv", region="DE", fields=("place",))
    assert (good.number, good.problems, good.data) == (2, (), {"place": "Berlin"})
    assert bad.number == 3 and "client_name is empty" in bad.problems and len(bad.problems) == 2
    with pytest.raises(UsageError, match="no column client_contact"):
        bulk.read(b"title,client_name\nA,B\n", "t.csv", region="DE")
    with pytest.raises(UsageError, match="not an Excel file"):
        bulk.read(b"title", "t.xlsx", region="DE")
    with pytest.raises(UsageError, match="UTF-8"):
        bulk.read(b"\xff\xfe\xff", "t.csv", region="DE")


def test_a_part_of_a_text_is_found_in_titles_and_in_names_of_every_role(workspace: Workspace) -> None:
    mine = Access(workspace, LOCAL_ADMINISTRATOR)
    everything = queries.search(mine, Filters(), size=50).rows
    one = next(row for row in everything if row.client and row.author == "Sample Author 2")
    for text, wanted in (
        (one.title[2:].upper(), {row.id for row in everything if one.title[2:].lower() in row.title.lower()}),
        (one.client[3:], {row.id for row in everything if one.client[3:] in (row.client or "")}),
        ("author 2", {row.id for row in everything if row.author == "Sample Author 2"}),
        ("Director One", {row.id for row in everything if row.first_party == "Sample Director One"}),
    ):
        found = queries.search(mine, Filters(text=text), size=50)
        assert wanted and {row.id for row in found.rows} == wanted, text
        assert (found.total, found.more) == (len(wanted), False)
        old = queries.search(mine, Filters(text=text, sort="oldest"), size=50).rows
        assert [row.id for row in old] == sorted(wanted)


def test_what_is_frequent_is_counted_and_paged_so_far_only(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dashboards.queries import documents, searching

    monkeypatch.setattr(documents, "MOST_MATCHED", 5)
    monkeypatch.setattr(documents, "MOST_COUNTED", 5)
    mine = Access(workspace, LOCAL_ADMINISTRATOR)
    everything = [row.id for row in queries.search(mine, Filters(), size=50).rows]
    for recent in (1, 4_000):  # looked through first, or not enough
        monkeypatch.setattr(searching, "_RECENT", recent)
        found = queries.search(mine, Filters(text="sample"), size=3)
        assert ([row.id for row in found.rows], found.total, found.more) == (everything[:3], 5, True)
        second = queries.search(mine, Filters(text="sample"), page=2, size=3)
        assert [row.id for row in second.rows] == everything[3:5]
        titled = queries.search(mine, Filters(text="sample", sort="title", status="completed"), size=5)
        assert [row.title for row in titled.rows] == sorted(row.title for row in titled.rows)
        assert {row.status for row in titled.rows} == {"completed"}
    completed = queries.search(mine, Filters(status="completed", sort="updated"), size=3)
    assert (completed.total, completed.more) == (5, True)
    times = [row.updated_at for row in completed.rows]
    assert times == sorted(times, reverse=True)
