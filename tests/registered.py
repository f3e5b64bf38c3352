"""What tests register, and how it is forgotten after them."""

import pytest

from segdepth.core.tables import OpenTable
from segdepth.data import DATASETS
from segdepth.losses import LOSSES
from segdepth.metrics import METRICS
from segdepth.networks.guests import REGISTERED

TABLES: tuple[OpenTable[object], ...] = (DATASETS, LOSSES, METRICS, REGISTERED)  # type: ignore[assignment]


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is registered, and what a test registers is forgotten after it."""
    for table in TABLES:
        monkeypatch.setattr(table, "_registered", {})
        monkeypatch.setattr(table, "_of_packages", {})
