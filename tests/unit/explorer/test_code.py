"""A question as Python that runs, and as a command that does."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segdepth.cli import main
from segdepth.drawing import write_png
from segdepth.explorer.code import Said, Subject, as_command, as_python
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
    text = as_python(question, Subject(str(network), "seg", "cpu", Said(), str(street), True, SIZE))
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
    said = Said("cpu", ["python:somebody.networks:make"])
    command = as_command(question, Subject(str(network), "seg", "cpu", said, str(street), True, SIZE, resized=True))
    assert command is not None
    words = shlex.split(command)
    assert words[:2] == ["segdepth", "saliency"]
    assert main(words[1:]) == 0
    (file,) = tmp_path.rglob("saliency.npy")
    look = Look("p0", resize_image(picture(), SIZE), "trained")
    (expected,) = Desk(lambda: tiny("seg")).maps(look, [question.place], question.target, question.method)
    np.testing.assert_array_equal(np.load(file), expected.map)


def test_an_address_is_found_by_its_name_and_task() -> None:
    asked = Subject("smp:Unet", "depth", "cpu", Said(), "a street.png", False, SIZE, resized=True)
    text = as_python(PIXEL, asked)
    assert "find_origin('smp:Unet').network(Asked('depth'))" in text
    assert "has no file" in text
    command = as_command(PIXEL, asked)
    assert command is not None
    assert shlex.split(command)[-6:] == ["--task", "depth", "--height", "32", "--width", "48"]
    assert "'a street.png'" in command


def test_device_and_allowed_code_are_those_of_the_explorer(files: tuple[Path, Path]) -> None:
    said = Said("cuda:1", ["python:own.networks:make"])
    words = {"task": "seg", "device": "cuda:1", "said": said, "path": "street.png", "known": True, "size": SIZE}
    here = as_python(PIXEL, Subject(str(files[0]), **words))
    assert (
        f"net = segdepth.load({str(files[0])!r}, allow=['python:own.networks:make'])\nnet = net.to('cuda:1')\n" in here
    )
    assert ".to('cuda:1')\nx = " in here
    elsewhere = as_python(PIXEL, Subject("someone/network", **words))
    assert "network(Asked('seg', allow=['python:own.networks:make']))\n" in elsewhere
    command = as_command(PIXEL, Subject(str(files[0]), **words))
    assert command is not None
    assert command.endswith(" --device cuda:1 --allow-code python:own.networks:make")


def test_no_command_has_the_network_that_learned_nothing() -> None:
    question = Question("p0", "n0", "random", "predicted", "gradient", (10, 20))
    assert as_command(question, Subject("net.safetensors", "seg", "cpu", Said(), "street.png", True, SIZE)) is None
