"""A configuration is read whole, and each mistake is one clear line."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from segdepth.config import apply_overrides, check_config, config_to_dict, load_config
from segdepth.core.errors import ConfigError

#: SPEC section 2, every key.
FULL = """
model: {arch: fcrn, legacy: false, pretrained: false, dropout: 0.25}
task: depth
data:
  dataset: synthetic
  train_split: train
  val_split: val
  test_split: test
  img_rows: 256
  img_cols: 832
  path: null
  img_norm: True
  version: pascal
training:
  train_iters: 200000
  batch_size: 2
  val_interval: 1500
  n_workers: 2
  print_interval: 300
  loss: {name: berhu_loss, smooth: false}
  optimizer: {name: sgd, lr: 1e-4, momentum: 0.9}
  augmentations:
    hflip: 0.5
    gamma: 0.3
    hue: 0.1
    brightness: 0.2
    saturation: 0.2
    contrast: 0.2
    rcrop: [256, 512]
    translate: [10, 20]
    rotate: 5
    scale: [256, 832]
    ccrop: [200, 600]
    vflip: 0.1
  lr_schedule: {name: poly_lr, max_iter: 200000, warmup_iters: 100, warmup_mode: constant, warmup_factor: 0.1}
  resume: null
  init_from: null
testing:
  trained_model: runs/x
