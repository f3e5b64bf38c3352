"""The protocol, through replies: every path, its refusals, what is superseded, what is known already."""

import base64
import json
import os
import signal
import threading
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segdepth.core.errors import InputError, SegdepthError
from segdepth.drawing import write_png
from segdepth.executing import LocalActor
from segdepth.explorer import explorer as module
from segdepth.explorer.desk import Desk
from segdepth.explorer.explorer import Explorer, ServedNetwork
from segdepth.explorer.looks import Look
from segdepth.explorer.maps import FoundMap
from segdepth.explorer.pictures import Pictures, given_files
from segdepth.geometry.resize import resize_image
from segdepth.saliency import Explainer

from .streets import NAMES, SIZE, HereActor, ask, container, explorer_of, picture, pictures, png, tiny

HERE = {"picture": "p0", "network": "n0", "row": 10, "column": 20}


@pytest.fixture(scope="module")
def both() -> Explorer:
    return explorer_of("seg", "depth")


def error(reply: Any) -> tuple[int, str]:
    return reply.status, json.loads(reply.body)["error"]


# what is answered


def test_a_session_says_what_there_is(both: Explorer) -> None:
    said = json.loads(ask(both, "session").body)
    assert [one["id"] for one in said["networks"]] == ["n0", "n1"]
    assert [one["name"] for one in said["networks"]] == ["segnet seg", "segnet depth"]
    assert said["networks"][0].keys() == {
        "id", "name", "arch", "task", "source", "explained", "targets", "size", "classes", "models", "patch",
    }  # fmt: skip
    assert said["pictures"][0] == {"id": "p0", "name": "street", "kind": "given", "truths": ["depth", "labels"]}
    assert len(base64.b64decode(said["colour_maps"]["inferno"])) == 768
    assert said["can"]["study"] is False
    assert {one["value"] for one in said["methods"]} >= {"gradient", "smoothgrad"}
    assert said["limits"].keys() == {"bytes", "networks", "pixels"}


def test_networks_of_one_name_are_told_apart() -> None:
    explorer = explorer_of("seg", "seg")
    names = [one["name"] for one in json.loads(ask(explorer, "session").body)["networks"]]
    assert names == ["segnet seg (seg)", "segnet seg (seg)"] or len(set(names)) == 2


def test_a_picture_has_its_own_size(both: Explorer) -> None:
    head, arrays = container(ask(both, "picture", picture="p0"))
    assert (head["name"], head["size"]) == ("street", [40, 60])
    np.testing.assert_array_equal(arrays["image"], picture())


def test_answers_stand_beside_their_truth_at_the_networks_size(both: Explorer) -> None:
    head, arrays = container(ask(both, "answer", picture="p0", network="n0"))
    assert (head["picture"], head["network"], head["model"], head["size"]) == ("p0", "n0", "trained", [*SIZE])
    assert head["truth"]["names"] == list(NAMES)
    assert (arrays["truth"] == 1).all()
    assert arrays["truth"].shape == SIZE
    head, arrays = container(ask(both, "answer", picture="p1", network="n1", model="random"))
    assert (head["model"], head["truth"]) == ("random", None)
    assert arrays["answer"].dtype == np.float32


@pytest.mark.parametrize(("network", "task"), [("n0", "seg"), ("n1", "depth")])
def test_a_map_is_that_of_the_explainer(both: Explorer, network: str, task: str) -> None:
    head, arrays = container(ask(both, "map", **{**HERE, "network": network}))
    net = tiny(task)
    image = resize_image(picture(), SIZE)
    at = Explainer(net).at(net.preprocessing(torch.from_numpy(image).permute(2, 0, 1)[None])[0])
    assert arrays["map"].tobytes() == at.maps([(10, 20)])[0].numpy().tobytes()
    assert (head["row"], head["column"], head["asked"], head["exact"]) == (10, 20, [10, 20], True)
    assert head["region"] is None
    assert head["value"] == float(at.values([(10, 20)])[0])
    assert head["engine"] == at.engine_for(1)


def test_a_known_map_costs_nothing(both: Explorer) -> None:
    actor = both._networks["n0"].actor
    first = ask(both, "map", **{**HERE, "row": 11})
    asked = len(actor.asked)  # type: ignore[attr-defined]
    assert ask(both, "map", **{**HERE, "row": 11}).body == first.body
    assert len(actor.asked) == asked  # type: ignore[attr-defined]


def test_the_nearest_known_map_is_named_as_such() -> None:
    explorer = explorer_of("seg")
    assert ask(explorer, "map", **HERE, exact=0).status == 204
    exact, arrays = container(ask(explorer, "map", **HERE))
    near, same = container(ask(explorer, "map", **{**HERE, "row": 12}, exact=0))
    assert (near["exact"], near["asked"], near["row"], near["column"]) == (False, [12, 20], 10, 20)
    np.testing.assert_array_equal(same["map"], arrays["map"])
    head, _ = container(ask(explorer, "map", **HERE, exact=0))
    assert (head["exact"], head["asked"]) == (True, exact["asked"])
    assert ask(explorer, "map", picture="p0", network="n0", region="1,1,4,4", exact=0).status == 204


