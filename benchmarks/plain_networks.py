"""The six networks, written as one writes them after reading how they are built: the yardstick of ``networks.py``.

Layer by layer, one convolution after the other, each with its own weights and its own result, in PyTorch's default memory
layout. Tensors have the ancestor's names and shapes, so that our networks made with ``legacy=True`` can take the same weights
and must give the same numbers.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def cbr(inputs: int, outputs: int, kernel: int = 3, *, bias: bool = True, relu: bool = True) -> nn.Sequential:
    """Convolution, batch norm, ReLU; the name of the inner sequence is the ancestor's."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias),
        nn.BatchNorm2d(outputs),
    ]
    unit = nn.Sequential()
    unit.add_module(
        "cbr_unit" if relu else "cb_unit", nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if relu else []))
    )
    return unit


def bilinear(x: Tensor, height: int, width: int) -> Tensor:
    """Resized, corners aligned."""
    return F.interpolate(x, size=(height, width), mode="bilinear", align_corners=True)


class FCN(nn.Module):
    """FCN-8s with the border of 100 pixels."""

    def __init__(self, out_channels: int, depth: bool) -> None:
        super().__init__()
        inputs = 3
        for block, (channels, count) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), start=1):
            layers: list[nn.Module] = []
            for index in range(count):
                layers += [
                    nn.Conv2d(inputs, channels, 3, padding=100 if block == 1 and index == 0 else 1),
                    nn.ReLU(inplace=True),
                ]
                inputs = channels
            self.add_module(f"conv_block{block}", nn.Sequential(*layers, nn.MaxPool2d(2, ceil_mode=True)))
        if depth:
            self.classifier = nn.Sequential(
                nn.Conv2d(512, 2048, 7), nn.ReLU(inplace=True), nn.Conv2d(2048, 1024, 1), nn.ReLU(inplace=True),
                nn.Conv2d(1024, 64, 1), nn.ReLU(inplace=True),
            )  # fmt: skip
        else:
            self.classifier = nn.Sequential(
                nn.Conv2d(512, 4096, 7), nn.ReLU(inplace=True), nn.Dropout2d(0.5),
                nn.Conv2d(4096, 4096, 1), nn.ReLU(inplace=True), nn.Dropout2d(0.5), nn.Conv2d(4096, out_channels, 1),
            )  # fmt: skip
        scores = 64 if depth else out_channels
        self.score_pool4 = nn.Conv2d(512, scores, 1)
        self.score_pool3 = nn.Conv2d(256, scores, 1)
        self.upscore2 = nn.ConvTranspose2d(scores, scores, 4, stride=2, bias=False)
        self.upscore4 = nn.ConvTranspose2d(scores, scores, 4, stride=2, bias=False)
        self.upscore8 = nn.ConvTranspose2d(scores, scores, 16, stride=8, bias=False)
        self.conv3 = nn.Conv2d(64, out_channels, 1) if depth else None

    def forward(self, x: Tensor) -> Tensor:
        """Logits or metres."""
        height, width = x.shape[-2:]
        pool3 = self.conv_block3(self.conv_block2(self.conv_block1(x)))
        pool4 = self.conv_block4(pool3)
        score = self.upscore2(self.classifier(self.conv_block5(pool4)))
        score = score + self.score_pool4(pool4)[:, :, 5 : 5 + score.shape[2], 5 : 5 + score.shape[3]]
        score = self.upscore4(score)
        score = score + self.score_pool3(pool3)[:, :, 9 : 9 + score.shape[2], 9 : 9 + score.shape[3]]
        out = self.upscore8(score)[:, :, 31 : 31 + height, 31 : 31 + width].contiguous()
        return out if self.conv3 is None else F.relu(self.conv3(out))


