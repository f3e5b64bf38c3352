"""An engine gives way between two of its steps, wherever that is, and is right the next time."""

import pytest
import torch

from segdepth.core.giving_way import GaveWay, giving_way
from segdepth.saliency import ENGINES, Explainer

from .small import HEIGHT, PIXELS, WIDTH, Small


class Once:
    """Something more urgent comes at a step."""

    def __init__(self, step: int) -> None:
        self.left = step

    def __call__(self) -> bool:
        self.left -= 1
        return self.left == 0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("threads", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_wherever_it_gives_way_the_next_answer_is_right(engine: str, threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        net = Small().double().eval()
        image = torch.rand(3, HEIGHT, WIDTH, dtype=torch.float64)
        expected = Explainer(net, engine=engine).at(image).maps(PIXELS)
        step = 1
        while _gives_way(net, engine, image, expected, step):
            step += 1
        assert step > (8 if engine in ("windowed", "sparse") else 0)
    finally:
        torch.set_num_threads(before)


def _gives_way(net: Small, engine: str, image: torch.Tensor, expected: torch.Tensor, step: int) -> bool:
    """Whether there is such a step."""
    at = Explainer(net, engine=engine).at(image)
    once = Once(step)
    with giving_way(once):
        try:
            at.maps(PIXELS)
        except GaveWay:
            assert torch.equal(at.maps(PIXELS), expected)
            return True
    assert once.left > 0
    return False
