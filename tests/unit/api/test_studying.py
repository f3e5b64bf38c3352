"""``segdepth.study`` and ``segdepth.analyse``: the studies of the command, by a call."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segdepth
from segdepth.cli import main
from segdepth.core.errors import ConfigError, InputError
from segdepth.data import open_dataset
from segdepth.networks import save_network

from .around import mine

pytestmark = pytest.mark.usefixtures("frames_drawn_once")

SMALL: dict[str, Any] = {"sample_rate": 16, "engine": "batched", "size": (64, 208)}
WORLD: dict[str, Any] = {"dataset": "synthetic", "num_images": 2, "height": 75, "width": 248}


def test_a_study_is_that_of_the_command_and_goes_on(tmp_path: Path) -> None:
    net = segdepth.create_network("segnet", "depth", width=0.125).eval()
    net.card = net.card.model_copy(update={"input_size": (64, 208)})
    save_network(net, tmp_path / "net.safetensors")
    one = segdepth.study(net.train(), dataset="synthetic", images=1, out=tmp_path / "here", **SMALL)
    assert net.training
    assert one.folder == tmp_path / "here/eval/segnet_depth"
    command = ["study", "eval", "--checkpoint", str(tmp_path / "net.safetensors"), "--dataset", "synthetic"]
    main([*command, "--num_image", "2", "--sample_rate", "16", "--engine", "batched", "--out", str(tmp_path / "here")])
    calls: list[tuple[int, int]] = []
    two = segdepth.study(
        tmp_path / "net.safetensors", dataset="synthetic", images=2, out=tmp_path / "here",
        progress=lambda done, total: calls.append((done, total)), **SMALL,
    )  # fmt: skip
    assert calls == [(2, 2)]
    assert len(two.info.images) == 2
    here = two.rows["image"] == 0
    assert all(np.array_equal(one.rows[name], two.rows[name][here], equal_nan=True) for name in one.rows)


def test_segmentation_is_compared_with_depth(tmp_path: Path) -> None:
    options = {"num_images": 2, "height": 75, "width": 248}
    opened = open_dataset("synthetic", path=None, split="val", target=frozenset({"labels", "depth"}), **options)
    studies = [
        segdepth.study(mine(task, name="tiny"), dataset=opened, out=tmp_path / "out", **SMALL)
        for task in ("seg", "depth")
    ]
    analysis = segdepth.analyse(*studies, out=tmp_path / "page")
    assert [pair.name.title for pair in analysis.pairs] == ["tiny"]
    assert list((tmp_path / "page").glob("*.html"))
    again = segdepth.analyse(tmp_path / "out")
    assert [c.p for c in again.comparisons] == pytest.approx([c.p for c in analysis.comparisons], nan_ok=True)


def test_classes_and_faithfulness_are_studied(tmp_path: Path) -> None:
    net = mine("seg")
    found = segdepth.study(net, study="class", out=tmp_path, **SMALL, **WORLD)
    assert found.folder.parent.name == "class"
    assert (found.rows["label"] < len(found.info.classes)).all()
    faithful = segdepth.study(net, study="faithfulness", images=1, out=tmp_path, **SMALL | {"sample_rate": 30}, **WORLD)
    assert faithful.info.kind == "faithfulness"


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        ({"study": "evil", **WORLD}, ConfigError, r"no study named 'evil'.*did you mean 'eval'\?"),
        ({"dataset": "synthetic", "size": None}, ConfigError, "give size="),
        ({}, ConfigError, "names no data set"),
        ({"num_images": 3}, InputError, "num_images= is an option of a data set; name that, too"),
    ],
    ids=["study", "size", "data", "option"],
)
def test_a_mistake_is_a_sentence(said: dict[str, Any], error: type[Exception], words: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=words):
        segdepth.study(mine(), out=tmp_path, **{**SMALL, **said})
    assert not list(tmp_path.iterdir())