class SegNet(nn.Module):
    """SegNet, with batch norm and ReLU after the last convolution too."""

    def __init__(self, out_channels: int, _depth: bool) -> None:
        super().__init__()
        down = ((3, 64, 64), (64, 128, 128), (128, 256, 256, 256), (256, 512, 512, 512), (512, 512, 512, 512))
        up = ((64, 64, out_channels), (128, 128, 64), (256, 256, 256, 128), (512, 512, 512, 256), (512, 512, 512, 512))
        for name, stages in (("down", down), ("up", up)):
            for level, channels in enumerate(stages, start=1):
                stage = nn.Sequential()
                for index in range(1, len(channels)):
                    stage.add_module(f"conv{index}", cbr(channels[index - 1], channels[index]))
                self.add_module(f"{name}{level}", stage)

    def forward(self, x: Tensor) -> Tensor:
        """Logits or metres."""
        taken = []
        for level in range(1, 6):
            x = getattr(self, f"down{level}")(x)
            size = x.shape
            x, indices = F.max_pool2d(x, 2, 2, return_indices=True)
            taken.append((indices, size))
        for level in range(5, 0, -1):
            indices, size = taken.pop()
            x = getattr(self, f"up{level}")(F.max_unpool2d(x, indices, 2, 2, output_size=size[-2:]))
        return x


class Residual(nn.Module):
    """FRRN's residual unit."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = cbr(channels, channels, bias=False)
        self.conv2 = cbr(channels, channels, bias=False, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """The sum."""
        return x + self.conv2(self.conv1(x))


class FullResolutionUnit(nn.Module):
    """FRRN's full-resolution residual unit: the stream is pooled, and added to, at full resolution."""

    def __init__(self, inputs: int, outputs: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.conv1 = cbr(inputs + 32, outputs, bias=False)
        self.conv2 = cbr(outputs, outputs, bias=False)
        self.conv_res = nn.Conv2d(outputs, 32, 1)

    def forward(self, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Both streams."""
        y = self.conv2(self.conv1(torch.cat([y, F.max_pool2d(z, self.scale, self.scale)], dim=1)))
        return y, z + F.interpolate(self.conv_res(y), scale_factor=self.scale, mode="nearest")


class FRRN(nn.Module):
    """FRRN A, the units of a stage side by side."""

    ENCODER = ((3, 96, 2), (4, 192, 4), (2, 384, 8), (2, 384, 16))
    DECODER = ((2, 192, 8), (2, 192, 4), (2, 48, 2))

    def __init__(self, out_channels: int, depth: bool) -> None:
        super().__init__()
        self.conv1 = cbr(3, 48, 5)
        self.up_residual_units = nn.ModuleList(Residual(48) for _ in range(3))
        self.split_conv = nn.Conv2d(48, 32, 1, bias=False)
        channels = 48
        for name, stages in (("encoding", self.ENCODER), ("decoding", self.DECODER)):
            for count, outputs, scale in stages:
                for index in range(count):
                    unit = FullResolutionUnit(channels, outputs, scale)
                    self.add_module(f"{name}_frru_{count}_{outputs}_{scale}_{index}", unit)
                channels = outputs
        self.merge_conv = nn.Conv2d(channels + 32, 48, 1, bias=False)
        self.down_residual_units = nn.ModuleList(Residual(48) for _ in range(3))
        self.head_name = "predict" if depth else "classif_conv"
        self.add_module(self.head_name, nn.Conv2d(48, out_channels, 3, padding=1))

    def stage(self, name: str, count: int, outputs: int, scale: int, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """All units of a stage."""
        out = y
        for index in range(count):
            out, z = getattr(self, f"{name}_frru_{count}_{outputs}_{scale}_{index}")(y, z)
        return out, z

    def forward(self, x: Tensor) -> Tensor:
        """Logits or metres."""
        y = self.conv1(x)
        for unit in self.up_residual_units:
            y = unit(y)
        z = self.split_conv(y)
        for stage in self.ENCODER:
            y, z = self.stage("encoding", *stage, F.max_pool2d(y, 2, 2), z)
        for stage in self.DECODER:
            y, z = self.stage("decoding", *stage, bilinear(y, 2 * y.shape[2], 2 * y.shape[3]), z)
        y = self.merge_conv(torch.cat([bilinear(y, 2 * y.shape[2], 2 * y.shape[3]), z], dim=1))
        for unit in self.down_residual_units:
            y = unit(y)
        return getattr(self, self.head_name)(y)  # type: ignore[no-any-return]


class Bottleneck(nn.Module):
    """A ResNet's block."""

    def __init__(self, inputs: int, width: int, stride: int, dilation: int, first: bool, stride_in_1x1: bool) -> None:
        super().__init__()
        one, three = (stride, 1) if stride_in_1x1 else (1, stride)
        self.conv1 = nn.Conv2d(inputs, width, 1, stride=one, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=three, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if first:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, 4 * width, 1, stride=stride, bias=False), nn.BatchNorm2d(4 * width)
            )

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)  # type: ignore[no-any-return]


