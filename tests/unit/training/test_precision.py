"""Bfloat16 is computed where a device has the units; what a run computes in is recorded, and kept when it goes on."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from segdepth.campaigns.cells import Cell
from segdepth.campaigns.published import PUBLISHED
from segdepth.campaigns.reproduce import Results, train_cell
from segdepth.config import Config, check_config
from segdepth.core.errors import ConfigError
from segdepth.training import assemble, distributed, find_checkpoint, precision, train
from segdepth.training.precision import has_bfloat16_units, resolve_precision, run_precision

CPU = torch.device("cpu")

Units = Callable[[bool | None], None]


@pytest.fixture
def units(monkeypatch: pytest.MonkeyPatch) -> Units:
    """Says whether the device has bfloat16 units."""
    return lambda there: monkeypatch.setattr(precision, "has_bfloat16_units", lambda device: there)


def tiny(asked: str, **training: Any) -> Config:
    settings = {"train_iters": 2, "batch_size": 2, "val_interval": 2, "n_workers": 0, "precision": asked}
    data = {"dataset": "synthetic", "img_rows": 64, "img_cols": 128, "height": 64, "width": 128, "num_images": 2}
    model = {"arch": "dispnet", "width": 0.125}
    return check_config({"model": model, "task": "depth", "data": data, "training": settings | training})


def recorded(folder: Path) -> str:
    return str(yaml.safe_load((folder / "config.yaml").read_text())["training"]["precision"])


def weights(folder: Path) -> dict[str, Any]:
    return dict(torch.load(find_checkpoint(folder), weights_only=True)["model_state"])


def test_this_processor_is_asked_in_every_way_that_pytorch_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    for known, expected in (({"avx2": True, "avx512_f": True}, False), ({"avx512_bf16": True}, True),
                            ({"amx_bf16": True}, True), ({"bf16": True, "neon": True}, True)):  # fmt: skip
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda known=known: known)
        assert has_bfloat16_units(CPU) is expected
    monkeypatch.delattr(torch.cpu, "get_capabilities")  # as before PyTorch 2.10
    for there in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda there=there: there)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
        monkeypatch.setattr(precision.platform, "machine", lambda: "x86_64")
        assert has_bfloat16_units(CPU) is there


@pytest.mark.parametrize(("limit", "there"), [("AVX2", False), ("avx512_core", False), ("AVX512_CORE_BF16", True)])
def test_a_limit_on_the_convolutions_library_counts(limit: str, there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    assert has_bfloat16_units(CPU) is there


@pytest.mark.parametrize(
    ("asked", "there", "begun", "found", "said"),
    [
        ("auto", True, None, "bf16-mixed", ""),
        ("auto", False, None, "32-true", ""),
        ("auto", None, None, "32-true", ""),
        ("auto", True, "32-true", "32-true", ""),
        ("auto", True, "bf16-mixed", "bf16-mixed", ""),
        ("auto", False, "bf16-mixed", "bf16-mixed", "training.precision=32-true"),
        ("auto", False, "16-mixed", "32-true", ""),
        ("bf16-mixed", True, None, "bf16-mixed", ""),
        ("bf16-mixed", False, None, "32-true", "no bfloat16 units"),
        ("bf16-mixed", False, "bf16-mixed", "32-true", "no bfloat16 units"),
        ("bf16-mixed", None, None, "bf16-mixed", ""),
        ("32-true", True, "bf16-mixed", "32-true", ""),
        ("16-mixed", True, None, "16-mixed", ""),
    ],
)
def test_what_is_asked_becomes_what_is_computed(
    asked: str, there: bool | None, begun: str | None, found: str, said: str, units: Units
) -> None:
    units(there)
    became, remark = resolve_precision(asked, CPU, begun)
    assert became == found
    assert bool(remark) == bool(said)
    assert said in remark
    assert run_precision(asked, became) == became or begun is not None, "a new run is recognised by what it recorded"


def test_half_precision_without_the_units_is_float32_and_said_once(
    units: Units, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    units(False)
    whole = train(tiny("32-true"), name="whole", root=tmp_path, accelerator="cpu")
    with caplog.at_level(logging.WARNING, "segdepth.training"):
        replaced = train(tiny("bf16-mixed"), name="replaced", root=tmp_path, accelerator="cpu")
    (said,) = (r.message for r in caplog.records if r.message.startswith("training.precision"))
    assert "bf16-mixed is replaced by float32" in said
    assert "write 32-true, or auto" in said
    assert said in (replaced.folder / "train.log").read_text()
    assert recorded(replaced.folder) == "32-true"
    other = weights(replaced.folder)
    assert all(torch.equal(value, other[name]) for name, value in weights(whole.folder).items())


def test_auto_is_recorded_as_what_it_became_and_kept(
    units: Units, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[str] = []

    def launch(config: Config, accelerator: str) -> Any:
        computed.append(config.training.precision)
        return distributed.launch(config, accelerator)

    monkeypatch.setattr(assemble, "launch", launch)
    for there, became in ((True, "bf16-mixed"), (False, "32-true")):
        units(there)
        folder = train(tiny("auto"), name=became, root=tmp_path, accelerator="cpu").folder
        assert recorded(folder) == became
        units(not there)
        caplog.clear()
        longer = tiny("auto", train_iters=3, val_interval=3, resume=str(folder))
        assert train(longer, name=became, root=tmp_path, accelerator="cpu").folder == folder
        assert recorded(folder) == became
        warned = [record.message for record in caplog.records if "precision" in record.message]
        assert len(warned) == (became == "bf16-mixed"), "going on slowly is said, once"
    assert computed == ["bf16-mixed", "bf16-mixed", "32-true", "32-true"]


@pytest.mark.parametrize("asked", ["auto", "bf16-mixed"])
def test_a_run_is_recognised_by_the_configuration_that_it_was_begun_with(
    asked: str, units: Units, tmp_path: Path
) -> None:
    units(False)
    cell = Cell(PUBLISHED["fcrn_kitti_depth"], tiny(asked), tmp_path)
    results = Results(tmp_path / "reproduce")
    begun = train_cell(cell, results, tmp_path, device=CPU)
    assert recorded(begun) == "32-true"
    assert train_cell(cell, results, tmp_path, device=CPU) == begun, "it goes on, it is not begun anew"


def test_processes_whose_devices_differ_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "gather", lambda fabric, value: ["bf16-mixed", value])
    with pytest.raises(ConfigError, match="some would compute in 32-true and some in bf16-mixed"):
        distributed.launch(tiny("32-true"), "cpu")
