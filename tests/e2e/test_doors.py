"""What goes wrong at the door: names that look like markup, folders in use, disks that are full or read-only."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from segdepth.cli import main
from segdepth.core.locks import Part, held
from segdepth.networks import read_card

#: A name that markup would eat, and one that it would choke on; and what would become a picture of a car.
ODD = "[bold]a[/x] :car:"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world, raw drives and a configuration, in a folder with an odd name."""
    root = tmp_path_factory.mktemp("doors") / ODD
    small = ["--height", "64", "--width", "128"]
    assert main(["data", "synthesize", str(root / "world"), "--num-images", "3", *small]) == 0
    raw = ["--layout", "kitti_raw", "--num-images", "3", *small]
    assert main(["data", "synthesize", str(root / "raw"), *raw]) == 0
    config = {
        "model": {"arch": "segnet", "width": 0.125},
        "task": "seg",
        "data": {"dataset": "cityscapes", "path": str(root / "world"), "img_rows": 32, "img_cols": 64},
        "training": {"train_iters": 1, "batch_size": 1, "n_workers": 0, "optimizer": {"name": "adam", "lr": 1e-3}},
    }
    (root / "tiny.yml").write_text(yaml.safe_dump(config))
    return root


@pytest.fixture(scope="module")
def run(world: Path) -> Path:
    assert main(["train", "--config", str(world / "tiny.yml"), "--runs", str(world / "runs"), "--device", "cpu"]) == 0
    (folder,) = (world / "runs/tiny").iterdir()
    return folder


@pytest.fixture(scope="module")
def depth_run(world: Path) -> Path:
    arguments = ["--config", str(world / "tiny.yml"), "--runs", str(world / "depth"), "--device", "cpu"]
    assert main(["train", *arguments, "task=depth", "training.loss={name: l1_loss}"]) == 0
    (folder,) = (world / "depth/tiny").iterdir()
    return folder


@pytest.fixture(scope="module")
def picture(world: Path) -> Path:
    return sorted((world / "world/leftImg8bit/val").rglob("*.png"))[0]


@pytest.fixture
def commands(world: Path, run: Path, picture: Path) -> Callable[[Path], dict[str, list[str]]]:
    """Every command that writes, by what it is called here, writing below a folder."""
    of_world = ["--dataset", "cityscapes", "--dataset_dir", str(world / "world")]
    study = ["--checkpoint", str(run), "--num-image", "1", "--sample-rate", "8", "--engine", "windowed"]

    def below(out: Path) -> dict[str, list[str]]:
        train = ["train", "--config", str(world / "tiny.yml"), "--device", "cpu", "--runs"]
        kitti = [
            "prepare",
            "kitti",
            "--dataset_dir",
            str(world / "raw"),
            "--static-frames",
            "none",
            "--num-threads",
            "1",
        ]
        return {
            "train": [*train, str(out / "runs")],
            "cache": [*train, str(out.parent / "cached"), f"data.cache={json.dumps(str(out / 'cache'))}"],
            "evaluate": ["evaluate", "--checkpoint", str(run), "--out", str(out / "scores.json")],
            "worst": ["evaluate", "--checkpoint", str(run), "--worst", "1", "--pictures", str(out / "worst")],
            "predict": ["predict", str(picture), "--checkpoint", str(run), "--out", str(out / "predictions")],
            "saliency": ["saliency", "--checkpoint", str(run), "--image", str(picture), "--pixel", "9", "9",
                         "--engine", "windowed", "--out", str(out / "saliency")],
            "study": ["study", "eval", *study, "--data-path", str(world / "world"), "--dataset", "cityscapes",
                      "--out", str(out / "study")],
            "export": ["export", str(run), "--format", "torch_export", "--height", "32", "--width", "64",
                       "--out", str(out / "net.pt2")],
            "prepare": [*kitti, "--dump-root", str(out / "prepared")],
            "synthesize": ["data", "synthesize", str(out / "new"), "--num-images", "1", "--height", "32", "--width", "64"],
            "check": ["data", "check", *of_world, "--num-threads", "1", "--page", str(out / "page.html")],
            "show": ["data", "show", *of_world, "-n", "1", "--out", str(out / "shown")],
            "receptive-field": ["receptive-field", "--checkpoint", str(run), "--samples", "1", "--out", str(out / "fields")],
            "runs": ["runs", "compare", str(run), str(run), "--runs", str(world / "runs"), "--out", str(out / "two.html")],
            "demo": ["demo", "--out", str(out / "demo")],
        }  # fmt: skip

    return below


COMMANDS = ("train", "cache", "evaluate", "worst", "predict", "saliency", "study", "export", "prepare", "synthesize", "check",
            "show", "receptive-field", "runs", "demo")  # fmt: skip

#: Measures for seconds before it writes, as the others do: a page and pictures, each whole.
SLOW = {"receptive-field"}

