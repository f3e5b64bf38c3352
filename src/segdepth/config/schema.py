"""The sections of a configuration file, typed. Options of variants are checked against the variants themselves.

A section that chooses a variant (a network, a loss, ...) takes the variant's options beside its name; what these are
is read off the signature of the variant's constructor or function, so there is one place that says so.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from segdepth.networks import NamedNormalisation
from segdepth.tasks import TASKS

__all__ = [
    "Config",
    "DataSection",
    "LossSection",
    "LrFactors",
    "ModelSection",
    "OptimizerSection",
    "ScheduleSection",
    "TestingSection",
    "TrainingSection",
]


def _no_bool(value: Any) -> Any:
    """YAML's true is no number, though Python's is."""
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def _known_task(value: Any) -> Any:
    *others, last = map(repr, TASKS)
    if not isinstance(value, str) or value not in TASKS:
        raise ValueError(f"should be {', '.join(others)} or {last}")
    return value


Count = Annotated[int, BeforeValidator(_no_bool), Field(gt=0)]
CountOrZero = Annotated[int, BeforeValidator(_no_bool), Field(ge=0)]
Factor = Annotated[float, BeforeValidator(_no_bool), Field(gt=0)]
Side = Annotated[int, BeforeValidator(_no_bool), Field(ge=32, le=16384)]


class Section(BaseModel):
    """A part of the file in which every key is known."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class VariantSection(BaseModel):
    """A part of the file that names a variant and gives its options beside the name."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    @property
    def options(self) -> dict[str, Any]:
        """The keys that are not the section's own."""
        return dict(self.model_extra or {})


class ModelSection(VariantSection):
    """Which network, and its options.

    Attributes:
        arch: name or alias in the table of networks, a registered name, or an address (``library:name``).
        pretrained: false; true to download ImageNet weights of the backbone; the path of a local file of them; or the name of
            an installed package that ships one.
        preprocessing: the input range: a name, or mean, std, order and scale; none means ImageNet's, the ancestor's under
            ``legacy``, or what the other library says.
        answers: what the last map's numbers mean; none means what the other library says, or as the task's own networks answer.
    """

    arch: str
    pretrained: bool | Path = False
    preprocessing: NamedNormalisation | None = None
    answers: str | None = None


class DataSection(VariantSection):
    """Which data set, where it is, and at which size the network sees it.

    Attributes:
        dataset: name in the table of data sets.
        path: its folder.
        img_rows: network size, pixels.
        img_cols: network size, pixels.
        cache: folder for resized copies of the training samples; augmentations then act at the network's size.
        skip_bad: broken samples are logged and left out, instead of stopping the run.
        img_norm: accepted from the ancestors' files; normalisation is the model's ``preprocessing``.
        version: accepted from the ancestors' files, without effect.
    """

    dataset: str
    path: Path | None = None
    train_split: str = "train"
    val_split: str = "val"
    test_split: str = "test"
    img_rows: Side = 256
    img_cols: Side = 832
    cache: Path | None = None
    skip_bad: bool = False
    img_norm: bool | None = None
    version: str | None = None


class LossSection(VariantSection):
    """Which loss, and its options; none named means the task's own."""

    name: str


class OptimizerSection(VariantSection):
    """Which optimizer, and its options."""

    name: str = "adam"


class ScheduleSection(VariantSection):
    """Which learning-rate schedule, its options, and an optional warm-up.

    Attributes:
        warmup_iters: number of updates with a reduced rate.
        warmup_mode: the factor grows linearly to 1, or stays constant.
        warmup_factor: at the start.
    """

    name: str = "constant_lr"
    warmup_iters: CountOrZero = 0
    warmup_mode: Literal["linear", "constant"] = "linear"
    warmup_factor: Annotated[float, BeforeValidator(_no_bool), Field(ge=0, le=1)] = 0.2


class LrFactors(Section):
    """By how much the rates of a network's parts differ from the optimizer's.

    Attributes:
        backbone: of the part that takes ImageNet weights.
        head: of all the rest.
    """

    backbone: Factor = 1.0
    head: Factor = 1.0


class TrainingSection(Section):
    """How the network is trained.

    Attributes:
        train_iters: number of updates.
        batch_size: pictures per update, over all processes and parts.
        accumulation: parts that an update's pictures are worked off in, one after the other; saves memory.
        val_interval: updates between validations.
        n_workers: processes that load pictures; 0 loads in the training process.
        print_interval: updates between lines of the log.
        loss: none means the task's own.
        metrics: names of registered metrics that validations score with, beside the task's own.
        augmentations: name -> parameter, applied in the file's order.
        checkpoint_interval: updates between checkpoints to go on from.
        keep_checkpoints: how many of these stay; the best one by score is kept apart.
        resume: a run folder or one of its checkpoints: goes on with everything. auto: the newest run of this
            configuration that has a whole checkpoint, or a new run.
        init_from: a checkpoint whose weights are the start.
        lr_factors: rates of backbone and head, relative to the optimizer's.
        freeze_backbone: leave what ImageNet weights filled as it is, batch norm included.
        freeze_batch_norm: leave every batch norm as it is: scales, shifts and running statistics.
        clip_grad_norm: longest gradient of an update; longer ones are shortened to it.
        ema_decay: validate and keep an exponential moving average of the weights, with this decay per update.
        early_stop_patience: stop after so many validations in a row without a better score.
        precision: of the network's arithmetic. auto: bf16-mixed on a device with bfloat16 units, else 32-true; a run keeps what
            it was begun in.
        channels_last: memory layout; faster on most devices.
        deterministic: only algorithms that give the same bits again on the same machine; slower on a GPU.
        sync_batch_norm: batch norm over the pictures of all processes (GPUs only).
        wandb: project of Weights & Biases to log to as well.
    """

    train_iters: Count = 20000
    batch_size: Count = 4
    accumulation: Count = 1
    val_interval: Count = 1000
    n_workers: CountOrZero = 2
    print_interval: Count = 50
    loss: LossSection | None = None
    metrics: list[str] = []
    optimizer: OptimizerSection = OptimizerSection()
    augmentations: dict[str, Any] | None = None
    lr_schedule: ScheduleSection | None = None
    checkpoint_interval: Count = 1000
    keep_checkpoints: Count = 2
    resume: Path | None = None
    init_from: Path | None = None
    lr_factors: LrFactors = LrFactors()
    freeze_backbone: bool = False
    freeze_batch_norm: bool = False
    clip_grad_norm: Factor | None = None
    ema_decay: Annotated[float, BeforeValidator(_no_bool), Field(gt=0, lt=1)] | None = None
    early_stop_patience: Count | None = None
    precision: Literal["32-true", "auto", "bf16-mixed", "16-mixed"] = "32-true"
    channels_last: bool = True
    deterministic: bool = False
    sync_batch_norm: bool = False
    wandb: str | None = None


class TestingSection(Section):
    """What is tested.

    Attributes:
        trained_model: checkpoint, or run folder.
    """

    trained_model: Path


class Config(Section):
    """A whole configuration file."""

    model: ModelSection
    task: Annotated[str, BeforeValidator(_known_task), Field(json_schema_extra={"enum": list(TASKS)})]
    data: DataSection
    training: TrainingSection = TrainingSection()
    testing: TestingSection | None = None
    seed: CountOrZero = 1337
