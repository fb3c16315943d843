"""QR readers behind one protocol: `interface.QrReader`."""

from signing_core.certificate.readers.interface import FoundCode, QrReader
from signing_core.certificate.readers.zbar import ZbarReader
from signing_core.certificate.readers.zxing import ZxingReader

__all__ = ["FoundCode", "QrReader", "ZbarReader", "ZxingReader"]