class ResNet(nn.Module):
    """Stem and four layers."""

    def __init__(
        self, blocks: tuple[int, ...], dilations: tuple[int, ...], *, ceil_mode: bool, stride_in_1x1: bool
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=ceil_mode)
        inputs = 64
        for level, (count, dilation) in enumerate(zip(blocks, dilations, strict=True), start=1):
            width = 32 * 2**level
            stride = 2 if level > 1 and dilation == 1 else 1
            layers = []
            for index in range(count):
                layers.append(
                    Bottleneck(inputs, width, stride if index == 0 else 1, dilation, index == 0, stride_in_1x1)
                )
                inputs = 4 * width
            self.add_module(f"layer{level}", nn.Sequential(*layers))

    def forward(self, x: Tensor) -> Tensor:
        """Features."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))  # type: ignore[no-any-return]


class Pyramid(nn.Module):
    """DeepLab's sum of four dilated convolutions."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.conv2d_list = nn.ModuleList(
            nn.Conv2d(2048, outputs, 3, padding=rate, dilation=rate) for rate in (6, 12, 18, 24)
        )

    def forward(self, x: Tensor) -> Tensor:
        """The sum."""
        out = self.conv2d_list[0](x)
        for conv in list(self.conv2d_list)[1:]:
            out += conv(x)
        return out  # type: ignore[no-any-return]


class DeepLab(nn.Module):
    """DeepLab v2."""

    def __init__(self, out_channels: int, _depth: bool) -> None:
        super().__init__()
        self.Scale = ResNet((3, 4, 23, 3), (1, 1, 2, 4), ceil_mode=True, stride_in_1x1=True)
        self.Scale.add_module("layer5", Pyramid(out_channels))
        for layer in self.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """Logits or metres."""
        return bilinear(self.Scale.layer5(self.Scale(x)), x.shape[2], x.shape[3])  # type: ignore[operator]


