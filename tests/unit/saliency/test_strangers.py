"""Other people's networks, fresh from their constructors: nothing is wrong without a word, nothing is broken by the call."""

import copy
from collections import OrderedDict, deque
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_full_backward_hook

from segdepth.saliency import ENGINES, saliency_maps
from segdepth.saliency.graph import UnsupportedOperationError

PIXELS = [(3, 4), (20, 30), (11, 40), (0, 0)]


@pytest.fixture
def image() -> Tensor:
    return torch.randn(3, 32, 48, dtype=torch.float64)


def plain_maps(net: nn.Module, image: Tensor, pixels: list[tuple[int, int]] = PIXELS) -> Tensor:
    """The obvious loop, on a copy of the network: the first pass and all later ones are PyTorch's own."""
    net = copy.deepcopy(net).eval()
    x = image[None].clone().requires_grad_()
    y = net(x)
    values = [y[0, y[0, :, row, column].argmax(), row, column] for row, column in pixels]
    return torch.stack([torch.autograd.grad(v, x, retain_graph=True)[0][0].abs().amax(0) for v in values])


class HooksItself(nn.Module):
    """Installs a hook when it runs first, and notes that it did."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        if not hasattr(self, "hooked"):
            self.first.register_forward_hook(lambda module, given, answer: 2 * answer)
            self.hooked = True
        return self.last(self.first(x).relu())


class CalledModules(nn.Module):
    """Its parts in a list called ``modules``, as ESPNet has it, and a flag called ``train``."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 2, 3, padding=1)
        self.modules = [self.first]
        self.train = False

    def forward(self, x: Tensor) -> Tensor:
        return self.modules[0](x).tanh()


class Lazy(nn.Module):
    """Its weights are made by the first pass."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.Sequential(nn.LazyConv2d(4, 3, padding=1), nn.LazyBatchNorm2d(), nn.ReLU(), nn.LazyConv2d(2, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.parts(x)


class NotesItElsewhere(HooksItself):
    """The same; its note stands where nobody can put it back."""

    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace(ready=False)

    def forward(self, x: Tensor) -> Tensor:
        if not self.config.ready:
            self.first.register_forward_hook(lambda module, given, answer: 2 * answer)
            self.config.ready = self.hooked = True
        return self.last(self.first(x).relu())


class GrowsItself(HooksItself):
    """A part of it is made by the first pass, which is noted in a dictionary in a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: dict[str, dict[str, bool]] = {"ready": {}}
        self.hooked = True

    def forward(self, x: Tensor) -> Tensor:
        if not self.notes["ready"]:
            self.notes["ready"]["yes"] = True
            self.middle = nn.Conv2d(4, 4, 1, dtype=x.dtype)
            nn.init.ones_(self.middle.weight)
            nn.init.zeros_(self.middle.bias)
            self.first.register_forward_hook(lambda module, given, answer: 2 * answer)
        return self.last(self.middle(self.first(x)).relu())


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
@pytest.mark.parametrize("kind", [HooksItself, NotesItElsewhere, GrowsItself])
def test_a_network_that_hooks_itself_is_hooked_once(image: Tensor, kind: type[HooksItself], engine: str) -> None:
    net = kind().double()
    expected = plain_maps(net, image)
    once = copy.deepcopy(net).eval()
    once(image[None])
    for _ in range(3):
        torch.testing.assert_close(saliency_maps(net, image, PIXELS, engine=engine), expected)
        assert len(net.first._forward_hooks) == len(once.first._forward_hooks) == 1
        assert net.hooked
    torch.testing.assert_close(net.eval()(image[None]), once(image[None]))


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
def test_a_network_may_call_its_attributes_as_it_likes(image: Tensor, engine: str) -> None:
    net = CalledModules().double()
    y = net(x := image[None].clone().requires_grad_())
    here = y[0, :, 20, 30]
    (expected,) = torch.autograd.grad(here[here.argmax()], x)
    found = saliency_maps(net, image, [(20, 30)], engine=engine)
    torch.testing.assert_close(found[0], expected[0].abs().amax(0))
    assert net.training
    assert net.train is False


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature:UserWarning")
def test_lazy_weights_are_made_by_a_first_pass(image: Tensor, engine: str) -> None:
    net = Lazy()
    found = saliency_maps(net, image.float(), PIXELS, engine=engine)
    torch.testing.assert_close(found, plain_maps(net, image.float()))
    assert isinstance(net.parts[0], nn.Conv2d)
    assert net.training
    assert not net.parts[0]._forward_pre_hooks


