"""The data that a configuration names."""

import logging

from segdepth.data import Dataset, open_dataset
from segdepth.tasks import TASKS

from .schema import Config

__all__ = ["open_split"]

log = logging.getLogger(__name__)


def open_split(config: Config, split: str) -> Dataset:
    """A split of the configured data set, with the task's truth.

    ``data.skip_bad`` leaves out what is incomplete, as it leaves out what is broken; that is logged.
    """
    section, target = config.data, TASKS[config.task].target
    dataset = open_dataset(
        section.dataset,
        path=section.path,
        split=split,
        target=target,
        leave_out_missing=section.skip_bad,
        **section.options,
    )
    if dataset.missing:
        named = ", ".join(dataset.missing[:3]) + (", ..." if len(dataset.missing) > 3 else "")
        log.warning("left out of %s: %d incomplete samples: %s", split, len(dataset.missing), named)
    return dataset
