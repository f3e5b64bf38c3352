"""What the choice of an engine takes care of: answers that are never the same, derivatives that are no numbers."""

import pytest
import torch
from torch import Tensor, nn

from segdepth.saliency import Explainer

from .held import PIXELS, Held, picture


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
