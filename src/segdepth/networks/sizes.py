"""Which sizes of pictures a network takes, and how others are made to fit."""

from typing import Annotated

from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional as F

from segdepth.core.errors import InputError

__all__ = ["SizeRule"]

Count = Annotated[int, Field(ge=1)]


class SizeRule(BaseModel):
    """Sizes that a network takes.

    Attributes:
        multiple: rows and columns must be multiples of it; others are filled up with zeros, on the right and below, after
            normalisation, as convolutions fill their borders.
        fixed: the only rows and columns that it takes; None: any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    multiple: Count = 1
    fixed: tuple[Count, Count] | None = None

    def fit(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c _H _W"]:
        """The picture as the network takes it; its first h rows and w columns are the picture's.

        Raises:
            InputError: if the network takes one size, and this is another.
        """
        rows, cols = x.shape[-2:]
        self.require(rows, cols)
        below, right = -rows % self.multiple, -cols % self.multiple
        return F.pad(x, (0, right, 0, below)) if below or right else x

    def require(self, rows: int, cols: int) -> None:
        """Refuse a size that no filling makes fit.

        Raises:
            InputError: if the network takes one size, and this is another.
        """
        if self.fixed is not None and (rows, cols) != self.fixed:
            raise InputError(
                f"the picture is {rows}x{cols} (rows x columns), and this network takes {self.fixed[0]}x{self.fixed[1]} "
                "only: resize it, or set data.img_rows and data.img_cols to that"
            )

    def words(self) -> str:
        """For people."""
        if self.fixed is not None:
            return f"{self.fixed[0]}x{self.fixed[1]} only"
        return "any" if self.multiple == 1 else f"multiples of {self.multiple}; others are filled up with zeros"
