"""A run's folder: how it is called, and by which names its files go.

    <name of the configuration>/<UTC time>/
      config.yaml             every value in force
      provenance.json         where the run comes from, and when it began
      train.log               what the console said
      log.jsonl               a line for each report of updates and each validation
      tensorboard/            the same for TensorBoard, and pictures
      best.safetensors        the network that scored best, with its card
      checkpoints/<step>.pt   what the run goes on from
      checkpoints/abandoned/  those of updates that were done anew, from an older one
      best-abandoned.safetensors  likewise
      not-finite.pt           the state in which a loss or a weight was found that is no number

These names stand here and nowhere else.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

__all__ = ["BEST", "CARD_KEY", "Checkpoint", "RunFolder", "Stamp"]

#: Name of the file of the network that scored best.
BEST = "best.safetensors"

#: Under which the metadata of a file of weights hold their card.
CARD_KEY = "segdepth"

_CONFIG = "config.yaml"
_PROVENANCE = "provenance.json"
_LOG = "log.jsonl"
_CHECKPOINTS = "checkpoints"

_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)(?:-(\d+))?")
_TIME = "%Y-%m-%dT%H-%M-%SZ"


class Stamp(NamedTuple):
    """The name that a run's folder is given: its time, UTC, and a number where that was taken.

    Example:
        >>> Stamp.read("2026-03-01T12-00-00Z-2")
        Stamp(text='2026-03-01T12-00-00Z', number=2)
        >>> str(Stamp.of(datetime(2026, 3, 1, 12, tzinfo=UTC)))
        '2026-03-01T12-00-00Z'
    """

    text: str
    number: int = 1

    @classmethod
    def of(cls, time: datetime) -> "Stamp":
        """The first name that a time gives."""
        return cls(time.strftime(_TIME))

    @classmethod
    def read(cls, name: str) -> "Stamp | None":
        """What a folder's name says; None if runs are not named so."""
        found = _STAMP.fullmatch(name)
        return cls(found[1], int(found[2] or 1)) if found else None

    def time(self) -> datetime:
        """The time.

        Raises:
            ValueError: if it is none, such as the thirtieth of February.
        """
        return datetime.strptime(self.text, _TIME).replace(tzinfo=UTC)

    def following(self) -> "Stamp":
        """The next name of the same time."""
        return Stamp(self.text, self.number + 1)

    def __str__(self) -> str:
        return self.text if self.number == 1 else f"{self.text}-{self.number}"


class Checkpoint(NamedTuple):
    """A file that a run can go on from.

    Attributes:
        step: updates done.
        path: of the file.
    """

    step: int
    path: Path

    @classmethod
    def at(cls, path: Path) -> "Checkpoint | None":
        """What a path's names say; None if no run calls its checkpoints so."""
        named = path.parent.name == _CHECKPOINTS and re.fullmatch("[0-9]+", path.stem)
        return cls(int(path.stem), path) if named else None


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of a run. It need not be whole, nor be there.

    Attributes:
        path: of the folder.
    """

    path: Path

    @classmethod
    def of(cls, file: Path) -> "RunFolder":
        """The folder of the run that a checkpoint, or the best network, belongs to."""
        return cls(file.parent.parent if file.parent.name == _CHECKPOINTS else file.parent)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def stamp(self) -> Stamp | None:
        """Its name, taken apart; None if it is not named as runs are."""
        return Stamp.read(self.path.name)

    @property
    def config(self) -> Path:
        """Every value in force."""
        return self.path / _CONFIG

    @property
    def provenance(self) -> Path:
        """Command, versions, git revision, and when the run began."""
        return self.path / _PROVENANCE

    @property
    def log(self) -> Path:
        """JSON, a line for each report and each validation."""
        return self.path / _LOG

    @property
    def text_log(self) -> Path:
        """What the console said."""
        return self.path / "train.log"

    @property
    def events(self) -> Path:
        """The folder that TensorBoard reads."""
        return self.path / "tensorboard"

    @property
    def best(self) -> Path:
        """The network that scored best."""
        return self.path / BEST

    @property
    def best_set_aside(self) -> Path:
        """The best that was found later than the checkpoint from which the run went on."""
        return self.path / "best-abandoned.safetensors"

    @property
    def not_finite(self) -> Path:
        """The state in which a loss or a weight was found that is not finite."""
        return self.path / "not-finite.pt"

    @property
    def checkpoint_folder(self) -> Path:
        """The folder of what the run can go on from."""
        return self.path / _CHECKPOINTS

    @property
    def checkpoints_set_aside(self) -> Path:
        """The folder of checkpoints of updates that were done anew."""
        return self.checkpoint_folder / "abandoned"

    def checkpoint(self, step: int) -> Path:
        """The file that the state after so many updates is written to."""
        return self.checkpoint_folder / f"{step:08d}.pt"

    def checkpoints(self) -> list[Checkpoint]:
        """What the run can go on from, the latest first."""
        found = (Checkpoint.at(path) for path in self.checkpoint_folder.glob("*.pt"))
        return sorted((one for one in found if one is not None), key=lambda one: one.step, reverse=True)

    def has_record(self) -> bool:
        """Whether it is named as runs are, or says what was run."""
        return self.stamp is not None or self.config.is_file() or self.provenance.is_file()

    def has_traces(self) -> bool:
        """Whether it is named as runs are, or holds anything that runs leave behind."""
        names = (_CONFIG, _LOG, _PROVENANCE, BEST, _CHECKPOINTS)
        return self.stamp is not None or any((self.path / name).exists() for name in names)
