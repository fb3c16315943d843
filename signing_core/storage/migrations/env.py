"""Alembic's entry: runs the migrations on the connection, and in the transaction, that `bring_up_to_date` hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from signing_core.storage.schema import metadata
from signing_core.storage.types import UtcDateTime


def _render(kind: str, item: Any, _: Any) -> str | Literal[False]:
    return "UtcDateTime" if kind == "type" and isinstance(item, UtcDateTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=_render,
    compare_type=True,
    compare_server_default=True,
    transactional_ddl=False,  # the caller's transaction holds all of it
)
context.run_migrations()
