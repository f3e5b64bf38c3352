"""Pixels in blocks of bounded size, what is kept by which key, and what is said of maps that are zero."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from segdepth.core.errors import ConfigError, InputError
from segdepth.saliency import METHODS, IntegratedGradients, Margin, SmoothGrad, request
from segdepth.saliency.engines import Prepared
from segdepth.saliency.graphs import Function
from segdepth.saliency.methods import Gradient
from segdepth.saliency.request import Request, as_method

HEIGHT, WIDTH = 9, 12
PIXELS = [(r, c) for r in range(0, HEIGHT, 2) for c in range(0, WIDTH, 3)]
WINDOW = ((1, 8), (2, 12))


class HalfDead(nn.Module):
    """Answers nothing of the picture in its right half."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).tanh() * (torch.arange(WIDTH) < 6)


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    torch.manual_seed(0)
    net = HalfDead().double().eval()
    image = torch.rand(3, HEIGHT, WIDTH, dtype=torch.float64)
    with torch.no_grad():
        answer = net(image[None])[0]
    return Prepared(Function(net, net), image, WINDOW, answer)


def asked(prepared: Prepared, method: Any = METHODS["gradient"], target: Any = 0) -> Request:
    return Request(prepared, "windowed", PIXELS, target, method)


def rows(prepared: Prepared) -> Tensor:
    """Signed gradients of channel 0 in the window, pixel by pixel."""
    x = prepared.image[None].clone().requires_grad_()
    y = prepared.function.net(x)
    found = [torch.autograd.grad(y[0, 0, r, c], x, retain_graph=True)[0][0] for r, c in PIXELS]
    return torch.stack(found)[:, :, 1:8, 2:12]


@pytest.mark.parametrize("maps", [1, 3, 100])
def test_blocks_are_bounded_and_all_maps_in_order(
    prepared: Prepared, maps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request, "BLOCK_BYTES", maps * 7 * 10 * 8)
    one, expected = asked(prepared), rows(prepared).abs().amax(1)
    assert one.size == (7, 10)
    blocks = list(one.blocks(lambda _: None))
    assert max(map(len, blocks)) == min(maps, len(PIXELS))
    torch.testing.assert_close(torch.cat(blocks), expected)
    torch.testing.assert_close(one.maps(lambda _: None), expected)


def test_signed_numbers_take_as_many_bytes_as_there_are_colours(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request, "BLOCK_BYTES", 5 * 3 * 7 * 10 * 8)
    blocks = list(asked(prepared).signed_blocks())
    assert [len(block) for block in blocks] == [5, 5, 5, 5]
    torch.testing.assert_close(torch.cat(blocks), rows(prepared))
    torch.testing.assert_close(asked(prepared).signed(range(3, 9)), rows(prepared)[3:9])


def test_a_method_s_sums_are_bounded_too(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = asked(prepared, IntegratedGradients(2)).maps(lambda _: None)
    monkeypatch.setattr(request, "BLOCK_BYTES", 3 * 3 * 7 * 10 * 8)
    chunks = list(asked(prepared, IntegratedGradients(2)).attributions(range(len(PIXELS))))
    assert max(len(chunk.indices) for chunk in chunks) == 3
    assert sorted(index for chunk in chunks for index in chunk.indices) == list(range(len(PIXELS)))
    torch.testing.assert_close(asked(prepared, IntegratedGradients(2)).maps(lambda _: None), whole)


def test_chunks_stand_where_their_boxes_are(prepared: Prepared) -> None:
    found = torch.zeros(len(PIXELS), HEIGHT, WIDTH, dtype=torch.float64)
    for indices, (top_bottom, left_right), maps in asked(prepared).chunks(lambda _: None):
        found[indices, slice(*top_bottom), slice(*left_right)] = maps
    torch.testing.assert_close(found[:, 1:8, 2:12], rows(prepared).abs().amax(1))
    assert not found[:, 0].any()


def test_maps_that_are_zero_are_told_by_number(prepared: Prepared, caplog: pytest.LogCaptureFixture) -> None:
    expected = [index for index, one in enumerate(rows(prepared)) if not one.any()]
    assert expected
    told: list[list[int]] = []
    one = asked(prepared)
    one.maps(told.append)
    list(one.blocks(told.append))
    list(one.chunks(told.append))
    assert told == [expected] * 3
    one.maps(None)
    assert caplog.text.count(f"{len(expected)} of {len(PIXELS)} maps are zero everywhere") == 1
    assert str(PIXELS[expected[0]]) in caplog.text


def test_what_may_be_another_answer_next_time_has_no_key(prepared: Prepared) -> None:
    assert asked(prepared).keys == [(r, c, 0) for r, c in PIXELS]
    assert asked(prepared, target=Margin(0, 1)).keys == [(r, c, Margin(0, 1)) for r, c in PIXELS]
    assert asked(prepared, SmoothGrad(samples=2)).keys is None
    assert asked(prepared, target=lambda out, _: out.sum()).keys is None


def test_some_of_the_pixels(prepared: Prepared) -> None:
    some = asked(prepared).of([3, 0])
    assert some.pixels == [PIXELS[3], PIXELS[0]]
    torch.testing.assert_close(some.maps(lambda _: None), rows(prepared)[[3, 0]].abs().amax(1))


def test_no_pixels_no_maps(prepared: Prepared) -> None:
    none = asked(prepared).of([])
    assert none.maps(None).shape == (0, 7, 10)
    assert list(none.blocks(None)) == []


@pytest.mark.usefixtures("no_checker")
def test_methods_by_name_and_by_themselves() -> None:
    assert as_method("gradient") is METHODS["gradient"]
    assert as_method(SmoothGrad(samples=3)) == SmoothGrad(samples=3)
    with pytest.raises(ConfigError, match=r"no saliency method named 'gradeint' .*did you mean 'gradient'"):
        as_method("gradeint")  # type: ignore[arg-type]


@pytest.mark.usefixtures("no_checker")
@pytest.mark.parametrize("method", [7, None, Gradient])
def test_what_is_no_method_is_told(method: Any) -> None:
    with pytest.raises(InputError, match="is no saliency method; give 'gradient'"):
        as_method(method)
