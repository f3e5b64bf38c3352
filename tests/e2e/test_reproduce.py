"""``segdepth reproduce`` as a user types it, with tiny budgets, on make-believe trees in the official layouts."""

import json
from pathlib import Path

import pytest

from segdepth.campaigns.published import PUBLISHED
from segdepth.cli import main
from segdepth.data.synthetic import write_cityscapes, write_kitti_raw, write_kitti_semantics

CONFIGS = str(Path(__file__).resolve().parents[2] / "configs")
DRIVES = (1, 2, 5)  # 2 is one of the 28 test scenes
#: Over every recipe: small enough for a test.
TINY = ["model.width=0.125", "model.pretrained=false", "data.img_rows=32", "data.img_cols=64", "training.batch_size=2",
        "training.accumulation=1", "training.n_workers=0", "training.train_iters=2", "training.val_interval=2",
        "training.print_interval=1", "training.precision=32-true"]  # fmt: skip
SEG, START, DEPTH = "segnet_kitti_seg", "segnet_cityscapes_seg", "dispnet_kitti_depth"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All four kinds of data, as --data wants them, and a short list of test files."""
    root = tmp_path_factory.mktemp("data")
    write_cityscapes(root / "cityscapes", num_images={"train": 2, "val": 1, "test": 2}, height=64, width=128)
    write_kitti_semantics(root / "kitti_semantics", num_images=5, height=64, width=128)
    write_kitti_raw(root / "kitti_raw", drives=DRIVES, frames=3, height=94, width=311)
    lines = (f"2011_09_26/2011_09_26_drive_0002_sync/image_02/data/{k:010d}.png" for k in range(2))
    (root / "files.txt").write_text("\n".join(lines))
    arguments = [
        "--dataset_dir",
        str(root / "kitti_raw"),
        "--dump-root",
        str(root / "kitti_depth"),
        "--num-threads",
        "1",
    ]
    assert main(["prepare", "kitti", *arguments, "--width", "104", "--height", "32", "--static-frames", "none"]) == 0
    return root


def arguments(data: Path, runs: Path, *only: str, overrides: list[str] = TINY) -> list[str]:
    places = [f"--data={name}={data / name}" for name in ("cityscapes", "kitti_semantics", "kitti_depth", "kitti_raw")]
    return ["reproduce", *places, "--runs", str(runs), "--configs", CONFIGS, "--device", "cpu",
            "--dataset-list", str(data / "files.txt"), *(f"--only={name}" for name in only), *overrides]  # fmt: skip


@pytest.fixture(scope="module")
def runs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three cells, done."""
    folder = tmp_path_factory.mktemp("runs")
    assert main(arguments(data, folder, SEG, START, DEPTH)) == 0
    return folder


def records(runs: Path) -> dict[str, dict[str, object]]:
    cells: dict[str, dict[str, object]] = json.loads((runs / "reproduce/results.json").read_text())["cells"]
    return cells


def test_the_scores_stand_beside_the_published_ones_with_their_protocols(runs: Path) -> None:
    cells = records(runs)
    assert list(cells) == [START, SEG, DEPTH], "the start is trained first"
    for name, record in cells.items():
        assert record["published"] == PUBLISHED[name].scores
        assert PUBLISHED[name].scores.keys() <= record["scores"].keys()
    protocols = {name: record["protocol"] for name, record in cells.items()}
    assert protocols[DEPTH]["name"] == "eigen-raw-garg"
    assert (protocols[DEPTH]["crop"], protocols[DEPTH]["files_scored"]) == ("garg", 2)
    assert (protocols[START]["dataset"], protocols[START]["split"]) == ("Cityscapes", "val")
    assert (protocols[SEG]["dataset"], protocols[SEG]["split"]) == ("KittiSemantics", "val")
    table = (runs / "reproduce/results.md").read_text().splitlines()
    assert len(table) == 2 + 1 + 1 + 7
    assert any(
        f"| {DEPTH} | abs_rel | 0.134 |" in line and "eigen-raw-garg, 2 of 697 files: not comparable" in line
        for line in table
    )


def test_kitti_semantics_starts_from_cityscapes(runs: Path) -> None:
    cells = records(runs)
    assert cells[SEG]["started_from"] == f"{cells[START]['run']}/best.safetensors"
    assert cells[START]["started_from"] == "random weights"


