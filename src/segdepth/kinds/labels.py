"""Labels: which class is this pixel?"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int64, Shaped, UInt, UInt8
from numpy import ndarray

from segdepth.drawing import colour_labels, overlay, write_png
from segdepth.geometry.resize import resize_nearest

from .kind import AnswerFiles, Colours, Kind, LegendEntry, Picture, ReadAnswer, Value

__all__ = ["IGNORE", "Labels"]

#: The train id of pixels that belong to no class.
IGNORE = 255


class Labels(Kind):
    """Train ids, uint8 ``[h, w]``."""

    name = "labels"
    void = IGNORE
    dtype = np.uint8
    units = ("train ids", "label ids")
    resizing = "by the nearest pixel"
    endings = ("trainIds",)
    names_classes = True
    digits = 0
    column = "label"

    def target(self, truth: UInt8[ndarray, "h w"]) -> Int64[ndarray, "h w"]:
        """See :meth:`Kind.target`."""
        return truth.astype(np.int64)

    def answer_dtype(self, channels: int) -> type[np.generic]:
        """See :meth:`Kind.answer_dtype`: classes of others are more than a data set's may be."""
        return np.min_scalar_type(max(channels, 1) - 1).type

    def guesses(self, truths: UInt8[ndarray, "n h w"]) -> dict[str, UInt8[ndarray, "h w"]]:
        """See :meth:`Kind.guesses`: the most frequent class."""
        counts = np.stack([(truths == k).sum(0) for k in range(int(truths[truths != IGNORE].max(initial=0)) + 1)])
        return {
            "constant": np.full(truths.shape[1:], counts.sum((1, 2)).argmax(), np.uint8),
            "position": counts.argmax(0).astype(np.uint8),
        }

    def reader_of(self, files: AnswerFiles, unit: str | None) -> ReadAnswer:
        """See :meth:`Kind.reader_of`."""
        return files.as_classes(unit)

    def answer_from(
        self, values: UInt8[ndarray, "_h _w"], where: str, size: tuple[int, int], unit: str
    ) -> UInt8[ndarray, "h w"]:
        """See :meth:`Kind.answer_from`; train ids already, for what others are is the data set's to know."""
        del where, unit
        return resize_nearest(values, size)

    def strata(self, values: UInt8[ndarray, " n"], names: Sequence[str]) -> dict[str, Bool[ndarray, " n"]]:
        """See :meth:`Kind.strata`: one for each class; where the names are not known, for each number."""
        named = names or [f"class {k}" for k in range(IGNORE)]
        return {name: values == train_id for train_id, name in enumerate(named)}

    def painter(
        self, truth: Shaped[ndarray, "h w"] | None, colours: Colours
    ) -> Callable[[Shaped[ndarray, "_h _w"]], Picture]:
        """See :meth:`Kind.painter`."""
        del truth
        return lambda ids: colour_labels(ids, colours)

    def legend(self, names: Sequence[str], colours: Colours) -> list[LegendEntry]:
        """See :meth:`Kind.legend`: each class."""
        return [LegendEntry(name, (colour,)) for name, colour in zip(names, colours, strict=True)]

    def laid_over(self, image: Picture, truth: UInt8[ndarray, "h w"], colours: Colours) -> Picture:
        """See :meth:`Kind.laid_over`."""
        return overlay(image, colour_labels(truth, colours), alpha=0.5, where=truth < len(colours))

    def answer_over(self, image: Picture, answer: UInt[ndarray, "h w"], colours: Colours) -> Picture:
        """See :meth:`Kind.answer_over`."""
        return overlay(image, colour_labels(answer, colours), alpha=0.6)

    def panels(
        self, image: Picture, answer: Shaped[ndarray, "h w"], truth: Shaped[ndarray, "h w"], colours: Colours
    ) -> dict[str, Picture]:
        """See :meth:`Kind.panels`."""
        labelled = truth < len(colours)
        wrong = labelled & (answer != truth)
        red = np.zeros_like(image)
        red[wrong] = (255, 0, 0)
        coloured = [colour_labels(ids, colours) for ids in (truth, answer)]
        return {
            "truth (black: ignored)": coloured[0],
            "answer": coloured[1],
            f"wrong: {100 * wrong.sum() / max(1, labelled.sum()):.1f} % of the pixels": overlay(
                image // 2, red, alpha=0.8, where=wrong
            ),
        }

    def words(self, value: Value, names: Sequence[str], *, exact: bool = False) -> str:
        """See :meth:`Kind.words`: the class's name, or its number where names are not known."""
        del exact
        return names[int(value)] if names else f"class {int(value)}"

    def save(self, answer: UInt[ndarray, "h w"], stem: Path) -> list[Path]:
        """See :meth:`Kind.save`."""
        ids = stem.with_name(f"{stem.name}_{self.endings[0]}.png")
        write_png(ids, answer)
        return [ids]
