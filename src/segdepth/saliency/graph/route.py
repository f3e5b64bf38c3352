"""Where a value's gradient stands in another's: as a crop, one input of a concatenation, every other row."""

from dataclasses import dataclass, replace

__all__ = ["Affine", "Route"]

#: Multiplier, offset and divisor.
Affine = tuple[int, int, int]


@dataclass(frozen=True)
class Route:
    """Where a value's gradient stands in another's: position ``r`` is position ``(r m + o) / d``, where that is whole.

    Attributes:
        value: whose rows these are.
        rows: ``m``, ``o`` and ``d`` of rows.
        columns: of columns.
        channels: first channel and the one after the last.
        shift: what a channel of the value has to be raised by to be the other's.
        inside: whether what stands around the value in the other is not its own: positions beyond the value's border
            have one there, too.
    """

    value: int
    rows: Affine
    columns: Affine
    channels: tuple[int, int]
    shift: int
    inside: bool = False

    def numbers(self) -> tuple[int, ...]:
        """For the kernels."""
        return *self.rows, *self.columns, *self.channels, self.shift

    def at(self, rows: Affine, columns: Affine) -> "Route":
        """The route of a value whose positions are these of the one that this is of."""
        return replace(self, rows=_after(self.rows, rows), columns=_after(self.columns, columns))


def _after(outer: Affine, inner: Affine) -> Affine:
    (m2, o2, d2), (m1, o1, d1) = outer, inner
    return m1 * m2, o1 * m2 + o2 * d1, d1 * d2
