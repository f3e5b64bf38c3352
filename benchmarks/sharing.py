"""Dense grids of targets on token networks and decoders: backward passes and seconds against autograd.

    python benchmarks/sharing.py                              # all networks whose packages are installed; about half an hour
    python benchmarks/sharing.py --cases "ViT + linear"       # one of them
    python benchmarks/sharing.py --engines batched windowed   # engines by name
    python benchmarks/sharing.py --device cuda

CPU seconds on a CPU, wall seconds on another device; all compute in float32, also where PyTorch would take TF32. The yardstick is
autograd with frozen parameters, the least that anybody should write: one forward pass, and one call of
``torch.autograd.grad`` for each target; it is timed on 4 targets before, between and after ours, and scaled. Where a network
ends in a resize ("grid"), the targets are all pixels of the grid of step 4 in a picture of 256x320; of the decoders
("block") they are 8x8 neighbours on that grid. ``passes`` are those that ours makes, in backward passes of one target, and
``fewer`` is how many targets share one; no way of sharing coarse cells makes fewer than one for each ``cell``: a class that is
asked for somewhere, at a coarse position. So grids are measured for one class, and for the classes that random weights predict
at a smooth random picture: these change from one coarse position to the next, which those of a trained network do not.
``ready`` is our first call's preparation (the network taken apart, and what the engine makes of the picture), listed
by itself; it is not in the ratio, but in ``with ready``. ``encoder`` is the share of the frozen backward pass that
opaque blocks take in ours: that ratio cannot be passed. The libraries' own modules are needed: transformers, and for one case
segmentation_models_pytorch; what is not installed is left out.
"""

import argparse
import itertools
import math
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal
from unittest import mock

import torch
from machine import describe, seconds, write_csv
from torch import Tensor, nn
from torch.nn import functional as F

from segdepth.core.tables import pick
from segdepth.saliency import ExplainedPicture, Explainer, Pixel
from segdepth.saliency.batched import Recorded
from segdepth.saliency.graph.operations.block import Block
from segdepth.saliency.modes import arithmetic
from segdepth.saliency.seeds import Seeds
from segdepth.saliency.sparse.passes import SparsePass
from segdepth.saliency.target import Target, fixed_targets
from segdepth.saliency.windowed import WindowedPass

SIZE = (256, 320)
RATE = 4
CLASSES = 19
FEW = 4


class ViT(nn.Module):
    """A vision transformer of the small size (patches of 16), a linear layer and a resize."""

    def __init__(self, width: int = 384, depth: int = 12, heads: int = 6, patch: int = 16) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, width, patch, patch)
        self.positions = nn.Parameter(torch.randn(1, SIZE[0] // patch * (SIZE[1] // patch), width))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
            for _ in range(depth)
        )
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores ``[1, classes, h, w]``."""
        maps = self.embed(x)
        tokens = maps.flatten(2).transpose(1, 2) + self.positions
        for layer in self.layers:
            tokens = layer(tokens)
        scores = self.head(self.norm(tokens)).transpose(1, 2).unflatten(2, maps.shape[2:])
        return F.interpolate(scores, x.shape[2:], mode="bilinear")


class ConvNeXt(nn.Module):
    """ConvNeXt-T, a convolution and a resize."""

    def __init__(self) -> None:
        super().__init__()
        import transformers

        self.encoder = transformers.ConvNextModel(transformers.ConvNextConfig())
        self.head = nn.Conv2d(768, CLASSES, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores ``[1, classes, h, w]``."""
        return F.interpolate(self.head(self.encoder(x).last_hidden_state), x.shape[2:], mode="bilinear")


def of_transformers(name: str, config: str, **options: Any) -> nn.Module:
    """A network of the package, from its configuration."""
    import transformers

    net: nn.Module = getattr(transformers, name)(getattr(transformers, config)(**options))
    return net


def upernet() -> nn.Module:
    """UPerNet over ConvNeXt-T."""
    import transformers

    stages = ["stage1", "stage2", "stage3", "stage4"]
    backbone = transformers.ConvNextConfig(hidden_sizes=[96, 192, 384, 768], out_features=stages)
    return of_transformers(
        "UperNetForSemanticSegmentation", "UperNetConfig", backbone_config=backbone, use_auxiliary_head=False,
        num_labels=CLASSES,
    )  # fmt: skip


def smp_dpt() -> nn.Module:
    """DPT of segmentation_models_pytorch over a vision transformer of the small size."""
    import segmentation_models_pytorch as smp

    options = {"encoder_weights": None, "classes": CLASSES, "dynamic_img_size": True}
    net: nn.Module = smp.DPT("tu-vit_small_patch16_224", **options)
    return net


@dataclass(frozen=True)
class Case:
    """A network.

    Attributes:
        make: builds it.
        needs: the package.
        targets: all of the grid, or a block of it.
        goal: how many times as fast as frozen autograd it is to be.
        resize: given to ``Explainer``.
    """

    make: Callable[[], nn.Module]
    needs: str
    targets: Literal["grid", "block"]
    goal: float
    resize: Literal["bilinear"] | None = None


CASES = {
    "ViT + linear": Case(ViT, "torch", "grid", 2),
    "ConvNeXt + 1x1": Case(ConvNeXt, "transformers", "grid", 7),
    "MobileViT DeepLab": Case(
        lambda: of_transformers("MobileViTForSemanticSegmentation", "MobileViTConfig", num_labels=CLASSES),
        "transformers", "grid", 40, "bilinear",
    ),
    "GLPN": Case(lambda: of_transformers("GLPNForDepthEstimation", "GLPNConfig"), "transformers", "block", 2.5),
    "SMP DPT": Case(smp_dpt, "segmentation_models_pytorch", "block", 3.5),
    "UPerNet ConvNeXt": Case(upernet, "transformers", "block", 2.3),
    "SegFormer": Case(
        lambda: of_transformers("SegformerForSemanticSegmentation", "SegformerConfig", num_labels=CLASSES),
        "transformers", "block", 1.8,
    ),
}  # fmt: skip


def fresh(case: Case, device: torch.device) -> tuple[nn.Module, Tensor]:
    """A network with random weights that leave numbers their size, and a smooth random picture."""
    torch.manual_seed(0)
    net = case.make().eval().requires_grad_(False)
    coarse = torch.randn(1, 3, 8, 10)
    image = (F.interpolate(coarse, SIZE, mode="bicubic")[0] + 0.1 * torch.randn(3, *SIZE)).to(device)
    for parameter in net.parameters():
        if parameter.dim() > 1:
            parameter.normal_(std=1.5 / math.sqrt(parameter[0].numel()))
    net.to(device)
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(_note) for norm in norms]
    with torch.no_grad():
        net(image[None])
    for hook in hooks:
        hook.remove()
    return net, image


