"""A run goes on in its folder with the experiment that it was begun with, or leaves the folder as it is."""

from pathlib import Path

import pytest

from segdepth.config import check_config, config_to_dict
from segdepth.core.errors import CheckpointError, ConfigError
from segdepth.training import train

from .tiny import tiny

pytestmark = pytest.mark.usefixtures("frames_drawn_once")


def test_what_differs_inside_a_section_is_named_alone(tmp_path: Path) -> None:
    run = train(tiny(train_iters=1), name="run", root=tmp_path, accelerator="cpu").folder
    values = config_to_dict(tiny(train_iters=1, resume=str(run)))
    values["model"]["width"] = 0.25
    with pytest.raises(ConfigError, match=r"training\.resume: model\.width is 0\.25, but the run in .* has 0\.125;"):
        train(check_config(values), name="run", root=tmp_path, accelerator="cpu")


def test_a_refused_resume_changes_nothing(tmp_path: Path) -> None:
    run = train(tiny(train_iters=3), name="run", root=tmp_path, accelerator="cpu").folder
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    damaged = run / "checkpoints/00000003.pt"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="truncated"):
        train(
            tiny(resume=str(run), optimizer={"name": "adam", "lr": 0.5}), name="run", root=tmp_path, accelerator="cpu"
        )
    damaged.write_bytes(before[damaged])
    assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("data", "num_images", 7), ("data", "seed", 3), ("data", "val_split", "train"),
     ("training", "augmentations", {"hflip": 0.5, "gamma": 0.1})],
)  # fmt: skip
def test_another_experiment_does_not_go_on(section: str, key: str, value: object, tmp_path: Path) -> None:
    config = tiny(train_iters=1, augmentations={"gamma": 0.1, "hflip": 0.5})
    run = train(config, name="run", root=tmp_path, accelerator="cpu").folder
    values = config_to_dict(config)
    values["training"] |= {"resume": str(run), "train_iters": 2}
    values[section][key] = value
    with pytest.raises(ConfigError, match=f"{section}.{key} is"):
        train(check_config(values), name="run", root=tmp_path, accelerator="cpu")
