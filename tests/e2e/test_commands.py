"""Every command and door, as a user types them, on a make-believe world: from nothing to an explained pixel."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

import processes
from segdepth.cli import main
from segdepth.geometry.crops import crop_window

REPOSITORY = Path(__file__).resolve().parents[2]
DOORS = {"train.py": "train", "validate_seg.py": "evaluate", "demo_seg.py": "predict", "demo_depth.py": "predict",
         "demo_saliency.py": "saliency"}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    assert main(["data", "synthesize", str(folder), "--num-images", "8", "--height", "64", "--width", "128"]) == 0
    return folder


@pytest.fixture(scope="module")
def configs(world: Path) -> dict[str, Path]:
    """A configuration for each task, as a user would write it."""
    written = {}
    for task in ("seg", "depth"):
        values = {
            "model": {"arch": "segnet", "width": 0.125},
            "task": task,
            "data": {"dataset": "cityscapes", "path": str(world), "img_rows": 48, "img_cols": 96},
            "training": {"train_iters": 4, "batch_size": 2, "val_interval": 2, "print_interval": 1, "n_workers": 0},
        }
        written[task] = world / f"tiny_{task}.yml"
        written[task].write_text(yaml.safe_dump(values))
    return written


@pytest.fixture(scope="module")
def runs(configs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A finished run of each task."""
    root = tmp_path_factory.mktemp("runs")
    for config in configs.values():
        assert main(["train", "--config", str(config), "--runs", str(root), "--device", "cpu"]) == 0
    return {task: root / f"tiny_{task}" for task in configs}


@pytest.fixture(scope="module")
def picture(world: Path) -> Path:
    return sorted((world / "leftImg8bit/val").rglob("*.png"))[0]


