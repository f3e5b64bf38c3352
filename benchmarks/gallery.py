"""Other people's convolutional networks: each engine, what `auto` takes, and autograd with frozen parameters.

    python benchmarks/gallery.py                             # all that are installed
    python benchmarks/gallery.py --networks "smp Unet"       # those whose names begin so
    python benchmarks/gallery.py --size 256 832 --targets 1024 --engines auto --rounds 0
    python benchmarks/gallery.py --device cuda

Networks of segmentation_models_pytorch, torchvision and timm with random weights and statistics of a picture, in their usual
sizes. For a block of neighbouring targets (step 4), CPU seconds of one thread, or wall seconds of another device: of a first
call, the network fresh, and the median of later ones, all engines in turn; one that takes over twice what the fastest does is
timed once. Without rounds the first call stands for the later ones too, which cost less. Autograd with frozen parameters is one
forward pass and one backward pass a target, timed on four targets and multiplied; it computes in float32 as ours does, also where
PyTorch would take TF32. What a process does only once, loading native code, is done before. Written to a CSV file with the
processor.
"""

import argparse
import copy
import importlib
import math
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from machine import describe, seconds, write_csv
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from segdepth.saliency import Explainer, Pixel
from segdepth.saliency.modes import arithmetic

RATE = 4
FEW = 4


class Dense(nn.Module):
    """The last features of one of timm's encoders, and a convolution."""

    def __init__(self, name: str) -> None:
        super().__init__()
        timm: Any = importlib.import_module("timm")
        self.encoder = timm.create_model(name, pretrained=False, features_only=True)
        self.head = nn.Conv2d(self.encoder.feature_info.channels()[-1], 19, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Of the picture's size."""
        return F.interpolate(self.head(self.encoder(x)[-1]), x.shape[-2:], mode="bilinear")


class Out(nn.Module):
    """The answer ``out`` of one of torchvision's networks."""

    def __init__(self, name: str) -> None:
        super().__init__()
        models: Any = importlib.import_module("torchvision.models.segmentation")
        self.net = getattr(models, name)(weights=None, weights_backbone=None, num_classes=19, aux_loss=False)

    def forward(self, x: Tensor) -> Tensor:
        """Of the picture's size."""
        found: Tensor = self.net(x)["out"]
        return found


def smp(arch: str, encoder: str) -> nn.Module:
    """A network of segmentation_models_pytorch."""
    package: Any = importlib.import_module("segmentation_models_pytorch")
    net: nn.Module = package.create_model(arch, encoder, encoder_weights=None, classes=19)
    return net


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "smp Unet resnet34": lambda: smp("unet", "resnet34"),
    "smp Unet efficientnet-b0": lambda: smp("unet", "efficientnet-b0"),
    "smp Unet mobilenet_v2": lambda: smp("unet", "mobilenet_v2"),
    "smp Unet vgg11_bn": lambda: smp("unet", "vgg11_bn"),
    "smp Unet++ resnet34": lambda: smp("unetplusplus", "resnet34"),
    "smp FPN resnet34": lambda: smp("fpn", "resnet34"),
    "smp Linknet resnet34": lambda: smp("linknet", "resnet34"),
    "smp PSPNet resnet34": lambda: smp("pspnet", "resnet34"),
    "smp MAnet resnet34": lambda: smp("manet", "resnet34"),
    "smp DeepLabV3+ resnet50": lambda: smp("deeplabv3plus", "resnet50"),
    "torchvision fcn_resnet50": lambda: Out("fcn_resnet50"),
    "torchvision deeplabv3_resnet50": lambda: Out("deeplabv3_resnet50"),
    "torchvision lraspp_mobilenet_v3_large": lambda: Out("lraspp_mobilenet_v3_large"),
    "timm hrnet_w18": lambda: Dense("hrnet_w18"),
    "timm regnety_004": lambda: Dense("regnety_004"),
    "timm convnext_tiny": lambda: Dense("convnext_tiny"),
    "timm efficientnet_b0": lambda: Dense("efficientnet_b0"),
}


def networks(names: list[str]) -> Iterator[tuple[str, nn.Module]]:
    """Those whose names begin so and whose packages are installed, one at a time."""
    for name, make in NETWORKS.items():
        if any(name.startswith(beginning) for beginning in names):
            torch.manual_seed(0)
            try:
                net = make()
            except ImportError as error:
                print(f"{name}: left out, {error}")
                continue
            yield name, net.eval()


def spread(net: nn.Module, image: Tensor) -> None:
    """Give batch norms the statistics of a picture, so that about half of the units are on."""
    norms = [module for module in net.modules() if isinstance(module, _BatchNorm)]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    with torch.no_grad():
        net(torch.stack([image, image.flip(-1)]))
    net.eval()


