"""One driver for each tool. What is not Python, or runs in an environment of its own, stands in `programs`."""

from typing import Final

from . import endesive, java_tools, mutool, pdflib, pdfsig, podofo, pyhanko, pymupdf, pypdf, signpdf

TOOLS: Final = (
    pdfsig.TOOL,
    mutool.TOOL,
    podofo.TOOL,
    java_tools.PDFBOX,
    java_tools.ITEXT,
    endesive.TOOL,
    pyhanko.TOOL,
    signpdf.TOOL,
    signpdf.WITH_PDF_LIB,
    pypdf.TOOL,
    pymupdf.TOOL,
    pdflib.TOOL,
)