def test_the_second_call_trains_nothing(data: Path, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {file: file.stat().st_mtime_ns for file in runs.rglob("*") if file.is_file()}
    assert main(arguments(data, runs, SEG, START, DEPTH)) == 0
    said = capsys.readouterr()
    assert {file: file.stat().st_mtime_ns for file in runs.rglob("*") if file.is_file()} == before
    assert "cell 1 of" not in said.err
    assert sum(line.startswith(DEPTH) for line in said.out.splitlines()) == 7


def test_a_trained_cell_whose_scores_are_lost_is_only_scored(data: Path, runs: Path) -> None:
    results = runs / "reproduce/results.json"
    cells = records(runs)
    kept = {name: record for name, record in cells.items() if name != SEG}
    results.write_text(json.dumps({"cells": kept}))
    assert main(arguments(data, runs, SEG)) == 0
    again = records(runs)[SEG]
    assert again["run"] == cells[SEG]["run"]
    assert again["scores"] == cells[SEG]["scores"]
    assert again["started_from"] == cells[SEG]["started_from"]
    assert len(list((runs / SEG).iterdir())) == 1


def test_another_configuration_is_another_run(data: Path, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    longer = [*TINY, "training.train_iters=4"]
    assert main([*arguments(data, runs, START, overrides=longer), "--dry-run"]) == 0
    assert "to do: 4 updates" in capsys.readouterr().out
    assert len(list((runs / START).iterdir())) == 1


def test_an_interrupted_cell_goes_on(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from segdepth.cli.console import TrainingBar

    def interrupt(self: TrainingBar, step: int, loss: float | None, rate: float) -> None:
        raise KeyboardInterrupt

    cell, tiny = "segnet_cityscapes_depth", [*TINY, "training.checkpoint_interval=1"]
    with monkeypatch.context() as patched:
        patched.setattr(TrainingBar, "step", interrupt)
        assert main(arguments(data, tmp_path, cell, overrides=tiny)) == 130
    assert not (tmp_path / "reproduce/results.json").exists()
    assert main(arguments(data, tmp_path, cell, overrides=tiny)) == 0
    (run,) = (tmp_path / cell).iterdir()
    record = records(tmp_path)[cell]
    assert record["run"] == str(run)
    assert (record["protocol"]["split"], record["protocol"]["crop"]) == ("test", "cityscapes")


def test_a_failed_cell_is_said_and_the_others_go_on(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    never = [*TINY, "training.optimizer.lr=1e30"]
    assert main(arguments(data, tmp_path, "dispnet_kitti_seg", overrides=never)) == 1
    said = capsys.readouterr()
    assert "the loss is" in said.out
    assert not (tmp_path / "reproduce/results.json").exists()


def test_cells_without_data_name_what_was_looked_for(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["reproduce", "--dry-run", "--runs", str(tmp_path), "--configs", CONFIGS, "--only", "fcn8s_*",
               f"--data=cityscapes={tmp_path / 'nowhere'}", f"--data=kitti_semantics={data / 'kitti_raw'}",
               f"--data=kitti_depth={data / 'kitti_depth'}", f"--data=kitti_raw={data / 'kitti_raw'}"]  # fmt: skip
    assert main(command) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    assert f"no cityscapes: looked for {tmp_path / 'nowhere'}" in lines["fcn8s_cityscapes_seg"]
    assert "image_2" in lines["fcn8s_kitti_seg"]
    assert "of the 697 files" in lines["fcn8s_kitti_depth"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "fcn8_kitti_seg"], "did you mean 'fcn8s_kitti_seg'"),
        (["--data", "cityscape=/x"], "did you mean 'cityscapes'"),
        (["--data", "cityscapes"], "must look like cityscapes="),
        (["--configs", "nowhere"], "no file"),
        (["--only", "fcn8s_kitti_seg", "training.train_iter=3"], "train_iter"),
    ],
)
def test_mistakes_are_one_sentence(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", "--dry-run", "--runs", str(tmp_path), "--configs", CONFIGS, *words]) == 2
    assert message in capsys.readouterr().err


def test_foreign_results_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "reproduce").mkdir()
    (tmp_path / "reproduce/results.json").write_text('{"cells": [1]}')
    assert main(["reproduce", "--dry-run", "--runs", str(tmp_path), "--configs", CONFIGS]) == 2
    assert "move it away" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("place", ["local:2", "ray"])
def test_cells_are_worked_off_elsewhere(place: str, data: Path, runs: Path, tmp_path: Path) -> None:
    if place == "ray":
        pytest.importorskip("ray")
    assert main([*arguments(data, tmp_path, SEG, START, DEPTH), "--on", place]) == 0
    two, one = records(tmp_path), records(runs)
    assert sorted(two) == sorted(one)
    assert list(two)[-1] == SEG, "which starts from another, and waited for it"
    assert str(two[START]["run"]) in str(two[SEG]["started_from"])
    for name in one:
        assert two[name]["protocol"] == one[name]["protocol"]
        assert two[name]["scores"] == one[name]["scores"]
