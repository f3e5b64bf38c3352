"""Sizes, encoder, meaning and preprocessing of networks of transformers."""

from typing import Any

import pytest
import torch

from segdepth.networks.guests.transformers_facts import bias_towards, encoder_in, normalisation_in, sizes_of
from segdepth.networks.guests.transformers_source import Source
from segdepth.networks.preprocessing import PREPROCESSINGS, Normalisation

from .tiny_transformers import hf, segformer


@pytest.mark.parametrize(
    ("model_type", "given", "want"),
    [
        ("segformer", {}, PREPROCESSINGS["imagenet"]),
        ("glpn", {}, Normalisation()),
        ("dpt", {}, PREPROCESSINGS["reference_depth"]),
        ("mobilevit", {}, Normalisation(order="BGR")),
        ("eomt", {}, PREPROCESSINGS["imagenet"]),
        (
            "dpt",
            {"image_mean": [0.1, 0.2, 0.3], "image_std": [1, 2, 3]},
            Normalisation(mean=(0.1, 0.2, 0.3), std=(1, 2, 3)),
        ),
        ("dpt", {"do_normalize": False, "image_mean": [9, 9, 9]}, Normalisation()),
        ("dpt", {"do_rescale": False, "do_normalize": False}, Normalisation(scale=1)),
        ("dpt", {"rescale_factor": 1 / 127.5, "do_normalize": False}, Normalisation(scale=127.5)),
        ("mobilevit", {"do_flip_channel_order": False}, Normalisation()),
        ("segformer", {"image_processor_type": "ViTImageProcessorFast"}, PREPROCESSINGS["reference_depth"]),
        ("segformer", {"image_processor_type": "SegformerFeatureExtractor", "size": 512}, PREPROCESSINGS["imagenet"]),
        ("segformer", {"image_mean": 0.5, "image_std": 0.5}, PREPROCESSINGS["reference_depth"]),
    ],
)
def test_preprocessing_is_the_image_processor_s(model_type: str, given: dict[str, Any], want: Normalisation) -> None:
    found = normalisation_in(Source("x", model_type, {}, processing=given or None))
    assert found.scale == pytest.approx(want.scale)
    assert (found.mean, found.std, found.order) == (want.mean, want.std, want.order)


@pytest.mark.parametrize("name", ["segformer", "glpn", "dpt", "mobilevit", "beit", "zoedepth"])
def test_the_numbers_are_those_of_the_library_s_own_processor(name: str) -> None:
    module = __import__(f"transformers.models.{name}.image_processing_pil_{name}", fromlist=["x"])
    processor = next(getattr(module, found) for found in dir(module) if found.endswith("ImageProcessorPil"))
    picture = torch.randint(0, 256, (32, 32, 3), dtype=torch.uint8)
    size = {"height": 32, "width": 32}
    extra = {"do_pad": False} if name == "zoedepth" else {}
    theirs = processor(do_resize=False, do_center_crop=False, size=size, crop_size=size, **extra)(
        picture.numpy(), return_tensors="pt"
    )
    from segdepth.networks import Preprocessing

    ours = Preprocessing(normalisation_in(Source("x", name, {})))(picture.permute(2, 0, 1)[None])
    torch.testing.assert_close(ours, theirs["pixel_values"].float(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("config", "multiple", "fixed"),
    [
        (hf.SegformerConfig(), 1, None),
        (hf.GLPNConfig(), 32, None),
        (hf.GLPNConfig(strides=[2, 2, 2, 2]), 16, None),
        (hf.DPTConfig(image_size=160), 1, (160, 160)),
        (hf.DPTConfig(backbone_config=hf.Dinov2Config(patch_size=14)), 14, None),
        (hf.DepthAnythingConfig(), 14, None),
        (hf.BeitConfig(), 16, None),
        (hf.Data2VecVisionConfig(), 1, (224, 224)),
        (hf.DepthProConfig(), 1, (1536, 1536)),
        (hf.MobileViTConfig(), 1, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_sizes(config: Any, multiple: int, fixed: tuple[int, int] | None) -> None:
    rule = sizes_of(config)
    assert (rule.multiple, rule.fixed) == (multiple, fixed)


def test_a_head_without_a_relu_keeps_its_bias() -> None:
    module = torch.nn.Module()
    module.head = torch.nn.Sequential(torch.nn.Conv2d(3, 1, 1))
    before = module.head[0].bias.clone()
    bias_towards(module, 0.1)
    assert torch.equal(module.head[0].bias, before)
    module.head.append(torch.nn.ReLU())
    bias_towards(module, 0.1)
    assert module.head[0].bias.item() == pytest.approx(0.1)


def test_the_encoder() -> None:
    assert encoder_in(segformer()) == "segformer"
    assert encoder_in(torch.nn.Conv2d(3, 3, 1)) is None
