"""A network that has changed is taken apart anew, and a picture of it refuses to go on."""

import time
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from segdepth.core.errors import InputError
from segdepth.saliency import Explainer
from segdepth.saliency.changes import Fingerprint, digests
from segdepth.saliency.explainer import remembered

from .small import HEIGHT, PIXELS, WIDTH, Small, agree


def test_a_trace_is_kept_until_the_network_changes(net: Small, image: Tensor) -> None:
    for change in (
        lambda: None,
        lambda: net.head.weight.data.mul_(2),
        lambda: nn.init.uniform_(net.encoder[1].running_var),
        lambda: setattr(net, "tail", nn.Tanh()),
    ):
        change()
        for engine in ("windowed", "sparse"):
            agree(net, image, engine)
    assert len(remembered(net)._graphs._known._entries) == 1


class Scaled(Small):
    """Reads numbers and tensors of its own, in attributes, containers and its class."""

    power = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.gain = 0.5
        self.options = {"bias": [0.0, 1.0]}
        self.mask = torch.rand(HEIGHT, WIDTH, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward((self.gain * x + self.options["bias"][0]).tanh() * self.mask) ** self.power


class Times:
    """A hook with a number that can change."""

    factor = 1.0

    def __call__(self, module: nn.Module, x: object, y: Tensor) -> Tensor:
        return (y * self.factor).tanh()


def _flip_in_place(net: Small) -> None:
    with torch.no_grad():
        net.head.weight.copy_(net.head.weight.flip(3))


def _flip_data_in_place(net: Small) -> None:
    net.head.weight.data.copy_(net.head.weight.flip(3))


def _flip_data(net: Small) -> None:
    net.head.weight.data = net.head.weight.data.flip(1)


def _other_hook_at_the_same_address(net: Small) -> None:
    for factor in (2.0, 3.0):
        handle = net.head.register_forward_hook(lambda module, x, y, factor=factor: y.sigmoid() ** factor)
        agree(net, torch.randn(3, HEIGHT, WIDTH, dtype=torch.float64), "windowed")
        handle.remove()


@pytest.mark.parametrize("engine", ["windowed", "sparse"])
def test_a_trace_sees_whatever_changes(image: Tensor, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net, hook = Scaled().double(), Times()
    for change in (
        lambda: None,
        lambda: setattr(net, "gain", 2.0),
        lambda: net.options["bias"].__setitem__(0, 0.7),
        lambda: net.mask.mul_(torch.rand_like(net.mask)),
        lambda: setattr(net, "mask", torch.rand_like(net.mask)),
        lambda: monkeypatch.setattr(Scaled, "power", 2.0),
        lambda: _flip_in_place(net),
        lambda: _flip_data_in_place(net),
        lambda: _flip_data(net),
        lambda: _other_hook_at_the_same_address(net),
        lambda: net.head.register_forward_hook(hook),
        lambda: setattr(hook, "factor", 3.0),
        lambda: net.encoder.register_forward_pre_hook(lambda module, x: (x[0] ** 2,)),
    ):
        change()
        agree(net, image, engine)


def _replace_a_weight(net: Small) -> None:
    net.head.weight = nn.Parameter(net.head.weight * 2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_flip_in_place, "head.weight has other values"),
        (_flip_data, "head.weight has other values"),
        (_replace_a_weight, "head.weight has other values"),
        (lambda net: nn.init.uniform_(net.encoder[1].running_var), "encoder.1.running_var has other values"),
        (
            lambda net: net.train()(torch.randn(1, 3, HEIGHT, WIDTH).double()),
            "encoder.1.num_batches_tracked has other values",
        ),
        (lambda net: net.mask.mul_(0.5), "mask has other values"),
        (lambda net: setattr(net, "mask", None), "mask is another tensor"),
        (lambda net: setattr(net, "tail", nn.Tanh()), "its module 'tail' is another"),
        (lambda net: net.encoder.append(nn.Tanh()), "it has other parts or hooks"),
        (lambda net: net.head.register_forward_hook(lambda module, x, y: 2 * y), "it has other parts or hooks"),
    ],
)
def test_a_picture_of_another_network_refuses_to_go_on(
    image: Tensor, change: Callable[[Scaled], object], words: str
) -> None:
    net = Scaled().double()
    explainer = Explainer(net)
    at = explainer.at(image)
    at.maps(PIXELS)
    change(net)
    for call in (at.maps, at.blocks, at.chunks, at.jacobian, at.jacobian_blocks, at.operator):
        with pytest.raises(
            InputError, match=rf"the network was changed since at\(image\): {words}; call at\(image\) again"
        ):
            call(PIXELS)
    if net.mask is not None:
        expected = Explainer(net, engine="reference").at(image).maps(PIXELS)
        torch.testing.assert_close(explainer.at(image).maps(PIXELS), expected)