class Tables(nn.Module):
    """Notes what it needs at a size: a ramp, a random table by size, and a part that is made when it runs first."""

    def __init__(self) -> None:
        super().__init__()
        self.ramp: Tensor | None = None
        self.noise: dict[int, Tensor] = {}
        self.parts = nn.ModuleDict()

    def forward(self, x: Tensor) -> Tensor:
        width = x.shape[-1]
        if "only" not in self.parts:
            self.parts["only"] = nn.Conv2d(3, 2, 3, padding=1, dtype=x.dtype)
        if self.ramp is None or self.ramp.shape[-1] != width:
            self.ramp = torch.linspace(0.5, 1, width, dtype=x.dtype)
        if width not in self.noise:
            self.noise[width] = torch.rand(width, dtype=x.dtype)
        return self.parts["only"](x) * self.ramp + x[:, :2] * self.noise[width]


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
def test_tables_by_size_are_made_once(image: Tensor, engine: str, caplog: pytest.LogCaptureFixture) -> None:
    net = Tables()
    for picture in (image, image[..., :40], image, image[..., :40]):
        found = saliency_maps(net, picture, PIXELS[:2], engine=engine)
        torch.testing.assert_close(found, plain_maps(net, picture, PIXELS[:2]))
    assert sorted(net.noise) == [40, 48]
    assert not caplog.records or "engine" not in caplog.text


class Switched(nn.Module):
    """Whether it detaches is in its configuration, and changes no answer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3, padding=1)
        self.config = SimpleNamespace(detach=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return y * (y.sigmoid().detach() if self.config.detach else y.sigmoid())


@pytest.mark.parametrize("engine", ["sparse", "windowed"])
def test_what_changes_only_the_derivative_is_seen(image: Tensor, engine: str) -> None:
    net = Switched().double()
    for detach in (False, True, False):
        net.config.detach = detach
        torch.testing.assert_close(saliency_maps(net, image, PIXELS, engine=engine), plain_maps(net, image))


def test_hooks_on_the_gradients_of_all_modules_are_seen(image: Tensor) -> None:
    net = Switched().double()
    saliency_maps(net, image, PIXELS, engine="windowed")
    handle = register_module_full_backward_hook(lambda module, to_input, to_output: (3 * to_input[0],))
    try:
        with pytest.raises(UnsupportedOperationError, match="hook on the gradients of all modules"):
            saliency_maps(net, image, PIXELS, engine="windowed")
        torch.testing.assert_close(saliency_maps(net, image, PIXELS), plain_maps(net, image))
    finally:
        handle.remove()


class Collects(nn.Module):
    """Notes what it sees in containers of every kind, of its own, from its constructor on."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3, padding=1)
        self.ordered: OrderedDict[str, int] = OrderedDict(a=1, b=2)
        self.recent: deque[int] = deque([1, 2], maxlen=2)
        self.names = {"a"}
        self.steps = [1]

    def forward(self, x: Tensor) -> Tensor:
        self.ordered.move_to_end("a")
        self.ordered["b"] = 3
        self.recent.append(3)
        self.names.add("b")
        self.steps.append(len(self.steps))
        return self.conv(x)


def test_containers_are_as_after_one_pass_in_their_order(image: Tensor) -> None:
    net = Collects().double().eval()
    once = copy.deepcopy(net)
    once(image[None])
    for _ in range(2):
        saliency_maps(net, image, PIXELS)
        assert list(net.ordered.items()) == list(once.ordered.items())
        assert list(net.recent) == list(once.recent) == [2, 3]
        assert net.names == once.names
        assert net.steps == once.steps


