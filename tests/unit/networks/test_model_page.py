"""What a repository's front page says of networks of other people."""

from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard

import segdepth
from segdepth.core.errors import CheckpointError
from segdepth.networks import Card, GuestFacts, Network
from segdepth.networks.model_page import model_page
from strangers import Dictionary

DICTIONARY = "python:strangers:Dictionary"


def card(arch: str, **options: object) -> Card:
    return Card(arch=arch, output="logits", out_channels=3, preprocessing="imagenet", task="seg", guest=GuestFacts(),
                options=options)  # fmt: skip


@pytest.mark.parametrize(
    ("arch", "load", "words"),
    [
        ("smp:Unet", 'from_pretrained("this repository or folder")', "pip install 'segdepth[smp]'"),
        (DICTIONARY, f"folder\", allow=['{DICTIONARY}'])", f"--allow-code {DICTIONARY}"),
        ("Dictionary", 'folder", module=module)', "segdepth.register('Dictionary', build)"),
    ],
)
def test_a_page_says_how_its_network_is_loaded(arch: str, load: str, words: str) -> None:
    page = model_page(card(arch, width=3, config={"long": list(range(99))}))
    assert load in page
    assert words in page
    assert f"# {arch}, seg" in page
    assert "`width: 3`, `config: see config.json`" in page
    assert arch.replace(":", "-") in ModelCard(page).data.tags


def test_scores_stand_beside_how_they_were_taken() -> None:
    protocol = {"dataset": "CamVid", "network_size": [90, 120], "files_missing": [], "crop": "garg"}
    page = model_page(card(DICTIONARY).model_copy(update={"scores": {"mIoU": 0.25}, "protocol": protocol}))
    assert "| mIoU | 0.2500 |" in page
    assert page.endswith(
        "| protocol | |\n| --- | --- |\n| dataset | CamVid |\n| network size | 90x120 |\n| crop | garg |\n"
    )


def test_a_guest_goes_to_a_folder_and_comes_back(tmp_path: Path) -> None:
    net = segdepth.create_network(DICTIONARY, num_classes=4).eval()
    net.save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="is not run unless you say so"):
        Network.from_pretrained(tmp_path)
    x = torch.rand(1, 3, 33, 40)
    for back in (
        Network.from_pretrained(tmp_path, allow=[DICTIONARY]),
        Network.from_pretrained(tmp_path, module=Dictionary(4)),
    ):
        torch.testing.assert_close(back(x), net(x))
