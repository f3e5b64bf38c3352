"""The Jacobian, its rows streamed and as a linear operator, against autograd."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.sparse.linalg import svds
from torch import Tensor, nn

from segdepth.core.errors import InputError
from segdepth.saliency import ENGINES, ExplainedPicture, Explainer, Margin, Target, request
from segdepth.saliency.linear import JacobianOperator

from .small import Squared

HEIGHT, WIDTH = 10, 13
PIXELS = [(r, c) for r in range(0, HEIGHT, 3) for c in range(0, WIDTH, 4)]
CROP = (slice(2, 9), slice(1, 12))


class Net(nn.Module):
    """Two channels; one operation in its middle is another each time."""

    def __init__(self, middle: Callable[[Tensor], Tensor] = torch.relu) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 5, 3, padding=1), nn.Conv2d(5, 2, 3, padding=1)
        self.middle = middle

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.middle(self.first(x)))


def rows(net: nn.Module, image: Tensor, pixels: list[tuple[int, int]], target: Callable[[Tensor], Tensor]) -> Tensor:
    """By autograd, one after the other."""
    x = image[None].clone().requires_grad_()
    y = net.eval()(x)
    values = [target(y[0, :, r, c]) for r, c in pixels]
    return torch.stack([torch.autograd.grad(value, x, retain_graph=True)[0][0] for value in values])


TARGETS: list[tuple[Target, Callable[[Tensor], Tensor]]] = [
    ("predicted", lambda here: here.max()),
    (1, lambda here: here[1]),
    (Margin(0, 1), lambda here: here[0] - here[1]),
    (lambda output, pixel: output[0, :, *pixel].square().sum(), lambda here: here.square().sum()),
]


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
@pytest.mark.parametrize(("target", "plain"), TARGETS)
def test_rows_are_autograd_s(engine: str, target: Target, plain: Callable[[Tensor], Tensor], image: Tensor) -> None:
    net = Net().double()
    at = Explainer(net, engine=engine).at(image, crop=CROP)  # type: ignore[arg-type]
    torch.testing.assert_close(at.jacobian(PIXELS, target=target), rows(net, image, PIXELS, plain)[:, :, *CROP])


def test_rows_come_in_blocks_in_order(image: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    at = Explainer(Net().double()).at(image)
    whole = at.jacobian(PIXELS)
    monkeypatch.setattr(request, "BLOCK_BYTES", 5 * whole[0].nbytes)
    blocks = list(at.jacobian_blocks(PIXELS))
    assert [len(block) for block in blocks] == [5, 5, 5, 1]
    torch.testing.assert_close(torch.cat(blocks), whole)


def matrix_of(at: ExplainedPicture, target: Target = "predicted") -> np.ndarray:
    return at.jacobian(PIXELS, target=target).flatten(1).numpy()


@pytest.mark.parametrize("engine", ["auto", "batched", "reference"])
@pytest.mark.parametrize("target", [target for target, _ in TARGETS])
def test_products_are_those_with_the_rows(engine: str, target: Target, image: Tensor) -> None:
    at = Explainer(Net().double(), engine=engine).at(image, crop=CROP)  # type: ignore[arg-type]
    operator, matrix = at.operator(PIXELS, target=target), matrix_of(at, target)
    assert operator.shape == matrix.shape == (len(PIXELS), 3 * 7 * 11)
    draw = np.random.default_rng(0)
    u, v = draw.standard_normal((len(PIXELS), 3)), draw.standard_normal((matrix.shape[1], 3))
    for found, expected in (
        (operator @ v[:, 0], matrix @ v[:, 0]),
        (operator @ v, matrix @ v),
        (operator.T @ u[:, 0], matrix.T @ u[:, 0]),
        (operator.H @ u, matrix.T @ u),
        (operator @ (v[:, 0] + 1j * v[:, 1]), matrix @ (v[:, 0] + 1j * v[:, 1])),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_singular_values_and_vectors_are_numpy_s(image: Tensor) -> None:
    net = Net(torch.tanh).double()
    at = Explainer(net).at(image)
    u, s, v = svds(at.operator(PIXELS), k=3, random_state=0)
    left, expected, right = np.linalg.svd(rows(net, image, PIXELS, lambda here: here.max()).flatten(1).numpy())
    np.testing.assert_allclose(s[::-1], expected[:3], rtol=1e-8)
    np.testing.assert_allclose(abs((u[:, ::-1] * left[:, :3]).sum(0)), 1, rtol=1e-6)
    np.testing.assert_allclose(abs((v[::-1] * right[:3]).sum(1)), 1, rtol=1e-6)


class OnceBackward(Squared):
    """The same, whose backward pass has no derivative."""

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        return 3 * g * ctx.saved_tensors[0]


def _ungraded(x: Tensor) -> Tensor:
    with torch.no_grad():
        weight = x.sigmoid()
    return x * weight


@pytest.mark.parametrize(
    ("middle", "chosen"),
    [
        (torch.tanh, "_in_forward_mode"),
        (Squared.apply, "_TwiceBackward"),
        (OnceBackward.apply, "_by_rows"),
        (_ungraded, "_TwiceBackward"),  # PyTorch's forward mode does not stop where its backward mode does
        (lambda x: x * x.detach(), "_in_forward_mode"),
    ],
)
def test_the_right_product_is_taken(middle: Callable[[Tensor], Tensor], chosen: str, image: Tensor) -> None:
    at = Explainer(Net(middle).double()).at(image)
    operator = at.operator(PIXELS)
    v = np.random.default_rng(1).standard_normal(operator.shape[1])
    np.testing.assert_allclose(operator @ v, matrix_of(at) @ v, rtol=1e-10, atol=1e-12)
    assert isinstance(operator, JacobianOperator)
    assert chosen in (getattr(operator._forward, "__name__", ""), type(operator._forward).__name__)


def test_single_precision_stays_single(image: Tensor) -> None:
    at = Explainer(Net()).at(image.float())
    operator, matrix = at.operator(PIXELS), matrix_of(at)
    v = np.random.default_rng(1).standard_normal(operator.shape[1])
    assert (operator @ v).dtype == operator.dtype == np.float32
    np.testing.assert_allclose(operator @ v, matrix @ v, rtol=1e-4, atol=1e-5)
    with pytest.raises(InputError, match="bfloat16; a linear operator needs float32 or float64"):
        Explainer(Net().bfloat16()).at(image.bfloat16()).operator(PIXELS)


def test_answers_of_other_sizes_and_of_nothing(image: Tensor) -> None:
    net = nn.Sequential(Net(), nn.Upsample(scale_factor=2, mode="bilinear"), nn.ReLU()).double()
    at = Explainer(net).at(image)
    pixels = [(0, 0), (2 * HEIGHT - 1, 2 * WIDTH - 1), (7, 20)]
    operator = at.operator(pixels, target=1)
    expected = rows(net, image, pixels, lambda here: here[1]).flatten(1).numpy()
    np.testing.assert_allclose(operator @ np.eye(operator.shape[1]), expected, rtol=1e-10, atol=1e-12)
    none = Explainer(Net(lambda x: torch.ones_like(F.relu(x))).double()).at(image).operator(PIXELS)
    assert not (none @ np.ones(none.shape[1])).any()
    assert not (none.T @ np.ones(none.shape[0])).any()
    empty = at.operator([])
    assert (empty @ np.ones(empty.shape[1])).shape == (0,)


def test_a_product_refuses_another_network(image: Tensor) -> None:
    net = Net().double()
    operator = Explainer(net).at(image).operator(PIXELS)
    with torch.no_grad():
        net.first.weight.mul_(2)
    for product in (lambda: operator @ np.ones(operator.shape[1]), lambda: operator.T @ np.ones(len(PIXELS))):
        with pytest.raises(InputError, match=r"changed since at\(image\): first.weight has other values"):
            product()
