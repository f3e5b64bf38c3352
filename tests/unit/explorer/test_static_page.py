"""A page that needs no server: what it holds, how it is made small, and that it says so."""

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segdepth.core.errors import InputError
from segdepth.explorer.container import unpack
from segdepth.explorer.desk import Desk
from segdepth.explorer.explorer import Explorer
from segdepth.explorer.looks import Look
from segdepth.explorer.pictures import GivenPicture, Pictures
from segdepth.explorer.static_page import MEGABYTE, roots_of, rounded, write_static_page
from segdepth.geometry.resize import resize_image, shrink_averaged

from .streets import SIZE, ask, container, explorer_of, picture, tiny

NASTY = "</script><script>alert(1)</script><!--"


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return explorer_of("seg", "depth")


def data_of(path: Path) -> dict[str, Any]:
    """What the page has in place of a server."""
    text = path.read_text()
    (found,) = re.findall(r'<script type="application/json" id="explorer-data">(.*?)</script>', text, re.DOTALL)
    data: dict[str, Any] = json.loads(found)
    return data


def unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def maps_of(series: dict[str, Any]) -> np.ndarray:
    """As the front computes them."""
    roots = np.frombuffer(unpacked(series["data"]), np.uint8).reshape(-1, *series["stored"])
    return np.array(series["scales"])[:, None, None] * (roots / 255.0) ** 2


