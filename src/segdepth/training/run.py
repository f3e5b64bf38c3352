"""The folder of a run: configuration, provenance, logs, checkpoints."""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml
from torch.utils.tensorboard import SummaryWriter

from segdepth.config import Config, config_to_dict
from segdepth.core.errors import CheckpointError, ConfigError
from segdepth.core.files import write_json, write_text
from segdepth.core.provenance import provenance

__all__ = ["Journal", "create_run_folder"]

log = logging.getLogger("segdepth.training")


def create_run_folder(root: Path, name: str, config: Config) -> Path:
    """A new folder ``root/name/<UTC time>`` that holds the configuration in force and where the run comes from."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    folder = root / name / stamp
    attempt = 1
    while True:
        try:
            folder.mkdir(parents=True)
            break
        except FileExistsError:  # two runs in one second
            attempt += 1
            folder = root / name / f"{stamp}-{attempt}"
    write_text(folder / "config.yaml", yaml.safe_dump(config_to_dict(config), sort_keys=False))
    write_json(folder / "provenance.json", provenance(config.seed))
    return folder


def find_run(where: Path) -> Path:
    """The ``last.pt`` that a user means: the file, a run folder's, or that of the newest run of a configuration's folder.

    Raises:
        CheckpointError: if there is none.
    """
    found = [where] if where.is_file() else [where / "last.pt", *sorted(where.glob("*/last.pt"), reverse=True)]
    for last in found:
        if last.is_file():
            return last
    raise CheckpointError(f"training.resume: there is no run in {str(where)!r}; name a run folder or its last.pt")


#: What may not change when a run goes on, or it would be another experiment in the same folder.
_FIXED = ("model", "task", "data.dataset", "data.img_rows", "data.img_cols", "data.train_split", "seed",
          "training.batch_size", "training.loss", "training.optimizer.name", "training.augmentations")  # fmt: skip


def require_same_experiment(folder: Path, config: Config) -> None:
    """Refuse to go on with another experiment; keep the record of what else is new in ``config.yaml``.

    Raises:
        ConfigError: naming the key that differs, its value in the run and the one asked for.
    """
    record = folder / "config.yaml"
    if not record.is_file():
        return  # a checkpoint that was copied out of its folder
    before, now = yaml.safe_load(record.read_text()), config_to_dict(config)
    for key in _FIXED:
        was, asked = _value(before, key), _value(now, key)
        if was != asked:
            raise ConfigError(
                f"training.resume: {key} is {asked!r}, but the run in {str(folder)!r} has {was!r}; "
                "a run goes on with what it was begun with. To start anew from its weights, use training.init_from"
            )
    write_text(record, yaml.safe_dump(now, sort_keys=False))


def _value(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values.get(part) if isinstance(values, Mapping) else None
    return values


class Journal:
    """What happened in a run: JSON lines, TensorBoard scalars and a readable log, in step.

    Args:
        folder: of the run.
        start: updates done so far; what an interrupted run wrote after that step is dropped, so a resumed run's log is
            the log of a run that was never stopped.
    """

    def __init__(self, folder: Path, start: int = 0) -> None:
        self._path = folder / "log.jsonl"
        if self._path.exists():
            kept = [line for line in self._path.read_text().splitlines() if _step(line) <= start]
            write_text(self._path, "".join(f"{line}\n" for line in kept))
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=start + 1 if start else None)
        self._handler = logging.FileHandler(folder / "train.log")
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        logging.getLogger("segdepth").addHandler(self._handler)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._board.close()
        logging.getLogger("segdepth").removeHandler(self._handler)
        self._handler.close()

    def write(self, event: str, step: int, values: Mapping[str, float | None], prefix: str) -> None:
        """Record scalars of one step.

        Args:
            event: "train" or "validation"; the line's kind.
            step: updates done.
            values: by name; None is recorded as null and left out of TensorBoard.
            prefix: of the TensorBoard tags.
        """
        line = json.dumps({"event": event, "step": step, **values})
        with self._path.open("a") as file:
            file.write(line + "\n")
        for name, value in values.items():
            if value is not None:
                self._board.add_scalar(f"{prefix}/{name}", value, step)
        self._board.flush()


def _step(line: str) -> int:
    try:
        step: Any = json.loads(line)["step"]
        return int(step)
    except (ValueError, KeyError):  # a line cut off by a kill
        return 2**62
