"""Networks, pictures and calls that once gave a wrong answer, a traceback, or were left otherwise than before."""

import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest
import torch
from jaxtyping import config
from torch import Tensor, nn

from segdepth.core.errors import InputError
from segdepth.saliency import Explainer, IntegratedGradients, UnsupportedOperationError, saliency_maps
from segdepth.saliency.graph import layouts

HEIGHT, WIDTH = 12, 17
PIXELS = [(0, 0), (11, 16), (6, 8), (6, 8), (4, 16)]
CROP = (slice(2, 9), slice(3, 11))
ENGINES = ("windowed", "sparse", "auto")


def picture(seed: int = 0) -> Tensor:
    return torch.randn(3, HEIGHT, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


class Part(nn.Module):
    """A function with modules of its own."""

    def __init__(self, function: Callable[..., Any], **modules: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(self, *args, **kwargs)


class Held(nn.Module):
    """A part between two convolutions, at numbers of which some are 0."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.first, self.part, self.last = nn.Conv2d(3, 4, 3, padding=1), part, nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.part(self.first(x).relu()))


def held(function: Callable[..., Any], **modules: nn.Module) -> Held:
    return Held(Part(function, **modules)).double()


def rows(net: nn.Module, image: Tensor, target: int = 0) -> Tensor:
    """The obvious loop, on a copy of the network."""
    net = copy.deepcopy(net).eval()
    x = image[None].clone().requires_grad_()
    y = net(x.clone())
    found = [torch.autograd.grad(y[0, target, r, c], x, retain_graph=True)[0][0] for r, c in PIXELS]
    return torch.stack(found)


def attack(net: nn.Module, *pictures: Tensor, engines: tuple[str, ...] = ENGINES) -> None:
    """All engines, at all pictures with one explainer, back and forth, and in a crop; the weights' gradients stay."""
    pictures = pictures or (picture(0), picture(1))
    expected = [rows(net, image) for image in pictures]
    for engine in engines:
        explainer = Explainer(net, engine=engine)
        explained = [explainer.at(image) for image in pictures]
        for at, right in [*zip(explained, expected, strict=True), (explained[0], expected[0])]:
            torch.testing.assert_close(at.jacobian(PIXELS, target=0), right)
        cropped = explainer.at(pictures[-1], crop=CROP).jacobian(PIXELS, target=0)
        torch.testing.assert_close(cropped, expected[-1][:, :, *CROP])
        assert all(parameter.grad is None for parameter in net.parameters())


class Clip(torch.autograd.Function):
    """A gradient that is too large is made shorter: what it is anywhere depends on all of it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        norm = g.norm()
        return g / norm if norm > 0.05 else g


class Finite(torch.autograd.Function):
    """Refuses gradients that are no numbers."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        assert g.isfinite().all()
        return g * 2


class Described(torch.autograd.Function):
    """Answers a text, too."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, None, str]:
        return x * 2, None, "twice"

    @staticmethod
    def backward(ctx: Any, g: Tensor, *_: None) -> Tensor:
        return g * 2


class Reversible(torch.autograd.Function):
    """Computes its way back itself, and adds to the weights' gradients, as reversible networks do."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, function: nn.Module) -> Tensor:
        ctx.function = function
        ctx.save_for_backward(x)
        with torch.no_grad():
            return x + function(x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, None]:
        with torch.enable_grad():
            x = ctx.saved_tensors[0].detach().requires_grad_()
            y = x + ctx.function(x)
        torch.autograd.backward(y, g)
        return x.grad, None


@pytest.mark.parametrize("function", [Clip, Finite])
def test_backward_functions_that_look_at_their_numbers(function: type[torch.autograd.Function]) -> None:
    attack(held(lambda _, x: function.apply(x)))


def test_a_function_that_answers_a_text_too() -> None:
    attack(held(lambda _, x: Described.apply(x)[0]))


def test_reversible_layers_leave_no_gradients() -> None:
    net = held(lambda part, x: Reversible.apply(x, part.inner), inner=nn.Sequential(nn.Conv2d(4, 4, 1), nn.Tanh()))
    attack(net, engines=(*ENGINES, "batched", "reference"))
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = [parameter.grad for parameter in net.parameters()]
    at = Explainer(net).at(picture())
    at.maps(PIXELS)
    at.operator(PIXELS).rmatvec(torch.ones(len(PIXELS)).numpy())
    assert all(
        parameter.grad is old and bool((old == 1).all())
        for parameter, old in zip(net.parameters(), before, strict=True)
    )


def decides(x: Tensor) -> bool:
    return bool(x.sum() > 1e9)


@dataclass
class Told:
    value: Tensor


@pytest.mark.parametrize(
    ("answer", "used"),
    [
        (lambda x: {"value": x * 2, "name": "two", "count": 2, "none": None}, lambda told: told["value"]),
        (lambda x: Told(x * 2), lambda told: told.value),
        (
            lambda x: [x[:, 1:], (x[:, :1].expand(-1, 3, -1, -1),)],
            lambda told: torch.cat([told[0], told[1][0][:, :1]], 1),
        ),
    ],
)
def test_what_parts_that_are_called_as_they_are_answer(
    answer: Callable[[Tensor], Any], used: Callable[[Any], Tensor]
) -> None:
    inner = Part(lambda _, x, scale: answer(x * (2 if decides(x) else scale)))
    attack(held(lambda part, x: used(part.inner(x, scale=3.0)), inner=inner))


def test_what_a_part_is_told_without_arguments() -> None:
    def forward(part: Part, x: Tensor) -> Tensor:
        part.inner.told = x.sigmoid()
        result = part.inner(x)
        part.inner.told = None
        return result

    net = held(forward, inner=Part(lambda part, x: x if decides(x) else x * part.told))
    net.part.inner.told = None
    attack(net)
    alone = net.part
    with pytest.raises(UnsupportedOperationError, match="fails when it is called alone"):
        Explainer(alone, engine="windowed").at(torch.rand(4, 8, 9, dtype=torch.float64)).maps([(0, 0)])
    Explainer(alone).at(torch.rand(4, 8, 9, dtype=torch.float64)).maps([(0, 0)])


@pytest.mark.parametrize(
    ("answer", "used"),
    [
        (lambda x: (x * 2, None) if x.mean() > 0 else (None, x * 2), lambda a, b: a if a is not None else b * 5),
        (lambda x: (x * 2 if x.mean() > 0 else x[:, :1] * 2, 0), lambda a, _: a),
    ],
)
@pytest.mark.parametrize("method", ["gradient", IntegratedGradients(steps=4)])
def test_a_part_that_answers_in_another_form_at_another_picture(
    answer: Callable[[Tensor], Any], used: Callable[..., Tensor], method: Any
) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part, self.last = Part(lambda _, x: answer(x)), nn.Conv2d(3, 2, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(used(*self.part(x)) + x)

    net = Net().double()
    for image in (picture().abs(), -picture().abs()):
        expected = saliency_maps(net, image + 0.1, PIXELS, engine="reference", method=method)
        torch.testing.assert_close(saliency_maps(net, image + 0.1, PIXELS, method=method), expected)
    if method == "gradient":
        attack(net, picture().abs(), -picture().abs())


def test_shapes_by_the_picture() -> None:
    def forward(part: Part, x: Tensor) -> Tensor:
        return x * part.pool(part.pick(x))

    def pick(_: Part, x: Tensor) -> Tensor:
        tokens = x.flatten(2)[0].T
        return tokens[tokens[:, 0] > 0.1]

    pool = Part(lambda _, tokens: (tokens.tanh() * tokens).sum(0)[None, :, None, None].sigmoid())
    attack(held(forward, pick=Part(pick), pool=pool))


def test_a_network_may_write_to_its_picture() -> None:
    net = Part(lambda part, x: part.last(x.sub_(0.5).div_(2)), last=nn.Conv2d(3, 2, 3, padding=1)).double()
    image = picture()
    attack(net, image.clone(), engines=(*ENGINES, "batched", "reference"))
    given = image.clone()
    at = Explainer(net).at(given)
    assert torch.equal(given, image)
    row = at.jacobian(PIXELS, target=1)[2].flatten()
    found = at.operator(PIXELS, target=1).matvec(image.flatten().numpy())[2]
    assert found == pytest.approx(float(row @ image.flatten()))


@pytest.mark.parametrize(
    "function",
    [
        lambda part, x: x / x.norm(),
        lambda part, x: x / x.std(),
        lambda part, x: (torch.complex(x, x.sin()) * torch.exp(1j * x)).abs(),
        lambda part, x: part.norm(x[:, :, None])[:, :, 0],
    ],
    ids=["norm", "std", "complex", "batch norm of volumes"],
)
def test_operations_in_rare_forms(function: Callable[..., Tensor]) -> None:
    attack(held(function, norm=nn.BatchNorm3d(4)))


ORDER = torch.randperm(HEIGHT * WIDTH, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "function",
    [
        lambda _, x: x.flatten(2).roll(5, -1).view_as(x),
        lambda _, x: x.flip((1, 2, 3)),
        lambda _, x: x.flatten(2)[:, :, ORDER].view_as(x),
        lambda _, x: x[:, [3, 0, 0, -1]],
        lambda _, x: x[:, :, [0, 0, 5, -1, 3, 2, 2, 1, 8, 9, 10, 0]],
    ],
)
@pytest.mark.parametrize("largest", [0, layouts.LARGEST_MATRIX])
def test_other_orders(function: Callable[..., Tensor], largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "LARGEST_MATRIX", largest)
    attack(held(function), picture())


def test_long_axes_in_another_order_take_no_matrix() -> None:
    """All positions at once, rolled: a matrix would have 10^10 numbers."""
    net = held(lambda _, x: x.flatten(2).roll(5, -1).view_as(x))
    image = torch.rand(3, 256, 416, dtype=torch.float64)
    x = image[None].clone().requires_grad_()
    (expected,) = torch.autograd.grad(net(x)[0, 0, 100, 200], x)
    torch.testing.assert_close(Explainer(net, engine="windowed").at(image).jacobian([(100, 200)], target=0), expected)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_compiled_part_is_taken_apart() -> None:
    part = torch.compile(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.GELU()), backend="eager")
    net = Held(part).double()
    attack(net)
    assert all(part.how == "native" for part in Explainer(net).at(picture()).parts)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning", "ignore:`torch.jit:FutureWarning")
def test_frozen_scripts_and_exported_programs() -> None:
    net, image = held(lambda _, x: x).eval(), picture()
    plain = nn.Sequential(net.first, nn.ReLU(), net.last).eval()
    expected = rows(plain, image)
    frozen = torch.jit.freeze(torch.jit.script(plain))
    exported = torch.export.export(plain, (image[None],)).module()
    for one in (frozen, exported, nn.Sequential(frozen)):
        for engine in ENGINES:
            torch.testing.assert_close(Explainer(one, engine=engine).at(image).jacobian(PIXELS, target=0), expected)


def test_copies_of_explainers() -> None:
    net, image = Held(nn.BatchNorm2d(4)).double(), picture()
    explainer = Explainer(net)
    at = explainer.at(image)
    expected = at.maps(PIXELS)
    for made in (copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
        assert torch.equal(made(explainer).at(image).maps(PIXELS), expected)
        assert torch.equal(made(at).maps(PIXELS), expected)


class Reversed(torch.autograd.Function):
    """Is given the network itself."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, net: nn.Module) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        return -g, None


class HooksOfItsOwn(Held):
    def __init__(self) -> None:
        super().__init__(nn.Identity())
        self.first.register_full_backward_hook(self.note)

    def note(self, *_: object) -> None:
        """A method as a hook: the part holds the network."""


@pytest.mark.parametrize("make", [HooksOfItsOwn, lambda: Part(lambda net, x: Reversed.apply(x, net) * 2)])
def test_a_network_is_not_kept_alive(make: Callable[[], nn.Module]) -> None:
    net = make().double()
    for _ in range(2):
        saliency_maps(net, picture(), PIXELS)
    known = weakref.ref(net)
    del net
    gc.collect()
    assert known() is None


def test_another_thread_is_not_looked_at() -> None:
    """Its calls of modules and custom functions are its own, also while this thread takes a network apart."""
    other, image = held(lambda _, x: Finite.apply(x)), picture()
    done, errors = threading.Event(), list[Exception]()

    def train() -> None:
        while not done.is_set():
            try:
                other(image[None]).sum().backward()
            except Exception as error:
                errors.append(error)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        deep = nn.Sequential(*[nn.Sequential(nn.Conv2d(3, 3, 1), nn.GELU(), nn.Conv2d(3, 3, 1)) for _ in range(12)])
        Explainer(deep.double()).at(image).maps(PIXELS)
    finally:
        done.set()
        thread.join()
    assert not errors


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_share_an_explainer(engine: str) -> None:
    """The network is in training mode, and what a block reaches depends on the picture."""

    def forward(part: Part, x: Tensor) -> Tensor:
        y = part.drop(x)
        return torch.where(x.mean() > 0.3, y * torch.erfinv(y.clamp(-0.9, 0.9)), torch.sort(y, dim=3)[0])

    net = held(forward, drop=nn.Dropout(0.5)).train()
    pictures = [picture(), picture(1) * 3, picture(2), picture(3) * 0.1]
    expected = [rows(net, image) for image in pictures]
    explainer, wrong = Explainer(net, engine=engine), list[object]()
    shared = explainer.at(pictures[0])

    def work(first: int) -> None:
        try:
            for number in (first, (first + 1) % 4):
                found = explainer.at(pictures[number]).jacobian(PIXELS, target=0)
                if not torch.allclose(found, expected[number]):
                    wrong.append(number)
                if not torch.allclose(shared.jacobian(PIXELS, target=0), expected[0]):
                    wrong.append("shared")
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert all(module.training for module in net.modules())


@pytest.mark.parametrize("engine", [*ENGINES, "batched", "reference"])
def test_what_autograd_refuses_is_one_sentence(engine: str) -> None:
    def overwritten(_: Part, x: Tensor) -> Tensor:
        y = x.sigmoid()
        y.mul_(2)
        return y

    with pytest.raises(InputError, match="PyTorch's autograd cannot take the network's answer back"):
        Explainer(held(overwritten), engine=engine).at(picture()).maps(PIXELS)
    with torch.inference_mode():
        net = held(lambda _, x: x)
    with pytest.raises(InputError, match="Inference tensors cannot be saved"):
        Explainer(net, engine=engine).at(picture()).maps(PIXELS)


def test_a_function_is_no_network() -> None:
    config.update("jaxtyping_disable", True)  # which says so, too, where types are checked
    try:
        with pytest.raises(InputError, match=r"the network is a function; give a torch\.nn\.Module"):
            Explainer(cast("nn.Module", lambda x: x))
    finally:
        config.update("jaxtyping_disable", False)


def test_an_answer_that_is_another_one_at_every_look_is_said(caplog: pytest.LogCaptureFixture) -> None:
    class Alternates(Held):
        count = 0

        def forward(self, x: Tensor) -> Tensor:
            self.count += 1
            return super().forward(x) * (1 + self.count % 2)

    Explainer(Alternates(nn.Identity()).double(), engine="batched").at(picture()).maps(PIXELS)
    assert caplog.text.count("the network answers otherwise at every look") == 1


class Root(nn.Module):
    """Whose derivative at 0 is infinite, times one that is 0."""

    def forward(self, x: Tensor) -> Tensor:
        return x.abs().sqrt()


def test_zero_times_infinity_is_what_autograd_says() -> None:
    net = nn.Sequential(Root(), nn.Conv2d(1, 1, 1)).double()
    x = torch.ones(1, 4, 4, dtype=torch.float64)
    x[0, 1, 1] = 0
    pixels = [(r, c) for r in range(4) for c in range(4)]
    expected = Explainer(net, engine="reference").at(x).jacobian(pixels)
    assert expected.isnan().any()
    at = Explainer(net).at(x)
    torch.testing.assert_close(at.jacobian(pixels), expected, equal_nan=True)
    torch.testing.assert_close(at.jacobian([(0, 0)]), expected[:1], equal_nan=True)
    assert torch.equal(Explainer(net).at(x + 1).jacobian(pixels).isnan(), torch.zeros(16, 1, 4, 4, dtype=torch.bool))
