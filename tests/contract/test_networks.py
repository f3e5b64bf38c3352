"""What every network in the table promises, for every task. Names no network."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from segdepth.core.errors import ConfigError, InputError
from segdepth.kinds import KINDS
from segdepth.losses import cosine_loss
from segdepth.networks import ALIASES, NETWORKS, OUTPUTS, Network, load_network, save_network
from segdepth.tasks import TASKS, create_network

#: Every network, or its variants where these have names of their own.
VARIANTS = {alias: name for alias, (name, options) in ALIASES.items() if options}
ARCHS = sorted((NETWORKS.keys() | VARIANTS) - set(VARIANTS.values()))
WIDTH = 0.125
NUM_CLASSES = 5
SIZES = [(32, 32), (37, 50), (64, 97)]

pytestmark = [pytest.mark.parametrize("arch", ARCHS), pytest.mark.parametrize("task", sorted(TASKS))]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """The pictures are too small to share; and several test processes would wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def net(arch: str, task: str) -> Network:
    return create_network(arch, task, num_classes=NUM_CLASSES, width=WIDTH).eval()


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (37, 50, 3), dtype=np.uint8)


def channels(task: str) -> int:
    return OUTPUTS[TASKS[task].output].channels or NUM_CLASSES


def values(task: str) -> tuple[int, ...]:
    """Of an answer at a pixel."""
    return (3,) if task == "normals" else ()


@pytest.mark.parametrize("size", SIZES)
def test_answers_at_the_size_of_its_input(net: Network, task: str, size: tuple[int, int]) -> None:
    with torch.no_grad():
        x = torch.randn(2, 3, *size)
        y = net(x)
        assert y.shape == (2, channels(task), *size)
        assert y.dtype == torch.float32
        assert y.isfinite().all()
        torch.testing.assert_close(net(x), y, rtol=0, atol=0)  # eval mode: nothing is drawn
        answer = net.decode(y)
    assert answer.shape == (2, *size, *values(task))
    assert (answer.dtype == torch.int64) == net.output.answers.names_classes
    if TASKS[task].output == "depth":
        assert (y > 0).all()
        torch.testing.assert_close(net.disparity(x), 1 / y)
    else:
        with pytest.raises(InputError, match="disparity"):
            net.disparity(x)


@pytest.mark.slow
@pytest.mark.parametrize("legacy", [False, True])
def test_takes_a_whole_cityscapes_picture(arch: str, task: str, legacy: bool) -> None:
    legacy &= TASKS[task].legacy_preprocessing is not None
    net = create_network(arch, task, num_classes=NUM_CLASSES, width=WIDTH, legacy=legacy).eval()
    with torch.no_grad():
        assert net(torch.randn(1, 3, 1024, 2048)).shape == (1, channels(task), 1024, 2048)


def test_legacy_form_takes_odd_sizes_too(arch: str, task: str) -> None:
    if TASKS[task].legacy_preprocessing is None:
        with pytest.raises(ConfigError, match=f"the ancestor has no networks for task '{task}'"):
            create_network(arch, task, legacy=True)
        return
    net = create_network(arch, task, num_classes=NUM_CLASSES, width=WIDTH, legacy=True).eval()
    with torch.no_grad():
        assert net(torch.randn(1, 3, 37, 50)).shape == (1, channels(task), 37, 50)


def test_answers_a_picture_alike_alone_and_in_a_batch(net: Network) -> None:
    x = torch.randn(3, 3, 37, 50)
    with torch.no_grad():
        together, alone = net(x), torch.cat([net(one[None]) for one in x])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4 * float(together.abs().max()))


@pytest.mark.parametrize("size", [(31, 64), (64, 16)])
def test_refuses_what_is_too_small(net: Network, size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="at least 32x32"):
        net(torch.zeros(1, 3, *size))


def test_every_parameter_learns(net: Network) -> None:
    # the linear map of an eval network: neither a saturated depth nor batch norm, which takes biases away, hides one
    net.raw(torch.randn(2, 3, 64, 96)).square().mean().backward()
    without = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert not without


