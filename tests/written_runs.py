"""Runs as training leaves them, for tests that only read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from safetensors.numpy import save_file

from segdepth.tasks import TASKS

__all__ = ["FIRST", "SECOND", "write_run", "write_three"]

FIRST, SECOND = "2026-01-02T03-04-05Z", "2026-02-02T03-04-05Z"


def write_run(
    folder: Path, task: str, scores: list[float], *, lr: float = 0.01, iters: int = 40, **training: Any
) -> Path:
    """A run as training leaves it: a loss every 5 updates, a validation every 10."""
    folder.mkdir(parents=True)
    config = {"model": {"arch": "frrn", "model_type": "A"}, "task": task, "data": {"dataset": "kitti"},
              "training": {"train_iters": iters, "loss": {"name": "l1_loss"}, "optimizer": {"lr": lr}} | training}  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    time = f"{folder.name[:10]}T03:04:05+00:00"
    provenance = {"time": time, "python": "3.11", "host": "h", "machine": "m", "versions": {"torch": "2"},
                  "git": {"commit": "0123456789abcdef", "clean": False}}  # fmt: skip
    (folder / "provenance.json").write_text(json.dumps(provenance))
    name = TASKS[task].best_score
    lines: list[dict[str, Any]] = []
    for number, score in enumerate(scores, start=1):
        lines += [{"event": "train", "step": 10 * number - 5 * k, "train_loss": 2 / number, "lr": lr} for k in (1, 0)]
        lines.append({"event": "validation", "step": 10 * number, name: score, "IoU.car": None})
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    card = {"arch": "frrn", "task": task, "scores": {name: scores[-1]}, "config": config}
    save_file({"w": np.zeros(1)}, folder / "best.safetensors", metadata={"segdepth": json.dumps(card)})
    return folder


def write_three(root: Path) -> Path:
    """Three runs in a folder of runs, which is returned."""
    write_run(root / "a" / FIRST, "seg", [0.2, 0.5, 0.4, 0.3])
    write_run(root / "b" / SECOND, "seg", [0.6, 0.7], lr=0.02)
    write_run(root / "deep/c" / FIRST, "depth", [0.3, 0.1, 0.2], early_stop_patience=1)
    return root
