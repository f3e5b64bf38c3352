"""``segdepth saliency``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .options import Checkpoint, EngineChoice, NetworkOptions, spread

if TYPE_CHECKING:
    from segdepth.geometry.regions import Place
    from segdepth.networks import Network

__all__ = ["saliency"]


@spread()
def saliency(
    checkpoint: Checkpoint,
    image: Annotated[Path, typer.Option("--image", "--image_path", help="The picture.", show_default=False)],
    pixel: Annotated[
        tuple[int, int] | None,
        typer.Option("--pixel", metavar="ROW COL", help="The pixel to explain, in the picture at the network's size.",
                     show_default=False),
    ] = None,
    pos_i: Annotated[int | None, typer.Option("--pos_i", help="Its row (the old flag).", show_default=False)] = None,
    pos_j: Annotated[int | None, typer.Option("--pos_j", help="Its column (the old flag).", show_default=False)] = None,
    region: Annotated[
        str | None,
        typer.Option("--region", metavar="R0,C0,R1,C1", help="The region whose mean to explain: first row and column, and those"
                     " after the last.", show_default=False),
    ] = None,
    pixels: Annotated[
        Path | None,
        typer.Option("--pixels", help="Explain many: a file (CSV, text) with a row and a column a line.", show_default=False),
    ] = None,
    grid: Annotated[
        int | None,
        typer.Option("--grid", metavar="STEP", min=1, help="Explain many: every so many-th row and column of the crop.",
                     show_default=False),
    ] = None,
    signed: Annotated[
        bool, typer.Option("--signed", help="Of many: save signed gradients of all three colours, not maps.")
    ] = False,
    target: Annotated[
        str,
        typer.Option("--target", help="What is explained: predicted, a class's name or train id, a margin of two classes"
                     " (road:car), log_depth, disparity, a normal's direction or component (x, y, z)."),
    ] = "predicted",
    method: Annotated[
        Literal["gradient", "input_x_gradient", "integrated_gradients", "smoothgrad"],
        typer.Option("--method", help="How a map is made from gradients."),
    ] = "gradient",
    engine: Annotated[
        EngineChoice,
        typer.Option("--engine", help="Who computes the map; all give the same."),
    ] = "auto",
    crop: Annotated[
        str, typer.Option("--crop", help="Compute the map in this window only: garg, eigen, cityscapes, nyu.")
    ] = "none",
    output: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path("saliency_results"),
    *,
    network: NetworkOptions,
) -> None:  # fmt: skip
    """Draw which input pixels a network used for its answer at one pixel, or in a region; or save maps of many as one array."""
    from segdepth.tasks import find_origin

    from .console import log_to_terminal

    log_to_terminal()  # warns of a map that is zero everywhere, and of operations that slow the engine down
    one = _one_place(
        pixel, pos_i, pos_j, region, many=[flag for flag, given in (("--pixels", pixels), ("--grid", grid)) if given]
    )
    _refuse_signed_one(signed, one)
    net = network.load(find_origin(checkpoint))
    options: dict[str, Any] = {"target": target, "method": method, "engine": engine, "crop": crop}
    if one is not None:
        _explain_one(net, image, one, output, options)
    else:
        _explain_many(net, image, pixels, grid, output, {**options, "signed": signed})


def _one_place(
    pixel: tuple[int, int] | None, pos_i: int | None, pos_j: int | None, region: str | None, many: list[str]
) -> "Place | None":
    """The one pixel or region that was named; None where a file or a grid names many."""
    from segdepth.core.errors import InputError
    from segdepth.geometry.regions import Region

    old = pos_i is not None or pos_j is not None
    if (pixel is not None) + old + (region is not None) + len(many) > 1:
        raise InputError(
            "name what to explain once: --pixel ROW COL, --pos_i ROW --pos_j COL, --region R0,C0,R1,C1, --pixels FILE or "
            "--grid STEP"
        )
    if region is not None:
        return Region.parse(region)
    if pixel is not None or many:
        return pixel
    if pos_i is None or pos_j is None:
        raise InputError(
            "name the pixel: --pixel ROW COL (or --pos_i ROW --pos_j COL), or --region R0,C0,R1,C1; or many: --pixels "
            "FILE, --grid STEP"
        )
    return pos_i, pos_j


def _refuse_signed_one(signed: bool, one: "Place | None") -> None:
    from segdepth.core.errors import InputError

    if signed and one is not None:
        raise InputError("--signed saves rows of many pixels: give it with --pixels FILE or --grid STEP")


def _explain_one(net: "Network", image: Path, place: "Place", output: Path, options: dict[str, Any]) -> None:
    from segdepth.explaining.one_pixel import save_saliency

    from .console import out

    result = save_saliency(net, image, place, output, **options)
    out.print(f"{result.answer} -> {result.folder}/ ({', '.join(result.files)})", soft_wrap=True)
    if found := result.statistics:
        out.print(
            f"active at 0.1: {found['activation_ratio@0.1']:.1%} of the pixels, the farthest "
            f"{found['activation_distance@0.1']:.1%} of the diagonal away; mean distance {found['weighted_distance']:.1%}",
            soft_wrap=True,
        )


def _explain_many(
    net: "Network", image: Path, file: Path | None, step: int | None, output: Path, options: dict[str, Any]
) -> None:
    from segdepth.explaining.many_pixels import save_maps
    from segdepth.explaining.pixel_files import read_pixels
    from segdepth.saliency import Pixel
    from segdepth.studies.grid import TargetGrid

    from .console import counting, err, out, results_in

    def choose(size: tuple[int, int]) -> list[Pixel]:
        if file is not None:
            return read_pixels(file, size)
        assert step is not None
        return [(int(row), int(col)) for row, col in TargetGrid(size, step, "corner", options["crop"]).pixels]

    what = f"grid_{step}" if file is None else f"pixels_{file.stem}"
    with results_in(f"{output}/", "nothing was kept; the same command begins anew"), counting("explaining") as bar:
        saved = save_maps(net, image, choose, what, output, progress=bar, **options)
    out.print(
        f"{saved.shape[0]} pixels -> {saved.folder}/ ({saved.array} {list(saved.shape)}, pixels.csv, info.json)",
        soft_wrap=True,
    )
    if saved.zero:
        err.print(
            f"segdepth: {saved.zero} of {saved.shape[0]} maps are zero everywhere: the answer has no gradient there (a dead "
            "ReLU, or a saturated depth); pixels.csv says which", style="yellow", soft_wrap=True,
        )  # fmt: skip