#: Says nothing of where it writes, or takes minutes to come to it.
SILENT = {"cache", "demo"}


def test_every_command_is_tried(commands: Callable[[Path], dict[str, list[str]]], tmp_path: Path) -> None:
    assert set(commands(tmp_path)) == set(COMMANDS)


def tried(*names: str) -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in names]


@pytest.mark.parametrize("command", tried(*(name for name in COMMANDS if name not in SILENT)))
def test_a_path_is_printed_as_it_is(
    command: str, commands: Callable[[Path], dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / f"{ODD} {'long ' * 20}" / ODD
    assert main(commands(out)[command]) == 0
    printed = capsys.readouterr()
    assert str(out) in printed.out + printed.err or command == "evaluate", "whole, in one line"
    if command in ("evaluate", "worst"):
        assert f"{ODD}/runs/tiny" in printed.out


@pytest.mark.parametrize("command", tried(*COMMANDS))
def test_a_folder_that_cannot_be_written_is_one_sentence(
    command: str,
    commands: Callable[[Path], dict[str, list[str]]],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Read-only, as far as ``mkdir`` knows."""
    out = tmp_path / "read only"
    mkdir = os.mkdir

    def refuse(path, *rest, **options):
        if str(path).startswith(str(out)):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        mkdir(path, *rest, **options)

    monkeypatch.setattr(os, "mkdir", refuse)
    require_one_sentence(main(commands(out)[command]), capfd.readouterr().err, str(out), os.strerror(errno.EROFS))


def require_one_sentence(code: int, said: str, path: str, why: str) -> None:
    assert code == 2, said
    assert "Traceback" not in said
    last = said.rstrip().splitlines()[-1]
    assert last.startswith(f"segdepth: {path}"), said
    assert last.endswith(why)
    assert said.count(why) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts a file system of so many bytes; the test is skipped, by name, where this process may not."""
    place = tmp_path / "small"
    place.mkdir()

    def mount(size: int) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
        if not sys.platform.startswith("linux") or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("needs the right to mount a small file system (root)")
        return place

    yield mount
    if os.path.ismount(place):
        subprocess.run(["umount", "-l", str(place)], check=True)


#: Bytes at which a command comes to the end of the disk, early and late.
SIZES = {"train": (0, 8192, 40960, 1500000), "prepare": (0, 8192, 20480), "study": (0, 4096), "export": (0, 500000)}


@pytest.mark.parametrize(
    ("command", "size"), [(name, size) for name in COMMANDS if name not in SLOW for size in SIZES.get(name, (0,))]
)
def test_a_full_disk_is_one_sentence_and_earlier_results_stay(
    command: str,
    size: int,
    commands: Callable[[Path], dict[str, list[str]]],
    small_disk: Callable[[int], Path],
    capfd: pytest.CaptureFixture[str],
) -> None:
    out = small_disk(size + 4096)
    (out / "earlier").write_bytes(bytes(4096))
    require_one_sentence(main(commands(out)[command]), capfd.readouterr().err, str(out), os.strerror(errno.ENOSPC))
    assert (out / "earlier").read_bytes() == bytes(4096)
    left = [path.name for path in out.rglob("*") if ".part" in path.name or path.name.startswith(".lock")]
    assert not left


def test_a_run_whose_disk_was_full_goes_on_when_there_is_room(
    world: Path, small_disk: Callable[[int], Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What it wrote before is whole: the checkpoint of the update before, and the log up to it."""
    out = small_disk(9 << 20)
    arguments = ["train", "--config", str(world / "tiny.yml"), "--device", "cpu", "--runs"]
    often = ["training.train_iters=4", "training.checkpoint_interval=1", "training.val_interval=1"]
    assert main([*arguments, str(out), *often]) == 2
    assert os.strerror(errno.ENOSPC) in capfd.readouterr().err
    shutil.copytree(out / "tiny", tmp_path / "more/tiny")
    assert main([*arguments, str(tmp_path / "more"), *often, "training.resume=auto"]) == 0
    assert main([*arguments, str(tmp_path / "whole"), *often]) == 0
    logs = [next((tmp_path / name / "tiny").iterdir()) / "log.jsonl" for name in ("more", "whole")]
    assert logs[0].read_text() == logs[1].read_text()


def test_the_second_in_a_folder_is_told_who_is_there(
    commands: Callable[[Path], dict[str, list[str]]],
    world: Path,
    run: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    below = commands(tmp_path)
    resume = [*below["train"], "training.train_iters=2", f"training.resume={json.dumps(str(run))}"]
    (prepared := tmp_path / "prepared/.prepare").mkdir(parents=True)
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    for command, folder, part in (
        (resume, run, None),
        (below["study"], tmp_path / "study/eval/segnet_seg", None),
        (below["prepare"], prepared, Part(0, 1)),
    ):
        with held(folder, part):
            assert main(command) == 2
        last = capfd.readouterr().err.rstrip().splitlines()[-1]
        assert last.startswith(f"segdepth: {str(folder)!r} is in use by process {os.getpid()} on ")
        assert " since 20" in last
        assert main(command) == 0, "when the first has ended"
        capfd.readouterr()
    assert all(file.exists() for file in before)
    assert not list(tmp_path.rglob(".lock*"))
    assert not list(run.rglob(".lock*"))


YAMLS = (b"", b"\xff\xfe", b"[1, 2]", b"3", b"data: 3", b"a: !!timestamp foo", b"a: 2026-13-45", b"? [a, b]\n: 1",
         b"a: &a [*a]", b"{", b"!!python/object:os.system x", b"a: " + b"[" * 3000, b"training: 2001-01-01")  # fmt: skip
JSONS = (b"", b"{", b"[]", b"null", b"\xff\n", b"[" * 100_000, b'{"event": "train", "step": "1"}',
         b'{"event": "train", "step": 1, "train_loss": 1' + b"0" * 400 + b"}", b'{"time": 3, "git": 3, "versions": [1]}',
         b'{"event": "validation", "step": true, "mIoU": "x"}')  # fmt: skip


@pytest.mark.parametrize("file", ["config.yaml", "log.jsonl", "provenance.json"])
def test_a_run_with_a_broken_file_is_named_or_told_of_or_gone_on_with(
    file: str, world: Path, run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "runs/tiny" / run.name
    for content in YAMLS if file == "config.yaml" else JSONS:
        shutil.rmtree(tmp_path / "runs", ignore_errors=True)
        shutil.copytree(run, broken)
        (broken / file).write_bytes(content)
        assert main(["runs", "--runs", str(tmp_path / "runs")]) == 0
        assert "tiny" in capfd.readouterr().out
        assert main(["runs", "compare", str(broken), str(run)]) == 0
        train = ["train", "--config", str(world / "tiny.yml"), "--runs", str(tmp_path / "runs"), "--device", "cpu"]
        code = main([*train, f"training.resume={json.dumps(str(broken))}"])
        said = capfd.readouterr().err
        assert code == (2 if file == "config.yaml" else 0), said
        assert code == 0 or str(broken) in said.rstrip().splitlines()[-1]


CARDS = ("", "{", "[]", "3", "[" * 5000, '{"arch": 3}', '{"format": 1}')


def test_a_checkpoint_with_a_broken_card_is_one_sentence(
    run: Path, picture: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    card = json.loads(read_card(run / "best.safetensors").model_dump_json())
    odd = [card | {"options": options} for options in ({"width": -1}, {"width": "a"}, {"depth": 3}, {"width": None})]
    odd += [card | {"out_channels": channels} for channels in (-3, 0, 10**9)]
    tensors = load_file(run / "best.safetensors")
    weights = tmp_path / "weights.safetensors"
    for text in (*CARDS, *map(json.dumps, odd)):
        save_file(tensors, weights, metadata={"segdepth": text})
        code = main(["predict", str(picture), "--checkpoint", str(weights), "--out", str(tmp_path / "out")])
        said = capfd.readouterr().err
        assert code == 2, (text, said)
        assert said.startswith("segdepth: ")
    checkpoint = sorted((run / "checkpoints").glob("*.pt"))[0]
    state = torch.load(checkpoint, weights_only=True)
    for change in ({"card": 3}, {"card": "{"}, {"model_state": 3}, {"model_state": {"a": 1}}):
        torch.save(state | change, tmp_path / "changed.pt")
        assert main(["predict", str(picture), "--checkpoint", str(tmp_path / "changed.pt")]) == 2, change
        assert capfd.readouterr().err.startswith(f"segdepth: '{tmp_path}/changed.pt'")


def test_a_damaged_archive_is_one_sentence(
    run: Path, picture: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    checkpoint = sorted((run / "checkpoints").glob("*.pt"))[0]
    whole = checkpoint.read_bytes()
    file = tmp_path / "damaged.pt"
    central = whole.rindex(b"PK\x01\x02", 0, whole.index(b"PK\x05\x06", len(whole) - 100))
    first = whole.index(b"PK\x01\x02")
    for place, value in [(8, b"\x63\0"), (6, b"\1\0"), *((first + offset, b"\x63\0") for offset in (8, 10, 28, 42))]:
        file.write_bytes(whole[:place] + value + whole[place + 2 :])
        code = main(["predict", str(picture), "--checkpoint", str(file), "--out", str(tmp_path / "out")])
        said = capfd.readouterr().err
        assert code in (0, 2)
        assert code == 0 or said.startswith(f"segdepth: '{file}'"), said
    file.write_bytes(whole[:central] + bytes(46) + whole[central + 46 :])
    assert main(["predict", str(picture), "--checkpoint", str(file)]) == 2
    assert capfd.readouterr().err.startswith(f"segdepth: '{file}'")
