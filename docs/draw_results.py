"""Draw what trained networks answer to one picture, a row for each network.

    python docs/draw_results.py OUT.png --image PICTURE --seg RUN ... --depth RUN ... [--with-image]

The picture itself, which may be another's property, is drawn only if asked for.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import segdepth
from segdepth.data.files import read_rgb
from segdepth.drawing import colour_depth, colour_labels

INCHES = 4.2


def answers(image: np.ndarray, runs: list[Path]) -> dict[str, np.ndarray]:
    """Coloured answers by the network's name."""
    found = {}
    for run in runs:
        net = segdepth.load(run)
        answer = net.predict(image)
        classes = net.card.classes
        found[net.card.arch] = colour_depth(answer) if classes is None else colour_labels(answer, classes.colours)
    return found


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--seg", type=Path, nargs="*", default=[])
    parser.add_argument("--depth", type=Path, nargs="*", default=[])
    parser.add_argument("--with-image", action="store_true")
    parser.add_argument("--columns", type=int, default=2, help="panels side by side where one task alone is drawn")
    options = parser.parse_args()
    image = read_rgb(options.image)
    seg, depth = answers(image, options.seg), answers(image, options.depth)
    panels = [("picture", image)] * options.with_image
    for name in dict.fromkeys([*seg, *depth]):
        panels += [
            (f"{name} {task}".strip(), found[name]) for task, found in (("seg", seg), ("depth", depth)) if name in found
        ]
    columns = 2 if seg and depth else options.columns
    if options.with_image and seg and depth:
        panels.insert(1, ("", np.full_like(image, 255)))
    rows = -(-len(panels) // columns)
    ratio = image.shape[0] / image.shape[1]
    figure = Figure(figsize=(INCHES * columns, (INCHES * ratio + 0.25) * rows), layout="constrained")
    for axes, panel in zip(
        figure.subplots(rows, columns, squeeze=False).flat, [*panels, *[None] * columns], strict=False
    ):
        axes.axis("off")
        if panel is not None:
            axes.imshow(panel[1])
            axes.set_title(panel[0], fontsize=8, loc="left", pad=2)
    figure.savefig(options.out, dpi=100)


if __name__ == "__main__":
    main()
