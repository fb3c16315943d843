"""Signed files to begin with: every document of `bases` signed in every way, and documents of our own."""

from __future__ import annotations

import copy
import random
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from bases import NAMES, SIGN_BOX, base
from scene import Scene, Start
from signing import Signing, appearance, new_field, sign
from state import State, Update, loaded
from values import Name, Ref, Value

ALL: Final[dict[str, Value]] = {"Action": Name("All")}
MODES: Final[dict[str, Signing]] = {
    "approval": Signing(),
    "p1": Signing(certify=1),
    "p2": Signing(certify=2),
    "p3": Signing(certify=3),
    "lock-all": Signing(lock=ALL),
    "lock-some": Signing(lock={"Action": Name("Include"), "Fields": [b"amount", b"agreed", b"name"]}),
    "lock-p1": Signing(lock={**ALL, "P": 1}),
    "p2-lock": Signing(certify=2, lock={"Action": Name("Exclude"), "Fields": [b"name", b"client"]}),
}
STYLES: Final = ("table", "stream", "packed")
OWN: Final = ("own-first-party", "own-client", "own-final")
MARK: Final = b"BT /Helv 9 Tf 2 20 Td (Signed: Sample Signer) Tj ET 0 0 1 RG 1 w 4 6 m 40 14 l 80 4 l S"


def author_signs(scene: Scene, how: Signing, *, visible: bool = True, style: str | None = None) -> State:
    """The first signature, in a new field of the first page."""
    update = scene.update
    page = update.pages()[0]
    box = SIGN_BOX if visible else (0, 0, 0, 0)
    more = {"AP": {"N": appearance(update, box, MARK)}} if visible else {}
    state = sign(update, new_field(update, page, box, "first", **more), how, style)
    scene.checkpoint(state, how)
    return state


def names() -> list[str]:
    return [f"{name}.{style}.{mode}" for name in NAMES for style in STYLES for mode in MODES]


def unsigned(name: str) -> State:
    document, style, _ = name.split(".")
    return base(document, style)


def signed(name: str) -> Scene:
    """A new scene that begins with the named file, signed: a copy, for edits reach into whatever they find."""
    return copy.deepcopy(_own_scene(name) if name in OWN else _signed(name))


@cache
def _signed(name: str) -> Scene:
    scene = opened(name)
    author_signs(scene, MODES[name.split(".")[2]])
    return scene


def opened(name: str) -> Scene:
    """A scene before anybody signed."""
    state = unsigned(name)
    return Scene(Start(name, state, base=name.split(".")[0]), Update(state))


@cache
def _own_scene(name: str) -> Scene:
    start = own()[name]
    scene = Scene(start, Update(start.state))
    scene.checkpoint(start.state, Signing(certify=start.permission, lock=ALL if start.locked else None))
    return scene


@cache
def own() -> dict[str, Start]:
    """A document of ours after each signature; with the keys to know it by."""
    from signing_core.desk import Desk
    from signing_core.testing import Play, contract, make_workspace
    from signing_core.trust import load_trust

    with tempfile.TemporaryDirectory() as folder, make_workspace(Path(folder) / "workspace") as workspace:
        play = Play(Desk(workspace))
        document_id = play.create(contract(1))
        play.to_completion(document_id)
        files = play.desk.status(document_id)["files"]
        trust = load_trust([Path(folder) / "workspace" / "keys" / "public"])
        found = {}
        for step, name, permission, locked in (
            ("first-party", OWN[0], 2, False), ("client", OWN[1], 2, False), ("final", OWN[2], 1, True),
        ):  # fmt: skip
            step = step if step in files else step.replace("-", "_")
            state = loaded(workspace.objects.get(files[step]["sha256"]))
            found[name] = Start(name, state, permission, locked, trust if step == "final" else None, name)
        return found


def pick(r: random.Random) -> str:
    """A start's name; documents of our own are dearer to judge, and rarer."""
    if r.random() < 0.05:
        return r.choice(OWN)
    return f"{r.choice(list(NAMES))}.{r.choice(STYLES)}.{r.choice(list(MODES))}"


def first_page(state: State) -> Ref:
    return Ref(state.pages()[0])
