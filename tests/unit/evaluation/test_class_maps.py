"""Networks whose classes are not the data set's."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from segdepth.core.errors import ConfigError, InputError
from segdepth.data.labels import ClassTable
from segdepth.evaluation import NetworkAnswers, score
from segdepth.evaluation.class_maps import map_classes, read_class_map
from segdepth.kinds import ANSWERS, IGNORE, KINDS
from segdepth.networks import Network
from segdepth.tasks import TASKS, wrap

from .streets import Streets

LABELS = KINDS["labels"]


class Three(Streets):
    """The streets' pictures with three classes, of which the truth knows two."""

    classes = ClassTable(("road", "car", "sky"), ((0, 0, 0),) * 3, (0, 1, 2))

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        sample = super().__getitem__(index)
        sample.truths["labels"] %= 2
        return sample


class Always(nn.Module):
    """The same class everywhere."""

    def __init__(self, channel: int, channels: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.eye(channels)[channel].view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.logits.expand(len(x), -1, *x.shape[-2:])


def net(*names: str, says: str = "") -> Network:
    return wrap(Always(names.index(says) if says else 0, len(names)), classes=names)


def nameless(count: int) -> Network:
    return wrap(Always(0, count), classes=count)


def test_classes_that_are_the_data_set_s_are_left_alone() -> None:
    assert map_classes(net("road", "car", "sky"), Three(), LABELS) is None
    assert map_classes(nameless(3), Three(), LABELS) is None
    depth = wrap(nn.Conv2d(3, 1, 1), task="depth")
    assert map_classes(depth, Three(), ANSWERS["metres"]) is None


def test_another_order_is_mapped_by_name_and_said() -> None:
    found = map_classes(net("sky", "road", "car"), Three(), LABELS)
    assert found is not None
    assert found(torch.tensor([[0, 1, 2]])).tolist() == [[2, 0, 1]]
    assert "by name" in found.words


def test_a_table_maps_and_what_has_no_class_is_never_right() -> None:
    given = {"street": "road", "roof": None, "vehicle": "car"}
    found = map_classes(net("street", "vehicle", "roof"), Three(), LABELS, given)
    assert found is not None
    assert found(torch.tensor([0, 1, 2])).tolist() == [0, 1, IGNORE]
    assert dict(found.names) == given
    numbers = map_classes(nameless(4), Three(), LABELS, {"0": "sky", "1": "sky", "2": None, "3": "road"})
    assert numbers is not None
    assert numbers(torch.arange(4)).tolist() == [2, 2, IGNORE, 0]


def test_classes_of_one_name_are_each_mapped() -> None:
    found = map_classes(net("wall", "wall", "way"), Three(), LABELS, {"wall": "car", "way": "road"})
    assert found is not None
    assert found(torch.tensor([0, 1, 2])).tolist() == [1, 1, 0]


@pytest.mark.parametrize("says", ["street", "roof"])
def test_scores_are_of_what_was_mapped(says: str) -> None:
    given = {"roof": None, "street": "road"}
    answers = NetworkAnswers(net("roof", "street", says=says), Three(), TASKS["seg"], size=(32, 64), class_map=given)
    (evaluation,) = score(answers).values()
    road = sum((Three()[k].truth("labels") == 0).mean() for k in range(4)) / 4
    assert evaluation.scores["aAcc"] == pytest.approx(road if says == "street" else 0)
    assert evaluation.scores["IoU.sky"] is None  # nothing was left out to make it better
    assert evaluation.protocol["class_map"] == given


def test_others_are_refused_with_both_lists() -> None:
    with pytest.raises(InputError, match=r"5 classes \(a, b, c, d, e\) are not the data set's 3 \(road, car, sky\)"):
        NetworkAnswers(net(*"abcde"), Three(), TASKS["seg"], size=(32, 64))
    with pytest.raises(InputError, match=r"4 classes \(without names\).*--class-map FILE"):
        map_classes(nameless(4), Three(), LABELS)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"street": "road"}, "nothing is said of the network's roof; null says"),
        ({"street": "raod", "roof": None}, "the data set has no class 'raod'.*road"),
        ({"stret": "road", "roof": None}, "the network has no class 'stret'.*street"),
    ],
    ids=["absent", "theirs", "own"],
)
def test_a_table_that_does_not_fit_is_told(given: dict[str, str | None], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        map_classes(net("street", "roof"), Three(), LABELS, given)


def test_a_table_is_for_classes() -> None:
    with pytest.raises(ConfigError, match="this network answers metres"):
        map_classes(wrap(nn.Conv2d(3, 1, 1), task="depth"), Three(), ANSWERS["metres"], {})


@pytest.mark.parametrize("text", ["- road", "road: [car]", "road: {"], ids=["list", "lists", "broken"])
def test_a_file_that_is_no_table_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "map.yml"
    file.write_text("street: road\nroof: null\n")
    assert read_class_map(file) == {"street": "road", "roof": None}
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"map\.yml"):
        read_class_map(file)
    with pytest.raises(ConfigError, match="no file"):
        read_class_map(tmp_path / "nowhere.yml")
