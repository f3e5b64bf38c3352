"""What networks of the package transformers answer, against its own post-processing."""

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from segdepth.core.errors import InputError
from segdepth.saliency.answers import answer_function
from segdepth.saliency.target import run_network

hf = pytest.importorskip("transformers", reason="needs the package transformers")

STAGES = ["stage1", "stage2", "stage3", "stage4"]
HIERARCHY = {
    "depths": [1, 1, 1, 1], "hidden_sizes": [4, 4, 8, 8], "num_attention_heads": [1, 1, 2, 2], "mlp_ratios": [2, 2, 2, 2],
    "decoder_hidden_size": 8,
}  # fmt: skip
VIT = {"hidden_size": 8, "num_hidden_layers": 4, "num_attention_heads": 2}
SMALL_VIT = {**VIT, "intermediate_size": 16, "image_size": 32, "patch_size": 8}
NECK = {"neck_hidden_sizes": [4, 4, 6, 6], "fusion_hidden_size": 4}


def segformer() -> nn.Module:
    return hf.SegformerForSemanticSegmentation(hf.SegformerConfig(**HIERARCHY, num_labels=3))


def glpn() -> nn.Module:
    return hf.GLPNForDepthEstimation(hf.GLPNConfig(**HIERARCHY))


def dpt() -> nn.Module:
    return hf.DPTForDepthEstimation(hf.DPTConfig(**SMALL_VIT, **NECK, backbone_out_indices=[0, 1, 2, 3]))


def swin() -> Any:
    return hf.SwinConfig(
        embed_dim=4, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4, out_features=STAGES, image_size=32
    )


def mask2former() -> nn.Module:
    config = hf.Mask2FormerConfig(
        backbone_config=swin(), feature_size=32, mask_feature_size=8, hidden_dim=32, encoder_feedforward_dim=8,
        encoder_layers=1, decoder_layers=2, num_attention_heads=2, dim_feedforward=8, num_queries=4, num_labels=3,
    )  # fmt: skip
    return hf.Mask2FormerForUniversalSegmentation(config)


def maskformer() -> nn.Module:
    decoder = hf.DetrConfig(
        encoder_layers=1, decoder_layers=1, encoder_ffn_dim=8, decoder_ffn_dim=8, encoder_attention_heads=2,
        decoder_attention_heads=2, d_model=8, num_queries=4,
    )  # fmt: skip
    config = hf.MaskFormerConfig(
        backbone_config=swin(), decoder_config=decoder, fpn_feature_size=32, mask_feature_size=8, num_labels=3
    )
    return hf.MaskFormerForInstanceSegmentation(config)


def eomt() -> nn.Module:
    config = hf.EomtConfig(
        hidden_size=8, num_hidden_layers=3, num_attention_heads=2, mlp_ratio=2, image_size=32, patch_size=8,
        num_upscale_blocks=1, num_blocks=1, num_queries=4, num_labels=3,
    )  # fmt: skip
    return hf.EomtForUniversalSegmentation(config)


def zoedepth() -> nn.Module:
    backbone = hf.BeitConfig(**SMALL_VIT, reshape_hidden_states=False, out_indices=[1, 2, 3, 4])
    config = hf.ZoeDepthConfig(
        **NECK, backbone_config=backbone, num_relative_features=4, bottleneck_features=4, num_attractors=[4, 3, 2, 1],
        bin_embedding_dim=4, bin_configurations=[{"n_bins": 8, "min_depth": 0.001, "max_depth": 10.0, "name": "nyu"}],
    )  # fmt: skip
    return hf.ZoeDepthForDepthEstimation(config)


def depth_pro() -> nn.Module:
    vit = {"model_type": "dinov2", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 16,
           "patch_size": 4}  # fmt: skip
    config = hf.DepthProConfig(
        image_model_config=dict(vit), patch_model_config=dict(vit), fov_model_config=dict(vit), patch_size=16,
        fusion_hidden_size=4, intermediate_hook_ids=[1, 0], intermediate_feature_dims=[4, 4], use_fov_model=True,
        scaled_images_feature_dims=[8, 8, 4], scaled_images_ratios=[0.25, 0.5, 1.0], merge_padding_value=1,
    )  # fmt: skip
    return hf.DepthProForDepthEstimation(config)


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def answered(make: Callable[[], nn.Module], height: int, width: int) -> tuple[nn.Module, Tensor, Any]:
    """A network with random weights, a picture, and what it answers."""
    torch.manual_seed(0)
    net = make().double().eval()
    x = torch.randn(1, 3, height, width, dtype=torch.float64)
    return net, x, net(x)


