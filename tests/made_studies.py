"""Studies that nobody carried out: noise around a number that is asked for."""

from pathlib import Path

import numpy as np

from segdepth.studies.saliency_eval import statistic_names
from segdepth.studies.store import Store, StudyInfo

IMAGES, SIDE = 12, 6
COLUMNS = statistic_names((0.1, 0.5, 0.9))
CLASSES = ("road", "car")


def write_study(
    folder: Path, task: str, shift: float, *, kind: str = "eval", model: str = "trained", images: int = IMAGES,
    network: str = "fcn",
) -> None:  # fmt: skip
    """A study whose statistics are noise plus ``shift``."""
    columns = COLUMNS if kind == "eval" else ("iou_0.05", "iou_0.5")
    info = StudyInfo(
        kind=kind, network=network, task=task, model=model, columns=columns, classes=CLASSES,
        protocol={"size": [64, 96], "window": [0, 64, 0, 96], "sample_rate": 8, "grid_start": "one step in", "crop": "garg",
                  "thresholds": [0.05, 0.5] if kind == "iou" else [0.1, 0.5, 0.9]},
        images=tuple(f"frame{k}" for k in range(images)), dataset={"kind": "Made", "split": "val"},
    )  # fmt: skip
    store = Store(folder, info)
    store.begin(dict)
    places = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij"), -1).reshape(-1, 2)
    for index in range(images):
        rng = np.random.default_rng((index, len(task), len(network)))  # equal noise would give equal differences
        n = len(places)
        rows = {
            "row": places[:, 0].astype(np.int16), "col": places[:, 1].astype(np.int16),
            "label": (np.arange(n) % 3).astype(np.uint8), "depth_m": np.linspace(1, 60, n).astype(np.float32),
            "peak": np.where(np.arange(n) < 9, 0, 1).astype(np.float32),
        }  # fmt: skip
        rows["label"][rows["label"] == 2] = 255
        values = {name: (0.3 + shift + 0.02 * rng.standard_normal(n)).astype(np.float32) for name in columns}
        if kind == "iou":
            rows["peak_seg"], rows["peak_depth"] = rows.pop("peak"), (np.arange(n) != 9).astype(np.float32)
            values = {name: np.where(np.arange(n) < 10, 0, v).astype(np.float32) for name, v in values.items()}
            values["iou_0.5"][8:12] = np.nan
        store.write(index, rows | values, np.full((4, 4, 3), index, np.uint8))
