from pathlib import Path

import numpy as np
import pytest

from segdepth.data.doctor import Facts, examine_splits
from segdepth.data.synthetic import Synthetic
from segdepth.report.data_page import class_shares, ignored_share, write_data_page


@pytest.fixture
def streets() -> Synthetic:
    return Synthetic(None, "train", frozenset({"labels"}), num_images=1, height=48, width=96)


def test_shares_of_classes_are_of_labelled_pixels_and_what_is_ignored_is_of_all(
    streets: Synthetic, tmp_path: Path
) -> None:
    facts = Facts(samples=1)
    facts.classes[[0, 1, 255]] = 30, 10, 60
    shares = class_shares(facts, streets)
    assert (shares["road"], shares["sidewalk"]) == (0.75, 0.25)
    assert sum(shares.values()) == pytest.approx(1), "under one heading, of one whole"
    assert ignored_share(facts) == 0.6
    report = examine_splits({"train": streets})
    write_data_page(report, {"train": streets}, {}, tmp_path / "page.html")
    ignored = ignored_share(report.facts["train"])
    assert ignored == np.mean(streets[0].truth("labels") == 255)
    assert f"Ignored: {100 * ignored:.1f} % of all pixels." in (tmp_path / "page.html").read_text()


def test_without_labels_nothing_is_ignored(streets: Synthetic) -> None:
    assert class_shares(Facts(), streets) == {}
    assert ignored_share(Facts()) is None
