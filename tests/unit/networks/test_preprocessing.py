"""Named input ranges."""

import pytest
import torch

from segdepth.core.errors import ConfigError
from segdepth.networks import PREPROCESSINGS, Preprocessing

PIXEL = torch.tensor([255, 0, 51], dtype=torch.uint8).view(1, 3, 1, 1)  # red, green, blue


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("imagenet", [(1 - 0.485) / 0.229, (0 - 0.456) / 0.224, (0.2 - 0.406) / 0.225]),
        ("reference_seg", [0.2, 0.0, 1.0]),
        ("reference_depth", [1.0, -1.0, -0.6]),
    ],
)
def test_range_and_channel_order(name: str, want: list[float]) -> None:
    x = Preprocessing(name)(PIXEL)
    assert x.dtype == torch.float32
    torch.testing.assert_close(x.flatten(), torch.tensor(want))


@pytest.mark.parametrize("name", sorted(PREPROCESSINGS))
def test_follows_its_network_and_stays_out_of_its_weights(name: str) -> None:
    preprocessing = Preprocessing(name).double()
    assert preprocessing(PIXEL).dtype == torch.float64
    assert not preprocessing.state_dict()
    assert not list(preprocessing.parameters())


def test_unknown_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean 'imagenet'"):
        Preprocessing("imagnet")
