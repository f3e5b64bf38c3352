"""Networks of the package transformers, tiny, from their configurations."""

from functools import partial
from typing import Any

import pytest
from torch import Tensor, nn
from torch.nn import functional as F

from gallery.gallery import Entry, Library

__all__ = ["LIBRARY"]

hf: Any = pytest.importorskip("transformers", reason="needs transformers")

LABELS = 3


def segformer() -> nn.Module:
    config = hf.SegformerConfig(
        depths=[1, 1, 1, 1], hidden_sizes=[4, 4, 8, 8], num_attention_heads=[1, 1, 2, 2], mlp_ratios=[2, 2, 2, 2],
        decoder_hidden_size=8, num_labels=LABELS,
    )  # fmt: skip
    return hf.SegformerForSemanticSegmentation(config)


def glpn() -> nn.Module:
    config = hf.GLPNConfig(
        depths=[1, 1, 1, 1], hidden_sizes=[4, 4, 8, 8], num_attention_heads=[1, 1, 2, 2], mlp_ratios=[2, 2, 2, 2],
        decoder_hidden_size=8,
    )  # fmt: skip
    return hf.GLPNForDepthEstimation(config)


DPT = {
    "hidden_size": 8, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 16, "image_size": 32,
    "patch_size": 8, "backbone_out_indices": [0, 1, 2, 3], "neck_hidden_sizes": [4, 4, 6, 6], "fusion_hidden_size": 4,
    "is_hybrid": False, "num_labels": LABELS,
}  # fmt: skip


def dpt_depth() -> nn.Module:
    return hf.DPTForDepthEstimation(hf.DPTConfig(**DPT))


def dpt_seg() -> nn.Module:
    return hf.DPTForSemanticSegmentation(hf.DPTConfig(**DPT, use_batch_norm_in_fusion_residual=True))


def dpt_hybrid() -> nn.Module:
    backbone = hf.BitConfig(
        embedding_size=4, hidden_sizes=[8, 8, 8], depths=[1, 1, 1], num_groups=2, layer_type="bottleneck",
        global_padding="same", embedding_dynamic_padding=True, out_features=["stage1", "stage2", "stage3"],
    )  # fmt: skip
    config = DPT | {
        "is_hybrid": True, "backbone_config": backbone, "backbone_featmap_shape": [1, 8, 2, 2], "patch_size": 16,
        "neck_hidden_sizes": [8, 8, 6, 6],
    }  # fmt: skip
    return hf.DPTForDepthEstimation(hf.DPTConfig(**config))


def dinov2(**options: Any) -> Any:
    return hf.Dinov2Config(
        hidden_size=8, num_hidden_layers=4, num_attention_heads=2, mlp_ratio=2, image_size=28, patch_size=7,
        out_indices=[1, 2, 3, 4], reshape_hidden_states=False, **options,
    )  # fmt: skip


def depth_anything() -> nn.Module:
    config = hf.DepthAnythingConfig(
        backbone_config=dinov2(), patch_size=7, reassemble_hidden_size=8, neck_hidden_sizes=[4, 4, 6, 6],
        fusion_hidden_size=4, head_hidden_size=4,
    )  # fmt: skip
    return hf.DepthAnythingForDepthEstimation(config)


def depth_anything_metric() -> nn.Module:
    config = hf.DepthAnythingConfig(
        backbone_config=dinov2(use_swiglu_ffn=True), patch_size=7, reassemble_hidden_size=8,
        neck_hidden_sizes=[4, 4, 6, 6], fusion_hidden_size=4, head_hidden_size=4, depth_estimation_type="metric",
        max_depth=20,
    )  # fmt: skip
    return hf.DepthAnythingForDepthEstimation(config)


def upernet(backbone: Any) -> nn.Module:
    config = hf.UperNetConfig(
        backbone_config=backbone, hidden_size=8, pool_scales=[1, 2], use_auxiliary_head=False, num_labels=LABELS
    )
    return hf.UperNetForSemanticSegmentation(config)


STAGES = ["stage1", "stage2", "stage3", "stage4"]


def upernet_convnext() -> nn.Module:
    return upernet(hf.ConvNextConfig(hidden_sizes=[4, 4, 6, 6], depths=[1, 1, 1, 1], out_features=STAGES))


