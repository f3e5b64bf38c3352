"""ResNets of bottlenecks (He et al. 2016, arXiv:1512.03385) with torchvision's tensor names.

The output stride is kept at 8 or 16 by dilation (Chen et al. 2016, arXiv:1606.00915, section 3.1).
"""

from jaxtyping import Float
from torch import Tensor, nn

from .widths import scale_channels

__all__ = ["RESNET50", "RESNET101", "Bottleneck", "ResNet"]

#: Number of bottlenecks in each of the four stages.
RESNET50 = (3, 4, 6, 3)
RESNET101 = (3, 4, 23, 3)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution around a shortcut.

    Args:
        in_channels: channels of the input.
        width: channels of the 3x3 convolution; the output has four times as many.
        stride: of the block.
        dilation: of the 3x3 convolution.
        project: whether the shortcut is a 1x1 convolution.
        stride_in_1x1: put the stride in the first convolution, as in the paper, rather than in the 3x3 one, as
            torchvision's weights were trained.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        project: bool = False,
        stride_in_1x1: bool = False,
    ) -> None:
        super().__init__()
        first, second = (stride, 1) if stride_in_1x1 else (1, stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, stride=first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=second, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if project:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, 4 * width, 1, stride=stride, bias=False), nn.BatchNorm2d(4 * width)
            )

    def forward(self, x: Float[Tensor, "b _ _h _w"]) -> Float[Tensor, "b _ _h2 _w2"]:
        """The block's output; its size is the input's divided by the stride, rounded up."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)) + shortcut)  # type: ignore[no-any-return]


class ResNet(nn.Module):
    """Stem and four stages; no classifier.

    Args:
        blocks: bottlenecks per stage, :data:`RESNET50` or :data:`RESNET101`.
        dilations: of the four stages; a stage after the first has stride 2 where its dilation is 1, else stride 1.
        stride_in_1x1: see :class:`Bottleneck`.
        ceil_mode: of the stem's pooling.
        width: multiplies every channel count.

    Attributes:
        out_channels: channels of the last stage.
    """

    layer1: nn.Sequential
    layer2: nn.Sequential
    layer3: nn.Sequential
    layer4: nn.Sequential

    def __init__(
        self,
        blocks: tuple[int, int, int, int],
        *,
        dilations: tuple[int, int, int, int] = (1, 1, 1, 1),
        stride_in_1x1: bool = False,
        ceil_mode: bool = False,
        width: float = 1.0,
    ) -> None:
        super().__init__()
        stem = scale_channels(64, width)
        self.conv1 = nn.Conv2d(3, stem, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=ceil_mode)
        channels = stem
        for stage, (count, dilation) in enumerate(zip(blocks, dilations, strict=True), start=1):
            inner = scale_channels(64 * 2 ** (stage - 1), width)
            stride = 2 if stage > 1 and dilation == 1 else 1
            layers: list[nn.Module] = []
            for index in range(count):
                layers.append(
                    Bottleneck(
                        channels,
                        inner,
                        stride=stride if index == 0 else 1,
                        dilation=dilation,
                        project=index == 0,
                        stride_in_1x1=stride_in_1x1,
                    )
                )
                channels = 4 * inner
            setattr(self, f"layer{stage}", nn.Sequential(*layers))
        self.out_channels = channels

    def forward(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c _h _w"]:
        """Features of the last stage, at 1/32 of the input's size or what the dilations leave of it."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return x
