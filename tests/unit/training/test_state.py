"""A state that is not finite is never kept; one that goes on has the options that are configured, and no later files."""

import errno
import multiprocessing
import shutil
from pathlib import Path

import pytest
import torch

from segdepth.core.errors import CheckpointError, DataError, SegdepthError
from segdepth.data import Sample
from segdepth.data.synthetic import Synthetic
from segdepth.networks import read_card
from segdepth.training import Checkpoints, find_checkpoint, train
from segdepth.training.state import _require_whole

from .tiny import Impatient, newest, scalars, tiny

pytestmark = pytest.mark.usefixtures("frames_drawn_once")


def test_a_loss_that_is_not_finite_stops_the_run_and_says_where(tmp_path: Path) -> None:
    with pytest.raises(SegdepthError, match=r"not finite at iteration \d+ \(its pictures: train/"):
        train(tiny(optimizer={"name": "sgd", "lr": 1e30}), name="hot", root=tmp_path, accelerator="cpu")
    (folder,) = (tmp_path / "hot").iterdir()
    assert (folder / "not-finite.pt").is_file()
    assert not list((folder / "checkpoints").glob("*")), "no checkpoint holds what is broken"


def test_options_that_change_on_resuming_are_the_ones_in_force(tmp_path: Path) -> None:
    half = train(tiny(train_iters=3), name="half", root=tmp_path, accelerator="cpu").folder
    other = {"name": "adam", "lr": 1e-3, "weight_decay": 0.25, "betas": [0.5, 0.6]}
    train(tiny(resume=str(half), optimizer=other), name="half", root=tmp_path, accelerator="cpu")
    (group,) = newest(half)["optimizer_state"]["param_groups"]
    assert (group["weight_decay"], tuple(group["betas"])) == (0.25, (0.5, 0.6))


def test_what_came_after_an_older_checkpoint_is_set_aside(tmp_path: Path) -> None:
    config = {"checkpoint_interval": 2, "keep_checkpoints": 3, "val_interval": 2, "print_interval": 2}
    whole = train(tiny(**config), name="run", root=tmp_path, accelerator="cpu").folder
    kept = shutil.copytree(whole, tmp_path / "kept")
    older = str(whole / "checkpoints/00000002.pt")
    again = train(
        tiny(**config | {"keep_checkpoints": 1, "resume": older}), name="run", root=tmp_path, accelerator="cpu"
    )
    assert again.folder == whole
    assert [p.name for p in sorted((whole / "checkpoints").glob("*.pt"))] == ["00000006.pt"]
    assert [p.name for p in sorted((whole / "checkpoints/abandoned").iterdir())] == ["00000004.pt", "00000006.pt"]
    states = newest(kept), newest(whole)
    for name, value in states[0]["model_state"].items():
        assert torch.equal(value, states[1]["model_state"][name]), name
    assert scalars(kept) == scalars(whole)
    best = read_card(whole / "best.safetensors").scores["abs_rel"]
    assert best == states[1]["state"]["best"]


def test_weights_that_are_not_finite_are_never_kept(tmp_path: Path) -> None:
    wild = {"optimizer": {"name": "sgd", "lr": 1e39}, "lr_schedule": None, "train_iters": 1}
    with pytest.raises(SegdepthError, match="weights are not finite after iteration 1"):
        train(tiny(**wild), name="run", root=tmp_path, accelerator="cpu")
    (folder,) = (tmp_path / "run").iterdir()
    assert not list(folder.glob("checkpoints/*.pt"))
    assert not (folder / "best.safetensors").exists()
    with pytest.raises(CheckpointError, match="kept to look at"):
        train(tiny(resume=str(folder / "not-finite.pt"), **wild), name="run", root=tmp_path, accelerator="cpu")


def test_ctrl_c_on_the_heels_of_a_nan_says_nan(tmp_path: Path) -> None:
    wild = {"optimizer": {"name": "sgd", "lr": 1e30}, "lr_schedule": None, "print_interval": 100, "val_interval": 100}
    with pytest.raises(SegdepthError, match=r"not finite.*not-finite\.pt"):
        train(tiny(train_iters=50, **wild), name="run", root=tmp_path, accelerator="cpu", progress=Impatient(after=4))


def test_a_picture_that_cannot_be_read_loses_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = iter(range(100))

    def failing(self: Synthetic, index: int) -> Sample:
        if next(reads) >= 6:
            raise DataError("a picture is broken")
        return original(self, index)

    original = Synthetic.__getitem__
    monkeypatch.setattr(Synthetic, "__getitem__", failing)
    with pytest.raises(DataError):
        train(tiny(val_interval=6), name="run", root=tmp_path, accelerator="cpu")
    (folder,) = (tmp_path / "run").iterdir()
    assert newest(folder)["state"]["step"] == 3


@pytest.mark.parametrize(
    ("key", "value"), [("state", {"step": "x"}), ("optimizer_state", [1]), ("model_state", {"a": torch.zeros(1)})]
)
def test_a_checkpoint_of_other_types_is_refused(key: str, value: object, tmp_path: Path) -> None:
    run = train(tiny(train_iters=1), name="run", root=tmp_path, accelerator="cpu").folder
    path = find_checkpoint(run)
    torch.save(torch.load(path, weights_only=True) | {key: value}, path)
    with pytest.raises(SegdepthError, match=r"training\.resume"):
        train(tiny(resume=str(path)), name="run", root=tmp_path, accelerator="cpu")


def test_a_disk_that_is_full_leaves_no_loader_that_python_would_wait_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is kept, as a traceback keeps it: what its frames hold must have ended all the same."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "00000001.pt")

    monkeypatch.setattr(Checkpoints, "save", full)
    before = set(multiprocessing.active_children())
    with pytest.raises(OSError, match="No space left") as kept:
        train(tiny(n_workers=1, train_iters=4, checkpoint_interval=1), name="full", root=tmp_path, accelerator="cpu")
    assert set(multiprocessing.active_children()) <= before
    assert kept.value.errno == errno.ENOSPC


@pytest.mark.parametrize("memory", [torch.zeros(3), torch.zeros(1, 1)])
def test_the_memory_of_a_single_number_is_one(memory: torch.Tensor) -> None:
    parameter = torch.nn.Parameter(torch.tensor(1.0))
    optimizer = torch.optim.Adam([parameter])
    parameter.grad = torch.tensor(1.0)
    optimizer.step()
    _require_whole(optimizer)
    optimizer.state[parameter]["exp_avg"] = memory
    with pytest.raises(ValueError, match="another shape"):
        _require_whole(optimizer)
