"""What may be looked at, and what no more."""

from pathlib import Path

import numpy as np
import pytest

from segdepth.core.errors import DataError
from segdepth.data import open_dataset
from segdepth.drawing import write_png
from segdepth.explorer import pictures as module
from segdepth.explorer.pictures import GivenPicture, GonePictureError, Pictures, given_files, given_samples
from segdepth.explorer.questions import NoSuchError

from .streets import picture, png


def test_files_are_given_by_ids(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", picture())
    pictures = Pictures(given_files([tmp_path / "a.png"]))
    (only,) = pictures.describe()
    assert only == {"id": "p0", "name": "a.png", "kind": "given", "truths": []}
    np.testing.assert_array_equal(pictures.image("p0"), picture())
    assert pictures.image("p0", (20, 30)).shape == (20, 30, 3)
    assert pictures.truths("p0") == {}
    for word in ("p1", "a.png", str(tmp_path / "a.png"), "../a.png"):
        with pytest.raises(NoSuchError):
            pictures.image(word)


def test_samples_have_truths() -> None:
    dataset = open_dataset(
        "synthetic", path=None, split="val", target=frozenset({"labels", "depth"}), num_images=2, height=32, width=48
    )
    pictures = Pictures(given_samples(dataset, 1))
    (only,) = pictures.describe()
    assert only["truths"] == ["depth", "labels"]
    assert pictures.truths("p0")["depth"].shape == (32, 48)
    given = pictures.given("p0")
    assert given is not None
    assert given.class_names[0] == "road"
    assert given.path is None


def test_dropped_pictures_go_when_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT_BYTES", 2 * 40 * 60 * 3)
    monkeypatch.setattr(module, "_AT_HAND", 1)
    pictures = Pictures([])
    ids = [pictures.drop(png(seed), f"folder/{seed}.png")["id"] for seed in range(2)]
    assert [one["name"] for one in pictures.describe()] == ["0.png", "1.png"]
    pictures.image(ids[0])
    ids.append(pictures.drop(png(2), "")["id"])
    with pytest.raises(GonePictureError, match="drop it again"):
        pictures.image(ids[1])
    np.testing.assert_array_equal(pictures.image(ids[0]), picture(0))
    np.testing.assert_array_equal(pictures.image(ids[2]), picture(2))
    assert pictures.name(ids[2]) == "dropped"


def test_what_is_at_hand_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT_BYTES", 2 * 40 * 60 * 3)
    monkeypatch.setattr(module, "_AT_HAND_BYTES", 2 * 20 * 30 * 3)
    pictures = Pictures([GivenPicture("large", lambda: (picture(9, (80, 90)), {}))])
    assert pictures.image("p0").shape == (80, 90, 3), "one is, however large"
    for seed in range(5):
        key = pictures.drop(png(seed), "a.png")["id"]
        pictures.image(key)
        assert pictures.image(key, (20, 30)).shape == (20, 30, 3)
    at_hand = pictures._read
    assert [key for key, _ in at_hand] == ["p4", "p5"], "those that are gone are not"
    assert sum(image.nbytes for image in at_hand.values()) <= module._AT_HAND_BYTES


@pytest.mark.parametrize(
    ("data", "sentence"),
    [(b"", "is empty"), (b"GIF89a" + bytes(40), "no picture"), (png()[:-20], "truncated"), (b"no", "no picture")],
)
def test_what_is_no_picture_is_one_sentence(data: bytes, sentence: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DataError, match=sentence) as caught:
        Pictures([]).drop(data, "x.png")
    if data:  # a decoder may have printed something: the terminal says of what
        assert str(caught.value) in caplog.text


def test_what_is_too_large_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PIXELS", 40 * 60 - 1)
    with pytest.raises(DataError, match="more than 2399 pixels"):
        Pictures([]).drop(png(), "x.png")
