"""Messages to the parties, in English and German: e-mail (text and HTML) and SMS."""

from signing_core.delivery.messages.compose import compose
from signing_core.delivery.messages.content import KINDS, Content, MessageKind
from signing_core.delivery.messages.gsm7 import Segments, segments

__all__ = ["KINDS", "Content", "MessageKind", "Segments", "compose", "segments"]
