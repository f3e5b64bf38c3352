"""The saliency study as a user types it: planned, carried out, killed and gone on with, shared out, analysed."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import processes
from segdepth.cli import main
from segdepth.networks import save_network
from segdepth.studies.store import load_study
from segdepth.tasks import create_network

REPOSITORY = Path(__file__).resolve().parents[2]
DOORS = {"saliency_eval.py": "study eval", "saliency_iou.py": "study iou", "saliency_class_val.py": "study class",
         "saliency_analysis.py": "analyse"}  # fmt: skip
COUNT = 6


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """KITTI semantics in small: 30 pictures, every fifth of which is validation."""
    folder = tmp_path_factory.mktemp("world")
    arguments = ["--layout", "kitti_semantics", "--num-images", "30", "--height", "64", "--width", "128"]
    assert main(["data", "synthesize", str(folder), *arguments]) == 0
    return folder


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("checkpoints")
    for task in ("seg", "depth"):
        torch.manual_seed(0)
        net = create_network("segnet", task, width=0.125)
        net.card = net.card.model_copy(update={"input_size": (48, 96)})
        save_network(net, folder / f"{task}.safetensors")
    return {task: folder / f"{task}.safetensors" for task in ("seg", "depth")}


def flags(world: Path, output: Path) -> list[str]:
    """The old scripts' spellings."""
    return ["--data_path", str(world), "--sample_rate", "15", "--num_image", str(COUNT), "--height", "48", "--width", "96",
            "--out", str(output), "--device", "cpu"]  # fmt: skip


