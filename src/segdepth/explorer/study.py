"""How a study's statistics are spread, to look at one map's beside them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from segdepth.core.errors import InputError

if TYPE_CHECKING:
    from segdepth.studies.store import StudyTable

__all__ = ["histograms", "read_studies"]

#: Bars of a histogram.
_BARS = 30


def read_studies(folders: Sequence[Path], networks: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Histograms of the studies of some networks, by the networks' ids.

    Args:
        folders: of studies.
        networks: as a session says them.

    Raises:
        DataError: if a folder holds no finished study.
        InputError: if a study is of none of the networks.
    """
    from segdepth.studies.store import find_stores, load_study  # pyarrow takes a moment to import

    found: dict[str, dict[str, Any]] = {}
    for folder in find_stores(folders) if folders else []:
        study = load_study(folder)
        of = [one["id"] for one in networks if (one["arch"], one["task"]) == (study.info.network, study.info.task)]
        if not of:
            shown = ", ".join(f"{one['arch']} {one['task']}" for one in networks)
            raise InputError(f"the study {str(folder)!r} is of {study.title}, which is not shown (there are: {shown})")
        for key in of if study.info.model == "trained" else []:
            found.setdefault(key, histograms(study))
    return found


def histograms(study: "StudyTable") -> dict[str, Any]:
    """Of each statistic that a single map has, too, by the name that it has there.

    Args:
        study: of maps.
    """
    statistics = {}
    for column in study.columns:
        values = study.rows[column.name].astype(np.float64)
        values = values[np.isfinite(values)]
        if len(values):
            counts, edges = np.histogram(values, _BARS)
            name = column.measure if column.threshold is None else f"{column.measure}@{column.threshold:g}"
            statistics[name] = {"edges": edges.tolist(), "counts": counts.tolist(), "mean": float(values.mean())}
    targets = len(next(iter(study.rows.values())))
    return {"statistics": statistics, "targets": targets, "name": f"{study.title}, {len(study.digests)} pictures"}
