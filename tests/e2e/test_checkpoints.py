"""convert and export, as a user types them."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import segdepth
from segdepth.cli import main
from segdepth.layers.resnet import RESNET50, ResNet
from segdepth.networks import save_network
from segdepth.tasks import create_network


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up resnet50 file of torchvision's; its tensors take no room."""
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in ResNet(RESNET50).state_dict().items()}
    path = tmp_path_factory.mktemp("weights") / "resnet50.pth"
    torch.save(
        {name: torch.ones(()).expand(shape) for name, shape in shapes.items()} | {"fc.bias": torch.ones(10)}, path
    )
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "best.safetensors"
    save_network(create_network("segnet", "depth", width=0.125), path)
    return path


def test_convert_reports_every_tensor(backbone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "fcrn.safetensors"
    size = ["--height", "64", "--width", "96"]
    assert main(["convert", str(backbone), "--task", "depth", "--out", str(target), "--keys", *size]) == 0
    printed = capsys.readouterr().out
    assert "torchvision's resnet50, the backbone of fcrn for depth; 318 of 319 tensors used" in printed
    assert "not used: fc.bias\n" in printed
    assert "\nlayer4.2.bn3.bias -> encoder.layer4.2.bn3.bias\n" in printed
    assert "\nleft at its start: head.weight\n" in printed
    net = segdepth.load(target)
    assert net.card.input_size == (64, 96)
    assert (net.encoder.conv1.weight == 1).all()  # type: ignore[union-attr]


def test_export_writes_beside_the_checkpoint(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = ["--height", "32", "--width", "64"]
    assert main(["export", str(checkpoint.parent), "--format", "torch_export", *size]) == 0
    assert "segnet for depth, 32x64, batch 1, within" in capsys.readouterr().out
    assert checkpoint.with_suffix(".pt2").is_file()


def test_free_sizes_are_the_same_in_the_help_and_in_the_answer(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("segdepth.networks.export.export_torch", lambda net, path, size: 1e-6)
    command = ["export", str(checkpoint), "--format", "torch_export", "--out", str(tmp_path / "net.pt2")]
    assert main(command) == 0
    assert "segnet for depth, 33 to 8192 rows and columns, batch 1 to 1024, within" in capsys.readouterr().out
    assert main(["export", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "the 8-bit RGB picture [batch, 3, rows, columns], preprocessing" in text
    assert "Rows and columns may be 33 to 8192 and the batch 1 to 1024" in text


def test_help_is_broken_where_the_terminal_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    done = subprocess.run(
        [sys.executable, "-m", "segdepth", "convert", "--help"], capture_output=True, text=True, check=True
    )
    assert 50 < max(map(len, done.stdout.splitlines())) <= 60
    # one paragraph, whose lines in the source end elsewhere
    assert "  Nothing in the file is executed. Every tensor that could\n  not be used is named.\n" in done.stdout


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["convert", "{backbone}"], ["resnet50.pth", "no task", "seg or depth or normals"]),
        (["convert", "{backbone}", "--task", "deph"], ["did you mean 'depth'"]),
        (["convert", "{backbone}", "--task", "depth", "--arch", "deeplab"], ["layer3.10", "needs resnet101"]),
        (["convert", "{backbone}", "--height", "64"], ["--height and --width"]),
        (["convert", "{backbone}", "--out", "x.pkl"], ["--out", ".safetensors"]),
        (["convert", "{checkpoint}", "--out", "{checkpoint}"], ["--out would replace"]),
        (["convert", "nowhere.pkl"], ["no weights file", "nowhere.pkl"]),
        (["export", "nowhere"], ["no checkpoint", "nowhere"]),
        (["export", "{checkpoint}", "--format", "tflite"], ["--format", "tflite"]),
        (["export", "{checkpoint}", "--out", "x.pt2"], ["--out", ".onnx"]),
        (["export", "{checkpoint}", "--width", "64"], ["--height and --width"]),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(
    command: list[str], words: list[str], backbone: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word.format(backbone=backbone, checkpoint=checkpoint) for word in command]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert "Traceback" not in "".join(said)
    assert said[-1].startswith("segdepth: ")
    for word in words:
        assert word in said[-1]