def upernet_convnextv2() -> nn.Module:
    return upernet(hf.ConvNextV2Config(hidden_sizes=[4, 4, 6, 6], depths=[1, 1, 1, 1], out_features=STAGES))


def swin(**options: Any) -> Any:
    return hf.SwinConfig(
        embed_dim=4, depths=[2, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4, mlp_ratio=2.0, out_features=STAGES,
        image_size=32, **options,
    )  # fmt: skip


def upernet_swin() -> nn.Module:
    return upernet(swin())


def mobilevit() -> nn.Module:
    config = hf.MobileViTConfig(
        hidden_sizes=[8, 8, 8], neck_hidden_sizes=[4, 4, 6, 8, 8, 8, 16], num_attention_heads=2, expand_ratio=1.0,
        aspp_out_channels=8, image_size=64, output_stride=16, num_labels=LABELS, atrous_rates=[1, 2, 3],
    )  # fmt: skip
    return hf.MobileViTForSemanticSegmentation(config)


def mobilevitv2() -> nn.Module:
    config = hf.MobileViTV2Config(
        width_multiplier=0.1, base_attn_unit_dims=[80, 80, 80], n_attn_blocks=[1, 1, 1], expand_ratio=1.0,
        aspp_out_channels=8, image_size=64, output_stride=16, num_labels=LABELS, atrous_rates=[1, 2, 3],
    )  # fmt: skip
    return hf.MobileViTV2ForSemanticSegmentation(config)


BEIT = {
    "hidden_size": 8, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 16, "image_size": 32,
    "patch_size": 8, "pool_scales": [1, 2], "use_auxiliary_head": False, "num_labels": LABELS,
}  # fmt: skip


def beit() -> nn.Module:
    config = hf.BeitConfig(**BEIT, out_indices=[1, 2, 3, 4], add_fpn=True, use_relative_position_bias=True)
    return hf.BeitForSemanticSegmentation(config)


def data2vec() -> nn.Module:
    config = hf.Data2VecVisionConfig(**BEIT, out_indices=[0, 1, 2, 3], use_shared_relative_position_bias=True)
    return hf.Data2VecVisionForSemanticSegmentation(config)


def zoedepth() -> nn.Module:
    backbone = hf.BeitConfig(
        hidden_size=8, num_hidden_layers=4, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=8,
        use_relative_position_bias=True, reshape_hidden_states=False, out_indices=[1, 2, 3, 4],
    )  # fmt: skip
    config = hf.ZoeDepthConfig(
        backbone_config=backbone, neck_hidden_sizes=[4, 4, 6, 6], fusion_hidden_size=4, num_relative_features=4,
        bottleneck_features=4, num_attractors=[4, 3, 2, 1], bin_embedding_dim=4,
        bin_configurations=[{"n_bins": 8, "min_depth": 0.001, "max_depth": 10.0, "name": "nyu"}],
    )  # fmt: skip
    return hf.ZoeDepthForDepthEstimation(config)


def depth_pro() -> nn.Module:
    vit = {
        "model_type": "dinov2", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "mlp_ratio": 2,
        "image_size": 16, "patch_size": 4,
    }  # fmt: skip
    config = hf.DepthProConfig(
        image_model_config=dict(vit), patch_model_config=dict(vit), fov_model_config=dict(vit), patch_size=16,
        fusion_hidden_size=4, intermediate_hook_ids=[1, 0], intermediate_feature_dims=[4, 4],
        scaled_images_feature_dims=[8, 8, 4], scaled_images_ratios=[0.25, 0.5, 1.0], merge_padding_value=1,
    )  # fmt: skip
    return hf.DepthProForDepthEstimation(config)


def eomt() -> nn.Module:
    config = hf.EomtConfig(
        hidden_size=8, num_hidden_layers=3, num_attention_heads=2, mlp_ratio=2, image_size=32, patch_size=8,
        num_upscale_blocks=1, num_blocks=1, num_queries=4, num_register_tokens=1, num_labels=LABELS,
    )  # fmt: skip
    return hf.EomtForUniversalSegmentation(config)


def mask2former() -> nn.Module:
    config = hf.Mask2FormerConfig(
        backbone_config=swin(), feature_size=32, mask_feature_size=8, hidden_dim=32, encoder_feedforward_dim=8,
        encoder_layers=1, decoder_layers=2, num_attention_heads=2, dim_feedforward=8, num_queries=4, num_labels=LABELS,
    )  # fmt: skip
    return hf.Mask2FormerForUniversalSegmentation(config)


def maskformer() -> nn.Module:
    decoder = hf.DetrConfig(
        encoder_layers=1, decoder_layers=1, encoder_ffn_dim=8, decoder_ffn_dim=8, encoder_attention_heads=2,
        decoder_attention_heads=2, d_model=8, num_queries=4,
    )  # fmt: skip
    config = hf.MaskFormerConfig(
        backbone_config=swin(), decoder_config=decoder, fpn_feature_size=32, mask_feature_size=8, num_labels=LABELS
    )
    return hf.MaskFormerForInstanceSegmentation(config)


def swin2sr(upsampler: str, upscale: int = 2) -> nn.Module:
    config = hf.Swin2SRConfig(
        embed_dim=8,
        depths=[2],
        num_heads=[2],
        window_size=4,
        mlp_ratio=1.0,
        image_size=16,
        upsampler=upsampler,
        upscale=upscale,
    )
    return hf.Swin2SRForImageSuperResolution(config)


def logits(found: Any) -> Tensor:
    return found.logits


def depth(found: Any) -> Tensor:
    return found.predicted_depth[:, None]


def classes(found: Any, size: tuple[int, int] | None = None) -> Tensor:
    """What the image processors make of queries, at the size that they bring masks to."""
    masks = found.masks_queries_logits
    if size is not None:
        masks = F.interpolate(masks, size, mode="bilinear", align_corners=False)
    probabilities = found.class_queries_logits.softmax(-1)[..., :-1]
    return (probabilities[..., None, None] * masks.sigmoid()[:, :, None]).sum(1)


LOGITS = {"answer": logits, "picked": ".logits"}
DEPTH = {"answer": depth, "picked": ".predicted_depth"}
RECONSTRUCTION = {"answer": lambda found: found.reconstruction, "picked": ".reconstruction"}
QUERIES = {"picked": "class maps of the queries"}

LIBRARY = Library(
    "transformers",
    "2.13",
    [
        Entry("SegFormer", segformer, size=(32, 64), **LOGITS),
        Entry("GLPN", glpn, size=(32, 64), **DEPTH),
        Entry("DPT depth", dpt_depth, **DEPTH),
        Entry("DPT segmentation", dpt_seg, **LOGITS),
        Entry("DPT hybrid", dpt_hybrid, **DEPTH),
        Entry("Depth Anything V2", depth_anything, size=(28, 42), **DEPTH),
        Entry("Depth Anything V2 metric", depth_anything_metric, size=(28, 42), **DEPTH),
        Entry("UperNet ConvNeXt", upernet_convnext, size=(32, 64), **LOGITS),
        Entry("UperNet ConvNeXt V2", upernet_convnextv2, size=(32, 64), **LOGITS),
        Entry("UperNet Swin", upernet_swin, size=(32, 64), **LOGITS),
        Entry("MobileViT DeepLab", mobilevit, size=(64, 64), **LOGITS),
        Entry("MobileViT V2 DeepLab", mobilevitv2, size=(64, 64), **LOGITS),
        Entry("BEiT", beit, **LOGITS),
        Entry("Data2Vec", data2vec, **LOGITS),
        Entry("ZoeDepth", zoedepth, **DEPTH),
        Entry("DepthPro", depth_pro, size=(64, 64), seed=3, **DEPTH),
        Entry("EoMT", eomt, partial(classes, size=(32, 32)), **QUERIES),
        Entry("Mask2Former", mask2former, partial(classes, size=(384, 384)), size=(64, 64), **QUERIES),
        Entry("MaskFormer", maskformer, classes, size=(64, 64), **QUERIES),
        Entry(
            "Swin2SR",
            lambda: swin2sr("pixelshuffle"),
            size=(16, 24),
            answer=lambda a: a.reconstruction,
            picked=".reconstruction",
        ),
        Entry(
            "Swin2SR nearest",
            lambda: swin2sr("nearest+conv", 4),
            size=(16, 16),
            answer=lambda a: a.reconstruction,
            picked=".reconstruction",
        ),
    ],
)