def test_its_maps_are_those_of_the_network_to_the_rounding_that_it_says(explorer: Explorer, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    page = write_static_page(
        explorer, tmp_path / "page.html", positions=24, progress=lambda *count: calls.append(count)
    )
    assert page.bytes == (tmp_path / "page.html").stat().st_size < 8 * MEGABYTE
    data = data_of(page.path)
    assert [(one["picture"], one["network"]) for one in data["maps"]] == [
        ("p0", "n0"), ("p0", "n1"), ("p1", "n0"), ("p1", "n1"),
    ]  # fmt: skip
    assert calls[0][0] == 0
    assert calls[-1] == (96, 96)
    for series in data["maps"][:2]:
        look = Look("p0", resize_image(picture(), SIZE), "trained")
        pixels = [(row, column) for row, column in series["pixels"]]
        rows, columns = ({pixel[axis] for pixel in pixels} for axis in (0, 1))
        assert len(pixels) == len(rows) * len(columns) == 24, "a regular grid"
        founds = Desk(lambda task=("seg", "depth")[int(series["network"][1])]: tiny(task)).maps(
            look, pixels, "predicted", "gradient"
        )
        assert series["size"] == series["stored"] == [*SIZE]
        for found, head, values in zip(founds, series["heads"], maps_of(series), strict=True):
            assert np.abs(values - found.map).max() <= 0.004 * found.map.max()
            assert head["text"] == found.facts["text"]
            assert head["peak"] == pytest.approx(found.facts["peak"], rel=1e-5)
    assert any("0.4 % of the map's largest value" in note for note in page.notes)
    assert any("stored at full size" in note for note in page.notes)


def test_its_answers_are_those_of_the_server_to_the_rounding_that_it_says(explorer: Explorer, tmp_path: Path) -> None:
    data = data_of(write_static_page(explorer, tmp_path / "page.html", positions=12).path)
    reply = data["replies"]["api/answer?model=trained&network=n1&picture=p0"]
    head, arrays = unpack(unpacked(reply["data"]))
    expected_head, expected = container(ask(explorer, "answer", picture="p0", network="n1", model="trained"))
    assert {**head, "arrays": None} == {**expected_head, "arrays": None}
    np.testing.assert_allclose(arrays["answer"], expected["answer"], rtol=2.0**-14)
    np.testing.assert_array_equal(arrays["painted"], expected["painted"])
    _, shown = unpack(unpacked(data["replies"]["api/picture?picture=p0"]["data"]))
    np.testing.assert_array_equal(shown["image"], picture())


def test_it_offers_nothing_that_needs_a_server(explorer: Explorer, tmp_path: Path) -> None:
    session = data_of(write_static_page(explorer, tmp_path / "page.html", positions=12).path)["session"]
    assert not any(session["can"].values())
    assert [one["value"] for one in session["methods"]] == ["gradient"]
    for network in session["networks"]:
        assert [one["value"] for one in network["targets"]] == ["predicted"]
        assert (network["models"], network["classes"]) == (["trained"], [])


def test_it_names_what_it_is_of_and_what_made_it(explorer: Explorer, tmp_path: Path) -> None:
    page = write_static_page(explorer, tmp_path / "page.html", positions=12)
    text = page.path.read_text()
    for words in (
        "segnet seg: runs/seg.",
        "Pictures: street, other.",
        "12 positions",
        "segdepth saliency --checkpoint",
    ):
        assert any(words in note for note in page.notes), words
        assert words in text
    assert "&quot;git&quot;" in text
    assert "&quot;segdepth&quot;" in text


def test_too_large_it_stores_smaller_maps_then_fewer_and_says_so(explorer: Explorer, tmp_path: Path) -> None:
    whole = write_static_page(explorer, tmp_path / "page.html", positions=48)
    smaller = write_static_page(explorer, tmp_path / "page.html", positions=48, limit=whole.bytes - 60_000)
    assert smaller.bytes <= whole.bytes - 60_000
    assert any("the mean of 2 x 2 pixels" in note for note in smaller.notes)
    series = next(one for one in data_of(smaller.path)["maps"] if one["stored"] != [*SIZE])
    look = Look(
        series["picture"], resize_image(picture(), SIZE) if series["picture"] == "p0" else picture(1, SIZE), "trained"
    )
    (found,) = Desk(lambda: tiny(("seg", "depth")[int(series["network"][1])])).maps(
        look, [tuple(series["pixels"][5])], "predicted", "gradient"
    )
    means = shrink_averaged(found.map, tuple(series["stored"]))
    assert np.abs(maps_of(series)[5] - means).max() <= 0.004 * means.max()
    fixed = explorer_of("seg", pictures=Pictures([GivenPicture("other", lambda: (picture(1, SIZE), {}))]))
    pages = [write_static_page(fixed, tmp_path / "page.html", positions=48)]

    def shrink() -> None:
        while True:
            pages.append(write_static_page(fixed, tmp_path / "page.html", positions=48, limit=pages[-1].bytes - 1))

    with pytest.raises(InputError, match="over the limit"):
        shrink()
    assert len(pages) >= 4, "three sizes of maps, then a sparser grid"
    assert any("12 positions" in note for note in pages[-1].notes)


def test_a_page_that_fits_no_limit_is_one_sentence_and_leaves_what_was_there(
    explorer: Explorer, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text("before")
    with pytest.raises(InputError, match=r"2 pictures and 2 networks make a page of at least .* MB"):
        write_static_page(explorer, tmp_path / "page.html", positions=12, limit=50_000)
    assert (tmp_path / "page.html").read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


def test_words_of_a_picture_end_no_script(tmp_path: Path) -> None:
    nasty = explorer_of("depth", pictures=Pictures([GivenPicture(NASTY, lambda: (picture(1, SIZE), {}))]))
    path = write_static_page(nasty, tmp_path / "page.html", positions=12).path
    assert data_of(path)["session"]["pictures"][0]["name"] == NASTY
    text = path.read_text()
    assert text.count("</script>") == 2
    assert "<script>" not in text
    assert "<!--" not in text


def test_roots_of_a_map_of_zeros() -> None:
    roots, scale = roots_of(np.zeros((2, 3), np.float32))
    assert (roots.sum(), scale) == (0, 0.0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_map_that_is_no_number_somewhere_has_no_scale(value: float) -> None:
    roots, scale = roots_of(np.array([[1, value]], np.float32))
    assert roots.sum() == 0
    assert not np.isfinite(scale)


def test_a_file_s_name_that_is_no_text(tmp_path: Path) -> None:
    strange = explorer_of("depth", pictures=Pictures([GivenPicture("\udcdf.png", lambda: (picture(1, SIZE), {}))]))
    path = write_static_page(strange, tmp_path / "page.html", positions=12).path
    assert "Pictures: ?.png." in path.read_text()


def test_numbers_with_fewer_bits() -> None:
    values = np.array([0, -3.14159, 80.1234, 1e-30, np.nan, np.inf], np.float32)
    found = rounded(values)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, values, rtol=2.0**-14)
    assert np.unpackbits(found.view(np.uint8).reshape(-1, 4)[1:4, 0]).sum() == 0, "the lowest byte is empty"
    assert rounded(np.arange(3, dtype=np.uint8)).dtype == np.uint8
