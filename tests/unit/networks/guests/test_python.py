"""Code that a card names is run only where somebody says so."""

from pathlib import Path

import pytest
import torch

import segdepth
from segdepth import create_network
from segdepth.core.errors import CheckpointError, ConfigError
from segdepth.networks import save_network

DICTIONARY = "python:strangers:Dictionary"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_network(create_network(DICTIONARY, num_classes=4, width=6), tmp_path / "net.safetensors")
    return tmp_path / "net.safetensors"


def test_a_checkpoint_imports_nothing_of_its_own_accord(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segdepth.networks.guests.python.import_module", lambda _: pytest.fail("imported"))
    for allow in ((), ("python:strangers:Strict",), ("python:strangers",)):
        with pytest.raises(CheckpointError, match=f"--allow-code {DICTIONARY} "):
            segdepth.load(saved, allow=allow)


def test_one_string_allows_one_address_and_no_part_of_it(saved: Path) -> None:
    assert segdepth.load(saved, allow=DICTIONARY).out_channels == 4
    with pytest.raises(CheckpointError, match=f"--allow-code {DICTIONARY} "):
        segdepth.load(saved, allow=f"{DICTIONARY}ReaderOfMine")


def test_what_is_allowed_comes_back(saved: Path) -> None:
    net = segdepth.load(saved, allow=[DICTIONARY])
    assert net.card.options == {"width": 6}
    assert net(torch.zeros(1, 3, 32, 48)).shape == (1, 4, 32, 48)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (
            "python:strangers:broken",
            r"python:strangers:broken\(\) raises RuntimeError: no luck \(strangers\.py, line \d+\)",
        ),
        (
            "python:strangers:leaving",
            r"python:strangers:leaving\(\) raises SystemExit: usage: net \(strangers\.py, line",
        ),
        ("python:strangers:nothing", "has to give a torch.nn.Module, and gives an object of the type int"),
        ("python:strangers:Dictionari", "'strangers' has no 'Dictionari'"),
        ("python:strangers:MAKERS", "is a dict; it has to be a function or class"),
        ("python:no_such_module:build", "cannot be imported: ModuleNotFoundError: No module named 'no_such_module'"),
        ("python:strangers", "must look like python:package.module:factory"),
        ("python:", "names no network"),
    ],
)
def test_a_factory_that_gives_no_network_is_told(address: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        create_network(address)


def test_an_option_that_the_factory_does_not_take() -> None:
    with pytest.raises(ConfigError, match="unexpected keyword argument 'depth'"):
        create_network(DICTIONARY, depth=3)


def test_weights_that_the_factory_does_not_take() -> None:
    with pytest.raises(CheckpointError, match=r"model.pretrained: .* takes no 'pretrained'"):
        create_network(DICTIONARY, pretrained=True)


def test_a_module_beside_the_work_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net_of_this_folder.py").write_text(
        "import torch\n\ndef make(n_classes):\n    return torch.nn.Conv2d(3, n_classes, 1)\n"
    )
    monkeypatch.chdir(tmp_path)
    assert create_network("python:net_of_this_folder:make", num_classes=7).out_channels == 7


def test_a_script_that_ends_its_process_is_no_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ending.py").write_text("import sys\nsys.exit('usage: ending.py')\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"cannot be imported: SystemExit: usage: ending\.py \(ending\.py, line 2\)"):
        create_network("python:ending:Net")
