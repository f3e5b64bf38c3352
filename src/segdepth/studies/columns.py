"""What the columns of a study's table are called, and what they hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ACTIONS", "CHOICES", "Column", "change_column", "columns_of", "peak_column"]

#: What is measured at thresholds: of every map, and of every pair of maps.
REACH = ("activation_distance", "activation_ratio")
OVERLAP = ("iou",)

#: Of a faithfulness study: what is done to pixels, and by what they are chosen.
ACTIONS = ("delete", "keep")
CHOICES = ("salient", "random")


@dataclass(frozen=True)
class Column:
    """A statistic.

    Attributes:
        measure: what is measured.
        threshold: share of a normalised map's range, of measures that have one.

    Example:
        >>> Column("activation_distance", 0.1).name
        'activation_distance_0.1'
    """

    measure: str
    threshold: float | None = None

    @property
    def name(self) -> str:
        """In files."""
        return self.measure if self.threshold is None else f"{self.measure}_{self.threshold:g}"


def columns_of(names: Iterable[str], protocol: Mapping[str, Any]) -> dict[str, Column]:
    """The columns of a study that was read, by name.

    Args:
        names: of its statistics.
        protocol: of the study, with its thresholds.
    """
    known = [Column(measure, share) for measure in (*REACH, *OVERLAP) for share in protocol.get("thresholds", ())]
    at_thresholds = {column.name: column for column in known}
    return {name: at_thresholds.get(name, Column(name)) for name in names}


def peak_column(task: str | None = None) -> str:
    """Where a map's largest value stands.

    Args:
        task: of the map, where a study has maps of several.
    """
    return "peak" if task is None else f"peak_{task}"


def change_column(action: str, choice: str, share: float) -> str:
    """Where a faithfulness study keeps how far an answer moved.

    Args:
        action: of :data:`ACTIONS`.
        choice: of :data:`CHOICES`.
        share: of the picture's pixels.
    """
    return f"{action}_{choice}_{share:g}"
