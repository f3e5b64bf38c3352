"""Rates equal the golden closed forms."""

import json
from pathlib import Path
from typing import Any

import pytest

from segdepth.optim import SCHEDULES, WarmUp, warmed_up


@pytest.mark.data
def test_rates_equal_the_closed_forms(conformance: Path) -> None:
    golden = json.loads((conformance / "schedules.json").read_text())
    base = golden["base_lr"]
    for title, case in golden["schedules"].items():
        parameters: dict[str, Any] = dict(case["parameters"])
        warm_up = WarmUp(
            parameters.pop("warmup_iters", 0),
            parameters.pop("warmup_mode", "linear"),
            parameters.pop("warmup_factor", 0.2),
        )
        wrapped = title.partition("_over_")[2] or title
        name = next(n for n in SCHEDULES if wrapped.startswith(n))
        rate = warmed_up(SCHEDULES[name](1000, **parameters), warm_up)
        ours = [rate(base, t) for t in golden["steps"]]
        assert ours == pytest.approx(case["lr"], rel=1e-9, abs=1e-15), title


def test_poly_is_zero_at_and_after_its_end() -> None:
    rate = SCHEDULES["poly_lr"](1000, max_iter=7, decay_iter=3)
    assert [rate(1.0, t) for t in (7, 8, 100)] == [0.0, 0.0, 0.0]
    assert rate(1.0, 4) == rate(1.0, 3) > rate(1.0, 6)


@pytest.mark.parametrize("name", ["poly_lr", "cosine_annealing"])
def test_a_schedule_without_an_end_ends_with_the_run(name: str) -> None:
    rate = SCHEDULES[name](50)
    assert rate(1.0, 50) == pytest.approx(0.0, abs=1e-12)
    assert rate(1.0, 49) > 0
