"""What is validated is kept where it is the best, and ends a run that gets no better."""

from pathlib import Path

import pytest
import torch

from segdepth.networks import Network, load_network, save_network
from segdepth.training import train, validation

from .tiny import newest, scalars, tiny

pytestmark = pytest.mark.usefixtures("frames_drawn_once")


def test_the_average_is_what_is_validated_and_kept(tmp_path: Path) -> None:
    result = train(tiny(ema_decay=0.5, train_iters=3), name="x", root=tmp_path, accelerator="cpu")
    content = newest(result.folder)
    kept = load_network(result.folder).state_dict()
    assert all(torch.equal(kept[name], value) for name, value in content["averaged_state"].items())
    assert not torch.equal(kept["head.weight"], content["model_state"]["head.weight"])


def test_a_run_that_gets_no_better_stops_early(tmp_path: Path) -> None:
    config = tiny(train_iters=50, val_interval=1, early_stop_patience=2, optimizer={"name": "sgd", "lr": 1e-30})
    result = train(config, name="x", root=tmp_path, accelerator="cpu")
    validations = [line["step"] for line in scalars(result.folder) if line["event"] == "validation"]
    assert len(validations) < 10
    before = scalars(result.folder)
    again = tiny(train_iters=50, val_interval=1, early_stop_patience=2, optimizer={"name": "sgd", "lr": 1e-30},
                 resume=str(result.folder))  # fmt: skip
    train(again, name="x", root=tmp_path, accelerator="cpu")
    assert scalars(result.folder) == before, "it stays stopped"


def test_a_best_network_that_could_not_be_written_is_written_by_the_run_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state that is saved then does not say that the network was kept: its score would not be better a second time."""

    def full(net: Network, path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(validation, "save_network", full)
    with pytest.raises(OSError, match="No space left"):
        train(tiny(train_iters=2, val_interval=2), name="x", root=tmp_path, accelerator="cpu")
    monkeypatch.setattr(validation, "save_network", save_network)
    (folder,) = (tmp_path / "x").iterdir()
    result = train(tiny(train_iters=2, val_interval=2, resume=str(folder)), name="x", root=tmp_path, accelerator="cpu")
    assert result.checkpoint.is_file()