def _note(norm: nn.Module, given: tuple[Tensor]) -> None:
    """Batch norms as after some training."""
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    seen = given[0][0].flatten(1)
    norm.running_mean.copy_(seen.mean(1))
    norm.running_var.copy_(seen.var(1, correction=0) if seen.shape[1] > 1 else torch.ones(len(seen)))


def targets_of(case: Case, answer: Tensor) -> list[Pixel]:
    """Pixels of the answer: on the grid of step 4 in the picture."""
    height, width = answer.shape[-2:]
    step = max(1, RATE * height // SIZE[0])
    if case.targets == "grid":
        return [(r, c) for r in range(0, height, step) for c in range(0, width, step)]
    return [(height // 2 + step * (i - 4), width // 2 + step * (j - 4)) for i in range(8) for j in range(8)]


class Frozen:
    """One forward pass, and a backward pass for each target; its forward pass is timed, too.

    Args:
        function: from the picture to the maps.
        image: the picture.
    """

    def __init__(self, function: Callable[[Tensor], Tensor], image: Tensor) -> None:
        self.x = image[None].clone().requires_grad_()
        self.forward = seconds(lambda: setattr(self, "y", function(self.x)), image.device)
        self.y: Tensor

    def per_target(self, pixels: list[Pixel], target: Target) -> float:
        """Seconds of a backward pass."""
        some = [pixels[len(pixels) * (2 * k + 1) // (2 * FEW)] for k in range(FEW)]
        return seconds(lambda: [self._one(pixel, target) for pixel in some], self.x.device) / FEW

    def _one(self, pixel: Pixel, target: Target) -> Tensor:
        here = self.y[0, :, pixel[0], pixel[1]]
        value = here[target] if isinstance(target, int) else here.max()
        (found,) = torch.autograd.grad(value, self.x, retain_graph=True)
        return found.abs().amax(1)


@dataclass
class Counted:
    """What engines did: backward passes of one target, and seconds in opaque blocks."""

    passes: int = 0
    blocks: float = 0.0


@contextmanager
def counting() -> Iterator[Counted]:
    """Count what is done inside."""
    counted = Counted()

    def watched(owner: type, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, seeds: Tensor, *rest: Any) -> Any:
            if owner is not Block:
                counted.passes += len(seeds)
                return original(self, seeds, *rest)
            found: list[Any] = []
            counted.blocks += seconds(lambda: found.append(original(self, seeds, *rest)), seeds.device)
            return found[0]

        return call

    with ExitStack() as stack:
        for owner, name in (
            (Recorded, "products"), (WindowedPass, "gradients"), (SparsePass, "gradients"), (Block, "gradients"),
        ):  # fmt: skip
            stack.enter_context(mock.patch.object(owner, name, watched(owner, getattr(owner, name))))
        yield counted


def run_case(name: str, engine: Any, target: Target, rounds: int, device: torch.device) -> dict[str, Any]:
    """One case's figures by name."""
    case = CASES[name]
    net, image = fresh(case, device)
    explainer = Explainer(net, engine=engine, resize=case.resize)
    at: ExplainedPicture
    answer = explainer.at(image).output
    pixels = targets_of(case, answer)
    frozen = Frozen(explainer.function("predicted"), image)
    frozen.per_target(pixels, target)  # claims memory

    def prepare() -> None:
        nonlocal at
        at = explainer.at(image)
        at.chunks(pixels, target=target)

    ready = seconds(prepare, device)
    for _ in at.chunks(
        pixels[:64], target=target
    ):  # claims memory; the batched engine is taken apart by the first many
        pass
    loops, ours = [frozen.per_target(pixels, target)], list[float]()
    for _ in range(1 if case.targets == "grid" else rounds):
        with counting() as counted:
            ours.append(seconds(lambda: [None for _ in at.chunks(pixels, target=target)], device) / len(pixels))
        loops.append(frozen.per_target(pixels, target))
    loop, own = statistics.median(loops), statistics.median(ours)
    cells = unique_cells(at, pixels, target) if case.targets == "grid" else None
    return {
        "case": name, "engine": engine, "target": target, "answer": "x".join(map(str, answer.shape)), "targets": len(pixels),
        "cells": cells, "passes": counted.passes, "fewer": len(pixels) / counted.passes,
        "frozen forward s": frozen.forward, "frozen s": loop, "ours s": own, "frozen/ours": loop / own, "goal": case.goal,
        "ready s": ready,
        "with ready": (frozen.forward + loop * len(pixels)) / (ready + own * len(pixels)),
        "encoder": counted.blocks / counted.passes / loop,
    }  # fmt: skip


def unique_cells(at: ExplainedPicture, pixels: list[Pixel], target: Target) -> int:
    """How many coarse cells stand behind the targets."""
    prepared = at._prepared[""]
    targets = fixed_targets(prepared.output, pixels, target)
    cells = prepared.traced.tail.cells(Seeds(prepared.output, pixels, targets), prepared.traced.reach)
    return len(pixels) if cells is None else len(set(cells.cells.tolist()))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=list(CASES))
    parser.add_argument("--engines", nargs="+", default=["auto"])
    parser.add_argument("--targets", nargs="+", default=["0", "predicted"], help="on grids: of one class, or predicted")
    parser.add_argument("--rounds", type=int, default=3, help="of the decoders")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--csv", type=Path, default=Path("runs/benchmarks/sharing.csv"))
    options = parser.parse_args()
    for name in options.cases:
        pick(CASES, name, kind="case")
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    print(describe(device))
    print(f"{options.threads} thread(s); picture {SIZE[0]}x{SIZE[1]}, grid of step {RATE}, {CLASSES} classes")
    print(f"{'case':18} {'engine':8} {'target':9} {'targets':>7} {'cells':>6} {'passes':>6} {'fewer':>6} {'frozen s':>9}"
          f" {'ours s':>9} {'ratio':>6} {'goal':>5} {'ready s':>8} {'with ready':>10} {'encoder':>8}")  # fmt: skip
    rows: list[dict[str, Any]] = []
    for name in options.cases:
        if find_spec(CASES[name].needs) is None:
            print(f"{name:18} needs {CASES[name].needs}")
            continue
        grid = CASES[name].targets == "grid"
        for engine, target in itertools.product(options.engines, options.targets if grid else ["predicted"]):
            asked = target if target == "predicted" else int(target)
            with arithmetic("full"):
                rows.append(run_case(name, engine, asked, options.rounds, device))
            row = {**rows[-1], "cells": "" if rows[-1]["cells"] is None else rows[-1]["cells"]}
            print(f"{row['case']:18} {row['engine']:8} {row['target']!s:9} {row['targets']:7} {row['cells']:>6} {row['passes']:6}"
                  f" {row['fewer']:6.1f} {row['frozen s']:9.4f} {row['ours s']:9.4f} {row['frozen/ours']:6.1f} {row['goal']:5}"
                  f" {row['ready s']:8.2f} {row['with ready']:10.1f} {row['encoder']:8.1%}", flush=True)  # fmt: skip
            write_csv(options.csv, rows, device)
    if rows:
        print(options.csv)


if __name__ == "__main__":
    main()
