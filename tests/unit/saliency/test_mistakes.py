"""What cannot be explained is told in one sentence."""

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor, nn

from segdepth.core.errors import ConfigError, InputError
from segdepth.saliency import IntegratedGradients, Margin, SmoothGrad, saliency_maps
from segdepth.saliency.checks import check_image
from segdepth.tasks import create_network

from .small import HEIGHT, PIXELS, WIDTH, Small


class Words(nn.Module):
    """Answers no map."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"logits": self.net(x).mean((2, 3))}


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
            InputError, match=r"the picture has the shape|has no pixel"
        ):  # what a user sees, without our test's checker
            check_image(net, image.new_zeros(shape))
    with pytest.raises(InputError, match="not finite"):
        saliency_maps(net, image / 0, PIXELS)
    assert not saliency_maps(net, image, []).numel()


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
