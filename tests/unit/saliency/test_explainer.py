"""The object: what belongs to a network is done once, what belongs to a picture is done once."""

import gc
import weakref
from typing import Any, cast
from unittest import mock

import pytest
import torch
from jaxtyping import TypeCheckError, config
from torch import Tensor, nn

from segdepth.core.errors import ConfigError, InputError
from segdepth.saliency import ENGINES, Explainer, IntegratedGradients, Margin, Part, SmoothGrad, graphs, saliency_maps
from segdepth.saliency.engines import check_engine
from segdepth.saliency.explainer import remembered
from segdepth.saliency.graph import graph as graph_module
from segdepth.saliency.measures import normalise
from segdepth.saliency.request import Request
from segdepth.tasks import create_network

from .small import HEIGHT, PIXELS, WIDTH, Small, agree


class Counted(Small):
    """Counts its passes over real pictures, outside itself."""

    passes: list[int]

    def forward(self, x: Tensor) -> Tensor:
        if type(x) is Tensor:
            self.passes.append(len(x))
        return super().forward(x)


@pytest.fixture
def counted() -> Counted:
    net = Counted().double()
    Counted.passes = []
    return net


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
def test_a_picture_gives_what_the_call_gives(net: Small, image: Tensor, engine: Any) -> None:
    crop = (slice(2, 17), slice(3, 30))
    at = Explainer(net, engine=engine).at(image, crop=crop)
    with torch.no_grad():
        torch.testing.assert_close(at.output, net.eval()(image[None])[0])
    for options in ({}, {"target": 1}, {"method": SmoothGrad(samples=2)}, {"method": "input_x_gradient"}):
        expected = saliency_maps(net, image, PIXELS, engine="reference", crop=crop, **options)  # type: ignore[call-overload]
        torch.testing.assert_close(at.maps(PIXELS, **options), expected)  # type: ignore[arg-type]
        torch.testing.assert_close(torch.cat(list(at.blocks(PIXELS, **options))), expected)  # type: ignore[arg-type]
        seen = torch.zeros(len(PIXELS), HEIGHT, WIDTH, dtype=torch.float64)
        for indices, (rows, columns), maps in at.chunks(PIXELS, **options):  # type: ignore[arg-type]
            seen[indices, slice(*rows), slice(*columns)] = maps
        torch.testing.assert_close(seen[:, *crop], expected)


@pytest.mark.parametrize(("engine", "later"), [("auto", 0), ("sparse", 0), ("batched", 1), ("reference", 1)])
def test_the_network_runs_once_a_picture(counted: Counted, image: Tensor, engine: Any, later: int) -> None:
    """Once for its answer, and once for autograd where that does the work; a network that is taken apart is not asked again."""
    explainer = Explainer(counted, engine=engine)
    explainer.at(image).maps(PIXELS)
    counted.passes.clear()
    at = explainer.at(image * 0.9)
    assert len(counted.passes) == 1
    for count in (1, 40, 3):
        at.maps(PIXELS[:count], target=1)
        at.jacobian(PIXELS[:count])
    at.maps(PIXELS, method=IntegratedGradients(steps=3) if engine == "auto" else "gradient")
    assert len(counted.passes) == 1 + later
    at.operator(PIXELS).rmatvec(torch.ones(len(PIXELS)).double().numpy())
    assert len(counted.passes) == 2


def test_engines_are_made_ready_once_and_share_their_picture(net: Small, image: Tensor) -> None:
    at = Explainer(net).at(image)
    (prepared,) = at._prepared.values()
    assert not prepared._ready
    at.maps(PIXELS[:3])
    assert list(prepared._ready) == ["windowed"]
    at.maps(PIXELS)
    assert sorted(prepared._ready) == ["sparse", "windowed"]
    engines = dict(prepared._ready)
    at.maps(PIXELS)
    at.maps(PIXELS[:3])
    assert prepared._ready == engines
    assert engines["sparse"]._reach is engines["windowed"]._reach  # type: ignore[union-attr]