class Unpacked(nn.Module):
    """Its saved values are changed between the passes: the answer is a square's, the derivative is not."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        with torch.autograd.graph.saved_tensors_hooks(lambda kept: kept, lambda kept: 3 * kept):
            return y.sigmoid() * y


def test_a_derivative_that_no_trace_shows_is_found(image: Tensor, caplog: pytest.LogCaptureFixture) -> None:
    net = Unpacked().double()
    for engine in ("sparse", "windowed"):
        with pytest.raises(UnsupportedOperationError, match="a derivative that PyTorch's autograd takes otherwise"):
            saliency_maps(net, image, PIXELS, engine=engine)
    torch.testing.assert_close(saliency_maps(net, image, PIXELS), plain_maps(net, image))
    assert caplog.text.count("autograd takes otherwise") == 1


class Answer(nn.Module):
    """One field of a Hugging Face answer, as a map."""

    def __init__(self, net: nn.Module, field: str) -> None:
        super().__init__()
        self.net = net
        self.field = field

    def forward(self, x: Tensor) -> Tensor:
        found = self.net(pixel_values=x)[self.field]
        found = found[:, None] if found.dim() == 3 else found
        return nn.functional.interpolate(found, x.shape[-2:], mode="bilinear", align_corners=False)


def dpt(transformers: ModuleType) -> nn.Module:
    config = transformers.DPTConfig(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=24, image_size=32, patch_size=8,
        backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8, is_hybrid=False,
    )  # fmt: skip
    return Answer(transformers.DPTForDepthEstimation(config), "predicted_depth")


def segformer(transformers: ModuleType) -> nn.Module:
    config = transformers.SegformerConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 16, 16],
        decoder_hidden_size=16,
        num_attention_heads=[1, 1, 2, 2],
        num_labels=5,
    )
    return Answer(transformers.SegformerForSemanticSegmentation(config), "logits")


@pytest.mark.parametrize("make", [dpt, segformer])
def test_a_fresh_hugging_face_network(make: Callable[[ModuleType], nn.Module]) -> None:
    transformers = pytest.importorskip("transformers", reason="needs the package transformers")
    net, image = make(transformers).double(), torch.randn(3, 32, 32, dtype=torch.float64)
    pixels = PIXELS[:2]
    expected = plain_maps(net, image, pixels)
    once = copy.deepcopy(net).eval()
    once(image[None])
    for _ in range(2):
        torch.testing.assert_close(saliency_maps(net, image, pixels), expected)
        assert hooks(net) == hooks(once)
    torch.testing.assert_close(net.eval()(image[None]), once(image[None]))


def hooks(net: nn.Module) -> list[int]:
    """How many forward hooks each module has."""
    return [len(module._forward_hooks) for module in net.modules()]


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
def test_a_part_may_be_torchscript(image: Tensor, engine: str) -> None:
    script = torch.jit.script(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.SiLU()).double())
    net = nn.Sequential(script, nn.Conv2d(4, 2, 1).double())
    torch.testing.assert_close(saliency_maps(net, image, PIXELS, engine=engine), plain_maps(net, image))
    assert script.training


class InAnotherType(nn.Module):
    """Answers in another type than its picture has."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.first, self.last, self.dtype = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 2, 3, padding=1), dtype

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            answer: Tensor = self.last(self.first(x).tanh())
        return answer.to(self.dtype)


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64], ids=str)
def test_gradients_are_of_the_picture_s_type(dtype: torch.dtype, engine: str) -> None:
    net, image = InAnotherType(dtype).eval(), torch.randn(3, 32, 48)
    maps = saliency_maps(net, image, PIXELS, engine=engine)
    assert maps.dtype == torch.float32
    close = {"rtol": 0.1, "atol": 1e-2} if dtype == torch.bfloat16 else {"rtol": 1e-4, "atol": 1e-6}
    torch.testing.assert_close(maps, plain_maps(net, image), **close)
