"""The option of networks that drop activations while they learn."""

from typing import Annotated

from pydantic import Field

__all__ = ["DropoutRate"]

#: A network's option: the share of activations (of whole channels, in channel dropout) that are dropped. Without any left
#: nothing could be learned, so 1 is none.
DropoutRate = Annotated[float, Field(ge=0, lt=1, strict=True)]
