"""What is explained at a pixel, beyond single channels."""

import pytest
import torch
from torch import nn

from segdepth.core.errors import InputError
from segdepth.saliency import ENGINES, Explainer, IntegratedGradients, Weighted, saliency_maps

PIXELS = [(3, 4), (17, 30), (0, 0)]


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1)).eval()


def picture() -> torch.Tensor:
    return torch.rand(3, 24, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("engine", ENGINES)
def test_weighted_channels_are_the_function_that_weighs_them(engine: str) -> None:
    weights = torch.tensor([0.5, -2.0, 0.25])
    net, image = network(), picture()
    expected = saliency_maps(
        net, image, PIXELS, target=lambda out, px: out[0, :, px[0], px[1]] @ weights, engine="reference"
    )
    ours = saliency_maps(net, image, PIXELS, target=Weighted(tuple(weights.tolist())), engine=engine)
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("method", ["gradient", IntegratedGradients(steps=3)])
def test_a_direction_is_the_length_along_what_is_predicted_for_the_picture(engine: str, method: object) -> None:
    net, image = network(), picture()
    with torch.no_grad():
        predicted = net(image[None])[0]

    def along(out: torch.Tensor, px: tuple[int, int]) -> torch.Tensor:
        return out[0, :, px[0], px[1]] @ nn.functional.normalize(predicted[:, px[0], px[1]], dim=0)

    expected = saliency_maps(net, image, PIXELS, target=along, method=method, engine="reference")
    ours = saliency_maps(net, image, PIXELS, target="direction", method=method, engine=engine)
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)


def test_a_network_says_what_its_prediction_means() -> None:
    net, image = network(), picture()
    named = network()
    named.explained = "direction"
    expected = saliency_maps(net, image, PIXELS, target="direction")
    torch.testing.assert_close(saliency_maps(named, image, PIXELS), expected, rtol=0, atol=0)
    explained = Explainer(named, output=lambda answer: answer[:, :2]).at(image)
    part = Explainer(net, output=lambda answer: answer[:, :2]).at(image)
    torch.testing.assert_close(explained.maps(PIXELS), part.maps(PIXELS), rtol=0, atol=0)


def test_an_attribute_of_that_name_may_be_something_else() -> None:
    net, image = network(), picture()
    other = network()
    other.explained = nn.Identity()
    torch.testing.assert_close(saliency_maps(other, image, PIXELS), saliency_maps(net, image, PIXELS), rtol=0, atol=0)


def test_weights_of_another_number_of_channels_are_refused() -> None:
    with pytest.raises(InputError, match="weighs 2 channels; this network has 3"):
        saliency_maps(network(), picture(), PIXELS, target=Weighted((1.0, 0.0)))