class DispNet(nn.Module):
    """DispNetS; for depth it answers disparity."""

    KERNELS = (7, 5, 3, 3, 3, 3, 3)
    DOWN = (3, 32, 64, 128, 256, 512, 512, 512)
    UP = (16, 32, 64, 128, 256, 512, 512, 512)

    def __init__(self, out_channels: int, depth: bool) -> None:
        super().__init__()
        self.depth = depth
        for level in range(1, 8):
            inputs, outputs, kernel = self.DOWN[level - 1], self.DOWN[level], self.KERNELS[level - 1]
            self.add_module(
                f"conv{level}",
                nn.Sequential(
                    nn.Conv2d(inputs, outputs, kernel, stride=2, padding=kernel // 2), nn.ReLU(inplace=True),
                    nn.Conv2d(outputs, outputs, kernel, padding=kernel // 2), nn.ReLU(inplace=True),
                ),
            )  # fmt: skip
            up = nn.ConvTranspose2d(self.UP[level], self.UP[level - 1], 3, stride=2, padding=1, output_padding=1)
            self.add_module(f"upconv{level}", nn.Sequential(up, nn.ReLU(inplace=True)))
            fused = self.UP[level - 1] + (self.DOWN[level - 1] if level > 1 else 0) + (out_channels if level < 4 else 0)
            fuse = nn.Conv2d(fused, self.UP[level - 1], 3, padding=1)
            self.add_module(f"iconv{level}", nn.Sequential(fuse, nn.ReLU(inplace=True)))
            if level < 5:
                self.add_module(f"predict_disp{level}", nn.Sequential(nn.Conv2d(self.UP[level - 1], out_channels, 1)))

    def forward(self, x: Tensor) -> Tensor:
        """Logits or disparity."""
        skips = [x]
        for level in range(1, 8):
            skips.append(getattr(self, f"conv{level}")(skips[-1]))
        y, prediction = skips[7], None
        for level in range(7, 0, -1):
            height, width = skips[level - 1].shape[-2:]
            parts = [getattr(self, f"upconv{level}")(y)[:, :, :height, :width]]
            if level > 1:
                parts.append(skips[level - 1])
            if prediction is not None:
                parts.append(
                    bilinear(prediction, 2 * prediction.shape[2], 2 * prediction.shape[3])[:, :, :height, :width]
                )
            y = getattr(self, f"iconv{level}")(torch.cat(parts, dim=1))
            if level < 5:
                raw = getattr(self, f"predict_disp{level}")(y)
                prediction = 10 * (torch.sigmoid(raw) if self.depth else F.relu(raw)) + (0.01 if self.depth else 0)
        assert prediction is not None
        return prediction


class UpProjection(nn.Module):
    """FCRN's: two branches of four convolutions each, interleaved by strided writes."""

    PADDINGS = ((1, 1, 1, 1), (1, 1, 1, 0), (1, 0, 1, 1), (1, 0, 1, 0))  # left, right, top, bottom
    KERNELS = ((3, 3), (2, 3), (3, 2), (2, 2))

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        for branch in (1, 2):
            for index, kernel in enumerate(self.KERNELS, start=1):
                self.add_module(f"conv{branch}_{index}", nn.Conv2d(inputs, outputs, kernel))
            self.add_module(f"bn1_{branch}", nn.BatchNorm2d(outputs))
        self.conv3 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)

    def up(self, x: Tensor, branch: int) -> Tensor:
        """One branch's map of twice the size."""
        parts = [
            getattr(self, f"conv{branch}_{index}")(F.pad(x, (left, right, top, bottom)))
            for index, (left, right, top, bottom) in enumerate(self.PADDINGS, start=1)
        ]
        batch, channels, height, width = parts[0].shape
        out = parts[0].new_zeros(batch, channels, 2 * height, 2 * width)
        for part, (row, col) in zip(parts, ((0, 0), (0, 1), (1, 0), (1, 1)), strict=True):
            out[:, :, row::2, col::2] = part
        return getattr(self, f"bn1_{branch}")(out)  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """The sum of the branches."""
        main = self.bn2(self.conv3(self.relu(self.up(x, 1))))
        return self.relu(main + self.up(x, 2))  # type: ignore[no-any-return]


class FCRN(ResNet):
    """ResNet-50 and four up-projections."""

    def __init__(self, out_channels: int, _depth: bool) -> None:
        super().__init__((3, 4, 6, 3), (1, 1, 1, 1), ceil_mode=False, stride_in_1x1=False)
        self.conv2 = nn.Conv2d(2048, 1024, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(1024)
        for index, channels in enumerate((512, 256, 128, 64), start=1):
            self.add_module(f"up{index}", UpProjection(2 * channels, channels))
        self.drop = nn.Dropout2d(0.5)
        self.conv3 = nn.Conv2d(64, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits or metres."""
        y = self.bn2(self.conv2(super().forward(x)))
        y = self.drop(self.up4(self.up3(self.up2(self.up1(y)))))
        return bilinear(F.relu(self.conv3(y)), x.shape[2], x.shape[3])


PLAIN: dict[str, Callable[[int, bool], nn.Module]] = {
    "fcn8s": FCN, "segnet": SegNet, "frrn": FRRN, "deeplab": DeepLab, "dispnet": DispNet, "fcrn": FCRN,
}  # fmt: skip
