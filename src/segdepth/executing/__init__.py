"""Objects that are kept ready elsewhere and asked one thing at a time; jobs that several of them carry out."""

from .actors import Actor, ActorError, GaveWayError
from .jobs import Job, Worker
from .local import LocalActor
from .named import parse_place
from .places import Here, Local, Place
from .thread import ThreadActor

__all__ = [
    "Actor", "ActorError", "GaveWayError", "Here", "Job", "Local", "LocalActor", "Place", "ThreadActor", "Worker", "parse_place",
]  # fmt: skip
