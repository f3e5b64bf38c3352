"""Folders as huggingface_hub writes and reads them; nothing here leaves the machine."""

import copy
import json
import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub import ModelCard
from huggingface_hub.errors import (
    EntryNotFoundError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

import segdepth
from segdepth.core.errors import CheckpointError
from segdepth.networks import NETWORKS, Network, SegNet
from segdepth.tasks import create_network


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the hub was asked")

    monkeypatch.setattr("segdepth.networks.hub.hf_hub_download", refuse)


@pytest.fixture
def net() -> Network:
    made = create_network("segnet", "depth", width=0.125).eval()
    made.card = made.card.model_copy(update={"input_size": (32, 64), "scores": {"abs_rel": 0.125, "a1": None}})
    return made


def test_a_folder_comes_back_as_the_same_network(net: Network, tmp_path: Path) -> None:
    net.save_pretrained(tmp_path / "net")
    assert {p.name for p in (tmp_path / "net").iterdir()} == {"model.safetensors", "config.json", "README.md"}
    x = torch.randn(1, 3, 37, 50)
    for loaded in (Network.from_pretrained(tmp_path / "net"), segdepth.load(tmp_path / "net")):
        assert type(loaded) is type(net)
        assert loaded.card == net.card
        assert not loaded.training
        torch.testing.assert_close(loaded(x), net(x), rtol=0, atol=0)
    assert json.loads((tmp_path / "net/config.json").read_text()) == net.card.model_dump(mode="json")


def test_a_class_loads_only_itself(net: Network, tmp_path: Path) -> None:
    net.save_pretrained(tmp_path)
    assert SegNet.from_pretrained(tmp_path).card == net.card
    with pytest.raises(CheckpointError, match="holds a SegNet, not a FCRN"):
        NETWORKS["fcrn"].from_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        (tmp_path / "empty").mkdir()
        Network.from_pretrained(tmp_path / "empty")


def test_a_file_is_taken_as_well(net: Network, tmp_path: Path) -> None:
    net.save_pretrained(tmp_path)
    assert SegNet.from_pretrained(tmp_path / "model.safetensors").card == net.card


@pytest.mark.parametrize(
    "name", ["missing_folder", "./owner/name", "/owner/name", "a/b/c", "owner/na me", "owner/", "ow\\n"]
)
def test_what_is_no_name_on_the_hub_is_refused_at_once(name: str) -> None:
    with pytest.raises(CheckpointError, match=r"no folder or file .*, and on the hub a network is called owner/name"):
        Network.from_pretrained(name)


def test_a_mistyped_folder_is_not_looked_for_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    with pytest.raises(CheckpointError, match=r"the folder 'runs' has no 'segnet' in it.*revision='main'"):
        Network.from_pretrained("runs/segnet")
    with pytest.raises(AssertionError, match="the hub was asked"):
        Network.from_pretrained("runs/segnet", revision="main")


RESPONSE = SimpleNamespace(headers={}, request=None)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (RepositoryNotFoundError("404\n\nlong", response=RESPONSE), "there is no such repository, or it is private"),
        (RevisionNotFoundError("404\n\nlong", response=RESPONSE), "it has no revision 'v2'"),
        (LocalEntryNotFoundError("An error happened"), "it is not in the cache, and the hub cannot be reached"),
        (EntryNotFoundError("404\n\nlong"), "it holds no model.safetensors"),
        (OSError("No space left\non device"), "No space left"),
    ],
)
def test_what_the_hub_says_becomes_one_sentence(error: Exception, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("segdepth.networks.hub.hf_hub_download", fail)
    with pytest.raises(CheckpointError, match=f"^cannot get 'owner/net' from the hub: {why}[^\n]*$"):
        Network.from_pretrained("owner/net", revision="v2")


def test_the_front_page_says_what_it_is(net: Network, tmp_path: Path) -> None:
    net.save_pretrained(tmp_path)
    page = ModelCard.load(tmp_path / "README.md")
    assert page.data.pipeline_tag == "depth-estimation"
    assert page.data.library_name == "segdepth"
    assert {"segdepth", "segnet", "depth"} <= set(page.data.tags)
    assert "| abs_rel | 0.1250 |" in page.text
    assert "32 rows, 64 columns" in page.text
    net.card = net.card.model_copy(update={"input_size": None})
    net.save_pretrained(tmp_path / "unknown")
    assert "Trained at an unknown size;" in (tmp_path / "unknown/README.md").read_text()


def test_pushing_uploads_that_folder(net: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    uploaded: dict[str, set[str]] = {}

    class Api:
        def __init__(self, **_: object) -> None: ...

        def create_repo(self, repo_id: str, **_: object) -> object:
            return type("Repo", (), {"repo_id": repo_id})

        def upload_folder(self, *, repo_id: str, folder_path: Path, **_: object) -> str:
            uploaded[repo_id] = {p.name for p in folder_path.iterdir()}
            return "https://hub/commit"

    monkeypatch.setattr("huggingface_hub.hub_mixin.HfApi", Api)
    assert net.push_to_hub("someone/segnet") == "https://hub/commit"
    assert uploaded == {"someone/segnet": {"model.safetensors", "config.json", "README.md"}}


def test_networks_can_still_be_copied_and_pickled(net: Network) -> None:
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert other.card == net.card
        assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in net.state_dict().items())
