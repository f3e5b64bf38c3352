"""Requests' words become questions; each mistake is one sentence."""

import pytest

from segdepth.core.errors import InputError
from segdepth.explorer.questions import METHODS, read_masked, read_question
from segdepth.geometry.regions import Region
from segdepth.saliency import METHODS as TABLE

WORDS = {"picture": "p0", "network": "n0", "row": "3", "column": "4"}


def test_what_is_not_said_is_the_usual() -> None:
    question = read_question(WORDS)
    assert (question.model, question.target, question.method) == ("trained", "predicted", "gradient")
    assert question.place == question.pixel == (3, 4)
    assert question.series == ("p0", "n0", "trained", "predicted", "gradient")
    assert question.head() == {
        "picture": "p0", "network": "n0", "model": "trained", "target": "predicted", "method": "gradient", "row": 3,
        "column": 4, "region": None,
    }  # fmt: skip


def test_a_region_takes_the_place_of_a_pixel() -> None:
    question = read_question({"picture": "p0", "network": "n0", "region": "2,4,6,9"})
    assert question.place == Region(2, 4, 6, 9)
    assert question.pixel == (3, 6)
    assert question.head()["region"] == [2, 4, 6, 9]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"picture": ""}, "does not say picture="),
        ({"row": "x"}, "row='x' is no whole number"),
        ({"column": ""}, "does not say column="),
        ({"column": "1e3"}, "no whole number"),
        ({"region": "1,2,3"}, "no region"),
        ({"model": "other"}, "model='other' is none"),
        ({"method": "gradients"}, "did you mean 'gradient'"),
    ],
)
def test_mistakes_are_one_sentence(change: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_question({**WORDS, **change})


def test_masks() -> None:
    asked = read_masked({**WORDS, "action": "keep", "share": "0.2"})
    assert (asked.action, asked.share, asked.map) == ("keep", 0.2, read_question(WORDS))
    for share in ("0", "1", "-1", "nan", "much"):
        with pytest.raises(InputError, match="share="):
            read_masked({**WORDS, "share": share})
    with pytest.raises(InputError, match="action="):
        read_masked({**WORDS, "action": "destroy"})


def test_the_methods_are_those_that_there_are() -> None:
    assert METHODS.keys() == TABLE.keys()
