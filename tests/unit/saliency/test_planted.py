"""Networks whose answer at a pixel is decided by a marker a known way off: the map must point there, and nowhere else."""

from collections.abc import Callable, Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segdepth.saliency import ENGINES, saliency_maps

SIZE = (36, 52)
#: From the pixel to the marker that decides its label.
AWAY = (-5, 11)
PIXELS = [(r, c) for r in range(8, 34, 4) for c in range(2, 36, 5)]


def scene(seed: int, markers: int = 60) -> tuple[Tensor, Tensor]:
    """Grey noise with red points, and the labels: 1 where there is a red point ``AWAY`` from the pixel."""
    generator = torch.Generator().manual_seed(seed)
    image = 0.3 * torch.rand(1, *SIZE, generator=generator).expand(3, -1, -1) + 0.2
    red = torch.zeros(SIZE, dtype=torch.bool).flatten()
    red[torch.randperm(red.numel(), generator=generator)[:markers]] = True
    red = red.view(SIZE)
    image = torch.where(red, torch.tensor([1.0, 0.0, 0.0])[:, None, None], image)
    labels = torch.zeros(SIZE, dtype=torch.long)
    rows, columns = red.nonzero().T
    inside = (rows - AWAY[0] < SIZE[0]) & (columns - AWAY[1] >= 0)
    labels[rows[inside] - AWAY[0], columns[inside] - AWAY[1]] = 1
    return image, labels


class Shifted(nn.Module):
    """Finds red points and carries them along in steps, through layers that also look a little at all neighbours.

    Args:
        steps: rows and columns of each layer's shift, in multiples of its dilation.
    """

    def __init__(self, steps: tuple[tuple[int, int, int], ...] = ((-1, 1, 5), (0, 1, 4), (0, 1, 2))) -> None:
        super().__init__()
        self.colour = nn.Conv2d(3, 1, 1)
        self.colour.weight.data = torch.tensor([1.0, -0.5, -0.5])[None, :, None, None]
        nn.init.constant_(self.colour.bias, 0.1)
        self.carry = nn.ModuleList()
        for row, column, dilation in steps:
            conv = nn.Conv2d(1, 1, 3, padding=dilation, dilation=dilation)
            nn.init.constant_(conv.weight, 0.02)
            nn.init.zeros_(conv.bias)
            conv.weight.data[0, 0, 1 + row, 1 + column] = 1
            self.carry.append(conv)

    def forward(self, x: Tensor) -> Tensor:
        y = self.colour(x)
        for conv in self.carry:
            y = conv(y).relu()
        return torch.cat([1 - y, y], 1)


class Learner(nn.Module):
    """An ordinary small network that has to find the rule out."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=5, dilation=5), nn.ReLU(),
            nn.Conv2d(8, 8, 3, padding=4, dilation=4), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=2, dilation=2), nn.ReLU(),
            nn.Conv2d(8, 2, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def learner() -> Learner:
    """Trained for some hundred updates; knows the rule for pictures that it has not seen."""
    torch.manual_seed(0)
    net = Learner()
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 400)
    scenes = [scene(seed) for seed in range(40)]
    generator = torch.Generator().manual_seed(0)
    for _ in range(400):
        batch = [scenes[int(k)] for k in torch.randint(len(scenes), (4,), generator=generator)]
        images, labels = (torch.stack(part) for part in zip(*batch, strict=True))
        loss = F.cross_entropy(net(images), labels, weight=torch.tensor([1.0, 5.0]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    image, labels = scene(1000)
    with torch.no_grad():
        assert (net(image[None])[0].argmax(0) == labels).float().mean() > 0.97, "it has not learned the rule"
    return net


def points_at_the_marker(maps: Tensor, pixels: list[tuple[int, int]]) -> float:
    """Share of the maps whose largest value is at the marker's place, with everything else below half of it."""
    right = 0
    for (row, col), one in zip(pixels, maps, strict=True):
        place = (row + AWAY[0], col + AWAY[1])
        peak = one[place].clone()
        others = one.clone()
        others[place] = 0
        right += int(peak > 0 and others.max() < 0.5 * peak)
    return right / len(pixels)


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
def test_a_built_in_dependence_is_found(engine: str) -> None:
    image, _ = scene(1)
    found = saliency_maps(Shifted(), image, PIXELS, target=1, engine=engine)  # type: ignore[call-overload]
    assert points_at_the_marker(found, PIXELS) == 1


def strongest_place(maps: Tensor, pixels: list[tuple[int, int]]) -> tuple[tuple[int, int], float]:
    """Where the mean of the maps, laid over each other at their pixels, is largest, and the second largest's share of it."""
    middle = (SIZE[0] // 2, SIZE[1] // 2)
    shifted = [m.roll((middle[0] - r, middle[1] - c), (0, 1)) for (r, c), m in zip(pixels, maps, strict=True)]
    values, places = torch.stack(shifted).mean(0).flatten().topk(2)
    row, column = divmod(int(places[0]), SIZE[1])
    return (row - middle[0], column - middle[1]), float(values[1] / values[0])


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
def test_a_learned_dependence_is_found(learner: Learner, engine: str) -> None:
    """A trained network looks at other points, too; but over all pixels nothing counts as much as the deciding marker."""
    image, _ = scene(1001)
    place, second = strongest_place(saliency_maps(learner, image, PIXELS, engine=engine), PIXELS)  # type: ignore[call-overload]
    assert place == AWAY
    assert second < 0.8


def wrong_answers() -> Iterator[tuple[str, Callable[[Tensor], Tensor]]]:
    torch.manual_seed(3)
    other, untrained = Shifted(((1, 1, 5), (0, 1, 4), (0, 1, 2))), Learner()
    edges = torch.tensor([[-1.0, 0, 1]])[None, None]
    yield "another rule", lambda x: saliency_maps(other, x, PIXELS, target=1)
    yield "random weights", lambda x: saliency_maps(untrained, x, PIXELS, target=1)
    yield (
        "the picture's edges",
        lambda x: F.conv2d(x.mean(0)[None, None], edges, padding=(0, 1))[0].abs().expand(len(PIXELS), -1, -1),
    )


@pytest.mark.parametrize(("name", "maps"), list(wrong_answers()))
def test_the_check_can_fail(name: str, maps: Callable[[Tensor], Tensor]) -> None:
    image, _ = scene(1)
    found = maps(image)
    assert points_at_the_marker(found, PIXELS) < 0.1, name
    place, second = strongest_place(found, PIXELS)
    assert place != AWAY or second >= 0.8
