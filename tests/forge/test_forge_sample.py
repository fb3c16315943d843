"""A fixed sample of what `make forge` does, and the oracle itself: it has to see what it is there to see."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.append(str(HERE))

import starts  # noqa: E402
from honest import moves as honest_moves  # noqa: E402
from places import letters  # noqa: E402
from scene import Scene  # noqa: E402
from signing import appearance, new_field  # noqa: E402
from truth import differences  # noqa: E402
from values import Name, Ref, stream, text_string  # noqa: E402

Forging = Callable[[Scene], None]


def test_a_fixed_sample_of_cases() -> None:
    command = [sys.executable, str(HERE / "run.py"), "--seconds", "240", "--cases", "300", "--jobs", "1", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all             300" in done.stdout


def _first_digit(scene: Scene) -> tuple[float, float, float, float]:
    return next(letter.box for letter in letters(scene.signed.data)[0] if letter.text == "1")


def _box_over_a_digit(scene: Scene) -> None:
    update = scene.update
    box = _first_digit(scene)
    look = appearance(update, box, b"1 g 0 0 90 90 re f 0 g BT /Helv 10 Tf 0 0 Td (9) Tj ET")
    new_field(update, update.pages()[0], box, "extra", AP={"N": look})


def _comment_over_a_digit(scene: Scene) -> None:
    update = scene.update
    box = _first_digit(scene)
    look = appearance(update, box, b"1 g 0 0 90 90 re f")
    update.list_annotation(
        update.pages()[0],
        update.add({"Type": Name("Annot"), "Subtype": Name("FreeText"), "Rect": list(box), "F": 4, "AP": {"N": look}}),
    )


def _comment_without_a_look(scene: Scene) -> None:
    """PDFium draws nothing, poppler a white box over the words."""
    update = scene.update
    entries = {"Type": Name("Annot"), "Subtype": Name("FreeText"), "Rect": [30, 330, 200, 352], "F": 4, "C": [1, 1, 1]}
    update.list_annotation(
        update.pages()[0], update.add({**entries, "DA": b"/Helv 9 Tf 0 g", "Contents": b"The buyer pays EUR 90."})
    )


def _font_with_other_digits(scene: Scene) -> None:
    fonts = scene.update.entry(Ref(scene.update.pages()[0]), "Resources", "Font")
    scene.update.entries(fonts["F1"])["Encoding"] = {
        "BaseEncoding": Name("WinAnsiEncoding"), "Differences": [49, Name("nine"), Name("nine")],
    }  # fmt: skip


def _borrowed_signature(scene: Scene) -> None:
    update = scene.update
    value = next(n for n, v in update.before.objects.items() if isinstance(v, dict) and "ByteRange" in v)
    new_field(update, update.pages()[1], (30, 300, 200, 320), "extra", V=Ref(value))


def _widget_on_the_other_page(scene: Scene) -> None:
    first, second = scene.update.pages()
    scene.update.list_annotation(second, scene.update.view().annotations(first)[-1])


def _other_words_for_the_blind(scene: Scene) -> None:
    update = scene.update
    root = update.add({"Type": Name("StructTreeRoot")})
    element = update.add({"Type": Name("StructElem"), "S": Name("P"), "P": root, "K": 0, "ActualText": b"1 EUR"})
    update.entries(root)["K"] = element
    update.root["StructTreeRoot"] = root


def _another_value_than_shown(scene: Scene) -> None:
    update = scene.update
    field = next(
        n for n, v in update.before.objects.items() if isinstance(v, dict) and v.get("T") == b"name" and "Rect" in v
    )
    look = appearance(update, (0, 0, 110, 16), b"/Tx BMC q BT /Helv 9 Tf 2 4 Td (approved) Tj ET Q EMC")
    update.entries(field).update({"V": text_string("NOT approved"), "AP": {"N": look}})


def _an_action(scene: Scene) -> None:
    scene.update.root["OpenAction"] = {"S": Name("URI"), "URI": b"https://example.com"}


def _an_attachment(scene: Scene) -> None:
    file = scene.update.add(stream(b"other terms", {"Type": Name("EmbeddedFile")}))
    specification = {"Type": Name("Filespec"), "F": b"terms.txt", "EF": {"F": file}}
    scene.update.root["Names"] = {"EmbeddedFiles": {"Names": [b"terms.txt", specification]}}


def _another_title(scene: Scene) -> None:
    scene.update.entries(scene.update.trailer["Info"])["Title"] = b"Amended contract"


@pytest.mark.parametrize(
    ("start", "forge", "code"),
    [
        ("plain.table.p2", _box_over_a_digit, "picture outside"),
        ("plain.table.approval", _comment_over_a_digit, "ink hidden"),
        ("plain.table.approval", _comment_without_a_look, "poppler ink hidden"),
        ("plain.packed.p2", _font_with_other_digits, "picture outside"),
        ("plain.stream.p2", _borrowed_signature, "borrowed signature"),
        ("plain.table.p3", _widget_on_the_other_page, "picture outside"),
        ("plain.table.p1", _other_words_for_the_blind, "accessible text"),
        ("form.table.p2", _another_value_than_shown, "value and look"),
        ("form.table.approval", _an_action, "actions"),
        ("form.table.p2", _an_attachment, "attachments"),
        ("form.table.p1", _another_title, "information after lock"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else value,
)
def test_what_the_oracle_sees(start: str, forge: Forging, code: str) -> None:
    scene = starts.signed(start)
    forge(scene)
    final = scene.save()
    assert code in {difference.code for difference in differences(scene, final, listed=1, poppler=True)}


@pytest.mark.parametrize("painted", [False, True])
def test_an_arrow_that_only_one_viewer_draws(painted: bool) -> None:
    """PDFium marks choice fields without an appearance as such; with one for a pointer above it, say, no longer."""
    scene = starts.signed("form.table.approval")
    update = scene.update
    field = next(n for n, v in update.before.objects.items() if isinstance(v, dict) and v.get("T") == b"choice")
    box = update.before.objects[field]["Rect"]
    update.entries(field)["AP"] = {"N" if painted else "D": appearance(update, box, b"0 g 98 2 9 9 re f")}
    codes = {difference.code for difference in differences(scene, scene.save(), listed=1, poppler=True)}
    assert codes >= {"picture outside"} if painted else not codes


def test_a_signature_that_is_not_listed() -> None:
    scene = starts.signed("plain.table.approval")
    assert [d.code for d in differences(scene, scene.signed, listed=0, poppler=False)] == ["unlisted signature"]
    assert not differences(scene, scene.signed, listed=1, poppler=True)


@pytest.mark.parametrize("move", sorted(honest_moves))
@pytest.mark.parametrize("start", ["form.packed.p2", "commented.table.approval", "tagged.stream.p3"])
def test_honest_steps_change_nothing_that_was_signed(start: str, move: str) -> None:
    """Else the oracle would call every verdict on them a find."""
    scene = starts.signed(start)
    for number in range(3):
        honest_moves[move].play(scene, random.Random(number))
    signatures = sum(isinstance(v, dict) and "ByteRange" in v for v in scene.update.before.objects.values())
    assert not differences(scene, scene.update.before, listed=signatures, poppler=True)
