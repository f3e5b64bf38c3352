"""The call: blocks, crops, methods, targets, engines by name, mistakes, and what is left behind."""

import gc
import importlib
import logging
import re
import signal
import sys
import time
import weakref
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from jaxtyping import TypeCheckError, config
from torch import Tensor, nn

from segdepth.core.errors import ConfigError, InputError
from segdepth.core.interrupts import AnsweredSignals
from segdepth.saliency import (
    ENGINES,
    Explainer,
    IntegratedGradients,
    Margin,
    SmoothGrad,
    UnsupportedOperationError,
    request,
    saliency_chunks,
    saliency_maps,
)
from segdepth.saliency.batched import BatchedEngine
from segdepth.saliency.checks import check_image
from segdepth.saliency.explainer import remembered
from segdepth.saliency.graph.trace import trace
from segdepth.saliency.memory import in_halves
from segdepth.saliency.modes import uninterrupted
from segdepth.saliency.tiles import tile_pixels
from segdepth.tasks import create_network

HEIGHT, WIDTH = 20, 33
PIXELS = [(r, c) for r in range(1, HEIGHT, 4) for c in range(0, WIDTH, 5)]


class Small(nn.Module):
    """Three classes, halved and enlarged again: the tail is linear."""

    def __init__(self, tail: nn.Module | None = None) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.head = nn.Conv2d(8, 3, 3, padding=1)
        self.tail = tail or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        coarse = self.tail(self.head(self.encoder(x)))
        return F.interpolate(coarse, size=x.shape[-2:], mode="bilinear", align_corners=False)


