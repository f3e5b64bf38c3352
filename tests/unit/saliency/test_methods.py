"""From gradients to maps, with functions whose integrals and means are known."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from segdepth.core.errors import InputError
from segdepth.saliency import IntegratedGradients, SmoothGrad
from segdepth.saliency.engine import Chunk
from segdepth.saliency.methods import METHODS, Gradient, InputXGradient, Method, Question

PIXELS = [(0, 0), (3, 4)]
WINDOW = ((1, 4), (0, 5))


class ByHand:
    """Gives known gradients, pixel by pixel in another order, over a box that is smaller than the window."""

    output = torch.zeros(1, 4, 5)

    def __init__(self, gradient: Callable[[Tensor], Tensor], image: Tensor) -> None:
        self._gradient, self._image = gradient, image

    def gradients(self, pixels: Sequence[tuple[int, int]], targets: Sequence[Any]) -> Iterator[Chunk]:
        assert list(targets) == [0, 1]
        whole = self._gradient(self._image)
        for index in (1, 0):
            yield Chunk([index], ((1, 3), (2, 5)), (index + 1) * whole[None, :, 1:3, 2:5])


def asked(gradient: Callable[[Tensor], Tensor], image: Tensor) -> Question:
    """Of two targets, the second of which is twice the first."""
    return Question(image, WINDOW, PIXELS, [0, 1], lambda picture: ByHand(gradient, picture))


def total(method: Method, question: Question) -> Tensor:
    """What a method attributes to every value of the window, each pixel once."""
    found = torch.zeros(2, 3, 3, 5, dtype=torch.float64)
    seen = []
    for indices, (rows, columns), signed in method.attributions(question):
        found[indices, :, rows[0] - 1 : rows[1] - 1, columns[0] : columns[1]] += signed
        seen += indices
    assert sorted(seen) == [0, 1]
    return found


def in_window(values: Tensor) -> Tensor:
    """Of both targets, where the gradient is given."""
    found = torch.zeros(2, 3, 3, 5, dtype=torch.float64)
    found[:, :, :2, 2:] = torch.stack([values, 2 * values])[:, :, 1:3, 2:5]
    return found


@pytest.fixture
def image() -> Tensor:
    return torch.randn(3, 4, 5, dtype=torch.float64)


def test_the_gradient_is_what_the_engine_says(image: Tensor) -> None:
    torch.testing.assert_close(total(Gradient(), asked(torch.cos, image)), in_window(image.cos()))


def test_input_times_gradient(image: Tensor) -> None:
    torch.testing.assert_close(total(InputXGradient(), asked(torch.cos, image)), in_window(image * image.cos()))


@pytest.mark.parametrize("baseline", [0.0, -0.7])
@pytest.mark.parametrize("steps", [1, 5])
def test_integrated_gradients_of_a_square_are_its_change(image: Tensor, steps: int, baseline: float) -> None:
    """The midpoint rule is exact where the gradient is a line: of x^2 with gradient 2 x."""
    found = total(IntegratedGradients(steps, baseline), asked(lambda x: 2 * x, image))
    torch.testing.assert_close(found, in_window(image**2 - baseline**2))


def test_more_steps_are_nearer_to_the_integral(image: Tensor) -> None:
    exact = in_window(image.sin())
    errors = [(total(IntegratedGradients(n), asked(torch.cos, image)) - exact).abs().max() for n in (2, 8, 32)]
    assert errors[1] < errors[0] / 10
    assert errors[2] < errors[1] / 10  # a quarter of the step is a sixteenth of the error


def test_noise_around_a_line_is_a_mean_and_changes_nothing_of_a_constant(image: Tensor) -> None:
    constant = total(SmoothGrad(samples=3), asked(lambda x: torch.full_like(x, 7.0), image))
    torch.testing.assert_close(constant, in_window(torch.full_like(image, 7.0)))
    pictures: list[Tensor] = []
    question = Question(image, WINDOW, PIXELS, [0, 1], lambda x: pictures.append(x) or ByHand(lambda y: y, x))  # type: ignore[func-returns-value]
    found = total(SmoothGrad(samples=200, noise=0.1), question)
    torch.testing.assert_close(found, in_window(torch.stack(pictures).mean(0)))
    noise = torch.stack(pictures) - image
    deviation = 0.1 * (image.max() - image.min())
    assert noise.std() == pytest.approx(float(deviation), rel=0.05)
    assert abs(float(noise.mean())) < 0.05 * deviation


def test_noise_is_its_seed_s_and_nobody_else_s(image: Tensor) -> None:
    state = torch.get_rng_state()
    first, again, other = (total(SmoothGrad(2, seed=seed), asked(torch.cos, image)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_without_noise_it_is_the_gradient(image: Tensor) -> None:
    found = total(SmoothGrad(samples=2, noise=0.0), asked(torch.cos, image))
    torch.testing.assert_close(found, in_window(image.cos()))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: IntegratedGradients(steps=0), "steps=0; at least 1"),
        (lambda: SmoothGrad(samples=0), "samples=0"),
        (lambda: SmoothGrad(noise=-0.1), "no negative noise"),
        (lambda: SmoothGrad(noise=float("nan")), "noise=nan"),
    ],
)
def test_methods_that_cannot_be_are_refused(make: Callable[[], Method], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()


def test_each_has_a_name() -> None:
    assert [type(method).__name__ for method in METHODS.values()] == [
        "Gradient", "InputXGradient", "IntegratedGradients", "SmoothGrad",
    ]  # fmt: skip
