"""A configuration that does not fit the processes or the device is refused."""

from pathlib import Path

import pytest

from segdepth.core.errors import ConfigError
from segdepth.training import train

from .tiny import tiny

pytestmark = pytest.mark.usefixtures("frames_drawn_once")


def test_half_precision_with_loss_scaling_is_refused_on_a_cpu(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="16-mixed is for GPUs"):
        train(tiny(precision="16-mixed"), name="x", root=tmp_path, accelerator="cpu")


def test_uneven_parts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"batch_size is 5.*1 processes x 2 parts.*4 could"):
        train(tiny(batch_size=5, accumulation=2), name="x", root=tmp_path, accelerator="cpu")


def test_batch_norm_is_not_synchronised_on_a_cpu(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sync_batch_norm"):
        train(tiny(sync_batch_norm=True), name="x", root=tmp_path, accelerator="cpu")
