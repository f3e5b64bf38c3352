"""Histograms of the pictures' means, of whatever tasks."""

import numpy as np
import pytest

from segdepth.report.histograms import Look, draw_histograms
from segdepth.runs import TASK_FACTS


@pytest.mark.parametrize("pictures", [3, 20])
def test_every_task_has_its_title_and_colour(pictures: int) -> None:
    means = {name: np.linspace(0, 1 + k, pictures) for k, name in enumerate(TASK_FACTS)}
    looks = {name: Look(facts.title, facts.colour) for name, facts in TASK_FACTS.items()}
    files = draw_histograms(means, looks, "statistic", {"gaussian": 0.5}, axis="unit", formats=("svg",))
    text = files["svg"].decode()
    for facts in TASK_FACTS.values():
        assert facts.colour in text
        assert f"<!-- {facts.title} -->" in text


def test_what_lies_beyond_the_axis_is_not_parted_from_its_number() -> None:
    nulls = {f"random weights, {task}": 100.0 + k for k, task in enumerate(("segmentation", "depth", "normals"))}
    look = {"a": Look("a", "#000000")}
    files = draw_histograms({"a": np.linspace(0, 1, 4)}, look, "statistic", nulls, axis="unit", formats=("svg",))
    text = files["svg"].decode()
    for name, value in nulls.items():
        assert f"{name} {value:.3g}" in text