def test_a_region_has_a_map(both: Explorer) -> None:
    head, arrays = container(ask(both, "map", picture="p0", network="n1", region="4,6,12,20", target="log_depth"))
    assert (head["region"], head["asked"], head["exact"]) == ([4, 6, 12, 20], [7, 12], True)
    assert arrays["map"].shape == SIZE
    assert container(ask(both, "map", picture="p0", network="n1", region="4,6,12,20", target="log_depth", exact=0))


def test_what_is_computed_is_said() -> None:
    explorer = explorer_of("seg")
    ask(explorer, "map", **HERE)
    said = json.loads(ask(explorer, "computed", picture="p0", network="n0").body)
    assert said["pixels"] == [[10, 20]]
    assert 80 < said["planned"] < 120


def test_fields_and_edges(both: Explorer) -> None:
    fields = json.loads(ask(both, "fields", **HERE).body)
    assert fields.keys() == {"theoretical", "effective"}
    _, arrays = container(ask(both, "edges", picture="p0", network="n0"))
    assert arrays["map"].shape == SIZE


def test_a_masked_picture_is_a_picture_like_any_other(both: Explorer) -> None:
    one = json.loads(ask(both, "masked", **HERE, action="delete", share="0.1").body)["picture"]
    assert (one["kind"], one["name"]) == ("masked", "street without its most salient 10 %")
    head, arrays = container(ask(both, "picture", picture=one["id"]))
    assert head["size"] == [*SIZE]
    changed = (arrays["image"] != resize_image(picture(), SIZE)).any(-1)
    assert 0.08 < changed.mean() <= 0.101
    assert one["truths"] == ["depth", "labels"]
    head, arrays = container(ask(both, "answer", picture=one["id"], network="n1"))
    assert (arrays["truth"] == 7.5).all(), "that of the picture that it was made of"
    again = json.loads(ask(both, "masked", **{**HERE, "picture": one["id"]}).body)["picture"]
    assert both._pictures.original(again["id"]) == "p0"


def test_a_dropped_picture_is_a_picture_like_any_other(both: Explorer) -> None:
    one = json.loads(ask(both, "pictures", png(5), name="mine.png").body)["picture"]
    assert (one["kind"], one["name"]) == ("dropped", "mine.png")
    _, arrays = container(ask(both, "picture", picture=one["id"]))
    np.testing.assert_array_equal(arrays["image"], picture(5))


def test_code_is_given(tmp_path: Path) -> None:
    write_png(tmp_path / "street.png", picture())
    explorer = explorer_of("seg", pictures=Pictures(given_files([tmp_path / "street.png"])))
    said = json.loads(ask(explorer, "code", **HERE).body)
    assert str(tmp_path / "street.png") in said["python"]
    assert "--pixel 10 20" in said["command"]


def test_a_network_of_any_size_sees_large_pictures_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segdepth.explorer.explorer._MOST_SEEN", 2000)
    for name, size in (("large", (80, 100)), ("small", (40, 50))):
        write_png(tmp_path / f"{name}.png", picture(size=size))
    paths = [tmp_path / "large.png", tmp_path / "small.png"]
    served = ServedNetwork(HereActor(lambda: Desk(lambda: tiny("seg", None))), "runs/any")
    explorer = Explorer([served], Pictures(given_files(paths)), ahead=False)
    head, _ = container(ask(explorer, "answer", picture="p0", network="n0"))
    assert head["size"] == [40, 50]
    command = json.loads(ask(explorer, "code", **HERE).body)["command"]
    assert command.endswith("--height 40 --width 50")
    command = json.loads(ask(explorer, "code", **{**HERE, "picture": "p1"}).body)["command"]
    assert "--height" not in command, "this one is seen as it is"


def test_without_a_study_there_is_none(both: Explorer) -> None:
    assert ask(both, "study", network="n0").status == 204


# what is refused


