"""What happened in a run: JSON lines, a readable log, TensorBoard, and Weights & Biases where asked for."""

import importlib
import json
import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from jaxtyping import UInt8
from numpy import ndarray
from torch.utils.tensorboard import SummaryWriter

from segdepth.core.errors import ConfigError
from segdepth.core.files import naming, write_text
from segdepth.core.reading import read_json_lines
from segdepth.runs import RunFolder

__all__ = ["Journal"]


class Journal:
    """Records of one run, in step. In all processes but the first it records nothing.

    Args:
        folder: of the run.
        start: by event, the last step of the run that goes on; what it wrote of later ones before it was interrupted is
            dropped, so its log is the log of a run that was never stopped.
        wandb: project of Weights & Biases; None: not there.
        config: plain values, for Weights & Biases.
        recording: whether this is the process that records.

    Raises:
        ConfigError: if Weights & Biases is asked for and not installed.
    """

    def __init__(
        self,
        folder: RunFolder,
        start: Mapping[str, int],
        *,
        wandb: str | None = None,
        config: Mapping[str, Any] | None = None,
        recording: bool = True,
    ) -> None:
        self._recording = recording
        if not recording:
            return
        self._wandb = None if wandb is None else _start_wandb(wandb, folder.path, config or {})
        self._path = folder.log
        if self._path.exists():
            kept = [line for line in read_json_lines(self._path) if line is not None and _is_before(line, start)]
            write_text(self._path, "".join(f"{json.dumps(line)}\n" for line in kept))
        with naming(folder.text_log):
            self._handler = _LogFile(folder.text_log)
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        self._events = folder.events
        self._until_the_end = ExitStack()
        with _said_once(), naming(self._events):
            self._board = SummaryWriter(str(self._events), purge_step=max(start.values()) + 1)
        logging.getLogger("segdepth").addHandler(self._handler)

    def __enter__(self) -> "Journal":
        if self._recording:
            self._until_the_end.enter_context(_said_once())
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._recording:
            return
        logging.getLogger("segdepth").removeHandler(self._handler)
        if self._wandb is not None:
            self._wandb.finish(exit_code=0 if error_type is None else 1)
        # where a full disk, or the like, ended the run, it is not said again
        quietly = suppress(OSError) if isinstance(error, OSError) else nullcontext()
        with self._until_the_end:
            try:
                with quietly, naming(self._events):
                    self._board.close()
            finally:
                with quietly, naming(Path(self._handler.baseFilename)):
                    self._handler.close()

    def write(self, event: str, step: int, values: Mapping[str, float | None], prefix: str) -> None:
        """Record what follows from the run alone: scalars of one step, the same whenever and wherever it is run.

        Args:
            event: "train" or "validation"; the line's kind.
            step: updates done.
            values: by name. TensorBoard and Weights & Biases are not shown what is None (recorded as null) and what is a
                count (a whole number, such as that of the pictures scored).
            prefix: of the TensorBoard tags.
        """
        if not self._recording:
            return
        line = json.dumps({"event": event, "step": step, **values})
        with naming(self._path), self._path.open("a") as file:
            file.write(line + "\n")
        self.watch(step, {name: value for name, value in values.items() if not isinstance(value, int)}, prefix)

    def watch(self, step: int, values: Mapping[str, float | None], prefix: str) -> None:
        """Show scalars that depend on the machine as well, such as its speed; they stay out of the log of JSON lines."""
        if not self._recording:
            return
        tagged = {f"{prefix}/{name}": value for name, value in values.items() if value is not None}
        if self._wandb is not None:
            self._wandb.log(tagged, step=step)
        with naming(self._events):
            for tag, value in tagged.items():
                self._board.add_scalar(tag, value, step)
            self._board.flush()

    def show(self, step: int, pictures: Mapping[str, UInt8[ndarray, "_h _w 3"]]) -> None:
        """Show pictures in TensorBoard, by tag."""
        if not self._recording:
            return
        with naming(self._events):
            for tag, picture in pictures.items():
                self._board.add_image(tag, picture, step, dataformats="HWC")
            self._board.flush()


class _LogFile(logging.FileHandler):
    """A log that says when it cannot be written, rather than print a traceback and go on."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's name
        """Called by logging in the ``except`` of what went wrong."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)
            return
        with naming(Path(self.baseFilename)):
            raise


@contextmanager
def _said_once() -> Iterator[None]:
    """TensorBoard's thread ends with a traceback of its own where a disk is full; its next caller is told as well."""
    before = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        of_tensorboard = type(args.thread).__module__.startswith("tensorboard")
        if not (of_tensorboard and isinstance(args.exc_value, OSError)):
            before(args)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before


def _is_before(line: Mapping[str, Any], start: Mapping[str, int]) -> bool:
    step, event = line.get("step"), line.get("event")
    return isinstance(step, int) and isinstance(event, str) and step <= start.get(event, -1)


def _start_wandb(project: str, folder: Path, config: Mapping[str, Any]) -> Any:
    try:
        wandb = importlib.import_module("wandb")
    except ModuleNotFoundError:
        raise ConfigError(
            f"training.wandb is {project!r}, but Weights & Biases is not installed: pip install wandb, or leave the key out"
        ) from None
    name = f"{folder.parent.name}-{folder.name}"
    return wandb.init(project=project, name=name, id=name, resume="allow", dir=str(folder), config=dict(config))
