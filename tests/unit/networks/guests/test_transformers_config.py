"""From settings to the library's configuration, and back to what a card keeps."""

import json

import pytest

from segdepth.core.errors import CheckpointError, ConfigError
from segdepth.networks.guests.transformers_config import configured, names_of_classes, stored, without_auxiliary

from .tiny_transformers import SMALL


@pytest.mark.parametrize(
    "model_type",
    ["segformer", "glpn", "dpt", "depth_anything", "upernet", "zoedepth", "beit", "mask2former", "depth_pro"],
)
def test_what_a_card_keeps_makes_the_same_configuration(model_type: str) -> None:
    config = configured(model_type, {}, {}, 5)
    kept = json.loads(json.dumps(stored(config, "Some")))
    back = configured(model_type, kept, {}, 5)
    assert back.to_dict() == config.to_dict()
    assert back.num_labels == 5


def test_single_settings_of_an_inner_configuration() -> None:
    config = configured(
        "depth_anything", {}, {"backbone_config": {"num_hidden_layers": 4, "out_indices": [1, 2, 3, 4]}}, 1
    )
    inner = config.backbone_config
    assert (inner.model_type, inner.num_hidden_layers, inner.hidden_size) == ("dinov2", 4, 384)
    assert not inner.reshape_hidden_states
    assert inner.out_features == ["stage1", "stage2", "stage3", "stage4"]


def test_another_inner_configuration() -> None:
    options = {
        "backbone_config": {"model_type": "convnext", "depths": [1, 1, 1, 1], "out_features": ["stage1", "stage4"]}
    }
    config = configured("upernet", {}, options, 3)
    assert config.backbone_config.model_type == "convnext"
    assert config.backbone_config.depths == [1, 1, 1, 1]


@pytest.mark.parametrize("where", ["hf-hub:owner/name", "local-dir:/somewhere"])
def test_a_part_that_timm_would_fetch_is_refused(where: str) -> None:
    backbone = {"model_type": "timm_backbone", "backbone": where, "out_indices": [1, 2, 3, 4]}
    for settings, options in (({"backbone_config": backbone}, {}), ({}, {"backbone_config": backbone})):
        with pytest.raises(CheckpointError, match=f"its backbone '{where}' would be asked of"):
            configured("upernet", settings, options, 3)


def test_half_precision_and_kernels_of_a_file_are_not_kept() -> None:
    config = configured("segformer", SMALL | {"dtype": "float16", "_attn_implementation": "someone/kernel"}, {}, 3)
    assert config.dtype is None
    assert "someone/kernel" not in json.dumps(stored(config, "Some"))


def test_a_second_head_is_left_out_unless_wanted() -> None:
    assert without_auxiliary("upernet", {}) == {"use_auxiliary_head": False}
    assert without_auxiliary("upernet", {"use_auxiliary_head": True}) == {"use_auxiliary_head": True}
    assert without_auxiliary("segformer", {}) == {}


def test_names_of_classes() -> None:
    assert names_of_classes({"id2label": {"10": "sky", "2": "road"}}) == ["road", "sky"]
    assert names_of_classes({}) == ["LABEL_0", "LABEL_1"]
    assert names_of_classes({"num_labels": 3})[-1] == "LABEL_2"
    assert names_of_classes({"num_labels": -1}) == ["LABEL_0", "LABEL_1"]


def test_a_private_name_is_no_option() -> None:
    with pytest.raises(ConfigError, match="no option '_out_features'"):
        configured("beit", {}, {"_out_features": []}, 3)
