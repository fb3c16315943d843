"""Who of the company may see and do what: `people` holds persons, roles and rights, `acting` what is done under them."""

from signing_core.access.people import (
    LOCAL_ADMINISTRATOR,
    RIGHTS,
    Access,
    Person,
    Right,
    Role,
    grant,
    grants,
    person_of,
    revoke,
    roles_of,
)

__all__ = [
    "LOCAL_ADMINISTRATOR",
    "RIGHTS",
    "Access",
    "Person",
    "Right",
    "Role",
    "grant",
    "grants",
    "person_of",
    "revoke",
    "roles_of",
]