@pytest.mark.parametrize(
    ("path", "params", "status", "sentence"),
    [
        ("nothing", {}, 404, "there is no 'api/nothing'"),
        ("map", {**HERE, "picture": "p99"}, 404, "there is no picture"),
        ("map", {**HERE, "picture": "/etc/passwd"}, 404, "there is no picture"),
        ("map", {**HERE, "network": "n9"}, 404, "there is no network"),
        ("map", {**HERE, "row": 32}, 400, "row must be 0..31, column 0..47"),
        ("map", {**HERE, "row": -1}, 400, "outside"),
        ("map", {**HERE, "target": "rood"}, 400, "did you mean 'road'"),
        ("map", {**HERE, "target": "log_depth"}, 400, "one output channel"),
        ("map", {"picture": "p0", "network": "n0", "region": "4,6,40,20"}, 400, "not inside the 32x48 picture"),
        ("map", {"picture": "p0", "network": "n0", "region": "4,6,4,20"}, 400, "not inside"),
        ("map", {"picture": "p0", "network": "n0"}, 400, "does not say row="),
        ("map", {**HERE, "exact": "yes"}, 400, "exact="),
        ("fields", {**HERE, "column": 48}, 400, "outside"),
        ("masked", {**HERE, "share": 2}, 400, "share="),
        ("answer", {"picture": "p0", "network": "n0", "model": "best"}, 400, "model="),
        ("pictures", {"name": "x.png"}, 400, "x.png is empty"),
        ("study", {"network": "n9"}, 404, "no network"),
        ("computed", {"picture": "p9", "network": "n0"}, 404, "no picture"),
    ],
)
def test_mistakes_are_one_sentence(
    both: Explorer, path: str, params: dict[str, Any], status: int, sentence: str
) -> None:
    found, words = error(ask(both, path, **params))
    assert (found, sentence in words) == (status, True), words


