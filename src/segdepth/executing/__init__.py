"""Objects that are kept ready elsewhere and asked one thing at a time."""

from .actors import Actor, ActorError, GaveWayError
from .local import LocalActor
from .thread import ThreadActor

__all__ = ["Actor", "ActorError", "GaveWayError", "LocalActor", "ThreadActor"]
