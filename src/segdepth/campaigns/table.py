"""Our scores beside the published ones, as rows and as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Row", "to_markdown"]


@dataclass(frozen=True, slots=True)
class Row:
    """A score of a cell beside the published one.

    Attributes:
        cell: its name.
        score: its name.
        published: of the paper or read-me.
        ours: of our run.
        better: whether ours is at least as good; None where there is no score, or one of fewer files.
        protocol: how ours was taken.
    """

    cell: str
    score: str
    published: float
    ours: float | None
    better: bool | None
    protocol: str

    def cells(self) -> tuple[str, str]:
        """Our score and its difference as text; a dash where there is none, or none that may be compared."""
        if self.ours is None:
            return "-", "-"
        return f"{self.ours:.4f}", "-" if self.better is None else f"{self.ours - self.published:+.4f}"


def to_markdown(table: Sequence[Row]) -> str:
    """The rows as a Markdown table; what is at least as good as published is bold."""
    lines = ["| cell | score | published | ours | difference | protocol |", "| --- | --- | --- | --- | --- | --- |"]
    for row in table:
        ours, difference = row.cells()
        bold = "**" if row.better else ""
        lines.append(
            f"| {row.cell} | {row.score} | {row.published:.3f} | {bold}{ours}{bold} | {difference} | {row.protocol} |"
        )
    return "\n".join(lines) + "\n"
