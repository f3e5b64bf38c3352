"""TF32 and bfloat16 are options whose error can be measured; on a GPU the engines give the same maps, without waiting for it."""

import pytest
import torch
from torch import Tensor

from segdepth.core.errors import ConfigError, InputError
from segdepth.saliency import precision_error, saliency_maps
from segdepth.saliency.engines import Prepared
from segdepth.saliency.graphs import Function
from segdepth.saliency.target import fixed_targets
from segdepth.tasks import create_network

SIZE = (48, 80)
PIXELS = [(r, c) for r in range(4, 48, 12) for c in range(2, 80, 9)]


@pytest.fixture
def image() -> Tensor:
    return torch.rand(3, *SIZE, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("arch", ["segnet", pytest.param("fcrn", marks=pytest.mark.slow)])
def test_bf16_has_an_error_and_is_not_the_default(arch: str, image: Tensor) -> None:
    torch.manual_seed(0)
    net = create_network(arch, "seg", width=0.125)
    error = precision_error(net, image, PIXELS, "bf16")
    assert error.maps == len(PIXELS)
    assert 1e-5 < error.typical < 0.1
    assert error.typical < error.largest < 1
    assert precision_error(net, image, PIXELS, "full").largest == 0
    assert saliency_maps(net, image, PIXELS, precision="bf16").dtype == torch.float32


def test_what_a_precision_is_for_is_said(image: Tensor) -> None:
    net = create_network("segnet", "seg", width=0.125)
    with pytest.raises(InputError, match="'tf32' is of NVIDIA GPUs"):
        saliency_maps(net, image, PIXELS, precision="tf32")
    with pytest.raises(ConfigError, match="for the engine 'windowed'"):
        saliency_maps(net, image, PIXELS, precision="bf16", engine="reference")
    for parameter in net.parameters():
        parameter.data.zero_()
    with pytest.raises(InputError, match="not one of the pixels"):
        precision_error(net, image, PIXELS, "bf16")


@pytest.mark.gpu
@pytest.mark.parametrize("arch", ["segnet", "fcrn", "deeplab"])
@pytest.mark.parametrize("engine", ["auto", "windowed", "batched", "reference"])
def test_on_a_gpu_the_maps_are_the_same(arch: str, engine: str, image: Tensor) -> None:
    torch.manual_seed(0)
    net = create_network(arch, "seg", width=0.125).double()
    expected = saliency_maps(net, image.double(), PIXELS, engine="reference")
    net, image = net.cuda(), image.cuda()
    found = saliency_maps(net, image.double(), PIXELS, engine=engine)  # type: ignore[call-overload]
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-9, atol=1e-12 * expected.max().item())
    single = saliency_maps(net.float(), image, PIXELS, engine=engine)  # type: ignore[call-overload]
    assert (single.cpu() - expected).abs().max() < 1e-4 * expected.max(), "no TF32 unless asked for"


@pytest.mark.gpu
def test_on_a_gpu_tf32_and_bf16_have_the_errors_of_their_digits(image: Tensor) -> None:
    torch.manual_seed(0)
    net = create_network("segnet", "seg", width=0.125).cuda()
    settings = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    tf32, bf16 = (precision_error(net, image.cuda(), PIXELS, p) for p in ("tf32", "bf16"))
    assert 1e-6 < tf32.typical < bf16.typical < 0.1
    assert (torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()) == settings


@pytest.mark.gpu
def test_on_a_gpu_the_windowed_engine_never_waits(image: Tensor) -> None:
    net, image = create_network("segnet", "seg", width=0.125).eval().cuda(), image.cuda()
    explainer = Prepared(Function(net, net), image, ((0, SIZE[0]), (0, SIZE[1]))).engine("windowed")
    targets = fixed_targets(explainer.output, PIXELS, "predicted")
    list(explainer.gradients(PIXELS, targets))  # kernels are loaded on first use
    torch.cuda.set_sync_debug_mode("error")
    try:
        list(explainer.gradients(PIXELS, targets))
    finally:
        torch.cuda.set_sync_debug_mode("default")
