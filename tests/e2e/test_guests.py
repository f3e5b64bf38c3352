"""Networks of other people's code in every verb, as a user types them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from segdepth.cli import main
from segdepth.drawing import write_png

DICTIONARY = "python:strangers:Dictionary"
ALLOWED = ["--allow-code", DICTIONARY]
CPU = ["--device", "cpu"]

#: A package that says so when its code runs.
LOUD = """
from pathlib import Path
from strangers import Dictionary as Quiet

Path({file!r}).touch()


class Loud(Quiet):
    pass
"""


def configuration(folder: Path, **training: Any) -> Path:
    settings = {"train_iters": 3, "batch_size": 2, "val_interval": 2, "checkpoint_interval": 1, "n_workers": 0,
                "lr_factors": {"backbone": 0.5, "head": 1.0}, "optimizer": {"name": "adam", "lr": 1e-2}}  # fmt: skip
    file = folder / "guest.yml"
    text = yaml.safe_dump(
        {
            "model": {"arch": DICTIONARY, "width": 5},
            "task": "seg",
            "data": {
                "dataset": "synthetic",
                "img_rows": 32,
                "img_cols": 64,
                "height": 32,
                "width": 64,
                "num_images": 3,
            },
            "training": settings | training,
        }
    )
    file.write_text(text)
    return file


def train(folder: Path, *overrides: str) -> Path:
    config = configuration(folder)
    assert main(["train", "--config", str(config), "--runs", str(folder / "runs"), *CPU, *overrides]) == 0
    return max((folder / "runs/guest").iterdir())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("guest")


@pytest.fixture(scope="module")
def run(home: Path) -> Path:
    torch.manual_seed(0)
    return train(home)


@pytest.fixture(scope="module")
def picture(home: Path) -> Path:
    write_png(home / "street.png", np.random.default_rng(0).integers(0, 256, (32, 64, 3), dtype=np.uint8))
    return home / "street.png"


Verb = Callable[[str, Path, Path], list[str]]

#: Every verb that takes a checkpoint: from the checkpoint, a picture and a folder for results, what is typed.
VERBS: dict[str, Verb] = {
    "evaluate": lambda net, _, out: ["evaluate", "--checkpoint", net, "--out", str(out / "scores.json"), *CPU],
    "predict": lambda net, picture, out: ["predict", str(picture), "--checkpoint", net, "--out", str(out), *CPU],
    "saliency": lambda net, picture, out: [
        "saliency", "--checkpoint", net, "--image", str(picture), "--pixel", "9", "30", "--out", str(out), *CPU,
    ],
    "study": lambda net, picture, out: [
        "study", "eval", "--checkpoint", net, "--data_path", str(picture.parent), "--num-image", "1", "--sample-rate", "16",
        "--out", str(out), *CPU,
    ],
    "study of random weights": lambda net, picture, out: [
        "study", "eval", "--checkpoint", net, "--null", "random", "--data_path", str(picture.parent), "--num-image", "1",
        "--sample-rate", "16", "--out", str(out), *CPU,
    ],
    "faithfulness": lambda net, picture, out: [
        "study", "faithfulness", "--checkpoint", net, "--data_path", str(picture.parent), "--num-image", "1", "--sample-rate",
        "30", "--out", str(out), *CPU,
    ],
    "receptive-field": lambda net, _, out: ["receptive-field", "--checkpoint", net, "--samples", "1", "--out", str(out), *CPU],
    "export": lambda net, _, out: [
        "export", net, "--format", "torch_export", "--height", "32", "--width", "64", "--out", str(out / "net.pt2"),
    ],
    "networks": lambda net, _, __: ["networks", net],
}  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_a_run_works_in_every_verb_where_its_code_is_allowed(
    verb: str, run: Path, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = VERBS[verb](str(run), picture, tmp_path)
    assert main([*typed, *ALLOWED]) == 0, capsys.readouterr().err
    assert verb == "networks" or any(path.is_file() for path in tmp_path.rglob("*"))
    assert all(":" not in path.name for path in tmp_path.rglob("*"))
