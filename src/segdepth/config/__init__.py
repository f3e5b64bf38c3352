"""The YAML configuration: its schema, and one clear line for each mistake."""

from .json_schema import config_schema
from .load import apply_overrides, check_config, config_to_dict, load_config
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
]
