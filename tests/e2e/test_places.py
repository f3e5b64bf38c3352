"""Verbs whose work is done by two processes: the same files and the same scores as by one, to the last byte."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml

from segdepth.cli import main
from segdepth.executing import parse_place
from segdepth.networks import save_network
from segdepth.tasks import create_network

SIZE = (48, 96)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures with depth, and a network for it that answers two at a time."""
    folder = tmp_path_factory.mktemp("world")
    torch.manual_seed(0)
    data = {
        "dataset": "synthetic",
        "img_rows": SIZE[0],
        "img_cols": SIZE[1],
        "height": 64,
        "width": 128,
        "num_images": 5,
    }
    training = {"train_iters": 2, "batch_size": 2, "n_workers": 0}
    config = {"model": {"arch": "dispnet", "width": 0.125}, "task": "depth", "data": data, "training": training}
    (folder / "some.yml").write_text(yaml.safe_dump(config))
    net = create_network("dispnet", "depth", width=0.125)
    net.card = net.card.model_copy(update={"input_size": SIZE})
    save_network(net, folder / "net.safetensors")
    layout = ["--layout", "kitti_semantics", "--num-images", "3", "--height", "64", "--width", "128"]
    assert main(["data", "synthesize", str(folder / "kitti"), *layout]) == 0
    return folder


@pytest.fixture(params=["local:2", pytest.param("ray", marks=pytest.mark.slow)])
def on(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    if request.param == "ray":
        pytest.importorskip("ray")
    return ["--on", request.param]


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "study.json"
    }


def test_evaluate(world: Path, on: list[str], tmp_path: Path) -> None:
    command = ["evaluate", "--checkpoint", str(world / "net.safetensors"), "--config", str(world / "some.yml"), "--device", "cpu",
               "--baselines", "--worst", "2"]  # fmt: skip
    for name, where in (("one", []), ("two", on)):
        folder = tmp_path / name
        there = ["--out", str(folder / "scores.json"), "--pictures", str(folder / "worst")]
        assert main([*command, *there, *where]) == 0
    texts = ((tmp_path / name / "scores.json").read_text().replace(f"/{name}/", "/") for name in ("one", "two"))
    one, two = map(json.loads, texts)
    assert {key: value for key, value in two.items() if key != "provenance"} == {
        key: value for key, value in one.items() if key != "provenance"
    }
    assert files(tmp_path / "two/worst") == files(tmp_path / "one/worst")
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["scores.json", "worst"]


@pytest.mark.slow
def test_predict(world: Path, on: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        "predict",
        str(world / "kitti/training/image_2"),
        "--checkpoint",
        str(world / "net.safetensors"),
        "--device",
        "cpu",
    ]
    for name, where in (("one", []), ("two", on)):
        assert main([*command, "--out", str(tmp_path / name), *where]) == 0
    assert files(tmp_path / "two") == files(tmp_path / "one")
    one, two = (line.partition(" in ")[0] for line in capsys.readouterr().out.splitlines())
    assert one == two


@pytest.mark.slow
def test_study_and_its_status(world: Path, on: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["study", "eval", "--checkpoint", str(world / "net.safetensors"), "--sample-rate", "9", "--device", "cpu",
               "--data-path", str(world / "kitti/training/image_2")]  # fmt: skip
    assert main([*command, "--out", str(tmp_path / "two"), *on]) == 0
    threads = torch.get_num_threads()
    torch.set_num_threads(parse_place(on[1]).threads(0) or threads)
    assert main([*command, "--out", str(tmp_path / "one")]) == 0
    torch.set_num_threads(threads)
    assert files(tmp_path / "two") == files(tmp_path / "one")
    capsys.readouterr()
    assert main(["study", "status", str(tmp_path), "--json"]) == 0
    assert [one["done"] for one in json.loads(capsys.readouterr().out)] == [3, 3]
    assert main(["study", "status", str(tmp_path)]) == 0
    assert "3 of 3 pictures done" in capsys.readouterr().out


def test_mistakes_are_one_sentence(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = ["--checkpoint", str(world / "net.safetensors")]
    pictures = str(world / "kitti/training/image_2")
    for arguments, said in (
        (["predict", pictures, *net, "--on", "moon"], "--on 'moon' is no place; give local"),
        (["evaluate", "--predictions", pictures, "--on", "local"], "--on is for a network's answers"),
        (["prepare", "kitti", "--dataset_dir", pictures, "--out", str(tmp_path / "x"), "--on", "local:2", "--num-threads", "2"],
         "--num-threads N is --on local:N; give one of the two"),
    ):  # fmt: skip
        assert main(arguments) == 2
        assert said in " ".join(capsys.readouterr().err.split())
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(["study", "eval", *net, "--data-path", pictures, "--on", "local:2"]) == 2
    assert "torchrun shares it out already" in " ".join(capsys.readouterr().err.split())
