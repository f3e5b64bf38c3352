import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from segdepth.core.errors import InputError
from segdepth.data.files import read_rgb
from segdepth.drawing import write_png
from segdepth.explaining import many_pixels
from segdepth.explaining.many_pixels import save_maps
from segdepth.explaining.pixel_files import read_pixels
from segdepth.geometry.crops import crop_window
from segdepth.geometry.resize import resize_image
from segdepth.networks import Network
from segdepth.saliency import Pixel, reference_gradients
from segdepth.tasks import create_network

SIZE = (32, 48)
PIXELS = [(20, 9), (0, 47), (31, 0), (20, 10)]


@pytest.fixture(scope="module")
def net() -> Network:
    torch.manual_seed(0)
    net = create_network("segnet", "seg", width=0.125).eval()
    net.card = net.card.model_copy(update={"input_size": SIZE})
    return net


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "street.png"
    write_png(path, np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8))
    return path


def chosen(size: tuple[int, int]) -> list[Pixel]:
    assert size == SIZE
    return PIXELS


def expected(net: Network, picture: Path) -> torch.Tensor:
    x = net.preprocessing(torch.from_numpy(resize_image(read_rgb(picture), SIZE)).permute(2, 0, 1)[None])[0]
    return torch.stack(list(reference_gradients(net, x, PIXELS, 3)))


@pytest.mark.parametrize(("signed", "crop"), [(False, "none"), (False, "garg"), (True, "none"), (True, "garg")])
def test_an_array_of_maps_or_signed_rows(signed: bool, crop: str, net: Network, picture: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    saved = save_maps(
        net, picture, chosen, "few", tmp_path / "out", signed=signed, target="3", crop=crop,
        progress=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    rows, columns = crop_window(crop, *SIZE)
    gradients = expected(net, picture)[..., rows, columns]
    maps = gradients if signed else gradients.abs().amax(1)
    array = np.load(saved.folder / saved.array, mmap_mode="r")
    assert array.shape == saved.shape == tuple(maps.shape)
    np.testing.assert_allclose(array, maps, rtol=1e-4, atol=1e-5 * float(maps.abs().max()))
    assert told[0] == (0, 4)
    assert told[-1] == (4, 4)
    info = json.loads((saved.folder / "info.json").read_text())
    assert info["window"] == {"rows": [rows.start, rows.stop], "columns": [columns.start, columns.stop]}
    assert info["shape"] == list(maps.shape)
    assert info["size"] == list(SIZE)
    assert read_pixels(saved.folder / "pixels.csv", SIZE) == PIXELS
    assert saved.folder == tmp_path / "out" / f"street_segnet_seg_few_3{'' if crop == 'none' else '_garg'}"
    assert sorted(path.name for path in saved.folder.iterdir()) == sorted([saved.array, "pixels.csv", "info.json"])


def test_maps_that_are_zero_everywhere_are_counted(net: Network, picture: Path, tmp_path: Path) -> None:
    dead = create_network("segnet", "seg", width=0.125).eval()
    torch.nn.init.zeros_(list(dead.parameters())[-2])
    for signed in (False, True):
        assert save_maps(net, picture, chosen, "alive", tmp_path, signed=signed).zero == 0
        saved = save_maps(dead, picture, lambda _: [(0, 0), (20, 9)], "dead", tmp_path, signed=signed)
        assert saved.zero == 2
        assert not np.load(saved.folder / saved.array).any()
        lines = (saved.folder / "pixels.csv").read_text().splitlines()
        assert lines[0] == "row,column,answer,zero"
        assert lines[1].endswith(",1")
        assert json.loads((saved.folder / "info.json").read_text())["zero"] == 2


def test_what_is_interrupted_leaves_nothing(net: Network, picture: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_maps(net, picture, chosen, "few", tmp_path / "out", progress=stop)
    assert not list((tmp_path / "out").iterdir())


def test_what_was_there_before_stays_when_its_successor_is_interrupted(
    net: Network, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = save_maps(net, picture, chosen, "few", tmp_path)
    before = {path: path.read_bytes() for path in saved.folder.iterdir()}

    def broken(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(many_pixels, "_table", broken)
    with pytest.raises(KeyboardInterrupt):
        save_maps(net, picture, lambda _: PIXELS[:1], "few", tmp_path)
    assert {path: path.read_bytes() for path in saved.folder.iterdir()} == before


def test_a_disk_without_room_is_told_before_anything_is_computed(
    net: Network, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_pixels.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(InputError, match=r"numbers \[4, 32, 48\] take 0.0 GB, and the disk of .* has 0.0 GB free"):
        save_maps(net, picture, chosen, "few", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_signed_numbers_are_gradients(net: Network, picture: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the method 'smoothgrad' makes maps"):
        save_maps(net, picture, chosen, "few", tmp_path, signed=True, method="smoothgrad")


def test_pieces_are_written_in_any_order_as_they_come(tmp_path: Path) -> None:
    path = tmp_path / "maps.npy"

    def pieces() -> Iterator[many_pixels.Piece]:
        yield [2, 0], (slice(1, 3), slice(0, 2)), np.ones((2, 2, 2), np.float32)
        assert path.stat().st_size > 3 * 4 * 5 * 4
        yield [1], (slice(0, 0), slice(0, 0)), np.ones((1, 0, 0), np.float32)

    zero = many_pixels._write_array(path, (3, 4, 5), pieces(), lambda *_: None)
    assert zero.tolist() == [False, True, False]
    found = np.load(path)
    assert found.sum((1, 2)).tolist() == [4, 0, 4]
    assert (found[[0, 2], 1:3, :2] == 1).all()
