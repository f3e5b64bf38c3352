"""Networks of other people's code in every verb, as a user types them."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

import processes
import segdepth
from segdepth.cli import main
from segdepth.drawing import write_png
from segdepth.networks import find_weights, load_state, read_card, save_network
from segdepth.studies.store import load_study

Capsys = pytest.CaptureFixture[str]

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
        "saliency", "--checkpoint", net, "--image", str(picture), "--pixel", "9", "30", "--engine", "batched",
        "--out", str(out), *CPU,
    ],
    "study": lambda net, picture, out: [
        "study", "eval", "--checkpoint", net, "--data_path", str(picture.parent), "--num-image", "1", "--sample-rate", "16",
        "--engine", "batched", "--out", str(out), *CPU,
    ],
    "study of random weights": lambda net, picture, out: [
        "study", "eval", "--checkpoint", net, "--null", "random", "--data_path", str(picture.parent), "--num-image", "1",
        "--sample-rate", "16", "--engine", "batched", "--out", str(out), *CPU,
    ],
    "faithfulness": lambda net, picture, out: [
        "study", "faithfulness", "--checkpoint", net, "--data_path", str(picture.parent), "--num-image", "1", "--sample-rate",
        "12", "--out", str(out), *CPU,
    ],
    "receptive-field": lambda net, _, out: ["receptive-field", "--checkpoint", net, "--samples", "1", "--out", str(out), *CPU],
    "export": lambda net, _, out: [
        "export", net, "--format", "torch_export", "--height", "32", "--width", "64", "--out", str(out / "net.pt2"),
    ],
    "networks": lambda net, _, __: ["networks", net],
}  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_a_run_works_in_every_verb_where_its_code_is_allowed(
    verb: str, run: Path, picture: Path, tmp_path: Path, capsys: Capsys
) -> None:
    typed = VERBS[verb](str(run), picture, tmp_path)
    assert main([*typed, *ALLOWED]) == 0, capsys.readouterr().err
    assert verb == "networks" or any(path.is_file() for path in tmp_path.rglob("*"))
    assert all(":" not in path.name for path in tmp_path.rglob("*"))


@pytest.fixture
def loud(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A run whose card names a module that writes a file when it is imported; the file is taken away again."""
    (tmp_path / "loud_net.py").write_text(LOUD.format(file=str(tmp_path / "imported")))
    monkeypatch.syspath_prepend(str(tmp_path))
    net = segdepth.create_network("python:loud_net:Loud", num_classes=4)
    net.card = net.card.model_copy(update={"input_size": (32, 64), "config": read_card(run_of(home)).config})
    (tmp_path / "run").mkdir()
    save_network(net, tmp_path / "run/best.safetensors")
    (tmp_path / "imported").unlink()
    del sys.modules["loud_net"]
    return tmp_path / "run", tmp_path / "imported"


def run_of(home: Path) -> Path:
    return max((home / "runs/guest").iterdir()) / "best.safetensors"


