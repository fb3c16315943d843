"""Strings and streams of encrypted files (7.6); the ciphers are pyHanko's, loaded only when a file is encrypted."""

from __future__ import annotations

from typing import Any

from signing_core.pdf.structure.kinds import is_signature
from signing_core.pdf.structure.values import Ref, Stream, Value


class Decryption:
    """Opens the strings and streams of one file."""

    def __init__(self, handler: Any, encrypt_metadata: bool) -> None:
        self._handler = handler
        self._encrypt_metadata = encrypt_metadata

    def value(self, value: Value, number: int, generation: int) -> Value:
        """`value` with every string decrypted, /Contents of signature dictionaries excepted (7.6.2)."""
        if isinstance(value, bytes):
            return self._string(value, number, generation)
        if isinstance(value, list):
            return [self.value(item, number, generation) for item in value]
        if isinstance(value, dict):
            signature = is_signature(value)
            return {
                key: item if signature and key == "Contents" else self.value(item, number, generation)
                for key, item in value.items()
            }
        if isinstance(value, Stream):
            if value.dict.get("Type") != "XRef":
                value.dict = self.value(value.dict, number, generation)
            return value
        return value

    def _string(self, value: bytes, number: int, generation: int) -> bytes:
        crypt_filter = self._handler.get_string_filter()
        try:
            return bytes(crypt_filter.decrypt(crypt_filter.derive_object_key(number, generation), bytes(value)))
        except Exception:  # a string that was written unencrypted, or damaged: compared as it stands
            return bytes(value)

    def stream(self, raw: bytes, stream: Stream, filters: list[str], parameters: list[dict[str, Value]]) -> bytes:
        """The encoded bytes of a stream, decrypted."""
        kind = stream.dict.get("Type")
        if kind == "XRef" or (kind == "Metadata" and not self._encrypt_metadata):
            return raw
        name = None
        if "Crypt" in filters:
            given = parameters[filters.index("Crypt")] if filters.index("Crypt") < len(parameters) else {}
            name = "/" + str(given.get("Name", "Identity"))
        try:
            crypt_filter = self._handler.get_stream_filter(name=name)
            key = crypt_filter.derive_object_key(stream.number, stream.generation)
            return bytes(crypt_filter.decrypt(key, raw))
        except Exception:
            return raw


def opened(
    encrypt: dict[str, Value], first_id: bytes, password: str | bytes | None
) -> tuple[Decryption | None, str | None]:
    """(what opens the file, None) or (None, why not). An empty user password is tried when none is given."""
    from pyhanko.pdf_utils.crypt import AuthStatus, SecurityHandler, StandardSecurityHandler

    try:
        handler = SecurityHandler.build(_generic(encrypt))
        if not isinstance(handler, StandardSecurityHandler):
            return None, "it is encrypted for the holders of certain keys, not by a password"
        for candidate in dict.fromkeys((password if password is not None else "", "")):
            if handler.authenticate(candidate, id1=first_id).status != AuthStatus.FAILED:
                return Decryption(handler, encrypt.get("EncryptMetadata") is not False), None
    except Exception as error:  # pyHanko raises anything at all for odd encryption dictionaries
        return None, f"its encryption is not understood ({type(error).__name__})"
    return None, "no password given opens it" if password is None else "the password given does not open it"


def _generic(value: Value) -> Any:
    from pyhanko.pdf_utils import generic as pyhanko_generic

    generic: Any = pyhanko_generic
    if isinstance(value, bool):
        return generic.BooleanObject(value)
    if isinstance(value, int):
        return generic.NumberObject(value)
    if isinstance(value, float):
        return generic.FloatObject(str(value))
    if isinstance(value, str):
        return generic.NameObject("/" + value)
    if isinstance(value, bytes):
        return generic.ByteStringObject(bytes(value))
    if isinstance(value, list):
        return generic.ArrayObject(_generic(item) for item in value)
    if isinstance(value, dict):
        return generic.DictionaryObject({generic.NameObject("/" + key): _generic(item) for key, item in value.items()})
    if isinstance(value, Ref):
        raise TypeError("a reference inside the encryption dictionary")
    return generic.NullObject()