def test_what_is_too_large_or_gone_is_said(both: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    assert error(ask(both, "pictures", png()))[0] == 413
    monkeypatch.undo()
    monkeypatch.setattr("segdepth.explorer.pictures._KEPT_BYTES", 1)
    key = json.loads(ask(both, "pictures", png()).body)["picture"]["id"]
    ask(both, "pictures", png(1))
    assert error(ask(both, "picture", picture=key))[0] == 410


def test_a_bug_of_ours_is_no_traceback_to_others(both: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(both._pictures, "image", lambda *_: 1 / 0)
    status, words = error(ask(both, "picture", picture="p0"))
    assert status == 500
    assert "division" not in words


def test_closing_lets_every_network_go() -> None:
    explorer = explorer_of("seg")
    explorer.close()
    assert explorer._networks["n0"].actor.closed  # type: ignore[attr-defined]


def test_networks_are_let_go_where_a_start_fails(tmp_path: Path) -> None:
    def missing() -> None:
        raise InputError("there is no such network")

    actors = [HereActor(lambda: Desk(lambda: tiny("seg"))) for _ in range(2)]
    actors[1].object.describe = missing
    with pytest.raises(InputError, match="no such network"):
        Explorer([ServedNetwork(actor, "x") for actor in actors], pictures())
    assert all(actor.closed for actor in actors)
    actor = HereActor(lambda: Desk(lambda: tiny("seg")))
    with pytest.raises(SegdepthError, match="holds no study"):
        Explorer([ServedNetwork(actor, "x")], pictures(), studies=[tmp_path])
    assert actor.closed


# several at once, in processes


class SlowDesk:
    """Answers like a desk, without torch; maps below row 5 wait until somebody writes into a pipe."""

    def __init__(self, pipe: Path) -> None:
        self.pipe = pipe
        self.maps_made = 0

    def describe(self) -> dict[str, Any]:
        return {
            "arch": "none", "task": "seg", "answers": "labels", "explained": "predicted", "targets": [], "size": list(SIZE),
            "classes": [], "models": ["trained"], "patch": None,
        }  # fmt: skip

    def maps(self, look: Look, places: list[Any], target: str, method: str) -> list[FoundMap]:
        if places[0][0] < 5:
            self.pipe.read_text()
        self.maps_made += len(places)
        facts = {
            "text": "",
            "value": 0.0,
            "peak": 0.0,
            "zero": True,
            "statistics": {},
            "engine": "",
            "ms": self.maps_made,
        }
        return [FoundMap(facts, np.full(SIZE, place[0], np.float32)) for place in places]

    def fields(self, look: Look, pixel: tuple[int, int]) -> dict[str, int]:
        return {"pid": os.getpid()}


class Making:
    """Makes one, in whatever process."""

    def __init__(self, pipe: Path) -> None:
        self.pipe = pipe

    def __call__(self) -> SlowDesk:
        return SlowDesk(self.pipe)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[tuple[Explorer, Path]]:
    os.mkfifo(tmp_path / "pipe")
    explorer = Explorer(
        [ServedNetwork(LocalActor(Making(tmp_path / "pipe"), "a slow one"), "slow")], pictures(), ahead=False
    )
    yield explorer, tmp_path / "pipe"
    explorer.close()


def test_of_many_moves_one_waits_at_most(slow: tuple[Explorer, Path]) -> None:
    explorer, pipe = slow
    actor = explorer._networks["n0"].actor
    assert isinstance(actor, LocalActor)
    with ThreadPoolExecutor(64) as threads:
        first = threads.submit(ask, explorer, "map", **{**HERE, "row": 0}, client="me")
        with pipe.open("w"):  # the worker is inside the first one
            moves = [
                threads.submit(ask, explorer, "map", **{**HERE, "row": 8 + k % 24, "column": k}, client="me")
                for k in range(40)
            ]
            other = threads.submit(ask, explorer, "map", **{**HERE, "row": 31, "column": 1}, client="another")
            superseded = [moves_end for moves_end in moves if _ends(moves_end)]
            while len(superseded) < 39:
                superseded = [one for one in moves if _ends(one)]
            assert len(actor._waiting) <= 2
        replies = [one.result(60) for one in moves]
    assert sorted(reply.status for reply in replies) == [200, *[409] * 39]
    assert {error(reply)[1] for reply in replies if reply.status == 409} == {"superseded"}
    assert (first.result(60).status, other.result(60).status) == (200, 200)
    head, _ = container(ask(explorer, "map", **{**HERE, "row": 30, "column": 47}))
    assert head["ms"] == 4  # as many maps as were made: what was superseded has cost nothing


def _ends(answer: "Future[Any]") -> bool:
    try:
        answer.result(0.05)
    except TimeoutError:
        return False
    return True


def test_a_worker_that_is_killed_is_started_again(slow: tuple[Explorer, Path]) -> None:
    explorer, pipe = slow
    pid = json.loads(ask(explorer, "fields", **HERE).body)["pid"]
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(ask, explorer, "map", **{**HERE, "row": 0})
        with pipe.open("w"):
            os.kill(pid, signal.SIGKILL)
            status, words = error(asked.result(60))
    assert (status, "ended from outside" in words) == (503, True)
    assert container(ask(explorer, "map", **HERE))
    assert json.loads(ask(explorer, "fields", **HERE).body)["pid"] != pid


# what is computed ahead


class Noted(HereActor):
    """Tells when so many maps were asked for."""

    def __init__(self, make: Callable[[], Any], enough: int) -> None:
        super().__init__(make)
        self.enough = enough
        self.reached = threading.Event()

    def ask(
        self, method: str, *args: Any, urgency: int = 0, topic: Hashable | None = None, **options: Any
    ) -> Future[Any]:
        answer = super().ask(method, *args, urgency=urgency, topic=topic, **options)
        if sum(asked[0] == "maps" for asked in self.asked) >= self.enough:
            self.reached.set()
        return answer


def test_maps_are_computed_ahead_once_a_picture_is_open(tmp_path: Path) -> None:
    actor = Noted(lambda: AnsweringDesk(tmp_path), 8)
    explorer = Explorer([ServedNetwork(actor, "here")], pictures())
    try:
        assert container(ask(explorer, "answer", picture="p0", network="n0"))
        assert actor.reached.wait(60)
    finally:
        explorer.close()
    assert {asked[1] for asked in actor.asked if asked[0] == "maps"} == {2}
    near, _ = container(ask(explorer, "map", **HERE, exact=0))
    assert not near["exact"]
    assert len(json.loads(ask(explorer, "computed", picture="p0", network="n0").body)["pixels"]) >= 80


class AnsweringDesk(SlowDesk):
    """With answers, and without waiting."""

    def answer(self, look: Look, truth: object, like: object) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {}

    def maps(self, look: Look, places: list[Any], target: str, method: str) -> list[FoundMap]:
        found = super().maps(look, [(9, 9)] * len(places), target, method)
        return [replace(one, facts={**one.facts, "ms": 100 / len(places)}) for one in found]  # many cost what one does


def test_whoever_has_a_map_says_where_the_next_ones_are_wanted() -> None:
    explorer = explorer_of("seg")
    assert ask(explorer, "point", **HERE, client="me").status == 204
    assert explorer._ahead["n0"]._pointer == (10, 20)
    assert not explorer._networks["n0"].actor.asked[1:], "nothing is computed for it"  # type: ignore[attr-defined]
    assert error(ask(explorer, "point", **{**HERE, "row": 99}))[0] == 400


def test_of_one_reader_who_leafs_through_pictures_one_answer_waits_at_most() -> None:
    explorer = explorer_of("seg")
    for picture_id in ("p0", "p1"):
        ask(explorer, "answer", picture=picture_id, network="n0", client="me")
    asked = explorer._networks["n0"].actor.asked  # type: ignore[attr-defined]
    assert [topic for method, _, topic in asked if method == "answer"] == [("me", "n0", "answer")] * 2


def test_few_points_are_planned_where_memory_is_small() -> None:
    explorer = explorer_of("seg", memory=40 * SIZE[0] * SIZE[1] * 4)
    assert json.loads(ask(explorer, "computed", picture="p0", network="n0").body)["planned"] <= 24