@pytest.mark.parametrize(
    ("verb", "allowed"),
    [*((verb, []) for verb in VERBS), ("predict", ALLOWED)],
    ids=[*VERBS, "other code is allowed"],
)
@pytest.mark.usefixtures("run")
def test_no_verb_runs_code_of_its_own_accord(
    verb: str, allowed: list[str], loud: tuple[Path, Path], picture: Path, tmp_path: Path, capsys: Capsys
) -> None:
    where, imported = loud
    capsys.readouterr()
    assert main([*VERBS[verb](str(where), picture, tmp_path / "out"), *allowed]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert "is not run unless you say so: --allow-code python:loud_net:Loud " in said[-1]
    assert not imported.exists()
    assert not any((tmp_path / "out").rglob("*.*"))


@pytest.mark.usefixtures("run", "frames_drawn_once")
def test_weights_are_taken_without_the_code_that_they_were_trained_with(
    loud: tuple[Path, Path], tmp_path: Path, capsys: Capsys
) -> None:
    where, imported = loud
    train(tmp_path, "model.width=4", f"training.init_from={where}")
    assert "init_from: 6 of 10 tensors; left at their start: guest.head.weight" in capsys.readouterr().err
    assert not imported.exists()


@pytest.mark.usefixtures("frames_drawn_once")
def test_a_run_goes_on_with_the_configuration_that_is_given(run: Path, home: Path, capsys: Capsys) -> None:
    config, runs = home / "guest.yml", home / "runs"
    resumed = ["training.resume=auto", "training.train_iters=4"]
    assert main(["train", "--config", str(config), "--runs", str(runs), *CPU, *resumed]) == 0
    assert capsys.readouterr().out.strip().splitlines()[-1] == str(run)
    frozen = train(home, "training.freeze_backbone=true", "training.lr_factors={backbone: 1}", "training.train_iters=2")
    first, last = (load_state(find_weights(where)) for where in (frozen, run))
    assert torch.equal(first["guest.backbone.1.running_mean"], torch.zeros(5)), "frozen, batch norm included"
    assert not torch.equal(last["guest.backbone.1.running_mean"], torch.zeros(5))
    assert main(["runs", "--runs", str(runs)]) == 0
    assert DICTIONARY in capsys.readouterr().out
    assert (
        main(
            [
                "runs",
                "compare",
                f"guest/{frozen.name}",
                f"guest/{run.name}",
                "--runs",
                str(runs),
                "--out",
                str(home / "page.html"),
            ]
        )
        == 0
    )


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "evaluate"])
def test_an_address_works_in_every_verb(verb: str, picture: Path, tmp_path: Path, capsys: Capsys) -> None:
    address = f"{DICTIONARY},width=6,num_classes=4"
    size = [] if verb in ("export", "networks") else ["--height", "32", "--width", "64"]
    assert main([*VERBS[verb](address, picture, tmp_path), "--task", "seg", *size]) == 0
    assert verb == "networks" or "no weights were loaded" in capsys.readouterr().err
    assert all(":" not in path.name for path in tmp_path.rglob("*"))


@pytest.mark.usefixtures("run", "frames_drawn_once")
def test_an_address_is_scored_on_a_configuration_s_data_with_its_classes(
    home: Path, tmp_path: Path, capsys: Capsys
) -> None:
    out = tmp_path / "scores.json"
    command = ["evaluate", "--checkpoint", f"{DICTIONARY},width=6", "--config", str(home / "guest.yml"), *CPU]
    assert main([*command, "--out", str(out)]) == 0
    report = json.loads(out.read_text())
    assert report["checkpoint"] == f"{DICTIONARY},width=6"
    first = report["scores"]
    assert main([*command, "--out", str(out)]) == 0
    assert json.loads(out.read_text())["scores"] == first, "chance is the same each time"
    capsys.readouterr()
    named = ["--task", "seg", "--dataset", "synthetic", "--height", "32", "--width", "64"]
    synthetic = ["data.height=32", "data.width=64", "data.num_images=3"]
    assert main(["evaluate", "--checkpoint", f"{DICTIONARY},width=6", *named, *synthetic, *CPU, "--out", str(out)]) == 0
    assert json.loads(out.read_text())["scores"] == first


@pytest.mark.usefixtures("run")
def test_an_address_is_studied_as_a_configuration_says(home: Path, tmp_path: Path, capsys: Capsys) -> None:
    command = ["study", "eval", "--checkpoint", f"{DICTIONARY},width=6", "--config", str(home / "guest.yml"), *CPU]
    assert main([*command, "--num-image", "1", "--sample-rate", "16", "--out", str(tmp_path)]) == 0, (
        capsys.readouterr().err
    )
    info = load_study(tmp_path / "eval/python-strangers-Dictionary_seg").info
    assert (info.task, tuple(info.protocol["size"])) == ("seg", (32, 64))


def test_an_address_exports_into_the_folder_of_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    size = ["--height", "32", "--width", "64"]
    assert main(["export", "--checkpoint", DICTIONARY, "--format", "torch_export", "--task", "seg", *size]) == 0
    assert (tmp_path / "python-strangers-Dictionary.pt2").is_file()


