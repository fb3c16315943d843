"""Documents that are no PDFs: pictures become pages, texts of word processors are set by LibreOffice.

::

    made = conversion.to_pdf([File("page 1.jpg", data), File("page 2.jpg", more)], paper="a4")
    made.pdf, made.made_from.sentence("en")

What a file is, its first bytes and its contents say, never its name. A PDF comes back as it is. The pictures and texts are opened in
limited processes; what comes out is a PDF like any other, to be inspected, prepared and rehearsed.

========================  ================================================================================
code                      the file is refused because it
========================  ================================================================================
`format`                  is of a kind that is not taken: a spreadsheet, a GIF, a ZIP file
`animated`                is a film, or a picture that moves
`too-many-pixels`         has more points than any camera makes
`too-large`               is larger than what may be taken in, packed or unpacked
`damaged`                 is cut off or cannot be read
`password`                opens only with a password
`no-converter`            is a text, and no LibreOffice is installed
`too-costly`              takes more processor time or memory than its size is worth
========================  ================================================================================
"""

from signing_core.pdf.conversion.converting import Converted, File, kind, to_pdf
from signing_core.pdf.conversion.made_from import MadeFrom, Original

__all__ = ["Converted", "File", "MadeFrom", "Original", "kind", "to_pdf"]
