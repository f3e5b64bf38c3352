"""What the fast engines say to a network that they cannot take apart."""

from segdepth.core.errors import InputError

__all__ = ["UnsupportedOperationError"]


class UnsupportedOperationError(InputError):
    """A network holds an operation that the graph engines do not know; the batched engine takes any.

    Attributes:
        operation: its name, as PyTorch has it.
    """

    def __init__(self, operation: str) -> None:
        self.operation = operation
        super().__init__(
            f"the network holds {operation}, which the engines 'windowed' and 'sparse' do not know: "
            "use engine 'batched', or 'auto', which falls back to it"
        )

    def __reduce__(self) -> tuple[type["UnsupportedOperationError"], tuple[str]]:
        return type(self), (self.operation,)  # as another process is told of it