@pytest.mark.slow
def test_from_checkpoints_to_the_page(
    world: Path, checkpoints: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    studies, page = tmp_path / "studies", tmp_path / "page"
    common = flags(world, studies)
    for task, path in checkpoints.items():
        named = ["--model_name", "segnet", "--task", task, "--model_path", str(path)]
        there = sorted(studies.rglob("*"))
        assert main(["study", "eval", *named, *common, "--plan", "--sample_rate", "24"]) == 0
        assert sorted(studies.rglob("*")) == there, "a plan writes nothing, so that the study can be another"
        planned = capsys.readouterr().out
        assert f"{COUNT} pictures to do" in planned
        assert re.search(r"GB of memory", planned)
        assert main(["study", "eval", *named, *common]) == 0
        assert main(["study", "class", *named, *common]) == 0
    assert main(["study", "eval", "--null", "gaussian", *common]) == 0
    assert main(["study", "eval", "--null", "random", "--model_path", str(checkpoints["seg"]), *common]) == 0
    both = ["--model_seg_path", str(checkpoints["seg"]), "--model_depth_path", str(checkpoints["depth"])]
    assert main(["study", "iou", "--model_name", "segnet", *both, *common]) == 0
    seg, depth = (load_study(studies / f"eval/segnet_{task}") for task in checkpoints)
    assert len(seg.digests) == COUNT
    assert seg.digests == depth.digests, "both tasks see the same pictures"
    assert seg.info.protocol["sources"][0]["card"]["task"] == "seg"

    assert main(["analyse", str(studies), "--out", str(page)]) == 0
    assert "activation distance" in capsys.readouterr().out
    text = (page / "index.html").read_text()
    assert not re.search(r"(src|href)=[\"'](?!data:)", text), "self-contained"
    assert (page / "comparisons.csv").exists()
    assert (page / "figures/segnet_activation_distance_0.1.svg").exists()

    alone = [str(studies / "eval" / name) for name in ("segnet_seg", "random-segnet_seg")]
    assert main(["analyse", *alone, "--out", str(page)]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"mean +95 % interval +random", printed)
    assert "ref. count" not in printed
    assert (page / "statistics.csv").exists()
    assert not (page / "comparisons.csv").exists()


def test_a_killed_study_goes_on_and_ends_the_same(world: Path, checkpoints: dict[str, Path], tmp_path: Path) -> None:
    command = ["study", "eval", "--model_path", str(checkpoints["seg"])]
    assert main([*command, *flags(world, tmp_path / "whole")]) == 0
    interrupted = tmp_path / "killed/eval/segnet_seg"
    running = processes.split_off(
        ["saliency_eval.py", *command[2:], *flags(world, tmp_path / "killed")], tmp_path / "output.txt"
    )
    until = time.monotonic() + 120
    while not list(interrupted.glob("part-*.parquet")) and time.monotonic() < until and running.alive():
        time.sleep(0.005)
    running.send(signal.SIGKILL)
    running.wait()
    survivors = {p: p.stat().st_mtime_ns for p in interrupted.glob("part-*.parquet")}
    assert survivors
    assert main([*command, *flags(world, tmp_path / "killed")]) == 0
    assert {p: p.stat().st_mtime_ns for p in survivors} == survivors, "what was done stays done"
    whole, gone_on = (load_study(tmp_path / name / "eval/segnet_seg") for name in ("whole", "killed"))
    for name, values in whole.rows.items():
        np.testing.assert_array_equal(gone_on.rows[name], values, err_msg=name)


def test_mistakes_are_one_sentence(
    world: Path, checkpoints: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = flags(world, tmp_path)
    seg = str(checkpoints["seg"])
    for arguments, said in (
        (["study", "eval", *common], "name a checkpoint"),
        (["study", "eval", "--model_path", seg, *common, "--num_image", "7"], "has 6 pictures"),
        (["study", "eval", "--model_path", seg, *common, "--shard", "2/2"], "i/n"),
        (["study", "eval", "--model_path", seg, "--task", "depth", *common], "trained for 'seg'"),
        (["study", "iou", "--seg", seg, "--depth", seg, *common], "--depth wants a network for 'depth'"),
        (["study", "iou", "--seg", str(checkpoints["depth"]), "--depth", seg, *common], "the two are swapped"),
        (["study", "eval", "--model_path", seg], "name the pictures"),
        (["study", "eval", "--model_path", seg, *common, "--sample_rate", "90"], "smaller --sample_rate"),
        (["analyse", str(tmp_path / "nowhere")], "holds no study"),
    ):
        assert main(arguments) == 2, arguments
        printed = capsys.readouterr().err
        assert said in " ".join(printed.split()), printed
        assert "Traceback" not in printed


@pytest.mark.parametrize("door", DOORS)
def test_the_doors_are_their_verbs(door: str) -> None:
    text = (REPOSITORY / door).read_text()
    assert f"segdepth {DOORS[door]}" in text
    assert ", ".join(f'"{word}"' for word in DOORS[door].split()) in text


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True])
def test_torchrun_gives_the_same_numbers(
    world: Path, checkpoints: dict[str, Path], tmp_path: Path, killed: bool
) -> None:
    """Two processes share the pictures; killed in the middle, the same command goes on."""
    seg, depth = (str(checkpoints[task]) for task in ("seg", "depth"))
    command = ["study", "iou", "--seg", seg, "--depth", depth]
    assert main([*command, *flags(world, tmp_path / "alone")]) == 0
    folder = tmp_path / "together/iou/segnet"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "segdepth",
                *command, *flags(world, tmp_path / "together")]  # fmt: skip
    if killed:
        process = subprocess.Popen(
            torchrun, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        until = time.monotonic() + 120
        while not list(folder.glob("part-*.parquet")) and time.monotonic() < until and process.poll() is None:
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert 0 < len(list(folder.glob("part-*.parquet"))) < COUNT
    subprocess.run(torchrun, check=True, capture_output=True, timeout=300)
    alone, together = load_study(tmp_path / "alone/iou/segnet"), load_study(folder)
    assert alone.rows.keys() == together.rows.keys()
    for name, values in alone.rows.items():
        np.testing.assert_array_equal(together.rows[name], values, err_msg=name)
    assert not list(folder.glob(".*")) or killed, "no temporary file is left"
