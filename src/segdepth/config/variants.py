"""Where a configuration names a variant: the section and the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import Parameter
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from segdepth.core.errors import ConfigError
from segdepth.core.tables import pick, signature_options
from segdepth.data import DATASETS
from segdepth.data.transforms import AUGMENTATIONS
from segdepth.losses import LOSSES, losses_for
from segdepth.networks import ALIASES, NETWORKS, network_options, resolve_arch
from segdepth.optim import OPTIMIZERS, SCHEDULES
from segdepth.tasks import TASKS

from .options import annotation_of
from .schema import Config

__all__ = ["VARIANT_SECTIONS", "Variant", "VariantSpec", "augmentation_model"]


@dataclass(frozen=True)
class Variant:
    """What a section's name stands for: its options, and what an alias presets.

    Attributes:
        options: by name.
        preset: what an alias stands for.
        open: whether others are taken, too, which only somebody else's code can check.
    """

    options: Mapping[str, Parameter]
    preset: Mapping[str, Any] = field(default_factory=dict)
    open: bool = False

    @classmethod
    def of(cls, function: Callable[..., Any]) -> "Variant":
        """One whose options are a signature's."""
        return cls(signature_options(function))


@dataclass(frozen=True)
class VariantSpec:
    """A section that names a variant.

    Attributes:
        path: of the section in the file.
        key: that holds the name.
        find: the variant, from the whole configuration and the section.
        names: every name there is, with its variant; for the schema.
    """

    path: tuple[str, ...]
    key: str
    find: Callable[[Config, Any], Variant]
    names: Callable[[], dict[str, Variant]]


def _network(arch: str) -> Variant:
    options = network_options(arch)
    return Variant(options or {}, preset=resolve_arch(arch)[1], open=options is None)


def _find_network(_: Config, section: Any) -> Variant:
    return _network(section.arch)


def _find_dataset(config: Config, section: Any) -> Variant:
    readers = pick(DATASETS, section.dataset, kind="data set")
    target = TASKS[config.task].target
    if target not in readers:
        fitting = ", ".join(name for name, entry in DATASETS.items() if target in entry)
        raise ConfigError(
            f"{section.dataset!r} has no {target}, which task {config.task!r} needs (these have: {fitting})"
        )
    return Variant.of(readers[target])


def _find_loss(config: Config, section: Any) -> Variant:
    task = TASKS[config.task]
    own = losses_for(task.target)
    if section.name not in LOSSES:
        packages = dict.fromkeys(
            LOSSES.others().keys() - LOSSES.keys()
        )  # of which kind is known when they are imported
        pick({**own, **packages}, section.name, kind="loss")
    losses = LOSSES[section.name]
    if task.target not in losses:
        raise ConfigError(f"{section.name!r} is no loss of task {config.task!r} (there are: {', '.join(own)})")
    return Variant.of(losses[task.target])


def _datasets() -> dict[str, Variant]:
    return {name: Variant.of(next(iter(readers.values()))) for name, readers in DATASETS.items()}


def _losses() -> dict[str, Variant]:
    return {name: Variant.of(next(iter(losses.values()))) for name, losses in LOSSES.items()}


VARIANT_SECTIONS = (
    VariantSpec(("model",), "arch", _find_network, lambda: {name: _network(name) for name in (*NETWORKS, *ALIASES)}),
    VariantSpec(("data",), "dataset", _find_dataset, _datasets),
    VariantSpec(("training", "loss"), "name", _find_loss, _losses),
    VariantSpec(
        ("training", "optimizer"),
        "name",
        lambda _, section: Variant.of(pick(OPTIMIZERS, section.name, kind="optimizer")),
        lambda: {name: Variant.of(function) for name, function in OPTIMIZERS.items()},
    ),
    VariantSpec(
        ("training", "lr_schedule"),
        "name",
        lambda _, section: Variant.of(pick(SCHEDULES, section.name, kind="schedule")),
        lambda: {name: Variant.of(function) for name, function in SCHEDULES.items()},
    ),
)


def augmentation_model() -> type[BaseModel]:
    """A model with one optional field per augmentation, typed as its parameter."""
    fields: dict[str, Any] = {
        name: (annotation_of(function, "parameter") | None, None) for name, function in AUGMENTATIONS.items()
    }
    config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    return create_model("augmentations", __config__=config, **fields)