def test_learns_one_picture(arch: str, task: str) -> None:
    torch.manual_seed(1)
    net = create_network(arch, task, num_classes=NUM_CLASSES, width=WIDTH).train()
    image, labels, depth = street()
    faces = torch.from_numpy(KINDS["normals"].derive(depth[0, 0].numpy(), 60.0, (47.5, 31.5))).movedim(-1, 0)[None]
    loss_of = {
        "logits": lambda y: F.cross_entropy(y, labels),
        "depth": lambda y: (y.log() - depth.log()).abs().mean(),
        "normals": lambda y: cosine_loss(y, faces),
    }
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    losses = []
    for _ in range(30):
        y = net(net.preprocessing(image))
        loss = loss_of[net.output.name](y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert min(losses[-5:]) < 0.75 * losses[0]


def street() -> tuple[Tensor, Tensor, Tensor]:
    """A ball before a wall on a floor: 8-bit picture, class ids, metres."""
    row, col = torch.meshgrid(torch.arange(64), torch.arange(96), indexing="ij")
    ball = (col - 40) ** 2 + (row - 30) ** 2 < 200
    labels = (row > 30).long() + 2 * ball.long()
    depth = (5 + 60 * torch.exp(-row / 20)) * (1 - 0.5 * ball.float())
    image = (torch.rand(3, 64, 96) * 60 + labels * 50).to(torch.uint8)
    return image[None], labels[None], depth[None, None]


def test_gradients_are_those_of_the_given_picture(net: Network) -> None:
    """The slope along a direction equals the gradient's, where the network pads and crops too."""
    net.double().requires_grad_(False)
    x = torch.randn(1, 3, 37, 50, dtype=torch.float64, requires_grad=True)
    direction = torch.randn_like(x)
    row, col = 36, 49  # the corner beside the padding
    (gradient,) = torch.autograd.grad(net.raw(x)[0, 0, row, col], x)
    assert gradient[..., -1, :].abs().max() > 0
    assert gradient[..., -1].abs().max() > 0
    step = 1e-7 * direction
    with torch.no_grad():
        rise = (net.raw(x + step) - net.raw(x - step))[0, 0, row, col] / 2e-7
    torch.testing.assert_close((gradient * direction).sum(), rise, rtol=1e-4, atol=1e-6 * float(rise.abs()) + 1e-9)


def test_leaves_nothing_behind(net: Network, picture: np.ndarray) -> None:
    net.train()
    net.predict(picture)
    assert net.training
    assert all(p.grad is None and p.requires_grad for p in net.parameters())
    for module in net.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert not module._backward_hooks


def test_saved_and_loaded_it_answers_the_same(net: Network, task: str, tmp_path: Path) -> None:
    net.train()
    net(torch.randn(2, 3, 64, 64))  # running statistics that are no longer the initial ones
    net.eval()
    save_network(net, tmp_path / "net.safetensors")
    loaded = load_network(tmp_path / "net")
    assert loaded.card == net.card
    assert loaded.card.task == task
    assert not loaded.training
    x = torch.randn(1, 3, 37, 50)
    with torch.no_grad():
        torch.testing.assert_close(loaded(x), net(x), rtol=0, atol=0)


def test_predicts_arrays_files_and_pil_images(net: Network, task: str, picture: np.ndarray, tmp_path: Path) -> None:
    image = Image.fromarray(picture)
    image.save(tmp_path / "picture.png")
    answers = [net.predict(picture), net.predict(image), *net.predict([tmp_path / "picture.png", picture[:33]])]
    assert [a.shape for a in answers] == [(rows, 50, *values(task)) for rows in (37, 37, 37, 33)]
    assert {a.dtype for a in answers} == {np.dtype("uint8" if TASKS[task].output == "logits" else "float32")}
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], net.predict(tmp_path / "picture.png"))


def test_unknown_option_is_refused_with_the_likely_one(arch: str, task: str) -> None:
    with pytest.raises(ConfigError, match=r"no option 'widht'.*did you mean 'width'\?"):
        create_network(arch, task, widht=0.5)


@pytest.mark.parametrize("width", [0, -1, 5])
def test_impossible_width_is_refused(arch: str, task: str, width: float) -> None:
    with pytest.raises(ConfigError, match="width"):
        create_network(arch, task, width=width)


def test_untrained_depth_is_about_ten_metres(net: Network, task: str) -> None:
    if TASKS[task].output == "depth":
        net.train()  # batch norm at work, as at the first training step
        y = net(torch.randn(2, 3, 64, 96))
        assert 5 < y.median() < 20
    else:
        assert net.output.start == 0
