"""The YAML configuration: its schema, and one clear line for each mistake."""

from .json_schema import config_schema
from .load import RECORDED, apply_overrides, check_config, config_to_dict, load_config, read_values
from .schema import (
    Config,
    DataSection,
    LossSection,
    LrFactors,
    ModelSection,
    OptimizerSection,
    ScheduleSection,
    TestingSection,
    TrainingSection,
)

__all__ = [
    "RECORDED",
    "Config",
    "DataSection",
    "LossSection",
    "LrFactors",
    "ModelSection",
    "OptimizerSection",
    "ScheduleSection",
    "TestingSection",
    "TrainingSection",
    "apply_overrides",
    "check_config",
    "config_schema",
    "config_to_dict",
    "load_config",
    "read_values",
]
