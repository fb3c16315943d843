"""The only way from here to other machines over HTTP: `ask`."""

from signing_core.network.door import Answer, NotAnswered, NotAsked, RequestFailed, ask

__all__ = ["Answer", "NotAnswered", "NotAsked", "RequestFailed", "ask"]
