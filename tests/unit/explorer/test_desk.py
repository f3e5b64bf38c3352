"""One network that is asked: what a session says, answers, maps, regions, fields, masks."""

from functools import partial

import numpy as np
import pytest
import torch

from segdepth.core.errors import InputError
from segdepth.evaluation.predicting import colours_of
from segdepth.explorer.container import pack, unpack
from segdepth.explorer.desk import Desk
from segdepth.explorer.looks import Look, TruthLook
from segdepth.geometry.regions import Region
from segdepth.kinds import KINDS
from segdepth.networks import Network
from segdepth.saliency import ExplainedPicture, Explainer, Margin
from segdepth.studies.random_network import random_network
from segdepth.tasks import create_network

from .streets import NAMES, SIZE, picture, tiny

LOOK = Look("p0", picture(0, SIZE), "trained")


@pytest.fixture(scope="module")
def seg() -> Desk:
    return Desk(partial(tiny, "seg"))


@pytest.fixture(scope="module")
def depth() -> Desk:
    return Desk(partial(tiny, "depth"))


def explained(task: str) -> ExplainedPicture:
    net = tiny(task)
    return Explainer(net).at(net.preprocessing(torch.from_numpy(LOOK.image).permute(2, 0, 1)[None])[0])


def test_a_network_of_classes_says_what_it_offers(seg: Desk) -> None:
    said = seg.describe()
    assert (said["arch"], said["task"], said["answers"], said["explained"]) == ("segnet", "seg", "labels", "predicted")
    assert [one["value"] for one in said["targets"]] == ["predicted", *NAMES]
    assert [one["name"] for one in said["classes"]] == list(NAMES)
    assert (said["size"], said["models"], said["patch"]) == ([*SIZE], ["trained", "random"], None)


def test_a_network_of_depth_says_what_it_offers(depth: Desk) -> None:
    said = depth.describe()
    assert [one["value"] for one in said["targets"]] == ["predicted", "log_depth", "disparity"]
    assert said["classes"] == []


def test_a_network_of_normals_says_what_it_offers() -> None:
    assert [one["value"] for one in Desk(partial(tiny, "normals")).describe()["targets"]] == [
        "predicted",
        "x",
        "y",
        "z",
    ]


def test_patches_are_seen() -> None:
    net = tiny("seg")
    net.stem = torch.nn.Conv2d(3, 4, 8, 8)
    net._modules = {"stem": net._modules.pop("stem"), **net._modules}
    assert Desk(lambda: net).describe()["patch"] == 8


def test_an_answer_of_classes(seg: Desk) -> None:
    head, arrays = seg.answer(LOOK, None)
    logits = explained("seg").output.numpy()
    best = np.sort(logits, axis=0)
    np.testing.assert_array_equal(arrays["answer"], logits.argmax(0))
    np.testing.assert_array_equal(arrays["top"], best[-1])
    np.testing.assert_array_equal(arrays["margin"], best[-1] - best[-2])
    assert arrays["painted"].shape == (*SIZE, 3)
    assert head["answer"] == {"array": "answer", "names": list(NAMES), "unit": "", "digits": 0}
    assert [one["array"] for one in head["beside"]] == ["top", "margin"]
    assert head["truth"] is None


def test_an_answer_of_metres_beside_its_truth(depth: Desk) -> None:
    truth = TruthLook(np.full(SIZE, 7.5, np.float32), (), ())
    head, arrays = depth.answer(LOOK, truth)
    np.testing.assert_array_equal(arrays["answer"], explained("depth").output[0].numpy())
    assert head["answer"] == {"array": "answer", "names": None, "unit": "m", "digits": 2}
    assert head["truth"] == {"array": "truth", "names": None, "unit": "m", "digits": 2}
    assert head["beside"] == []
    assert (arrays["truth"] == 7.5).all()
    assert arrays["truth_painted"].shape == (*SIZE, 3)


def many() -> Network:
    """A network of more classes than a byte tells apart, whose answer is one of the last."""
    torch.manual_seed(0)
    net = create_network("segnet", "seg", width=0.125, num_classes=300).eval()
    last = [module for module in net.modules() if isinstance(module, torch.nn.Conv2d)][-1]
    with torch.no_grad():
        last.bias[290] += 100  # type: ignore[index]
    return net


def test_more_classes_than_a_byte_tells_apart() -> None:
    desk = Desk(many)
    head, arrays = unpack(pack(*desk.answer(LOOK, None)))
    assert (arrays["answer"] == 290).all()
    assert (arrays["painted"] == colours_of(many())[290]).all()
    assert head["answer"]["names"][290] == "class 290"
    assert desk.maps(LOOK, [(3, 4)], "predicted", "gradient")[0].facts["text"] == "class 290"
    assert (many().predict(LOOK.image) == 290).all()


