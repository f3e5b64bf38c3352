"""Named protocols, which say their truth's axis as the documentation does, and the limits that a user sets instead."""

import re
from pathlib import Path

import pytest

from segdepth.core.errors import ConfigError
from segdepth.evaluation import PROTOCOLS
from segdepth.evaluation.depth_protocol import adjusted
from segdepth.metrics import DepthProtocol, DepthScores
from segdepth.tasks import TASKS

from .streets import Streets

PAGE = Path(__file__).resolve().parents[3] / "docs/evaluating.md"
AXES = {"velodyne": "camera", "velodyne-forward": "laser", "improved": "camera"}
GARG = {"eigen-raw-garg": PROTOCOLS["eigen-raw-garg"].scores}


def made(
    protocols: dict[str, object], low: float | None, high: float | None, align: str | None = None
) -> dict[str, DepthProtocol]:
    makers = adjusted(protocols, TASKS["depth"], Streets(), min_depth=low, max_depth=high, align=align)
    metrics = {name: make(Streets()) for name, make in makers.items()}
    assert all(isinstance(metric, DepthScores) for metric in metrics.values())
    return {name: metric.protocol for name, metric in metrics.items()}


def test_a_protocol_with_other_limits_has_another_name() -> None:
    assert list(made(GARG, None, 80.0)) == ["eigen-raw-garg"]
    assert list(made(GARG, 1.0, 50.0)) == ["eigen-raw-garg, 1-50 m"]
    assert list(made({}, 1.0, None)) == ["the data set's own, 1-80 m"]


def test_limits_change_the_range_alone() -> None:
    assert made({}, None, None) == {"the data set's own": DepthProtocol("none", 0.001, 80.0)}
    eigen = {"a": lambda _: DepthScores(DepthProtocol("eigen", scaling="median"))}
    assert list(made(eigen, None, 50).values()) == [DepthProtocol("eigen", 0.001, 50, "median")]
    with pytest.raises(ConfigError, match="min_depth must be above 0"):
        made({}, 90.0, None)


@pytest.mark.parametrize("task", ["seg", "normals"])
def test_a_range_of_depths_is_for_depth_also_where_the_data_have_some(task: str) -> None:
    assert list(adjusted({}, TASKS[task], Streets())) == ["the data set's own"]
    with pytest.raises(ConfigError, match=f"for depth; the scores of task '{task}' have none"):
        adjusted({}, TASKS[task], Streets(), max_depth=3)


def test_a_protocol_that_aligns_otherwise_has_another_name() -> None:
    own = "the data set's own"
    assert made({}, None, None, "least-squares") == {
        f"{own}, least-squares": DepthProtocol("none", 0.001, 80.0, "least-squares")
    }
    assert list(made({}, 1.0, None, "median")) == [f"{own}, 1-80 m, median"]
    assert list(made({}, None, None, "none")) == [own]
    median = {"m": PROTOCOLS["eigen-raw-garg-median"].scores}
    assert list(made(median, None, None, "median")) == ["m"]
    assert list(made(median, None, None, "least-squares")) == ["m, least-squares"]
    with pytest.raises(ConfigError, match=r"no alignment named 'least squares'.*least-squares"):
        made({}, None, None, "least squares")
    with pytest.raises(ConfigError, match="--align are for depth; the scores of task 'seg' have none"):
        adjusted({}, TASKS["seg"], Streets(), align="median")


def test_the_first_protocol_is_the_specifications() -> None:
    first = next(iter(PROTOCOLS.values()))
    assert (first.truth, first.protocol) == ("velodyne", DepthProtocol("garg", 0.001, 80.0, "none"))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_names_its_axis(name: str) -> None:
    preset = PROTOCOLS[name]
    axis = AXES[preset.truth]
    assert f"along the {axis}'s axis" in preset.about
    row = re.search(rf"^\| `{name}` (?:\(default\) )?\|(.*)$", PAGE.read_text(), re.M)
    assert row is not None, "docs/evaluating.md has no row of it"
    truth, along, crop, metres, scaling, _ = (cell.strip() for cell in row[1].split("|", 5))
    protocol = preset.protocol
    assert ("improved" in truth, along) == (preset.truth == "improved", axis)
    assert (crop.lower(), metres, scaling) == (
        protocol.crop, f"{protocol.min_depth:g}-{protocol.max_depth:g}", protocol.scaling
    )  # fmt: skip


def test_monodepth2s_protocols_are_there_by_name() -> None:
    """Its evaluation is its truth, Garg's window, up to 80 m; networks that learned from video are scaled by the median."""
    assert [PROTOCOLS[f"eigen-monodepth2-garg{end}"].protocol.scaling for end in ("", "-median")] == ["none", "median"]
