"""Networks of the package segmentation_models_pytorch: each of its architectures, over several encoders."""

from typing import Any

import pytest
from torch import nn

from gallery.gallery import Entry, Library

__all__ = ["LIBRARY"]

smp: Any = pytest.importorskip("segmentation_models_pytorch", reason="needs segmentation_models_pytorch")


def net(arch: str, encoder: str, **options: Any) -> nn.Module:
    return smp.create_model(arch, encoder, encoder_weights=None, classes=3, **options)  # type: ignore[no-any-return]


FIVE, FOUR = (12, 10, 8, 6, 4), (12, 10, 8, 6)

LIBRARY = Library(
    "segmentation_models_pytorch",
    "2.14",
    [
        Entry("Unet resnet18", lambda: net("unet", "resnet18", decoder_channels=FIVE)),
        Entry(
            "Unet scSE mobilenet_v2",
            lambda: net("unet", "mobilenet_v2", decoder_channels=(32, 32, 16, 16, 16), decoder_attention_type="scse"),
        ),
        Entry("Unet efficientnet-b0", lambda: net("unet", "efficientnet-b0", decoder_channels=FIVE)),
        Entry("Unet vgg11_bn", lambda: net("unet", "vgg11_bn", encoder_depth=3, decoder_channels=FIVE[:3])),
        Entry("Unet mit_b0", lambda: net("unet", "mit_b0", decoder_channels=FIVE)),
        Entry("Unet timm mobilenetv3", lambda: net("unet", "tu-mobilenetv3_small_050", decoder_channels=FIVE)),
        Entry("Unet densenet121", lambda: net("unet", "densenet121", encoder_depth=3, decoder_channels=FIVE[:3])),
        Entry("Unet++ resnet18", lambda: net("unetplusplus", "resnet18", decoder_channels=FIVE)),
        Entry(
            "FPN resnet18",
            lambda: net("fpn", "resnet18", decoder_pyramid_channels=8, decoder_segmentation_channels=32),
            size=(64, 64),
        ),
        Entry("PSPNet resnet18", lambda: net("pspnet", "resnet18", psp_out_channels=8), size=(48, 48)),
        Entry("PAN resnet18", lambda: net("pan", "resnet18", decoder_channels=8), size=(128, 128)),
        Entry("Linknet mobileone_s0", lambda: net("linknet", "mobileone_s0")),
        Entry(
            "MAnet test_resnet", lambda: net("manet", "tu-test_resnet", decoder_channels=FIVE, decoder_pab_channels=4)
        ),
        Entry(
            "DeepLabV3 test_resnet",
            lambda: net("deeplabv3", "tu-test_resnet", decoder_channels=8, decoder_atrous_rates=(1, 2, 3)),
        ),
        Entry(
            "DeepLabV3+ mobilenet_v2",
            lambda: net("deeplabv3plus", "mobilenet_v2", decoder_channels=8, decoder_atrous_rates=(1, 2, 3)),
        ),
        Entry("UPerNet test_convnext", lambda: net("upernet", "tu-test_convnext", decoder_channels=8)),
        Entry("Segformer mit_b0", lambda: net("segformer", "mit_b0", decoder_segmentation_channels=8)),
        Entry(
            "DPT test_vit",
            lambda: net(
                "dpt",
                "tu-test_vit",
                decoder_intermediate_channels=(4, 4, 6, 6),
                decoder_fusion_channels=4,
                encoder_depth=4,
            ),
        ),
    ],
)
