"""What every place of an object promises."""

from collections.abc import Hashable
from concurrent.futures import Future
from typing import Any

from segdepth.core.errors import SegdepthError
from segdepth.executing import Actor, ActorError


class Nowhere(Actor):
    closed = False

    def ask(
        self, method: str, *args: Any, urgency: int = 0, topic: Hashable | None = None, **options: Any
    ) -> Future[Any]:
        return Future()

    def close(self) -> None:
        self.closed = True


def test_it_is_let_go_at_the_end_of_its_context() -> None:
    with Nowhere() as actor:
        assert not actor.closed
    assert actor.closed


def test_its_loss_is_one_sentence_to_a_user() -> None:
    assert issubclass(ActorError, SegdepthError)
