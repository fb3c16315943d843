"""fill|comment SOURCE TARGET [BOX], by PyMuPDF. Runs in the tools' own venv."""

from __future__ import annotations

import shutil
import sys
from importlib import import_module

pymupdf = import_module("pymupdf")

_VALUES = {"place": "Vienna", "agreed": True, "colour": "green"}


def main(what: str, source: str, target: str, *box: str) -> None:
    shutil.copyfile(source, target)
    document = pymupdf.open(target)
    page = document[0]
    if what == "fill":
        for widget in page.widgets():
            if widget.field_name in _VALUES:
                widget.field_value = _VALUES[widget.field_name]
                widget.update()
            elif widget.field_name == "delivery" and widget.on_state() == "courier":
                widget.field_value = True
                widget.update()
    else:
        page.add_freetext_annot(pymupdf.Rect(*map(int, box)), "Please check.", fontsize=11)
    document.saveIncr()


main(*sys.argv[1:])