class Squared(torch.autograd.Function):
    """A user-written derivative, which a trace would not see."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        return 3 * g * ctx.saved_tensors[0]


class Custom(Small):
    def forward(self, x: Tensor) -> Tensor:
        return Squared.apply(super().forward(x))


class Branching(Small):
    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y if y.sum() > 0 else -y


@pytest.fixture
def net() -> Small:
    return Small().double()


@pytest.fixture
def image() -> Tensor:
    return torch.randn(3, HEIGHT, WIDTH, dtype=torch.float64)


def agree(net: nn.Module, image: Tensor, engine: str, **options: object) -> None:
    expected = saliency_maps(net, image, PIXELS, engine="reference", **options)
    assert expected.max() > 0
    torch.testing.assert_close(saliency_maps(net, image, PIXELS, engine=engine, **options), expected)


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
@pytest.mark.parametrize(
    "method", ["gradient", "input_x_gradient", IntegratedGradients(steps=3), SmoothGrad(samples=2)]
)
def test_every_method_works_with_every_engine(net: Small, image: Tensor, engine: str, method: object) -> None:
    agree(net, image, engine, method=method, crop=(slice(2, 17), slice(3, 30)))


@pytest.mark.parametrize("engine", ["sparse", "windowed", "batched"])
@pytest.mark.parametrize(
    "target", [1, Margin(0, 2), lambda out, px: out[0, :, px[0], : px[1] + 1].square().sum(), "predicted"]
)
def test_every_target_works_with_every_engine(net: Small, image: Tensor, engine: str, target: object) -> None:
    agree(net, image, engine, target=target)


@pytest.mark.parametrize("engine", ["sparse", "windowed"])
def test_shared_cells_of_a_linear_tail(net: Small, image: Tensor, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = [(r, c) for r in range(HEIGHT) for c in range(WIDTH)]
    expected = saliency_maps(net, image, pixels, engine="reference")
    torch.testing.assert_close(saliency_maps(net, image, pixels, engine=engine), expected)
    monkeypatch.setattr("segdepth.saliency.windowed.HELD_CELLS", 1)  # many small groups
    torch.testing.assert_close(saliency_maps(net, image, pixels, engine=engine), expected)


def test_integrated_gradients_add_up(net: Small, image: Tensor) -> None:
    """Completeness: attributions sum to the change of the output, here with the sum over colours known from chunks."""
    asked = Explainer(net, engine="windowed").at(image)._request([(9, 16)], 1, IntegratedGradients(steps=200))
    (chunk,) = asked.attributions(range(1))
    with torch.no_grad():
        change = net.eval()(image[None])[0, 1, 9, 16] - net(torch.zeros_like(image)[None])[0, 1, 9, 16]
    torch.testing.assert_close(chunk.gradients.sum(), change, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_blocks_are_the_maps_in_order(net: Small, image: Tensor, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = PIXELS[::-1]
    whole = saliency_maps(net, image, pixels, engine=engine, crop="garg")
    monkeypatch.setattr(request, "BLOCK_BYTES", 7 * whole[0].nbytes)
    blocks = list(saliency_maps(net, image, pixels, engine=engine, crop="garg", iterate=True))
    assert [len(block) for block in blocks] == [7, 7, 7, 7, 7]
    torch.testing.assert_close(torch.cat(blocks), whole)


def test_a_method_in_blocks_is_the_method(net: Small, image: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = saliency_maps(net, image, PIXELS, method="smoothgrad")
    monkeypatch.setattr(request, "BLOCK_BYTES", 9 * 3 * whole[0].nbytes)
    torch.testing.assert_close(saliency_maps(net, image, PIXELS, method="smoothgrad"), whole)


def test_chunks_hold_every_map_once(net: Small, image: Tensor) -> None:
    whole = saliency_maps(net, image, PIXELS)
    seen = torch.zeros_like(whole)
    for indices, (rows, columns), values in saliency_chunks(net, image, PIXELS):
        assert not seen[indices].any()
        seen[indices, slice(*rows), slice(*columns)] = values
    torch.testing.assert_close(seen, whole)


def test_an_unknown_operation_is_named_and_auto_falls_back(image: Tensor, caplog: pytest.LogCaptureFixture) -> None:
    net = Small(nn.Softmax(dim=1)).double()
    for engine in ("windowed", "sparse"):
        with pytest.raises(UnsupportedOperationError, match=r"aten\._softmax.*engine 'batched'"):
            saliency_maps(net, image, PIXELS, engine=engine)
    with caplog.at_level(logging.WARNING, "segdepth"):
        agree(net, image, "auto", method="smoothgrad")
        agree(net, image, "auto")
    said = [record.getMessage() for record in caplog.records if "aten._softmax" in record.getMessage()]
    assert len(said) == 1, "one line, whatever the number of engines and pictures"
    assert "the engines 'sparse' and 'windowed'" in said[0]


@pytest.mark.parametrize(("kind", "words"), [(Custom, "custom function Squared"), (Branching, "decision by the input")])
def test_what_a_trace_would_get_wrong_is_refused(
    image: Tensor, kind: type[Small], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    net = kind().double()
    with pytest.raises(UnsupportedOperationError, match=words):
        saliency_maps(net, image, PIXELS, engine="windowed")
    agree(net, image, "auto")
    assert words in caplog.text


class Words(nn.Module):
    """Answers no map."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"logits": self.net(x).mean((2, 3))}


def _under_no_grad(net: Small, x: Tensor) -> Tensor:
    with torch.no_grad():
        weight = x.mean(1, keepdim=True).sigmoid()
    return Small.forward(net, x) * weight


def _in_place_under_no_grad(net: Small, x: Tensor) -> Tensor:
    y = Small.forward(net, x)
    with torch.no_grad():
        y.mul_(x.sigmoid())
    return y + x


def _data(net: Small, x: Tensor) -> Tensor:
    return Small.forward(net, x) * x.sigmoid().data


def _hook(net: Small, x: Tensor) -> Tensor:
    y = x.sigmoid()
    if y.requires_grad:
        y.register_hook(lambda gradient: gradient * 2)
    return Small.forward(net, x) * y


