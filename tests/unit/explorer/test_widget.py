"""The explorer in a notebook: questions come as messages, answers go as messages."""

import json
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError
from PIL import Image

from segdepth.core.errors import InputError, SegdepthError
from segdepth.explorer.container import unpack
from segdepth.explorer.widget import Widget
from segdepth.networks import save_network
from segdepth.saliency import Explainer

from .streets import SIZE, picture, png, tiny

#: Seconds; nothing takes so long.
LONG = 120


class Notebook:
    """Speaks with a widget as a notebook does."""

    def __init__(self, widget: Widget, monkeypatch: pytest.MonkeyPatch) -> None:
        self.widget = widget
        self.sent: queue.Queue[tuple[dict[str, Any], list[bytes]]] = queue.Queue()
        monkeypatch.setattr(widget, "send", lambda content, buffers: self.sent.put((content, buffers)))

    def tell(self, number: str, path: str, *buffers: bytes, **params: str) -> None:
        content = {"id": number, "path": f"api/{path}", "params": params}
        message = {
            "content": {"data": {"method": "custom", "content": content}},
            "buffers": [memoryview(b) for b in buffers],
        }
        self.widget._handle_msg(message)

    def ask(self, path: str, *buffers: bytes, **params: str) -> tuple[dict[str, Any], bytes]:
        self.tell("7", path, *buffers, **params)
        content, (body,) = self.sent.get(timeout=LONG)
        assert content["id"] == "7"
        return content, body


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    widget = Widget([tiny("seg"), tiny("depth")], picture(1, SIZE), height=500)
    yield Notebook(widget, monkeypatch)
    widget.close()


def test_a_map_is_that_of_the_explainer(notebook: Notebook) -> None:
    said, body = notebook.ask("map", picture="p0", network="n1", row="10", column="20")
    assert (said["status"], said["type"]) == (200, "application/octet-stream")
    head, arrays = unpack(body)
    net = tiny("depth")
    x = net.preprocessing(torch.from_numpy(picture(1, SIZE)).permute(2, 0, 1)[None])[0]
    np.testing.assert_array_equal(arrays["map"], Explainer(net).at(x).maps([(10, 20)])[0].numpy())
    assert (head["row"], head["column"], head["exact"]) == (10, 20, True)


def test_a_session_of_objects_has_no_code_to_copy(notebook: Notebook) -> None:
    session = json.loads(notebook.ask("session")[1])
    assert [one["name"] for one in session["networks"]] == ["segnet seg", "segnet depth"]
    assert session["pictures"][0]["name"] == "picture 1"
    assert (session["can"]["code"], session["can"]["drop"]) == (False, True)
    said, body = notebook.ask("code", picture="p0", network="n0", row="1", column="1")
    assert said["status"] == 400
    assert "given as an object" in json.loads(body)["error"]


def test_a_picture_is_dropped_as_a_buffer(notebook: Notebook) -> None:
    said, body = notebook.ask("pictures", png(), name="mine.png")
    assert said["status"] == 200
    assert json.loads(body)["picture"]["name"] == "mine.png"
    said, body = notebook.ask("pictures", b"no picture", name="mine.png")
    assert said["status"] == 400


def test_answers_find_their_questions(notebook: Notebook) -> None:
    for number in range(6):
        notebook.tell(str(number), "map", picture="p0", network=f"n{number % 2}", row=str(number), column="3")
    for _ in range(6):
        content, (body,) = notebook.sent.get(timeout=LONG)
        assert unpack(body)[0]["row"] == int(content["id"])


def test_the_front_is_one_module_that_shows_itself_where_it_is_told_to(notebook: Notebook) -> None:
    assert notebook.widget._esm.endswith("export default { render: renderWidget };\n")
    assert "import {" not in notebook.widget._esm
    assert ".explorer {" in notebook.widget._css
    assert notebook.widget.height == 500


def test_networks_and_pictures_are_named_in_any_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_network(tiny("seg"), tmp_path / "net.safetensors")
    (tmp_path / "street.png").write_bytes(png())
    images = [tmp_path / "street.png", Image.fromarray(picture(1)), picture(2)]
    notebook = Notebook(Widget(tmp_path / "net.safetensors", images), monkeypatch)
    session = json.loads(notebook.ask("session")[1])
    assert [one["name"] for one in session["pictures"]] == ["street.png", "picture 2", "picture 3"]
    assert session["can"]["code"] is True
    _, body = notebook.ask("picture", picture="p1")
    np.testing.assert_array_equal(unpack(body)[1]["image"], picture(1))
    notebook.widget.close()


@pytest.mark.parametrize(
    ("nets", "image", "words"),
    [
        ([], picture(), "one to 4 networks, not 0"),
        (["x"] * 5, picture(), "one to 4 networks, not 5"),
        (["runs/x"], [], "give a picture"),
        (["/nowhere/net.safetensors"], picture(), "/nowhere/net.safetensors"),
    ],
    ids=["none", "five", "no picture", "missing"],
)
def test_mistakes_are_one_sentence(nets: Any, image: Any, words: str) -> None:
    with pytest.raises(SegdepthError, match=words) as caught:
        Widget(nets, image)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, InputError) or "nowhere" in words


@pytest.mark.parametrize(
    ("nets", "image", "words"),
    [
        ([torch.nn.Conv2d(3, 1, 1)], picture(), "not a Conv2d; wrap a module|Conv2d"),
        (3, picture(), "not a int|Actual value: 3"),
        (["runs/x"], np.zeros((4, 5)), "RGB uint8|f64|typechecking parameter 'image'"),
    ],
    ids=["module", "number", "floats"],
)
def test_what_is_of_another_type_is_refused(nets: Any, image: Any, words: str) -> None:
    with pytest.raises((InputError, TypeCheckError), match=words):  # the latter where types are checked as well
        Widget(nets, image)