def processor(kind: str, name: str) -> Any:
    """The library's post-processing, in the form that needs no torchvision."""
    return getattr(importlib.import_module(f"transformers.models.{kind}.image_processing_pil_{kind}"), name)()


def scores(post: Any, answer: Any, **options: Any) -> Tensor:
    """Class maps ``[c, h, w]`` as the library makes them."""
    (found,) = post.post_process_semantic_segmentation(answer, return_segmentation_scores=True, **options)
    result: Tensor = found.segmentation_scores
    return result


def the_same(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_segformer_answers_logits_at_a_quarter() -> None:
    net, x, answer = answered(segformer, 32, 64)
    found = answer_function(net)(x)
    assert found.shape == (1, 3, 8, 16)
    the_same(found, answer.logits)
    post = processor("segformer", "SegformerImageProcessorPil")
    the_same(answer_function(net, resize="bilinear")(x)[0], scores(post, answer, target_sizes=[(32, 64)]))


@pytest.mark.parametrize(
    ("make", "size", "kind", "name"),
    [(glpn, (32, 64), "glpn", "GLPNImageProcessorPil"), (dpt, (32, 32), "dpt", "DPTImageProcessorPil")],
)
def test_depth_without_a_channel_axis_gets_one(
    make: Callable[[], nn.Module], size: tuple[int, int], kind: str, name: str
) -> None:
    net, x, answer = answered(make, *size)
    the_same(answer_function(net)(x), answer.predicted_depth[:, None])
    (expected,) = processor(kind, name).post_process_depth_estimation(answer, target_sizes=[size])
    the_same(answer_function(net, resize="bicubic")(x)[0, 0], expected["predicted_depth"])


@pytest.mark.parametrize(
    ("make", "size", "kind", "name", "options"),
    [
        (mask2former, (64, 96), "mask2former", "Mask2FormerImageProcessorPil", {}),
        (maskformer, (64, 96), "maskformer", "MaskFormerImageProcessorPil", {}),
        (eomt, (32, 32), "eomt", "EomtImageProcessorPil", {"size": {"shortest_edge": 32, "longest_edge": 32}}),
    ],
)
def test_queries_are_explained_by_what_post_processing_makes(
    make: Callable[[], nn.Module], size: tuple[int, int], kind: str, name: str, options: dict[str, Any]
) -> None:
    net, x, answer = answered(make, *size)
    post, resized = processor(kind, name), {"target_sizes": [size], **options}
    the_same(answer_function(net, resize="bilinear")(x)[0], scores(post, answer, **resized))
    not_resized = resized if make is eomt else {}  # EoMT's masks come at the picture's size
    the_same(answer_function(net)(x)[0], scores(post, answer, **not_resized))
    the_same(answer_function(net, output="masks_queries_logits")(x), answer.masks_queries_logits)


def test_networks_that_answer_more_than_depth() -> None:
    net, x, answer = answered(zoedepth, 32, 32)
    the_same(answer_function(net)(x), answer.predicted_depth[:, None])
    post = processor("zoedepth", "ZoeDepthImageProcessorPil")
    (expected,) = post.post_process_depth_estimation(answer, do_remove_padding=False)
    the_same(answer_function(net)(x)[0, 0], expected["predicted_depth"])
    net, x, answer = answered(depth_pro, 64, 64)
    assert answer.field_of_view is not None
    the_same(answer_function(net)(x), answer.predicted_depth[:, None])


def test_a_network_of_squares_says_what_it_does_not_take() -> None:
    net, x, _ = answered(dpt, 32, 32)
    with pytest.raises(
        InputError, match=r"cannot take a picture of \[3, 32, 24\], torch.float64 on cpu \(.+\); channels"
    ):
        run_network(answer_function(net), x[..., :24])


def test_a_layer_of_tokens_and_one_of_maps() -> None:
    net, x, _ = answered(dpt, 32, 32)
    with pytest.raises(InputError, match=r"'dpt.encoder.layer.2' answers \[1, 17, 8\].*without class tokens"):
        answer_function(net, layer="dpt.encoder.layer.2")(x)
    tokens = answer_function(
        net, layer="dpt.encoder.layer.2", output=lambda t: t[:, 1:].transpose(1, 2).unflatten(2, (4, 4))
    )(x)
    assert tokens.shape == (1, 8, 4, 4)
    assert answer_function(net, layer="neck.fusion_stage", output=-1)(x).shape == (1, 4, 32, 32)
