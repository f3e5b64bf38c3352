"""Nothing is left behind in a network: not by a call, an error, Ctrl-C or a stream."""

import importlib
import signal
import sys
import time
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from segdepth.core.interrupts import AnsweredSignals
from segdepth.saliency import ENGINES, saliency_maps
from segdepth.saliency.graph.trace import trace
from segdepth.saliency.modes import uninterrupted

from .small import PIXELS, Small, agree


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
        *FORWARD, "segdepth.saliency.graph.graph._Forward.run_node",
        "segdepth.saliency.graph.operations.convolution.Convolution.gradient",
        "segdepth.saliency.apart.lower",
        "segdepth.saliency.graph.operations.convolution.Convolution.lay_out",
    ],
    "sparse": [
        *FORWARD, "segdepth.saliency.graph.graph._Forward.run_node", "segdepth.saliency.sparse.passes.in_parallel",
        "segdepth.saliency.sparse.passes.live_units",
        "segdepth.saliency.graph.operations.convolution.Convolution.kernel",
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
        patch.setattr("segdepth.saliency.apart.trace", interrupted)
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
