"""Where a configuration comes from, and what is refused before anything is built."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segdepth import create_network
from segdepth.core.errors import CheckpointError, ConfigError
from segdepth.networks.guests import transformers_source
from segdepth.networks.guests.transformers import kind_of
from segdepth.networks.guests.transformers_source import find_source, quiet

from .tiny_transformers import change, folder_of, hf, segformer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_of(segformer(), tmp_path / "net")


def test_the_hub_is_asked_for_nothing_that_nobody_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(name: str, file: str, local_files_only: bool = False) -> str:
        assert local_files_only
        raise OSError("not in the cache")

    monkeypatch.setattr(transformers_source, "hf_hub_download", asked)
    monkeypatch.setattr(transformers_source, "snapshot_download", lambda *_, **__: pytest.fail("downloaded"))
    with pytest.raises(
        CheckpointError, match=r"hf:someone/net is not here.*pretrained: true says so; say that, or give a folder"
    ):
        create_network("hf:someone/net", num_classes=3)


def test_the_cache_is_enough_for_a_configuration(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformers_source, "hf_hub_download", lambda name, file, local_files_only: str(folder / file))
    assert create_network("hf:someone/net", num_classes=3).card.options["hidden_sizes"] == [4, 4, 8, 8]


def test_a_download_is_of_what_is_needed_and_code_is_refused_before_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[Any] = []

    def snapshot(name: str, allow_patterns: list[str]) -> str:
        wanted.extend(allow_patterns)
        return str(folder)

    monkeypatch.setattr(transformers_source, "hf_hub_download", lambda name, file: str(folder / file))
    monkeypatch.setattr(transformers_source, "snapshot_download", snapshot)
    net = create_network("hf:someone/net", num_classes=3, pretrained=True)
    assert net.card.guest is not None
    assert net.card.guest.weights == "someone/net"
    assert "model.safetensors" in wanted
    assert not [pattern for pattern in wanted if ".bin" in pattern or ".py" in pattern]
    wanted.clear()
    change(folder, auto_map={"AutoModel": "code.Net"})
    with pytest.raises(CheckpointError, match="hf:someone/net is made by code of its own"):
        create_network("hf:someone/net", num_classes=3, pretrained=True)
    assert not wanted


def test_the_hub_that_cannot_be_reached_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: Any, **__: Any) -> str:
        raise OSError("no route\nlong story")

    monkeypatch.setattr(transformers_source, "hf_hub_download", down)
    with pytest.raises(CheckpointError, match=r"^hf:someone/net cannot be had from the hub: no route$"):
        create_network("hf:someone/net", num_classes=3, pretrained=True)


def remote(folder: Path) -> None:
    change(folder, auto_map={"AutoConfig": "configuration.Config"})


def remote_inside(folder: Path) -> None:
    change(folder, backbone_config={"auto_map": {}})


def without_type(folder: Path) -> None:
    change(folder, model_type=None)


def of_another_version(folder: Path) -> None:
    change(folder, model_type="segformer9")


def quantised(folder: Path) -> None:
    change(folder, quantization_config={"quant_method": "bitsandbytes"})


def only_named(folder: Path) -> None:
    change(folder, model_type="upernet", backbone="microsoft/resnet-50")


def gone(folder: Path) -> None:
    (folder / "config.json").unlink()


def broken(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def a_list(folder: Path) -> None:
    (folder / "config.json").write_text("[]")


def ours(folder: Path) -> None:
    card = create_network("segnet", num_classes=3, width=0.0625).card
    (folder / "config.json").write_text(json.dumps(card.model_dump(mode="json")))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (remote, "is made by code of its own .*never run here"),
        (remote_inside, "is made by code of its own"),
        (without_type, "names no model_type"),
        (of_another_version, "knows no model type 'segformer9'"),
        (quantised, "its weights are quantised"),
        (only_named, r"its backbone is only named \(microsoft/resnet-50\)"),
        (gone, r"no file .*config\.json"),
        (broken, r"config\.json is no valid JSON \(Expecting property name"),
        (a_list, "holds a list"),
        (ours, "holds a network that segdepth saved; give the folder without 'hf:'"),
    ],
    ids=lambda value: getattr(value, "__name__", "words"),
)
def test_a_configuration_that_is_none_is_one_sentence(spoil: Callable[[Path], None], words: str, folder: Path) -> None:
    spoil(folder)
    with pytest.raises(CheckpointError, match=words) as caught:
        create_network(f"hf:{folder}", num_classes=3, pretrained=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["./none", "a/b/c", "/none", "~/none"])
def test_a_folder_that_is_not_there(name: str) -> None:
    with pytest.raises(ConfigError, match=f"there is no folder '{name}'"):
        find_source(name, download=False)


def test_a_file_is_no_folder(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"is a file; give the folder that holds its config.json"):
        find_source(str(folder / "config.json"), download=False)


def test_a_model_type_goes_before_a_folder_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder_of(segformer(hidden_sizes=[8, 8, 8, 8]), tmp_path / "segformer")
    beside = find_source("segformer", download=False)
    assert not beside.settings
    assert "hf:./segformer" in beside.remarks[0]
    assert find_source("./segformer", download=False).settings["hidden_sizes"] == [8, 8, 8, 8]


def test_the_library_is_as_loud_afterwards_as_before() -> None:
    logging = hf.utils.logging
    before = logging.get_verbosity()
    with quiet():
        assert not logging.is_progress_bar_enabled()
    assert logging.is_progress_bar_enabled()
    assert logging.get_verbosity() == before


@pytest.mark.parametrize("made_for", [5, {"a": 1}, [["SegformerForSemanticSegmentation"]], None], ids=str)
def test_a_class_that_is_no_name_says_nothing(made_for: object, folder: Path) -> None:
    change(folder, architectures=made_for)
    assert kind_of(str(folder)) == "labels"