def test_a_network_is_taken_apart_once_a_size(net: Small, image: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[torch.Size] = []
    take_apart = graphs.take_apart
    monkeypatch.setattr(graphs, "take_apart", lambda *args: taken.append(args[2].shape) or take_apart(*args))
    explainer, small = Explainer(net), image[:, :12]
    for picture in (image, image + 1, small, image, small):
        explainer.at(picture).maps(PIXELS[:2])
    explainer.at(image).maps(PIXELS[:2], method="smoothgrad")
    assert taken == [image.shape, small.shape]
    explainer.at(image[:, :, :20]).maps([(3, 4)])  # two sizes are kept
    explainer.at(image).maps([(3, 4)])
    assert len(taken) == 3
    explainer.at(small).maps([(3, 4)])
    assert len(taken) == 4
    Explainer(net).at(image).maps([(3, 4)])
    assert len(taken) == 5, "each explainer knows what it has seen itself"
    for _ in range(2):
        saliency_maps(net, image, [(3, 4)])
        saliency_maps(net, image, PIXELS, engine="sparse")
    assert len(taken) == 6, "calls remember the network"


class Two(nn.Module):
    """Answers a dictionary at half the size."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.Tanh())
        self.head, self.aux = nn.Conv2d(4, 2, 1), nn.Conv2d(4, 3, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        y = self.net(x)
        return {"out": self.head(y), "aux": self.aux(y)}


def test_what_is_explained_of_an_answer(image: Tensor) -> None:
    net = Two().double().eval()
    with torch.no_grad():
        answer, inside = net(image[None]), net.net(image[None])[0]
    for options, expected in (
        ({}, answer["out"][0]),
        ({"output": "aux"}, answer["aux"][0]),
        ({"layer": "net.1"}, inside),
    ):
        at = Explainer(net, **options).at(image)  # type: ignore[arg-type]
        torch.testing.assert_close(at.output, expected)
        rows = Explainer(net, engine="reference", **options).at(image).jacobian([(9, 16), (0, 3)], target=1)  # type: ignore[arg-type]
        torch.testing.assert_close(at.jacobian([(9, 16), (0, 3)], target=1), rows)
    resized = Explainer(net, output="aux", resize="bilinear").at(image)
    assert resized.output.shape == (3, HEIGHT, WIDTH)
    found = saliency_maps(net, image, PIXELS, output="aux", resize="bilinear", engine="sparse")
    torch.testing.assert_close(found, resized.maps(PIXELS))


def test_pixels_are_the_answers(image: Tensor) -> None:
    at = Explainer(Two().double()).at(image)
    with pytest.raises(
        InputError, match=r"pixel \(10, 3\) is outside the 10x17 answer to a 20x33 picture.*row must be 0\.\.9"
    ):
        at.maps([(10, 3)])
    large = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.PixelShuffle(2)).double()
    pixels = [(2 * HEIGHT - 1, 2 * WIDTH - 1), (0, 40)]
    for engine in ("auto", "windowed", "batched"):
        maps = Explainer(large, engine=engine).at(image).maps(pixels, target=1)  # type: ignore[arg-type]
        assert maps.shape == (2, HEIGHT, WIDTH)
        torch.testing.assert_close(maps, Explainer(large, engine="reference").at(image).maps(pixels, target=1))


def test_disparity_is_a_function_of_its_own_beside_the_answer() -> None:
    net = create_network("segnet", task="depth", width=0.125).double()
    image = torch.rand(3, 32, 48, dtype=torch.float64)
    at = Explainer(net).at(image)
    pixels = [(20, 30), (3, 4)]
    expected = saliency_maps(net, image, pixels, engine="reference", target="disparity")
    torch.testing.assert_close(at.maps(pixels, target="disparity"), expected)
    torch.testing.assert_close(normalise(at.maps(pixels)), normalise(expected))
    assert sorted(at._prepared) == ["", "disparity"]
    with pytest.raises(InputError, match="'disparity' needs a network with a method"):
        Explainer(Small().double()).at(image).maps(pixels, target="disparity")


def test_parts_say_what_became_of_the_network(net: Small, image: Tensor) -> None:
    parts = Explainer(net).at(image).parts
    assert Part("encoder.0", "convolution", "native", "") in parts
    assert Part("", "resizing", "native", "") in parts
    assert {part.how for part in parts} == {"native"}
    (part,) = Explainer(net, engine="batched").at(image).parts
    assert (part.how, part.reason) == ("whole", "the engine does not take networks apart")
    (block,) = (
        p for p in Explainer(nn.Sequential(net, nn.AdaptiveMaxPool2d((4, 5)))).at(image).parts if p.how == "block"
    )
    assert (block.module, block.operation) == ("1", "adaptive max pooling")
    assert block.reason == "autograd takes the whole map at once back: 0% of the network's arithmetic"


def test_mistakes_are_told_where_they_are_made(net: Small, image: Tensor) -> None:
    with pytest.raises(
        (ConfigError, TypeCheckError), match="biliner"
    ):  # by us, or by the tests' checker of annotations
        Explainer(net, resize="biliner")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no layer 'heads'"):
        Explainer(net, layer="heads")
    with pytest.raises(ConfigError, match="for the engine 'windowed'"):
        Explainer(net, engine="sparse").at(image, precision="bf16")
    with pytest.raises(ConfigError, match="'sparse' is of CPUs, and the picture is on 'cuda'"):
        check_engine("sparse", device="cuda")
    with pytest.raises(InputError, match="cannot take a picture"):
        Explainer(net).at(image.float())
    with pytest.raises(InputError, match="no pixel of the 20x33 picture"):
        Explainer(net).at(image, crop=(slice(5, 5), slice(None)))


def test_a_picture_given_is_not_looked_at_again(net: Small, image: Tensor) -> None:
    at = Explainer(net).at(image)
    expected = at.maps(PIXELS[:2])
    image.zero_()
    torch.testing.assert_close(at.maps(PIXELS[:2]), expected)


@pytest.mark.parametrize("output", [None, lambda answer: answer])
def test_calls_do_not_keep_a_network(output: Any) -> None:
    net = Small()
    holding = (lambda answer, net=net: answer) if output else None
    saliency_maps(net, torch.rand(3, HEIGHT, WIDTH), PIXELS, engine="windowed", output=holding)
    assert remembered(net).net is net
    reference = weakref.ref(net)
    del net, holding
    gc.collect()
    assert reference() is None


def test_an_explainer_keeps_its_network_as_it_was(net: Small, image: Tensor) -> None:
    net.train()
    explainer = Explainer(net)
    explainer.at(image).maps(PIXELS[:2])
    assert net.training
    net.eval()
    explainer.at(image).maps(PIXELS[:2])
    agree(net, image, "auto")


def test_a_change_that_a_quick_look_misses_is_told_when_the_network_is_taken_apart(net: Small, image: Tensor) -> None:
    for engine in ("auto", "windowed", "sparse", "batched", "reference"):
        at = Explainer(net, engine=engine).at(image)  # type: ignore[arg-type]
        net.head.weight.data.mul_(3)
        with pytest.raises(InputError, match="changed since at"):
            at.maps([(1, 2)])


def test_a_caller_s_autocast_does_not_matter(net: Small, image: Tensor) -> None:
    expected = saliency_maps(net, image, [(1, 2)])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(saliency_maps(net, image, [(1, 2)]), expected)
        assert torch.is_autocast_enabled("cpu")


def test_what_is_explained_can_be_read(net: Small, image: Tensor) -> None:
    explainer = Explainer(net, engine="windowed", resize="bilinear")
    assert repr(explainer) == "Explainer(Small, engine='windowed', resize='bilinear')"
    assert repr(explainer.at(image)) == f"ExplainedPicture({explainer!r}, picture 20x33, answer [3, 20, 33])"


def test_a_norm_over_all_positions_leaves_nothing_to_windows(image: Tensor) -> None:
    layers = [(nn.Conv2d(3 if k == 0 else 48, 48, 3, padding=1), nn.GroupNorm(2, 48), nn.SiLU()) for k in range(3)]
    net = nn.Sequential(*(part for layer in layers for part in layer), nn.Conv2d(48, 2, 1)).double()
    at = Explainer(net).at(image)
    agree(net, image, "auto")
    assert at.engine_for(200) == "batched"
    assert list(at._prepared[""]._ready) == ["batched"]


def test_maps_that_were_kept_are_answered_from_memory() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 3, padding=1))
    at = Explainer(net).at(torch.rand(3, 16, 16))
    tile = [(r, c) for r in range(4, 8) for c in range(4, 8)]
    expected = at.maps([*tile, (9, 9)], target=1)
    at.keep(tile[2:], target=1)
    at.keep(tile, target=1)
    asked: list[list[tuple[int, int]]] = []
    with mock.patch.object(Request, "maps", autospec=True, side_effect=noting(asked, Request.maps)):
        found = at.maps(tile[3:5], target=1)
        torch.testing.assert_close(found, expected[3:5])
        found.zero_()  # a copy
        torch.testing.assert_close(at.maps([tile[3]], target=1), expected[3:4])
        assert asked == []
        torch.testing.assert_close(at.maps([tile[3], (9, 9), tile[0]], target=1), expected[[3, 16, 0]])
        assert asked == [[(9, 9)]]
        at.maps([tile[3]], target=0)
        at.maps([tile[3]], target=1, method="input_x_gradient")
        assert len(asked) == 3
    with pytest.raises(InputError, match="a function"):
        at.keep(tile, target=lambda output, pixel: output[0, pixel[0], pixel[1]])
    with torch.no_grad():
        net[0].weight.mul_(2)  # type: ignore[operator, union-attr]
    with pytest.raises(InputError, match="changed"):
        at.maps([tile[3]], target=1)


def noting(asked: list[list[tuple[int, int]]], original: Any) -> Any:
    """Notes the pixels of each call."""

    def maps(self: Request, report: Any) -> Tensor:
        asked.append(list(self.pixels))
        found: Tensor = original(self, report)
        return found

    return maps


def test_kept_maps_are_the_latest_and_zeros_are_said() -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 3, padding=1), nn.ReLU())
    with torch.no_grad():
        net[0].bias.fill_(-100)  # type: ignore[operator, union-attr]
    at = Explainer(net).at(torch.rand(3, 16, 16))
    at.keep([(1, 1), (2, 2)], target=0)
    said: list[list[int]] = []
    at.maps([(2, 2), (1, 1)], target=0, zeros=said.append)
    assert said == [[0, 1]]
    with mock.patch("segdepth.saliency.kept.MOST", 2 * 16 * 16 * 4):
        at.keep([(3, 3)], target=0)
        with pytest.raises(InputError, match="at most 2 pixels"):
            at.keep([(1, 1), (2, 2), (3, 3)], target=0)
    assert [at._kept.of((r, r, 0)) is not None for r in (1, 2, 3)] == [False, True, True]


def test_a_fresh_network_is_run_four_times_for_its_first_map() -> None:
    """Its own answer, the trace, the graph and autograd that are compared; what the graph answered there is used."""
    Counted.passes = []
    net = Counted()
    with mock.patch("segdepth.saliency.graph.graph._Forward", wraps=graph_module._Forward) as runs:
        at = Explainer(net, engine="windowed").at(torch.rand(3, HEIGHT, WIDTH))
        at.maps(PIXELS)
        assert len(net.passes) == 3
        assert runs.call_count == 1
        Explainer(net, engine="windowed").at(torch.rand(3, HEIGHT, WIDTH))
        at.maps(PIXELS)
        assert runs.call_count == 1


def test_weights_that_were_written_to_behind_pytorchs_back_are_not_laid_out() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1)
    ).eval()
    image = torch.rand(3, 12, 12)
    for engine in ("windowed", "sparse"):
        explainer = Explainer(net, engine=engine)  # type: ignore[arg-type]
        at = explainer.at(image)
        assert at.parts
        net[0].weight.data.mul_(3)  # type: ignore[operator, union-attr]
        with pytest.raises(InputError, match="changed"):
            at.maps([(5, 5)], target=0)
        net[0].weight.data.div_(3)  # type: ignore[operator, union-attr]
        expected = saliency_maps(net, image, [(5, 5)], target=0, engine="reference")
        torch.testing.assert_close(explainer.at(image).maps([(5, 5)], target=0), expected)


def test_a_function_is_no_network() -> None:
    config.update("jaxtyping_disable", True)  # which says so, too, where types are checked
    try:
        with pytest.raises(InputError, match=r"the network is a function; give a torch\.nn\.Module"):
            Explainer(cast("nn.Module", lambda x: x))
    finally:
        config.update("jaxtyping_disable", False)


@pytest.mark.parametrize(
    ("engine", "task", "target"),
    [
        *((engine, "seg", "predicted") for engine in [*ENGINES, "auto"]),
        ("sparse", "seg", Margin(0, 3)),
        ("windowed", "depth", "log_depth"),
        ("batched", "depth", "disparity"),
        ("auto", "normals", "predicted"),
    ],
)
def test_a_region_is_explained_by_the_gradient_of_its_mean(engine: Any, task: str, target: Any) -> None:
    net = create_network("segnet", task, width=0.125).double().eval()
    image = torch.rand(3, 32, 48, dtype=torch.float64)
    at = Explainer(net, engine=engine).at(image, crop=(slice(2, 30), slice(3, 47)))
    region = (4, 6, 9, 20)
    pixels = [(r, c) for r in range(4, 9) for c in range(6, 20)]
    signed = Explainer(net, engine="reference").at(image).jacobian(pixels, target=target).mean(0)
    torch.testing.assert_close(at.region(region, target=target), signed.abs().amax(0)[2:30, 3:47])
    averaged = at.region(region, target=target, method="input_x_gradient")
    torch.testing.assert_close(averaged, (signed * image).abs().amax(0)[2:30, 3:47])


def test_regions_are_inside_and_targets_have_names(net: Small, image: Tensor) -> None:
    at = Explainer(net).at(image)
    for region in ((0, 0, 0, 3), (0, 0, HEIGHT + 1, 3), (3, 3, 2, 5)):
        with pytest.raises(InputError, match="not inside"):
            at.region(region)
    with pytest.raises(InputError, match="not of a function"):
        at.region((0, 0, 2, 2), target=lambda output, _: output.sum())


def test_the_numbers_that_are_explained(net: Small, image: Tensor) -> None:
    at = Explainer(net).at(image)
    rows, columns = torch.tensor(PIXELS).T
    torch.testing.assert_close(at.values(PIXELS), at.output.amax(0)[rows, columns])
    torch.testing.assert_close(at.values(PIXELS, target=1), at.output[1, rows, columns])
    torch.testing.assert_close(
        at.values(PIXELS, target=Margin(0, 1)), at.output[0, rows, columns] - at.output[1, rows, columns]
    )
    depth = create_network("segnet", "depth", width=0.125).eval()
    at = Explainer(depth).at(torch.rand(3, 32, 48))
    torch.testing.assert_close(at.values(PIXELS, target="disparity"), 1 / at.output[0, rows, columns])
    torch.testing.assert_close(at.values(PIXELS, target="log_depth"), at.output[0, rows, columns].log())
