"""All that is saved of one pixel's explanation, in a folder named after what was asked."""

import json
from pathlib import Path

import numpy as np
import pytest

from segdepth.drawing import write_png
from segdepth.explaining.one_pixel import result_folder, save_saliency
from segdepth.geometry.regions import Region
from segdepth.networks import Network
from segdepth.tasks import create_network


@pytest.fixture
def net() -> Network:
    return create_network("segnet", "seg", width=0.125).eval()


@pytest.mark.parametrize(
    ("target", "method", "crop", "name"),
    [
        ("predicted", "gradient", "none", "street_segnet_seg_3_4"),
        ("road:car", "smoothgrad", "garg", "street_segnet_seg_3_4_road-minus-car_smoothgrad_garg"),
        ("traffic light", "gradient", "none", "street_segnet_seg_3_4_traffic-light"),
    ],
)
def test_the_folder_says_what_was_asked(net: Network, target: str, method: str, crop: str, name: str) -> None:
    assert result_folder(net, Path("in/street.png"), Path("out"), "3_4", target, method, crop) == Path("out", name)


def test_pictures_map_and_record_are_saved(net: Network, tmp_path: Path) -> None:
    picture = tmp_path / "street.png"
    write_png(picture, np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8))
    saved = save_saliency(net, picture, (20, 9), tmp_path / "out", target="3")
    assert saved.folder == tmp_path / "out/street_segnet_seg_20_9_3"
    assert sorted(saved.files) == sorted(path.name for path in saved.folder.iterdir())
    info = json.loads((saved.folder / "info.json").read_text())
    assert (info["pixel"], info["size"], info["target"]) == ([20, 9], [32, 48], "3")
    assert info["peak"] == pytest.approx(float(np.load(saved.folder / "saliency.npy").max()))
    assert info["statistics"] == saved.statistics
    assert saved.answer.startswith("pixel (20, 9) of 32x48: ")
    assert saved.answer.endswith(", explained: 3")


def test_a_region_is_saved_under_its_name(net: Network, tmp_path: Path) -> None:
    picture = tmp_path / "street.png"
    write_png(picture, np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8))
    saved = save_saliency(net, picture, Region(4, 6, 9, 20), tmp_path / "out")
    assert saved.folder == tmp_path / "out/street_segnet_seg_region_4_6_9_20"
    info = json.loads((saved.folder / "info.json").read_text())
    assert info["region"] == [4, 6, 9, 20]
    assert "pixel" not in info
    assert info["answer"].startswith("mean over 70 pixels: ")
    assert saved.answer.startswith("region 4,6,9,20 of 32x48: mean over 70 pixels")