def test_a_masked_picture_has_the_colours_of_its_original(depth: Desk) -> None:
    masked = Look("p1", LOOK.image // 4, "trained")
    (_, alone), (_, beside) = depth.answer(masked, None), depth.answer(masked, None, LOOK)
    kind = KINDS["depth"]
    np.testing.assert_array_equal(
        beside["painted"], kind.painter(depth.answer(LOOK, None)[1]["answer"], ())(alone["answer"])
    )
    assert (alone["painted"] != beside["painted"]).any()
    np.testing.assert_array_equal(alone["answer"], beside["answer"])


@pytest.mark.parametrize("method", ["gradient", "input_x_gradient"])
def test_maps_are_those_of_the_explainer(seg: Desk, method: str) -> None:
    pixels = [(3, 4), (20, 30)]
    founds = seg.maps(LOOK, pixels, "road:car", method)
    at = explained("seg")
    expected = at.maps(pixels, target=Margin(0, 1), method=method).numpy()
    for found, one, (row, column) in zip(founds, expected, pixels, strict=True):
        assert found.map.tobytes() == one.tobytes()
        assert found.facts["value"] == pytest.approx(float(at.output[0, row, column] - at.output[1, row, column]))
        assert found.facts["peak"] == one.max()
        assert found.facts["zero"] is False
        assert found.facts["text"] in NAMES
        assert "weighted_distance" in found.facts["statistics"]
        assert found.facts["ms"] > 0


def test_a_map_keeps_no_other_in_memory(seg: Desk) -> None:
    for found in seg.maps(LOOK, [(k, k) for k in range(16)], "predicted", "gradient"):
        assert found.map.flags.owndata


def test_a_region_is_the_gradient_of_its_mean(depth: Desk) -> None:
    region = Region(4, 6, 12, 20)
    (found,) = depth.maps(LOOK, [region], "log_depth", "gradient")
    net = tiny("depth")
    x = net.preprocessing(torch.from_numpy(LOOK.image).permute(2, 0, 1)[None]).requires_grad_()
    mean = net(x)[0, 0, 4:12, 6:20].log().mean()
    (gradient,) = torch.autograd.grad(mean, x)
    expected = gradient[0].abs().amax(0).numpy()
    np.testing.assert_allclose(found.map, expected, rtol=1e-4, atol=1e-6 * expected.max())
    assert found.facts["value"] == pytest.approx(mean.item())
    assert found.facts["text"].startswith("mean over 112 pixels: ")


def test_the_network_that_learned_nothing(seg: Desk) -> None:
    (found,) = seg.maps(Look("p0", LOOK.image, "random"), [(3, 4)], "predicted", "gradient")
    net = random_network(tiny("seg"), 0)
    x = net.preprocessing(torch.from_numpy(LOOK.image).permute(2, 0, 1)[None])[0]
    assert found.map.tobytes() == Explainer(net).at(x).maps([(3, 4)])[0].numpy().tobytes()


def test_fields_of_a_pixel(seg: Desk) -> None:
    found = seg.fields(LOOK, (10, 20))
    top, left, bottom, right = found["theoretical"]
    assert 0 <= top <= 10 < bottom <= SIZE[0]
    assert 0 <= left <= 20 < right <= SIZE[1]
    radii = [found["effective"][share] for share in ("0.5", "0.9", "0.95")]
    assert radii == sorted(radii)
    assert radii[0] > 0


def test_edges_know_no_network(seg: Desk, depth: Desk) -> None:
    flat = seg.edges(np.full((*SIZE, 3), 7, np.uint8))
    assert not flat.any()
    np.testing.assert_array_equal(seg.edges(LOOK.image), depth.edges(LOOK.image))


def test_masks_take_the_most_salient_pixels_away_or_leave_nothing_else(seg: Desk) -> None:
    (found,) = seg.maps(LOOK, [(10, 20)], "predicted", "gradient")
    count = round(0.1 * SIZE[0] * SIZE[1])
    salient = found.map >= np.sort(found.map.ravel())[-count]
    mean = np.rint(LOOK.image.mean((0, 1)))
    without = seg.masked(LOOK, (10, 20), "predicted", "gradient", 0.1, keep=False)
    only = seg.masked(LOOK, (10, 20), "predicted", "gradient", 0.1, keep=True)
    assert salient.sum() == count
    np.testing.assert_array_equal(without[~salient], LOOK.image[~salient])
    np.testing.assert_array_equal(only[salient], LOOK.image[salient])
    assert (without[salient] == mean).all()
    assert (only[~salient] == mean).all()
    assert without.dtype == np.uint8


def test_of_a_map_without_a_gradient_nothing_is_salient() -> None:
    net = tiny("seg")
    for weight in net.parameters():
        weight.data.zero_()
    with pytest.raises(InputError, match="zero everywhere"):
        Desk(lambda: net).masked(LOOK, (10, 20), "predicted", "gradient", 0.1, keep=False)


def test_a_few_pictures_stay_ready() -> None:
    desk = Desk(partial(tiny, "seg"), threads=torch.get_num_threads())
    for number in range(5):
        desk.edges(LOOK.image)
        desk.answer(Look(f"p{number}", LOOK.image, "trained"), None)
    assert list(desk._ready["trained"]) == ["p2", "p3", "p4"]
    desk.answer(Look("p2", LOOK.image, "trained"), None)
    desk.answer(Look("p9", LOOK.image, "trained"), None)
    assert list(desk._ready["trained"]) == ["p4", "p2", "p9"]