def test_a_repository_s_network_is_taken_by_its_name(
    tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capsys
) -> None:
    save_network(segdepth.create_network(DICTIONARY, num_classes=4), tmp_path / "model.safetensors")
    asked: list[Any] = []

    def download(*what: str, **settings: Any) -> str:
        asked.append((what, settings["revision"]))
        return str(tmp_path / "model.safetensors")

    monkeypatch.setattr("segdepth.networks.hub.hf_hub_download", download)
    monkeypatch.chdir(tmp_path)
    for name in ("someone/net", "someone/net,revision=v2"):
        assert main(["predict", str(picture), "--checkpoint", name, *ALLOWED, *CPU]) == 0, capsys.readouterr().err
    assert asked == [(("someone/net", "model.safetensors"), revision) for revision in (None, "v2")]
    assert main(["predict", str(picture), "--checkpoint", "someone/net", *CPU]) == 2
    assert f"--allow-code {DICTIONARY}" in capsys.readouterr().err


BAD: dict[str, tuple[list[str], str]] = {
    "no library": (["smpp:Unet"], "no library of networks named 'smpp' (there are: hf, python, smp, timm, torchvision); did you"),
    "no name": (["python:"], "names no network"),
    "no factory": (["python:strangers:Dictionari"], "'strangers' has no 'Dictionari'"),
    "no module": (["python:no_such:net"], "cannot be imported: ModuleNotFoundError"),
    "a factory that raises": (["python:strangers:broken"], "python:strangers:broken() raises RuntimeError: no luck"),
    "no network": (["python:strangers:nothing"], "has to give a torch.nn.Module, and gives an object of the type int"),
    "an option that it has not": ([f"{DICTIONARY},depth=3"], "unexpected keyword argument 'depth'"),
    "an option without a value": ([f"{DICTIONARY},width"], "must look like option=value, as in"),
    "an option twice": ([f"{DICTIONARY},width=2,width=3"], "says width twice"),
    "a task among the options": ([f"{DICTIONARY},task=seg"], "it is said with --task"),
    "a number of classes that is none": ([f"{DICTIONARY},num_classes=many"], "num_classes must be a number"),
    "weights that it does not take": ([f"{DICTIONARY},pretrained=true"], "takes no 'pretrained'"),
    "an answer of the wrong shape": (["python:strangers:Flat,num_classes=3"], "answers"),
    "a name that is no path": (["dictionary"], "there is no checkpoint 'dictionary'"),
    "a file that is not there": (["some/net.pt"], "there is no checkpoint 'some/net.pt'"),
    "another network than said": ([DICTIONARY, "--model-name", "segnet"], "--model_name is 'segnet', but"),
    "code that is no address": ([DICTIONARY, "--allow-code", "strangers"], "must look like python:package.module:factory"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_use_is_one_sentence(case: str, picture: Path, tmp_path: Path, capsys: Capsys) -> None:
    (named, *more), words = BAD[case]
    command = [
        "predict",
        str(picture),
        "--checkpoint",
        named,
        "--task",
        "seg",
        "--out",
        str(tmp_path / "out"),
        *CPU,
        *more,
    ]
    assert main(command) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("segdepth: ")
    assert words in said[-1]
    assert not (tmp_path / "out").exists()


def test_an_address_without_a_task_is_asked_for_one(picture: Path, tmp_path: Path, capsys: Capsys) -> None:
    assert main(["predict", str(picture), "--checkpoint", DICTIONARY, "--out", str(tmp_path)]) == 2
    assert "say what python:strangers:Dictionary shall answer: --task seg or --task depth" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_train_and_study_a_network_by_address(run: Path, picture: Path, tmp_path: Path) -> None:
    config = configuration(tmp_path)
    typed = ["train", "--config", str(config), "--runs", str(tmp_path / "runs"), *CPU]
    assert processes.split_off(typed, tmp_path / "said.txt", 2).wait() == 0, (tmp_path / "said.txt").read_text()
    write_png(picture.parent / "second.png", np.zeros((32, 64, 3), np.uint8))
    study = VERBS["study"](str(run), picture, tmp_path / "study")
    both = [*study[: study.index("--num-image")], "--num-image", "2", *study[study.index("--sample-rate") :], *ALLOWED]
    assert processes.split_off(both, tmp_path / "said.txt", 2).wait() == 0, (tmp_path / "said.txt").read_text()
