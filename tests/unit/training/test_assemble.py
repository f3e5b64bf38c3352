"""What a run needs of the machine is there for its time, or the run is refused."""

from pathlib import Path

import pytest
import torch

from segdepth.config.schema import ModelSection
from segdepth.training import train

from .tiny import Impatient, tiny

pytestmark = pytest.mark.usefixtures("frames_drawn_once")


@pytest.mark.parametrize("arch", ["fcn8s", "frrnA", "segnet", "deeplab", "dispnet", "fcrn"])
def test_every_network_trains_with_deterministic_operations_alone(arch: str, tmp_path: Path) -> None:
    config = tiny("seg", deterministic=True, train_iters=1, val_interval=1)
    config = config.model_copy(update={"model": ModelSection(arch=arch, width=0.125)})
    seen: list[bool] = []

    class Looking(Impatient):
        def step(self, step: int, loss: float | None, rate: float) -> None:
            seen.append(torch.are_deterministic_algorithms_enabled())

    train(config, name="x", root=tmp_path, accelerator="cpu", progress=Looking(9))
    assert seen == [True]
    assert not torch.are_deterministic_algorithms_enabled(), "the flag is left as it was"