def test_what_is_written_behind_pytorch_s_back_is_seen_at_the_next_picture(image: Tensor) -> None:
    """The price of a look that takes no time."""
    net = Scaled().double()
    explainer = Explainer(net)
    at = explainer.at(image)
    for change in (lambda: net.head.weight.data.mul_(-1), lambda: net.head.weight.detach().numpy().__imul__(2)):
        before = at.maps(PIXELS)
        change()
        torch.testing.assert_close(at.maps(PIXELS), before)
        at = explainer.at(image)
        torch.testing.assert_close(at.maps(PIXELS), Explainer(net, engine="reference").at(image).maps(PIXELS))


class Noting(Small):
    """Keeps its last answer, counts in a buffer, and has a table that it does not touch."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Tensor | None = None
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.seen = super().forward(x)
        self.count += 1
        return self.seen.tanh()


def test_what_a_network_notes_itself_is_no_change(image: Tensor) -> None:
    net = Noting().double().eval()
    explainer = Explainer(net)
    for _ in range(2):
        at, other = explainer.at(image), explainer.at(image * 2)
        expected = at.maps(PIXELS)
        net(image[None])
        for engine in ("batched", "auto"):
            Explainer(net, engine=engine).at(image).maps(PIXELS[:2], method="smoothgrad")
        torch.testing.assert_close(at.maps(PIXELS), expected)
        other.maps(PIXELS[:2])
    with torch.no_grad():
        net.head.weight.mul_(2).mul_(0.5)
    at.maps(PIXELS[:2])


def bits(*tensors: Tensor) -> list[int]:
    return digests(list(tensors))


@pytest.mark.parametrize(
    "values",
    [
        torch.randn(7), torch.randn(5, 3, 2, 2).to(memory_format=torch.channels_last), torch.randn(70_000).half(),
        torch.randn(33, dtype=torch.complex64).conj(), torch.arange(40_003, dtype=torch.int16)[1:], torch.rand(9) > 0.5,
        torch.randn(8, 6)[:, 1:4].T, torch.randn(4).expand(3, 4).clone(), torch.randn(70_000, dtype=torch.float64),
    ],
)  # fmt: skip
def test_a_digest_changes_with_every_bit_and_with_the_order(values: Tensor) -> None:
    (before,) = bits(values)
    assert bits(values.clone()) == [before] == bits(values)
    flat = values.resolve_conj().clone().flatten()
    for place in (0, len(flat) // 2, len(flat) - 1):
        changed = flat.clone()
        changed[place] = ~changed[place] if flat.dtype == torch.bool else -changed[place] - 1
        assert bits(changed) != bits(flat)
    order = torch.arange(len(flat)).roll(1)
    assert bits(flat[order]) != bits(flat)


def test_signs_that_change_in_pairs_do_not_cancel() -> None:
    """The upper bit of a whole number is the sign of the second of two floats; its products know only whether it is odd."""
    values = torch.randn(64)
    for first in range(1, 16, 2):
        changed = values.clone()
        changed[[first, first + 2]] *= -1
        assert bits(changed) != bits(values)
    assert bits(-values) != bits(values)
    tiny = values.clone()
    tiny[5] = torch.nextafter(tiny[5], torch.tensor(9.0))
    assert bits(tiny) != bits(values)


def test_a_quick_look_takes_less_than_a_millisecond() -> None:
    net = nn.Sequential(*(nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)) for _ in range(72)))
    fingerprint = Fingerprint(net)
    assert len(fingerprint._watched) >= 500
    times = []
    for _ in range(50):
        started = time.perf_counter()
        assert fingerprint.change() is None
        times.append(time.perf_counter() - started)
    assert min(times) < 1e-3


def test_what_was_expanded_has_the_digest_of_what_was_repeated() -> None:
    """Weights that are one number in memory, as a mean's are, and one that PyTorch cannot see as bytes."""
    for one in (torch.ones(1, dtype=torch.float64), torch.rand(1)):
        expanded = one.expand(4, 3)
        assert digests([expanded]) == digests([expanded.contiguous()]) != digests([expanded * 2])