def frozen(net: nn.Module, image: Tensor, pixels: list[Pixel]) -> tuple[float, float]:
    """Seconds of a forward pass, and of a backward pass."""
    net.requires_grad_(False)
    x = image[None].clone().requires_grad_()
    held: list[Tensor] = []
    forward = seconds(lambda: held.append(net(x)), image.device)
    y = held[0]
    some = pixels[:: max(1, len(pixels) // FEW)][:FEW]

    def backward() -> None:
        for row, column in some:
            here = y[0, :, row, column]
            torch.autograd.grad(here[here.argmax()], x, retain_graph=True)

    return forward, seconds(backward, image.device) / len(some)


def block(size: tuple[int, int], count: int) -> list[Pixel]:
    """Neighbouring targets around the middle, as square as the picture allows."""
    columns = min(math.isqrt(count), (size[1] - 1) // RATE)
    rows = -(-count // columns)
    top, left = (size[0] - rows * RATE) // 2, (size[1] - columns * RATE) // 2
    return [(top + RATE * r, left + RATE * c) for r in range(rows) for c in range(columns)][:count]


def case(name: str, net: nn.Module, options: argparse.Namespace) -> dict[str, Any]:
    """One network's row."""
    device = torch.device(options.device)
    net, image = net.to(device), torch.randn(3, *options.size).to(device)
    spread(net, image)
    pixels = block(options.size, options.targets)
    first: dict[str, float] = {}
    ready: dict[str, Any] = {}
    for engine in options.engines:
        fresh = copy.deepcopy(net)
        try:
            at = []
            first[engine] = seconds(lambda e=engine, n=fresh, a=at: a.append(Explainer(n, engine=e).at(image)), device)
            first[engine] += seconds(lambda a=at: a[0].maps(pixels, zeros=lambda _: None), device)
            ready[engine] = at[0]
        except Exception as error:  # an engine that cannot
            print(f"{name}: {engine}: {str(error)[:100]}")
    taken: dict[str, list[float]] = {engine: [] for engine in ready} | {"frozen": []}
    forwards = []
    for lap in range(max(1, options.rounds)):
        for engine, at in ready.items():
            again = lap < options.rounds
            taken[engine].append(
                seconds(lambda a=at: a.maps(pixels, zeros=lambda _: None), device) if again else first[engine]
            )
        forward, backward = frozen(net, image, pixels)
        taken["frozen"].append(len(pixels) * backward)
        forwards.append(forward)
        fastest = min((taken[engine][0] for engine in ready), default=0)
        ready = {engine: at for engine, at in ready.items() if engine == "auto" or taken[engine][0] <= 2 * fastest}
    later = {engine: statistics.median(found) for engine, found in taken.items()}
    first["frozen"] = later["frozen"] + statistics.median(forwards)
    best = min(value for engine, value in later.items() if engine != "auto")
    best_first = min(value for engine, value in first.items() if engine != "auto")
    return {
        "network": name, "targets": len(pixels), "rows": options.size[0], "columns": options.size[1],
        **{f"{engine} s": value for engine, value in later.items()},
        **{f"{engine} first s": value for engine, value in first.items()},
        "frozen/auto": later["frozen"] / later["auto"], "auto/best": later["auto"] / best,
        "first auto/best": first["auto"] / best_first,
    }  # fmt: skip


def engines_of(device: torch.device) -> list[str]:
    """Those that are compared: the native loops of the sparse engine are of CPUs."""
    return ["auto", "sparse", "windowed"] if device.type == "cpu" else ["auto", "windowed", "batched"]


def load(device: torch.device) -> None:
    """What a process does once: native code is compiled, or read from its cache; a device is claimed."""
    small, image = nn.Conv2d(3, 2, 3).to(device), torch.rand(3, 8, 8).to(device)
    for engine in engines_of(device):
        Explainer(small, engine=engine).at(image).maps([(2, 2)], target=0)  # type: ignore[arg-type]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=[""], help="beginnings of names")
    parser.add_argument("--size", type=int, nargs=2, default=(256, 320), metavar=("ROWS", "COLUMNS"))
    parser.add_argument("--targets", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--engines", nargs="+", help="by default auto, windowed and, on a CPU, sparse, elsewhere batched"
    )
    parser.add_argument("--csv", type=Path, default=Path("runs/benchmarks/gallery.csv"))
    options = parser.parse_args()
    options.size = tuple(options.size)
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    options.engines = options.engines or engines_of(device)
    load(device)
    print(describe(device))
    rows = []
    for name, net in networks(options.networks):
        with arithmetic("full"):
            rows.append(case(name, net, options))
        print(f"{name:40}" + "  ".join(f"{key} {value:.2f}" for key, value in rows[-1].items() if isinstance(value, float)),
              flush=True)  # fmt: skip
        write_csv(options.csv, rows, device)
    if not rows:
        return  # why was said
    for ratio in ("frozen/auto", "auto/best", "first auto/best"):
        values = [row[ratio] for row in rows]
        mean = statistics.geometric_mean(values)
        print(f"{ratio}: geometric mean {mean:.2f}, least {min(values):.2f}, largest {max(values):.2f}")
    print(options.csv)


if __name__ == "__main__":
    main()