seed: 7
"""

MINIMAL: dict[str, Any] = {"model": {"arch": "segnet"}, "task": "seg", "data": {"dataset": "synthetic"}}


def write(folder: Path, text: str) -> Path:
    path = folder / "some.yml"
    path.write_text(text)
    return path


def test_the_whole_schema_is_accepted(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, FULL))
    assert config.training.optimizer.options["lr"] == 1e-4
    assert config.model.options["dropout"] == 0.25
    assert list(config.training.augmentations or {})[:2] == ["hflip", "gamma"], "the file's order is kept"
    assert config.seed == 7


def test_saved_configurations_say_the_same_again(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, FULL))
    assert check_config(yaml.safe_load(yaml.safe_dump(config_to_dict(config)))) == config


def test_null_switches_an_augmentation_off(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, FULL), ["training.augmentations.hflip=null"])
    assert "hflip" not in (config.training.augmentations or {})
    assert "gamma" in (config.training.augmentations or {})


def test_absent_and_null_sections_have_defaults() -> None:
    config = check_config(
        {**MINIMAL, "training": {"augmentations": None, "lr_schedule": None, "resume": None, "loss": None}}
    )
    assert config.training.loss is not None
    assert config.training.loss.name == "cross_entropy"
    assert config.training.lr_schedule is not None
    assert config.training.lr_schedule.name == "constant_lr"
    assert config.training.optimizer.options["lr"] == 1e-3


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("model.arch=segnot", ["model.arch", "segnot", "did you mean 'segnet'"]),
        ("model.widht=0.5", ["model.widht", "unknown key", "did you mean 'width'"]),
        ("model.width=wide", ["model.width", "number", "'wide'"]),
        ("model.answers=meters task=depth", ["model.answers", "no output named 'meters'", "did you mean 'metres'"]),
        ("model.answers=metres", ["model.answers", "no answer to task 'seg'", "logits"]),
        ("model.preprocessing.mena=2", ["model.preprocessing.mena", "did you mean 'mean'"]),
        ("model.arch=fcrn model.dropout=2.0", ["model.dropout", "less than 1", "2.0"]),
        ("task=sge", ["task", "'seg', 'depth' or", "'sge'"]),
        ("data.dataset=kity", ["data.dataset", "did you mean 'kitti'"]),
        ("data.dataset=camvid task=depth", ["data.dataset", "camvid", "depth", "nyuv2"]),
        ("data.img_rows=16", ["data.img_rows", "32", "16"]),
        ("data.img_rowz=64", ["data.img_rowz", "did you mean 'img_rows'"]),
        ("training.batch_size=0", ["training.batch_size", "greater than 0", "0"]),
        ("training.batch_size=true", ["training.batch_size", "number", "True"]),
        ("training.batchsize=2", ["training.batchsize", "did you mean 'batch_size'"]),
        ("training.loss.name=l1_loss", ["training.loss.name", "l1_loss", "cross_entropy"]),
        ("training.loss.name=cross_entropi", ["training.loss.name", "did you mean 'cross_entropy'"]),
        ("training.optimizer.lr=-1", ["training.optimizer.lr", "greater than 0", "-1"]),
        ("training.optimizer.name=adamm", ["training.optimizer.name", "did you mean 'adam'"]),
        ("training.optimizer.momentum=0.9", ["training.optimizer.momentum", "unknown key"]),
        ("training.lr_schedule.name=multi_step", ["training.lr_schedule.milestones", "missing"]),
        ("training.augmentations.hflipp=0.5", ["training.augmentations.hflipp", "did you mean 'hflip'"]),
        ("training.augmentations.rcrop=5", ["training.augmentations.rcrop", "two whole numbers [h, w]", "5 is given"]),
        ("training.augmentations.translate=[5]", ["translate", "two whole numbers [dh, dw]", "[5] is given"]),
        ("training.augmentations.rcrop=[0,5]", ["training.augmentations.rcrop.0", "greater than or equal to 1"]),
        ("training.augmentations.rscale=2", ["training.augmentations.rscale", "two factors [low, high]", "2 is given"]),
        ("training.augmentations.rscale=[2,0.5]", ["training.augmentations.rscale", "the lower factor first"]),
        ("training.augmentations.rscale=[0.5,200]", ["training.augmentations.rscale.1", "less than or equal to 10"]),
        ("training.augmentations.hflip=often", ["training.augmentations.hflip", "'often'"]),
        ("training.precision=half", ["training.precision", "32-true", "'half'"]),
        ("train=1", ["train", "unknown key", "did you mean 'training'"]),
        ("seed=-1", ["seed", "-1"]),
        ("testing.trained_model=", ["testing.trained_model: should be a path, but nothing is given"]),
        ("data.path=5", ["data.path: should be a path, but 5 is given"]),
        ("data.img_rows=", ["data.img_rows", "integer, but nothing is given"]),
    ],
)
def test_a_mistake_is_one_line_that_says_where_what_and_what_would_be_right(override: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        check_config(apply_overrides(MINIMAL, override.split(" ")), where="some.yml")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("some.yml: ")
    for word in words:
        assert word in message


def test_of_very_many_mistakes_the_first_are_named() -> None:
    values = {
        "model": {"arch": "segnet"},
        "task": "seg",
        "data": {"dataset": "synthetic"},
        "training": {"metrics": [1] * 1000},
    }
    with pytest.raises(ConfigError) as found:
        check_config(values)
    lines = str(found.value).splitlines()
    assert lines[-1] == "and 980 more mistakes"
    assert len(lines) == 21


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        check_config(apply_overrides(MINIMAL, ["training.optimizer.lr=0", "model.widht=1", "training.loss.nam=x"]))
    assert len(str(caught.value).splitlines()) >= 1
    with pytest.raises(ConfigError, match=r"(?s)model.widht.*training.optimizer.lr"):
        check_config(apply_overrides(MINIMAL, ["training.optimizer.lr=0", "model.widht=1"]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model: [", ["some.yml:1:9", "no valid YAML"]),
        ("task: seg\ntask: depth\n", ["some.yml:2:1", "'task' stands twice"]),
        ("[1, 2]: 3", ["some.yml:1:1", "is no word"]),
        ("1: 3", ["is no word"]),
        ("- 1", ["must be a mapping", "model"]),
        ("", ["some.yml", "is empty"]),
        ("task: seg", ["model", "is missing"]),
        ("!!python/object/apply:os.system ['true']", ["no valid YAML"]),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text))
    for word in words:
        assert word in str(caught.value)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yml"):
        load_config(Path("nowhere.yml"))


@pytest.mark.parametrize("override", ["lr", "=3", "task.name=1"])
def test_an_override_that_is_none_is_refused(override: str) -> None:
    with pytest.raises(ConfigError, match=r"the override"):
        apply_overrides(MINIMAL, [override])


def test_an_override_that_is_no_yaml_is_a_word() -> None:
    assert apply_overrides({}, ["data.images={split}/rgb/*.png"]) == {"data": {"images": "{split}/rgb/*.png"}}


def test_overrides_leave_the_original_alone() -> None:
    values = {"a": {"b": [1]}}
    assert apply_overrides(values, ["a.b=[2]", "a.c.d=yes"]) == {"a": {"b": [2], "c": {"d": True}}}
    assert values == {"a": {"b": [1]}}
