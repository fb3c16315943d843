"""What is seen is one thing: a document that shows the same on every screen and on paper, and does nothing by itself.

Before its pages are taken over, whatever could show something else is settled: layers are flattened to the state they are
shown in, annotations reduced to their normal look, media to its poster, and actions dropped but for links. Where screen and
paper differ by layers, no state is the right one and the document is refused. `judge` then looks at every object of the
prepared document as it is written, whoever let it through.
"""

from __future__ import annotations

from signing_core.pdf.one_look.settling import Settled, settle

__all__ = ["Settled", "settle"]
