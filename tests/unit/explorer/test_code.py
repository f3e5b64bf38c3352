"""A question as Python that runs, and as a command that does."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segdepth.cli import main
from segdepth.drawing import write_png
from segdepth.explorer.code import as_command, as_python
from segdepth.explorer.desk import Desk
from segdepth.explorer.looks import Look
from segdepth.explorer.questions import Question
from segdepth.geometry.regions import Region
from segdepth.geometry.resize import resize_image
from segdepth.networks import save_network

from .streets import SIZE, picture, tiny

PIXEL = Question("p0", "n0", "trained", "predicted", "gradient", (10, 20))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("files with blanks")
    save_network(tiny("seg"), folder / "net.safetensors")
    write_png(folder / "street.png", picture())
    return folder / "net.safetensors", folder / "street.png"


@pytest.mark.parametrize(
    "question",
    [
        PIXEL,
        Question("p0", "n0", "trained", "road:car", "input_x_gradient", (10, 20)),
        Question("p0", "n0", "random", "car", "gradient", Region(2, 4, 8, 12)),
    ],
    ids=["pixel", "margin", "region of the random one"],
)
def test_the_python_makes_the_very_map(files: tuple[Path, Path], question: Question) -> None:
    network, street = files
    text = as_python(question, str(network), "seg", str(street), SIZE, True)
    found: dict[str, Any] = {}
    exec(compile(text, "copied", "exec"), found)
    look = Look("p0", resize_image(picture(), SIZE), question.model)
    (expected,) = Desk(lambda: tiny("seg")).maps(look, [question.place], question.target, question.method)
    assert found["saliency"].numpy().tobytes() == expected.map.tobytes()


@pytest.mark.parametrize(
    "question",
    [PIXEL, Question("p0", "n0", "trained", "road:car", "gradient", Region(2, 4, 8, 12))],
    ids=["pixel", "region"],
)
def test_the_command_saves_the_very_map(
    files: tuple[Path, Path], question: Question, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, street = files
    monkeypatch.chdir(tmp_path)
    command = as_command(question, str(network), "seg", str(street), {})
    assert command is not None
    words = shlex.split(command)
    assert words[:2] == ["segdepth", "saliency"]
    assert main(words[1:]) == 0
    (file,) = tmp_path.rglob("saliency.npy")
    look = Look("p0", resize_image(picture(), SIZE), "trained")
    (expected,) = Desk(lambda: tiny("seg")).maps(look, [question.place], question.target, question.method)
    np.testing.assert_array_equal(np.load(file), expected.map)


def test_an_address_is_found_by_its_name_and_task() -> None:
    text = as_python(PIXEL, "smp:Unet", "depth", "street.png", SIZE, False)
    assert "find_origin('smp:Unet').network(Asked('depth'))" in text
    assert "has no file" in text
    command = as_command(PIXEL, "smp:Unet", "depth", "a street.png", {"--height": "64"})
    assert shlex.split(command)[-4:] == ["--task", "depth", "--height", "64"]
    assert "'a street.png'" in command


def test_no_command_has_the_network_that_learned_nothing() -> None:
    question = Question("p0", "n0", "random", "predicted", "gradient", (10, 20))
    assert as_command(question, "net.safetensors", "seg", "street.png", {}) is None
