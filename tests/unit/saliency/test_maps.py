"""The call: blocks, crops, methods, targets, engines by name, maps without gradient."""

import logging

import pytest
import torch
from torch import Tensor, nn

from segdepth.saliency import (
    ENGINES,
    Explainer,
    IntegratedGradients,
    Margin,
    SmoothGrad,
    request,
    saliency_chunks,
    saliency_maps,
)

from .small import HEIGHT, PIXELS, WIDTH, Small, agree


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
@pytest.mark.parametrize(
    "method", ["gradient", "input_x_gradient", IntegratedGradients(steps=3), SmoothGrad(samples=2)]
)
def test_every_method_works_with_every_engine(net: Small, image: Tensor, engine: str, method: object) -> None:
    agree(net, image, engine, method=method, crop=(slice(2, 17), slice(3, 30)))


@pytest.mark.parametrize("engine", ["sparse", "windowed", "batched"])
@pytest.mark.parametrize(
    "target", [1, Margin(0, 2), lambda out, px: out[0, :, px[0], : px[1] + 1].square().sum(), "predicted"]
)
def test_every_target_works_with_every_engine(net: Small, image: Tensor, engine: str, target: object) -> None:
    agree(net, image, engine, target=target)


@pytest.mark.parametrize("engine", ["sparse", "windowed", "batched"])
def test_shared_cells_of_a_linear_tail(net: Small, image: Tensor, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = [(r, c) for r in range(HEIGHT) for c in range(WIDTH)]
    expected = saliency_maps(net, image, pixels, engine="reference")
    torch.testing.assert_close(saliency_maps(net, image, pixels, engine=engine), expected)
    monkeypatch.setattr("segdepth.saliency.windowed.HELD_CELLS", 1)  # many small groups
    torch.testing.assert_close(saliency_maps(net, image, pixels, engine=engine), expected)


def test_integrated_gradients_add_up(net: Small, image: Tensor) -> None:
    """Completeness: attributions sum to the change of the output, here with the sum over colours known from chunks."""
    asked = Explainer(net, engine="windowed").at(image)._request([(9, 16)], 1, IntegratedGradients(steps=200))
    (chunk,) = asked.attributions(range(1))
    with torch.no_grad():
        change = net.eval()(image[None])[0, 1, 9, 16] - net(torch.zeros_like(image)[None])[0, 1, 9, 16]
    torch.testing.assert_close(chunk.gradients.sum(), change, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_blocks_are_the_maps_in_order(net: Small, image: Tensor, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = PIXELS[::-1]
    whole = saliency_maps(net, image, pixels, engine=engine, crop="garg")
    monkeypatch.setattr(request, "BLOCK_BYTES", 7 * whole[0].nbytes)
    blocks = list(saliency_maps(net, image, pixels, engine=engine, crop="garg", iterate=True))
    assert [len(block) for block in blocks] == [7, 7, 7, 7, 7]
    torch.testing.assert_close(torch.cat(blocks), whole)


def test_a_method_in_blocks_is_the_method(net: Small, image: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = saliency_maps(net, image, PIXELS, method="smoothgrad")
    monkeypatch.setattr(request, "BLOCK_BYTES", 9 * 3 * whole[0].nbytes)
    torch.testing.assert_close(saliency_maps(net, image, PIXELS, method="smoothgrad"), whole)


def test_chunks_hold_every_map_once(net: Small, image: Tensor) -> None:
    whole = saliency_maps(net, image, PIXELS)
    seen = torch.zeros_like(whole)
    for indices, (rows, columns), values in saliency_chunks(net, image, PIXELS):
        assert not seen[indices].any()
        seen[indices, slice(*rows), slice(*columns)] = values
    torch.testing.assert_close(seen, whole)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_network_that_ignores_the_picture_there(image: Tensor, engine: str, caplog: pytest.LogCaptureFixture) -> None:
    net = Small(nn.ReLU()).double()
    nn.init.constant_(net.head.bias, -100.0)
    found = saliency_maps(net, image, PIXELS, engine=engine)
    assert not found.any()
    assert f"{len(PIXELS)} of {len(PIXELS)} maps are zero everywhere" in caplog.text
    assert "at (1, 0), (1, 5), (1, 10), (1, 15), (1, 20), ..." in caplog.text


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
def test_maps_without_gradient_are_said_once(
    image: Tensor, engine: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class HalfDead(Small):
        def forward(self, x: Tensor) -> Tensor:
            y = super().forward(x)
            return torch.cat([y[..., :15].relu() * 0, y[..., 15:]], 3)

    net = HalfDead().double()
    dead = [index for index, (_, column) in enumerate(PIXELS) if column < 15]
    monkeypatch.setattr(request, "BLOCK_BYTES", 2 * 8 * HEIGHT * WIDTH)  # two maps at a time
    for run in (
        lambda **how: list(saliency_maps(net, image, PIXELS, engine=engine, iterate=True, **how)),
        lambda **how: saliency_maps(net, image, PIXELS, engine=engine, **how),
        lambda **how: list(saliency_chunks(net, image, PIXELS, engine=engine, **how)),
    ):
        caplog.clear()
        run()
        said = [
            r.getMessage() for r in caplog.records if r.name.startswith("segdepth") and r.levelno >= logging.WARNING
        ]
        assert len(said) == 1, said
        assert f"{len(dead)} of {len(PIXELS)} maps" in said[0]
        told: list[int] = []
        run(zeros=told.extend)
        assert told == dead


def test_inference_mode_and_no_grad_do_not_matter(net: Small, image: Tensor) -> None:
    expected = saliency_maps(net, image, PIXELS)
    for mode in (torch.no_grad, torch.inference_mode):
        for engine in ENGINES:
            with mode():
                found = saliency_maps(net, image, PIXELS, engine=engine)
            torch.testing.assert_close(found.clone(), expected)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_do_not_matter(net: Small, image: Tensor, threads: int) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        agree(net, image, "sparse")
    finally:
        torch.set_num_threads(before)


def test_single_precision_agrees_within_rounding(net: Small, image: Tensor) -> None:
    expected = saliency_maps(net, image, PIXELS, engine="reference").float()
    for engine in ENGINES:
        found = saliency_maps(net.float(), image.float(), PIXELS, engine=engine)
        assert found.dtype == torch.float32
        assert (found - expected).abs().max() < 1e-5 * expected.max()
