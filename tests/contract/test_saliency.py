"""Every engine gives the reference engine's answer: each network, task, odd sizes, borders, tiles of any shape, in float64."""

import pytest
import torch
from _pytest.mark import ParameterSet
from torch import Tensor, nn

from segdepth.networks import ALIASES, NETWORKS, Network
from segdepth.saliency import ENGINES, saliency_maps
from segdepth.tasks import TASKS, create_network

ARCHS = sorted({*NETWORKS, *ALIASES} - {"fcn", "frrn"})
MOST = [arch for arch in ARCHS if arch != "frrnB"]  # A is of the same parts
SMALL = ["dispnet", "segnet"]
FAST = [engine for engine in ENGINES if engine != "reference"]
HEIGHT, WIDTH = 45, 71
CORNERS = [(0, 0), (0, WIDTH - 1), (HEIGHT - 1, 0), (HEIGHT - 1, WIDTH - 1)]
GRID = [(row, col) for row in range(14, 31, 4) for col in range(22, 43, 4)]
CROP = (slice(11, 40), slice(9, 55))


def lively(arch: str, task: str, *, legacy: bool) -> Network:
    """A small network whose every layer matters: weights and batch norms as after some training, not as at birth."""
    net = create_network(arch, task=task, legacy=legacy, width=0.125).double()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in ((module.running_mean, -0.3, 0.3), (module.running_var, 0.5, 2.0),
                                      (module.weight.data, 0.5, 1.5), (module.bias.data, -0.3, 0.5)):  # fmt: skip
                tensor.uniform_(low, high)
        elif isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            fan = module.weight[0].numel() * (1 if isinstance(module, nn.Conv2d) else 0.25)
            module.weight.data.normal_(std=(1.5 / fan) ** 0.5)
            if module.bias is not None:
                module.bias.data.uniform_(0, 0.3)
    _small_answers(net)
    return net


def _small_answers(net: Network) -> None:
    """Depth outputs saturate, and then there is no gradient to compare: bring the last map near 0."""
    with torch.no_grad():
        raw = net.eval().raw(torch.randn(1, 3, 64, 64, dtype=torch.float64))
    for module in net.modules():
        if net.output.name == "depth" and isinstance(module, nn.Conv2d) and module.out_channels == 1:
            module.weight.data /= raw.abs().amax()
    net.train()


def largest_error(found: Tensor, expected: Tensor) -> float:
    """The largest difference, relative to each map's peak; of a map that has none (a dead pixel), any is infinitely large."""
    peaks = expected.amax((1, 2)).clamp_min(1e-300)
    return ((found - expected).abs().amax((1, 2)) / peaks).max().item()


def engines_agree(net: Network, pixels: list[tuple[int, int]], crop: tuple[slice, slice] | None) -> bool:
    """Returns whether there was a map to compare with: the ancestors' depth is a ReLU's, and has dead pixels."""
    image = torch.randn(3, HEIGHT, WIDTH, dtype=torch.float64)
    expected = saliency_maps(net, image, pixels, engine="reference", crop=crop)
    for engine in FAST:
        found = saliency_maps(net, image, pixels, engine=engine, crop=crop)
        assert largest_error(found, expected) <= 1e-12, engine
    return bool(expected.any())


def cases(fast: list[str], *rest: object) -> list[ParameterSet]:
    """All networks, of which some are slow."""
    return [pytest.param(arch, *rest, marks=() if arch in fast else pytest.mark.slow) for arch in ARCHS]


@pytest.mark.parametrize(("arch", "task", "legacy"), [*cases(MOST, "seg", False), *cases(SMALL, "depth", True)])
def test_every_engine_agrees_with_the_reference_engine(arch: str, task: str, legacy: bool) -> None:
    net = lively(arch, task, legacy=legacy)
    assert engines_agree(net, [*CORNERS, *GRID[::12]], None)
    assert net.training


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arch", "task", "legacy", "crop"),
    [(arch, "seg", *rest) for arch in ARCHS for rest in ((False, None), (True, None), (False, CROP))]
    # of a task are the last layers alone
    + [(arch, task, legacy, None) for arch in SMALL for task in TASKS for legacy in (False, True)
       if task != "seg" and (not legacy or TASKS[task].legacy_preprocessing)],
)  # fmt: skip
def test_every_engine_agrees_everywhere(arch: str, task: str, legacy: bool, crop: tuple[slice, slice] | None) -> None:
    net = lively(arch, task, legacy=legacy)
    assert engines_agree(net, [*CORNERS, *GRID], crop)
    for pixels in (GRID[:1], CORNERS[3:], [GRID[3]] * 3, [(22, c) for c in range(0, WIDTH, 2)]):
        engines_agree(net, pixels, crop)


@pytest.mark.parametrize("arch", cases(SMALL))
def test_inside_a_crop_maps_are_what_they_are_in_the_whole(arch: str) -> None:
    net, image = lively(arch, "seg", legacy=False), torch.randn(3, HEIGHT, WIDTH, dtype=torch.float64)
    pixels = [CORNERS[0], *GRID[:3]]
    whole = saliency_maps(net, image, pixels)
    torch.testing.assert_close(saliency_maps(net, image, pixels, crop=CROP), whole[:, *CROP], rtol=1e-12, atol=1e-15)
