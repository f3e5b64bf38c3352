from pathlib import Path

import numpy as np
import pytest

from segdepth.data.doctor import examine_splits
from segdepth.data.synthetic import Synthetic
from segdepth.report.data_page import write_data_page


def page_of(dataset: Synthetic, folder: Path) -> str:
    write_data_page(examine_splits({"train": dataset}), {"train": dataset}, {}, folder / "page.html")
    return (folder / "page.html").read_text()


def streets(*targets: str) -> Synthetic:
    return Synthetic(None, "train", frozenset(targets), num_images=1, height=48, width=96)


def test_tables_and_sentences_of_each_kind_are_there(tmp_path: Path) -> None:
    data = streets("labels", "depth")
    text = page_of(data, tmp_path)
    ignored = np.mean(data[0].truth("labels") == 255)
    assert f"Ignored: {100 * ignored:.1f} % of all pixels." in text
    assert text.index("share of labelled pixels") < text.index("</i>road<span>")
    assert text.index("share of measurements") < text.index("</i>over 120 m<span>")
    assert text.index("share of labelled pixels") < text.index("share of measurements")


def test_a_class_has_the_colour_that_it_has_in_the_pictures(tmp_path: Path) -> None:
    data = streets("labels", "depth")
    text = page_of(data, tmp_path)
    assert f'<i class="swatch" style="background: rgb{data.colours[0]}"></i>road<span>' in text
    assert "<li><i></i>over 120 m<span>" in text, "depth has no classes"


def test_it_says_which_data_set_it_is_of(tmp_path: Path) -> None:
    data = streets("labels")
    assert '<p class="lead">Synthetic</p>' in page_of(data, tmp_path)
    data.path = tmp_path / "<b>"
    assert f"Synthetic in {tmp_path}/&lt;b&gt;</p>" in page_of(data, tmp_path)


@pytest.mark.parametrize(
    ("targets", "said"),
    [(("depth",), "Truth: two eyes."), (("labels", "depth"), "Truth of depth: two eyes."), (("labels",), None)],
)
def test_where_a_truth_comes_from_is_said_of_its_kind(
    targets: tuple[str, ...], said: str | None, tmp_path: Path
) -> None:
    data = streets(*targets)
    data.origins = {"depth": "two eyes"}
    text = page_of(data, tmp_path)
    assert said in text if said else "eyes" not in text
