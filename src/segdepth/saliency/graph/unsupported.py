"""What the fast engines say to a network that they cannot take apart."""

from segdepth.core.errors import InputError

__all__ = ["UnsupportedOperationError"]


class UnsupportedOperationError(InputError):
    """A network cannot be taken apart; the batched engine takes any.

    Attributes:
        operation: what it holds that is in the way, in words.
    """

    def __init__(self, operation: str) -> None:
        self.operation = operation
        super().__init__(
            f"the network cannot be taken apart for the engines 'windowed' and 'sparse' because of {operation}: "
            "use engine 'batched', or 'auto', which goes on with it"
        )

    def __reduce__(self) -> tuple[type["UnsupportedOperationError"], tuple[str]]:
        return type(self), (self.operation,)  # as another process is told of it
