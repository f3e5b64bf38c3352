"""A tiny network on a tiny street, and what a study of it leaves."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from segdepth.data import Dataset
from segdepth.studies.experiment import Experiment
from segdepth.studies.run import describe_study
from segdepth.studies.sources import NetworkMaps
from segdepth.studies.store import Store, load_study
from segdepth.tasks import create_network

SIZE = (48, 96)
COUNT = 5


def tiny(task: str, seed: int = 0) -> NetworkMaps:
    torch.manual_seed(seed)
    return NetworkMaps(create_network("segnet", task, width=0.125).eval())


def store_of(experiment: Experiment, streets: Dataset, folder: Path) -> Store:
    return Store(folder, describe_study(experiment, streets, COUNT))


def rows_of(folder: Path) -> Mapping[str, np.ndarray]:
    return load_study(folder).rows