def _number(net: Small, x: Tensor) -> Tensor:
    return Small.forward(net, x) * float(x.max())


def _count(net: Small, x: Tensor) -> Tensor:
    return Small.forward(net, x) / len((x > 0).nonzero())


def _numpy(net: Small, x: Tensor) -> Tensor:
    return Small.forward(net, x) * torch.from_numpy(x.detach().numpy())


@pytest.mark.parametrize(
    ("forward", "words"),
    [
        (_under_no_grad, "aten.sigmoid.default under torch.no_grad()"),
        (_in_place_under_no_grad, "aten.mul_.Tensor under torch.no_grad()"),
        (_data, "a value used by its .data"),
        (_hook, "a hook on a gradient"),
        (_number, "a decision by the input's values"),
        (_count, "a decision by the input's values"),
        (_numpy, "what cannot be traced (.numpy()"),
    ],
)
def test_what_autograd_does_not_follow_is_refused_by_a_trace(
    image: Tensor, forward: Callable[[Small, Tensor], Tensor], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    net = type("Changed", (Small,), {"forward": forward})().double()
    for engine in ("sparse", "windowed"):
        with pytest.raises(UnsupportedOperationError, match=re.escape(words)):
            saliency_maps(net, image, PIXELS, engine=engine)
    agree(net, image, "auto")
    assert words in caplog.text


def test_a_look_without_gradient_does_no_harm(image: Tensor) -> None:
    class Watched(Small):
        def forward(self, x: Tensor) -> Tensor:
            y = super().forward(x)
            with torch.no_grad():
                y.mean()
            return y * x.sigmoid().detach()

    for engine in ("sparse", "windowed", "batched"):
        agree(Watched().double(), image, engine)


def test_detach_stops_gradients(image: Tensor) -> None:
    class Detached(Small):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * x.mean(1, keepdim=True).expand(-1, 3, -1, -1).detach() + x.detach()

    for engine in ("sparse", "windowed", "batched"):
        agree(Detached().double(), image, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_network_that_ignores_the_picture_there(image: Tensor, engine: str, caplog: pytest.LogCaptureFixture) -> None:
    net = Small(nn.ReLU()).double()
    nn.init.constant_(net.head.bias, -100.0)
    found = saliency_maps(net, image, PIXELS, engine=engine)
    assert not found.any()
    assert f"{len(PIXELS)} of {len(PIXELS)} maps are zero everywhere" in caplog.text
    assert "at (1, 0), (1, 5), (1, 10), (1, 15), (1, 20), ..." in caplog.text


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
def test_maps_without_gradient_are_said_once(
    image: Tensor, engine: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class HalfDead(Small):
        def forward(self, x: Tensor) -> Tensor:
            y = super().forward(x)
            return torch.cat([y[..., :15].relu() * 0, y[..., 15:]], 3)

    net = HalfDead().double()
    dead = [index for index, (_, column) in enumerate(PIXELS) if column < 15]
    monkeypatch.setattr(request, "BLOCK_BYTES", 2 * 8 * HEIGHT * WIDTH)  # two maps at a time
    for run in (
        lambda **how: list(saliency_maps(net, image, PIXELS, engine=engine, iterate=True, **how)),
        lambda **how: saliency_maps(net, image, PIXELS, engine=engine, **how),
        lambda **how: list(saliency_chunks(net, image, PIXELS, engine=engine, **how)),
    ):
        caplog.clear()
        run()
        said = [
            r.getMessage() for r in caplog.records if r.name.startswith("segdepth") and r.levelno >= logging.WARNING
        ]
        assert len(said) == 1, said
        assert f"{len(dead)} of {len(PIXELS)} maps" in said[0]
        told: list[int] = []
        run(zeros=told.extend)
        assert told == dead


def test_a_picture_of_another_size_than_trained_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    net = create_network("segnet", "seg", width=0.125)
    net.card = net.card.model_copy(update={"input_size": (48, 96)})
    saliency_maps(net, torch.rand(3, 40, 64), [(3, 4)])
    assert "the picture is 40x64, but the network was trained at 48x96" in caplog.text
    caplog.clear()
    saliency_maps(net, torch.rand(3, 48, 96), [(3, 4)])
    assert "trained" not in caplog.text
    with pytest.raises(InputError, match=r"1 channels; the network sees 3"):
        saliency_maps(net, torch.rand(1, 48, 96), [(3, 4)])


def state(net: Small, image: Tensor) -> list[object]:
    """Everything that a call could leave behind, in the network and in PyTorch."""
    modules = list(net.modules())
    hooks = [
        bool(m._forward_hooks or m._backward_hooks or m._forward_pre_hooks or m._backward_pre_hooks) for m in modules
    ]
    tensors = [*net.parameters(), *net.buffers()]
    return [
        [module.training for module in modules],
        hooks,
        [(id(t), t.requires_grad, t.grad is None, bool(t._backward_hooks), t.grad_fn) for t in tensors],
        [t.detach().clone().tolist() for t in tensors],
        [image.requires_grad, image.grad is None],
        [sorted(vars(module)) for module in modules],
        [
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.get_default_dtype(),
            torch.get_num_threads(),
        ],
        [torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()],
        [torch.is_autocast_enabled("cpu"), torch.are_deterministic_algorithms_enabled()],
        torch.get_rng_state().tolist(),
    ]


class Interrupter:
    """Calls a function some times, then is Ctrl-C."""

    def __init__(self, function: Callable[..., object], calls: int) -> None:
        self.function, self.calls = function, calls

    def __call__(self, *args: object, **kwargs: object) -> object:
        self.calls -= 1
        if self.calls == 0:
            raise KeyboardInterrupt
        return self.function(*args, **kwargs)


#: Where an engine is in the middle of its work: in the forward pass, in a seed, in the first and in a later step back.
FORWARD = ["torch.nn.functional.interpolate"]
IN_THE_MIDDLE = {
    "reference": [*FORWARD, "torch.autograd.grad"],
    "batched": [*FORWARD, "torch.autograd.grad", "segdepth.saliency.seeds.Seeds.gather"],
    "windowed": [
        *FORWARD, "segdepth.saliency.graph.graph._Forward.run_node", "segdepth.saliency.windowed.input_gradient",
        "segdepth.saliency.graph.graph.lower", "segdepth.saliency.windowed.prepare_state",
    ],
    "sparse": [
        *FORWARD, "segdepth.saliency.graph.graph._Forward.run_node", "segdepth.saliency.sparse.passes.in_parallel",
        "segdepth.saliency.sparse.passes.live_units", "segdepth.saliency.sparse.passes._constants",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("engine", "place"), [(e, place) for e, places in IN_THE_MIDDLE.items() for place in places])
@pytest.mark.parametrize("calls", [1, 3])
def test_nothing_is_left_behind_by_ctrl_c(
    net: Small, image: Tensor, engine: str, place: str, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also not in the engine: the next call gives the right maps."""
    net.train()
    net.head.eval()
    net.head.weight.requires_grad_(False)
    expected = saliency_maps(net, image, PIXELS, engine="reference")
    before = state(net, image)
    where, _, name = place.rpartition(".")
    owner: object = importlib.import_module(where) if where in sys.modules else None
    if owner is None:  # a method
        owner = getattr(importlib.import_module(where.rpartition(".")[0]), where.rpartition(".")[2])
    interrupter = Interrupter(getattr(owner, name), calls)
    with monkeypatch.context() as patch:
        method = isinstance(owner, type)
        patch.setattr(owner, name, (lambda *a, **k: interrupter(*a, **k)) if method else interrupter)
        stopped = False
        try:
            saliency_maps(net, image, PIXELS, engine=engine)
        except KeyboardInterrupt:
            stopped = True
    assert stopped == (interrupter.calls <= 0)
    assert stopped or calls > 1
    assert state(net, image) == before
    torch.testing.assert_close(saliency_maps(net, image, PIXELS, engine=engine), expected)
    assert state(net, image) == before


def test_ctrl_c_waits_for_the_end_of_a_trace(net: Small, image: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch's tracing does not survive it: the process would be aborted."""
    ended = []

    def interrupted(*arguments: object) -> object:
        signal.raise_signal(signal.SIGINT)
        ended.append(trace(*arguments))  # type: ignore[arg-type]
        return ended[-1]

    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr("segdepth.saliency.graph.graph.trace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            saliency_maps(net, image, PIXELS, engine="windowed")
    assert ended
    assert signal.getsignal(signal.SIGINT) is handler
    agree(net, image, "windowed")


def test_ctrl_c_that_had_to_wait_is_not_a_second_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who presses it once during a trace must not be taken for someone who cannot wait."""
    ended: list[int] = []
    monkeypatch.setattr(AnsweredSignals, "ECHO", 0.0)
    with AnsweredSignals(lambda: None, end=ended.append):
        with pytest.raises(KeyboardInterrupt), uninterrupted():
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.02)
        time.sleep(0.02)
    assert not ended


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
@pytest.mark.parametrize("error", [None, KeyboardInterrupt, RuntimeError])
def test_nothing_is_left_behind(net: Small, image: Tensor, engine: str, error: type[BaseException] | None) -> None:
    net.train()
    net.head.eval()
    net.head.weight.requires_grad_(False)
    before = state(net, image)

    def target(out: Tensor, pixel: tuple[int, int]) -> Tensor:
        if error is not None and pixel == PIXELS[3]:
            raise error
        return out[0, 0, pixel[0], pixel[1]]

    if error is not None:
        with pytest.raises(error):
            saliency_maps(net, image, PIXELS, target=target, engine=engine, method="smoothgrad")
    else:
        saliency_maps(net, image, PIXELS, target=target, engine=engine, method="smoothgrad")
    assert state(net, image) == before


def test_a_stream_leaves_the_network_alone_between_blocks(net: Small, image: Tensor) -> None:
    for engine in ENGINES:
        stream = saliency_maps(net.train(), image, PIXELS, engine=engine, iterate=True)
        before = state(net, image)
        next(stream)
        assert state(net, image) == before
        stream.close()
        assert state(net, image) == before


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
    assert len(remembered(net)._graphs._entries) == 1


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


class Noisy(Small):
    """Draws from a generator of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = torch.Generator()

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + torch.rand(3, HEIGHT, WIDTH, dtype=x.dtype, generator=self.generator)


def test_an_answer_by_chance_is_no_graph_s(image: Tensor, caplog: pytest.LogCaptureFixture) -> None:
    net = Noisy().double()
    with pytest.raises(UnsupportedOperationError, match="another answer at every look"):
        saliency_maps(net, image, PIXELS, engine="windowed")
    agree(net, image, "auto", target=1)
    assert "another answer at every look" in caplog.text


class Notes(Small):
    """Keeps what it sees, counts, and averages."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Tensor | None = None
        self.all_seen: list[Tensor] = []
        self.count = 0
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.seen = super().forward(x)
        self.all_seen.append(self.seen)
        self.count += 1
        self.extra = self.count
        self.mean.mul_(0.9).add_(1)
        return self.seen.tanh()


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
def test_what_a_network_notes_in_itself_is_put_back(image: Tensor, engine: str) -> None:
    net = Notes().double().eval()
    saliency_maps(net, image, PIXELS, engine=engine)  # a first pass of its own, which stays
    seen, mean = net.seen, net.mean.clone()
    assert seen is not None
    for _ in range(2):
        assert net.seen is seen
        assert len(net.all_seen) == 1
        assert (net.count, net.extra) == (1, 1)
        assert torch.equal(net.mean, mean)
        agree(net, image, engine)


@pytest.mark.filterwarnings("ignore:Using a non-full backward hook:FutureWarning")
@pytest.mark.parametrize("register", ["register_backward_hook", "register_full_backward_hook"])
def test_hooks_on_gradients_are_refused_by_a_trace(
    net: Small, image: Tensor, register: str, caplog: pytest.LogCaptureFixture
) -> None:
    plain = saliency_maps(net, image, PIXELS, engine="windowed")
    getattr(net.head, register)(lambda module, to_input, to_output: tuple(g if g is None else 3 * g for g in to_input))
    for engine in ("windowed", "sparse"):
        with pytest.raises(UnsupportedOperationError, match="a hook on the gradients of head"):
            saliency_maps(net, image, PIXELS, engine=engine)
    hooked = saliency_maps(net, image, PIXELS)
    assert "a hook on the gradients of head (Conv2d)" in caplog.text
    if register == "register_full_backward_hook":  # the older kind sees other gradients than its name says
        torch.testing.assert_close(hooked, 3 * plain)


def test_a_trace_does_not_keep_its_network() -> None:
    net = Small()
    saliency_maps(net, torch.rand(3, HEIGHT, WIDTH), PIXELS, engine="windowed")
    reference = weakref.ref(net)
    del net
    gc.collect()
    assert reference() is None


def test_inference_mode_and_no_grad_do_not_matter(net: Small, image: Tensor) -> None:
    expected = saliency_maps(net, image, PIXELS)
    for mode in (torch.no_grad, torch.inference_mode):
        for engine in ENGINES:
            with mode():
                found = saliency_maps(net, image, PIXELS, engine=engine)
            torch.testing.assert_close(found.clone(), expected)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_do_not_matter(net: Small, image: Tensor, threads: int) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        agree(net, image, "sparse")
    finally:
        torch.set_num_threads(before)


def test_single_precision_agrees_within_rounding(net: Small, image: Tensor) -> None:
    expected = saliency_maps(net, image, PIXELS, engine="reference").float()
    for engine in ENGINES:
        found = saliency_maps(net.float(), image.float(), PIXELS, engine=engine)
        assert found.dtype == torch.float32
        assert (found - expected).abs().max() < 1e-5 * expected.max()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"engine": "spars"}, "'spars'"),  # by us, or by the checker of annotations that the tests switch on
        ({"method": "gradients"}, "'gradients'"),
        ({"crop": "grag"}, "did you mean 'garg'"),
        ({"crop": (slice(9, 9), slice(None))}, "no pixel"),
        ({"target": Margin(0, 3)}, r"class 3 is outside 0\.\.2"),
        ({"target": "log_depth"}, "one output channel"),
    ],
)
def test_mistakes_are_named(net: Small, image: Tensor, options: dict[str, object], words: str) -> None:
    with pytest.raises((ConfigError, InputError, TypeCheckError), match=words):
        saliency_maps(net, image, PIXELS, **options)


@pytest.fixture
def no_checker() -> Iterator[None]:
    """What a user sees: nobody checks the annotations."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "dept"}, "no target 'dept'.*did you mean 'depth'"),
        ({"target": True}, "target True is none"),
        ({"target": 1.0}, "target 1.0 is none"),
        ({"pixels": [(1.0, 2)]}, "1.0 is no row of a pixel"),
        ({"pixels": (1, 2)}, "1 is no pixel"),
        ({"pixels": torch.tensor([1, 2])}, r"the shape \[2\]"),
        ({"image": np.zeros((3, 8, 8))}, "the picture is a ndarray"),
        ({"image": torch.zeros(3, HEIGHT, WIDTH)}, "cannot take a picture .*float32"),
        ({"image": torch.zeros(4, HEIGHT, WIDTH, dtype=torch.float64)}, r"cannot take a picture of \[4, "),
        ({"net": Words(nn.Conv2d(3, 2, 1)).double()}, r"a dict with logits \[1, 2\]"),
        ({"target": lambda output, pixel: output[0, :, *pixel]}, r"gives the shape \[3\] at pixel \(1, 0\)"),
        ({"target": lambda output, pixel: output[0, 0, *pixel].detach()}, "has no gradient"),
        ({"target": lambda output, pixel: 3.0}, "gives a float"),
        ({"crop": (slice(0, HEIGHT + 1), slice(None))}, "beyond the 20x33 picture: it has 20 rows"),
        ({"crop": 5}, "crop 5 is none"),
        ({"engine": "spars"}, "there are: auto, batched"),
        ({"method": SmoothGrad}, "is no saliency method"),
    ],
)
@pytest.mark.usefixtures("no_checker")
@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_mistakes_are_named_without_a_checker_of_annotations(
    net: Small, image: Tensor, options: dict[str, object], words: str, engine: str
) -> None:
    call = {"net": net, "image": image, "pixels": PIXELS, "engine": engine, **options}
    with pytest.raises((ConfigError, InputError), match=words):
        saliency_maps(**call)


@pytest.mark.usefixtures("no_checker")
def test_pixels_are_pairs_or_an_array(net: Small, image: Tensor) -> None:
    expected = saliency_maps(net, image, PIXELS)
    for pixels in (torch.tensor(PIXELS), np.array(PIXELS), [list(pixel) for pixel in PIXELS]):
        torch.testing.assert_close(saliency_maps(net, image, pixels), expected)


def test_methods_without_a_step_are_refused() -> None:
    with pytest.raises(InputError, match="steps=0"):
        IntegratedGradients(steps=0)
    with pytest.raises(InputError, match="samples=0"):
        SmoothGrad(samples=0)


def test_pictures_that_cannot_be_are_refused(net: Small, image: Tensor) -> None:
    for shape in ((1, 3, HEIGHT, WIDTH), (HEIGHT, WIDTH), (3, 0, WIDTH)):
        with pytest.raises(
            InputError, match="the picture has the shape"
        ):  # what a user sees, without our test's checker
            check_image(net, image.new_zeros(shape))
    with pytest.raises(InputError, match="not finite"):
        saliency_maps(net, image / 0, PIXELS)
    assert not saliency_maps(net, image, []).numel()


def test_running_out_of_memory_halves_the_chunk() -> None:
    sizes = []

    def step(group: list[int]) -> int:
        sizes.append(len(group))
        if len(group) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return sum(group)

    assert list(in_halves(list(range(7)), step)) == [([0], 0), ([1, 2], 3), ([3, 4], 7), ([5, 6], 11)]
    assert sizes == [7, 3, 1, 2, 4, 2, 2]
    with pytest.raises(RuntimeError, match="other"):
        list(in_halves([1, 2], lambda _: (_ for _ in ()).throw(RuntimeError("other"))))


@pytest.mark.parametrize("chunk", [1, 2, 5, 1000])
def test_the_chunk_size_does_not_matter(net: Small, image: Tensor, chunk: int) -> None:
    window = ((0, HEIGHT), (0, WIDTH))
    expected = saliency_maps(net, image, PIXELS, engine="reference", target=2)
    explainer = BatchedEngine(net.eval(), image, window, chunk)
    found = torch.cat([c.gradients.abs().amax(1) for c in explainer.gradients(PIXELS, [2] * len(PIXELS))])
    torch.testing.assert_close(found, expected)


def test_tiles_hold_every_pixel_once() -> None:
    for largest in (1, 3, 16, 100):
        tiles = tile_pixels(PIXELS, largest)
        assert sorted(i for tile in tiles for i in tile) == list(range(len(PIXELS)))
        assert sum(len(tile) < largest for tile in tiles) <= 1