def test_evaluate_prints_and_stores_scores_with_their_protocol(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for task, score in (("seg", "mIoU"), ("depth", "abs_rel")):
        report = tmp_path / f"{task}.json"
        assert main(["evaluate", "--checkpoint", str(runs[task]), "--baselines", "--out", str(report)]) == 0
        printed = capsys.readouterr().out
        assert score in printed
        assert "constant baseline" in printed
        stored = json.loads(report.read_text())
        assert stored["protocol"]["images"] == 1
        assert set(stored["scores"]) == {"segnet", "constant baseline", "position baseline"}
        assert stored["provenance"]["versions"]["segdepth"]


def test_evaluate_takes_a_config_as_validate_seg_did(configs: dict[str, Path], runs: dict[str, Path]) -> None:
    assert main(["evaluate", "--config", str(configs["seg"]), "--model_path", str(runs["seg"])]) == 0
    trained = f"testing.trained_model={runs['seg']}"
    assert main(["evaluate", "--config", str(configs["seg"]), "data.val_split=train", trained]) == 0


def test_predict_writes_what_its_name_says(runs: dict[str, Path], picture: Path, tmp_path: Path) -> None:
    for task in ("seg", "depth"):
        arguments = ["--model_path", str(runs[task]), "--image_path", str(picture), "--model_name", "segnet"]
        assert main(["predict", *arguments, "--task", task, "--out", str(tmp_path)]) == 0
    ids = cv2.imread(str(tmp_path / f"{picture.stem}_trainIds.png"), cv2.IMREAD_UNCHANGED)
    metres = np.load(tmp_path / f"{picture.stem}_depth_metres.npy")
    stored = cv2.imread(str(tmp_path / f"{picture.stem}_depth_x256.png"), cv2.IMREAD_UNCHANGED)
    assert ids.shape == metres.shape == (64, 128), "at the picture's own size"
    assert ids.max() < 19
    assert metres.min() > 0
    np.testing.assert_allclose(stored / 256, metres, atol=1 / 256)
    assert main(["predict", str(picture.parent), "--checkpoint", str(runs["seg"]), "--out", str(tmp_path / "all")]) == 0
    assert len(list((tmp_path / "all").glob("*_seg.png"))) == 1


def test_predictions_of_several_folders_do_not_overwrite_each_other(
    runs: dict[str, Path], picture: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for folder in ("drive_1/data", "drive_2/data"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "0000.png").write_bytes(picture.read_bytes())
    arguments = ["predict", "--checkpoint", str(runs["depth"]), "--out", str(tmp_path / "out")]
    folders = [str(tmp_path / "drive_1/data"), str(tmp_path / "drive_2/data")]
    assert main([*arguments, *folders, folders[0]]) == 0
    assert "2 pictures -> 6 files" in capfd.readouterr().out
    for drive in ("drive_1", "drive_2"):
        assert (tmp_path / f"out/{drive}/data/0000_depth_metres.npy").exists()
    (tmp_path / "drive_1/data/0000.jpg").write_bytes(picture.read_bytes())
    assert main([*arguments, *folders]) == 2
    assert "would have the same results" in capfd.readouterr().err
    truncated = tmp_path / "truncated.png"
    truncated.write_bytes(picture.read_bytes()[:-100])
    assert main([*arguments, str(truncated)]) == 2
    said = capfd.readouterr().err
    assert "truncated.png is truncated" in said
    assert "libpng" not in said


def test_a_folder_of_folders_is_predicted(
    runs: dict[str, Path], picture: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for city in ("aachen", "ulm"):
        (tmp_path / "val" / city).mkdir(parents=True)
        (tmp_path / "val" / city / f"{city}.png").write_bytes(picture.read_bytes())
    (tmp_path / "val/ulm/._ulm.png").write_bytes(b"no picture, but what another system keeps beside one")
    out = tmp_path / "val/predictions"
    command = ["predict", "--checkpoint", str(runs["seg"]), "--out", str(out), str(tmp_path / "val")]
    for _ in range(2):  # the second time the first one's results are below the folder, too
        assert main(command) == 0
        assert "2 pictures -> 4 files" in capfd.readouterr().out
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*_trainIds.png")) == [
        "aachen/aachen_trainIds.png",
        "ulm/ulm_trainIds.png",
    ]
    (tmp_path / "empty/below").mkdir(parents=True)
    assert main([*command[:-1], str(tmp_path / "empty")]) == 2
    said = capfd.readouterr().err
    assert "there is no picture in" in said
    assert "or a folder below it (.bmp, .jpeg, .jpg, .png," in said


@pytest.mark.parametrize("flags", [["--pixel", "30", "40"], ["--pos_i", "30", "--pos_j", "40"]])
def test_saliency_draws_and_saves_the_raw_map(
    flags: list[str], runs: dict[str, Path], picture: Path, tmp_path: Path
) -> None:
    for task in ("seg", "depth"):
        arguments = ["--model_path", str(runs[task]), "--image_path", str(picture), *flags, "--out", str(tmp_path)]
        assert main(["saliency", *arguments]) == 0
        folder = tmp_path / f"{picture.stem}_segnet_{task}_30_40"
        raw = np.load(folder / "saliency.npy")
        assert raw.shape == (48, 96)
        assert raw.min() >= 0
        assert raw.max() > 0
        for name in ("image", "saliency", "prediction"):
            assert cv2.imread(str(folder / f"{name}.png")).shape == (48, 96, 3)
        info = json.loads((folder / "info.json").read_text())
        assert info["pixel"] == [30, 40]
        assert info["card"]["task"] == task
        assert 0 < info["statistics"]["activation_ratio@0.1"] <= 1


def test_saliency_takes_a_method_an_engine_a_crop_and_a_margin(
    runs: dict[str, Path], picture: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["saliency", "--checkpoint", str(runs["seg"]), "--image", str(picture), "--pixel", "30", "40"]

    def drawn(*more: str) -> np.ndarray:
        assert main([*arguments, *more, "--out", str(tmp_path / "-".join(more))]) == 0
        (folder,) = (tmp_path / "-".join(more)).iterdir()
        loaded: np.ndarray = np.load(folder / "saliency.npy")
        return loaded

    whole = drawn()
    assert "% of the diagonal" in capfd.readouterr().out
    for engine in ("reference", "batched", "windowed", "sparse"):
        np.testing.assert_allclose(drawn("--engine", engine), whole, rtol=1e-4, atol=1e-5 * whole.max())
    cut = drawn("--crop", "garg")
    rows, columns = crop_window("garg", *whole.shape)
    np.testing.assert_allclose(cut[rows, columns], whole[rows, columns], rtol=1e-4, atol=1e-5 * whole.max())
    assert np.isnan(cut).sum() == whole.size - cut[rows, columns].size
    assert not np.allclose(drawn("--method", "smoothgrad"), whole, rtol=0.1)
    road, car, margin = (drawn("--target", target) for target in ("road", "car", "road:car"))
    assert (margin <= road + car + 1e-6 * margin.max()).all()
    assert not np.allclose(margin, road, rtol=0.01)


def test_saliency_of_many_pixels_is_one_array(
    runs: dict[str, Path], picture: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "saliency",
        "--checkpoint",
        str(runs["seg"]),
        "--image",
        str(picture),
        "--target",
        "road",
        "--out",
        str(tmp_path),
    ]
    assert main([*arguments, "--grid", "20", "--crop", "garg"]) == 0
    folder = tmp_path / f"{picture.stem}_segnet_seg_grid_20_road_garg"
    assert f"-> {folder}/ (maps.npy [10, 28, 89], pixels.csv, info.json)" in capfd.readouterr().out
    maps = np.load(folder / "maps.npy", mmap_mode="r")
    lines = (folder / "pixels.csv").read_text().splitlines()
    assert lines[1].startswith("19,3,")
    (tmp_path / "two.txt").write_text("\n".join([lines[0], lines[7], lines[2]]))
    assert main([*arguments, "--pixels", str(tmp_path / "two.txt"), "--signed"]) == 0
    signed = np.load(tmp_path / f"{picture.stem}_segnet_seg_pixels_two_road" / "signed.npy", mmap_mode="r")
    assert signed.shape == (2, 3, 48, 96)
    rows, columns = crop_window("garg", 48, 96)
    np.testing.assert_allclose(
        np.abs(signed).max(1)[:, rows, columns], maps[[6, 1]], rtol=1e-4, atol=1e-5 * np.abs(signed).max()
    )


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["train", "--config", "nowhere.yml"], ["nowhere.yml", "no file"]),
        (["train", "--config", "{seg}", "model.arch=segnot"], ["model.arch", "did you mean 'segnet'"]),
        (["train", "--config", "{seg}", "data.path=/nowhere/at/all"], ["/nowhere/at/all"]),
        (["train", "--confg", "x"], ["--confg"]),
        (["train"], ["--config"]),
        (["trian"], ["trian"]),
        (["evaluate", "--checkpoint", "nowhere"], ["nowhere", "no checkpoint"]),
        (["evaluate"], ["--checkpoint", "--config"]),
        (["evaluate", "--checkpoint", "{run}", "--split", "nosplit"], ["nosplit"]),
        (["predict", "--checkpoint", "{run}"], ["picture"]),
        (["predict", "nothing.png", "--checkpoint", "{run}"], ["nothing.png"]),
        (["predict", "{seg}", "--checkpoint", "{run}"], ["no picture"]),
        (["predict", "{picture}", "--checkpoint", "{run}", "--task", "depth"], ["--task", "'depth'", "'seg'"]),
        (["predict", "{picture}", "--checkpoint", "{run}", "--model_name", "fcrn"], ["--model_name", "segnet"]),
        (["predict", "{picture}", "--checkpoint", "{run}", "--height", "99"], ["--height", "48x96"]),
        (["predict", "{picture}", "--checkpoint", "{run}", "--device", "cuda:77"], ["--device", "cuda:77"]),
        (
            ["saliency", "--checkpoint", "{run}", "--image", "{picture}"],
            ["--pixel ROW COL", "--pixels FILE", "--grid STEP"],
        ),
        (
            ["saliency", "--checkpoint", "{run}", "--image", "{picture}", "--pixel", "3", "4", "--grid", "9"],
            ["name what to explain once"],
        ),
        (
            ["saliency", "--checkpoint", "{run}", "--image", "{picture}", "--pixel", "3", "4", "--signed"],
            ["--signed", "--pixels FILE"],
        ),
        (
            ["saliency", "--checkpoint", "{run}", "--image", "{picture}", "--pixels", "nowhere.csv"],
            ["nowhere.csv", "no file"],
        ),
        (
            ["saliency", "--checkpoint", "{run}", "--image", "{picture}", "--pixel", "300", "40"],
            ["pixel (300, 40)", "48x96", "row must be 0..47, column 0..95"],
        ),
        (
            ["saliency", "--checkpoint", "{run}", "--image", "{picture}", "--pixel", "3", "4", "--target", "raod"],
            ["raod", "did you mean 'road'"],
        ),
        (
            ["saliency", "--checkpoint", "{run}", "--image", "{picture}", "--pixel", "3", "4", "--target", "road:cra"],
            ["cra", "did you mean 'car'"],
        ),
        (
            ["saliency", "--checkpoint", "{run}", "--image", "{picture}", "--pixel", "3", "4", "--crop", "gargg"],
            ["gargg", "did you mean 'garg'"],
        ),
        (
            ["saliency", "--checkpoint", "{run}", "--method", "gradent"],
            ["--method': 'gradent' is not one of 'gradient'"],
        ),
        (["config", "check", "{seg}", "training.batch_size=zero"], ["training.batch_size", "'zero'"]),
        (["data", "synthesize", "{world}", "--num-images", "9"], ["another"]),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(
    command: list[str],
    words: list[str],
    configs: dict[str, Path],
    runs: dict[str, Path],
    picture: Path,
    world: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"seg": configs["seg"], "run": runs["seg"], "picture": picture, "world": world}
    assert main([word.format(**places) for word in command]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert "Traceback" not in "".join(said)
    assert said[-1].startswith("segdepth: ")
    for word in words:
        assert word in said[-1]


def test_config_shows_the_schema_and_every_value_in_force(
    configs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"model", "task", "data", "training", "testing", "seed"} <= schema["properties"].keys()
    named = json.dumps(schema)
    for name in ("segnet", "poly_lr", "berhu_loss", "adamax", "synthetic", "hflip", "warmup_iters"):
        assert f'"{name}"' in named
    assert main(["config", "check", str(configs["depth"])]) == 0
    assert "good" in capsys.readouterr().out
    assert main(["config", "check", str(configs["depth"]), "--show", "training.optimizer.lr=5e-4"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["training"]["optimizer"]["lr"] == 5e-4
    assert shown["training"]["loss"]["name"] == "scale_invariant_loss"


@pytest.mark.parametrize("file", sorted((REPOSITORY / "configs").glob("*.yml")), ids=lambda path: path.stem)
def test_every_shipped_configuration_is_good(file: Path) -> None:
    assert main(["config", "check", str(file)]) == 0


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=REPOSITORY, check=False)


@pytest.mark.parametrize("door", DOORS)
def test_doors_say_their_verbs_help(door: str) -> None:
    done = run(door, "--help")
    assert done.returncode == 0
    assert f"segdepth {DOORS[door]}" in done.stdout


def test_a_door_does_its_job_and_reports_mistakes(configs: dict[str, Path], tmp_path: Path) -> None:
    done = ["train.py", "--config", str(configs["depth"]), "training.train_iters=1", "--runs", str(tmp_path)]
    output = tmp_path / "output.txt"
    assert processes.split_off(done, output).wait() == 0, output.read_text()
    assert "abs_rel" in output.read_text()
    refused = run("train.py", "--config", "nowhere.yml")
    assert refused.returncode == 2
    assert refused.stderr.startswith("segdepth: no file")


def test_help_imports_no_heavy_library() -> None:
    code = "import sys; from segdepth.cli import main; main(['--help']); print(sorted(sys.modules))"
    printed = run("-c", code).stdout
    for heavy in ("torch", "cv2", "matplotlib", "lightning_fabric", "pydantic"):
        assert f"'{heavy}'" not in printed


def test_saliency_imports_only_what_every_use_of_it_needs() -> None:
    printed = run("-c", "import sys; import segdepth.saliency; print(sorted(sys.modules))").stdout
    for heavy in (
        "numba",
        "llvmlite",
        "scipy",
        "cv2",
        "PIL",
        "matplotlib",
        "lightning_fabric",
        "pydantic",
        "torchvision",
    ):
        assert f"'{heavy}'" not in printed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_between_two_updates_and_it_goes_on(
    number: signal.Signals, configs: dict[str, Path], tmp_path: Path
) -> None:
    command = ["train.py", "--config", str(configs["seg"]), "--runs", str(tmp_path), "--device", "cpu",
               "training.train_iters=100000", "training.val_interval=100000", "training.n_workers=1"]  # fmt: skip
    output, log = tmp_path / "output.txt", tmp_path / "tiny_seg"
    running = processes.split_off(command, output)
    while not list(log.glob("*/log.jsonl")) or len(next(log.glob("*/log.jsonl")).read_text().splitlines()) < 3:
        assert running.alive(), output.read_text()
        time.sleep(0.05)
    running.send(number)  # as a terminal does: the workers get it too
    assert running.wait() == 130
    assert "Traceback" not in output.read_text()
    assert "training.resume=" in output.read_text()
    (folder,) = log.iterdir()
    done = len((folder / "log.jsonl").read_text().splitlines())
    stop = [f"training.resume={folder}", f"training.train_iters={done + 1}", "training.val_interval=100000"]
    assert main(["train", "--config", str(configs["seg"]), "--runs", str(tmp_path), "--device", "cpu", *stop]) == 0
    steps = [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert steps[: done + 1] == list(range(1, done + 2)), "no update is missing, none was done twice"
