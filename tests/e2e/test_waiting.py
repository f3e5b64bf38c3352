"""A long job says first where its results will be; Ctrl-C ends it with one sentence that says how to go on."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from segdepth.cli import main
from segdepth.networks import save_network
from segdepth.tasks import create_network

GOES_ON = "what is done stays; the same command goes on"
ANEW = "the same command begins anew"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network, a configuration and a picture."""
    folder = tmp_path_factory.mktemp("here")
    net = create_network("dispnet", "depth", width=0.125)
    net.card = net.card.model_copy(update={"input_size": (64, 128)})
    save_network(net, folder / "net.safetensors")
    data = {"dataset": "synthetic", "img_rows": 64, "img_cols": 128, "height": 64, "width": 128, "num_images": 2}
    training = {"train_iters": 2, "batch_size": 1, "n_workers": 0}
    config = {"model": {"arch": "dispnet", "width": 0.125}, "task": "depth", "data": data, "training": training}
    (folder / "some.yml").write_text(yaml.safe_dump(config))
    (folder / "pictures").mkdir()
    cv2.imwrite(str(folder / "pictures" / "one.png"), np.zeros((64, 128, 3), np.uint8))
    return folder


#: Command -> what is at work when Ctrl-C comes, where the results would have been, what is said of going on.
JOBS = {
    "train --config some.yml --device cpu --runs [/x]": (
        "segdepth.training.update.Update.__call__", "[/x]/some/", "go on with training.resume=[/x]/some/",
    ),
    "study eval --null gaussian --data_path pictures --height 64 --width 128 --out [/x]": (
        "segdepth.studies.run.run_study", "[/x]/eval/gaussian/", GOES_ON,
    ),
    "prepare kitti --dataset_dir raw --dump-root [/x]": ("segdepth.data.prepare_kitti.prepare_kitti", "[/x]/", GOES_ON),
    "reproduce --only fcn8s_kitti_seg --runs [/x]": (
        "segdepth.cli.reproduce._work_off", "[/x]/reproduce/results.md", GOES_ON,
    ),
    "predict pictures --checkpoint net.safetensors --out [/x]": (
        "segdepth.evaluation.predicting.save_prediction", "[/x]/", ANEW,
    ),
    "evaluate --checkpoint net.safetensors --config some.yml --out [/x].json --worst 1 --pictures worst": (
        "segdepth.evaluation.service.score_set", "[/x].json, worst/", ANEW,
    ),
    "data synthesize [/x] --num-images 2": ("segdepth.data.synthetic.write_cityscapes", "[/x]/", ANEW),
    "data check --config some.yml --page [/x].html": ("segdepth.data.doctor.examine_splits", "[/x].html", ANEW),
    "receptive-field --checkpoint net.safetensors --out [/x]": (
        "segdepth.saliency.receptive_field.effective_field", "[/x]/", ANEW,
    ),
    "export net.safetensors --out [/x].onnx": ("segdepth.networks.export.export_onnx", "[/x].onnx", ANEW),
}  # fmt: skip


def ctrl_c(*_: object, **__: object) -> object:
    raise KeyboardInterrupt


@pytest.mark.parametrize("command", JOBS, ids=lambda command: " ".join(command.split()[:2]))
def test_a_long_job_says_where_its_results_will_be_and_how_to_go_on(
    command: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work, where, going_on = JOBS[command]
    monkeypatch.chdir(here)
    monkeypatch.setattr(work, ctrl_c)
    assert main(command.split()) == 130
    said = capsys.readouterr()
    lines = [line for line in said.err.splitlines() if line.strip()]
    assert f"results: {where}" in lines[0]
    assert going_on in said.err
    assert lines[-1] == "segdepth: interrupted"
    assert not said.out


def test_an_evaluation_that_writes_nothing_names_no_results(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(here)
    assert main(["evaluate", "--checkpoint", "net.safetensors", "--config", "some.yml"]) == 0
    assert "results" not in capsys.readouterr().err
