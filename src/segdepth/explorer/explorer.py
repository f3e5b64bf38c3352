"""What is asked, and what is answered, whoever carries the words: a server, a notebook."""

import base64
import json
import logging
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from numpy import ndarray

from segdepth.core.errors import InputError, SegdepthError
from segdepth.core.tables import did_you_mean
from segdepth.drawing import ColourMap, colour_map
from segdepth.executing import Actor, ActorError, GaveWayError
from segdepth.geometry.regions import Place, Region
from segdepth.kinds import KINDS

from .ahead import Ahead, Block, coarse_grid
from .code import Said, Subject, as_command, as_python
from .container import pack
from .limits import MOST_BYTES, MOST_NETWORKS, MOST_PIXELS
from .looks import Look, TruthLook
from .maps import FoundMap, MapCache
from .pictures import GonePictureError, Pictures
from .questions import (
    ACTIONS,
    METHODS,
    MODELS,
    NoSuchError,
    Question,
    choice,
    read_masked,
    read_question,
    whole,
    word,
)
from .study import read_studies

__all__ = ["MEMORY", "Explorer", "Reply", "Request", "ServedNetwork"]

log = logging.getLogger(__name__)

#: Bytes of maps that are kept, where nothing else is said.
MEMORY = 512 << 20

#: Points of the coarse grid of a picture, where memory allows it.
_POINTS, _FEWEST_POINTS = 100, 4

#: Pixels at which a network that takes pictures of any size sees one at most; memory and time of its maps grow with them.
_MOST_SEEN = 1 << 19

#: Facts of a network that a session does not say.
_OURS = frozenset({"answers", "device"})

_JSON, _CONTAINER = "application/json", "application/octet-stream"


@dataclass(frozen=True)
class Request:
    """What somebody asks.

    Attributes:
        path: below the page, such as ``api/map``.
        params: the words behind it.
        body: bytes that came along.
    """

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Reply:
    """What is answered.

    Attributes:
        status: as HTTP counts it.
        type: of the body.
        body: JSON or a container.
    """

    status: int
    type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class ServedNetwork:
    """A network that can be asked.

    Attributes:
        actor: keeps a :class:`~.desk.Desk`.
        source: as the user named it; None: it was given as an object, which has no name.
        said: of it, besides.
    """

    actor: Actor
    source: str | None
    said: Said = field(default_factory=Said)


class Explorer:
    """Answers requests; several threads may ask at once.

    Args:
        networks: that are shown; let go by :meth:`close`, and where this fails.
        pictures: that may be looked at.
        memory: bytes of maps that are kept.
        studies: folders of studies of these networks.
        ahead: whether maps are computed before anybody asks.

    Raises:
        SegdepthError: if a network cannot be had, or a study is of none of them.
    """

    def __init__(
        self, networks: Sequence[ServedNetwork], pictures: Pictures, *, memory: int = MEMORY,
        studies: Sequence[Path] = (), ahead: bool = True,
    ) -> None:  # fmt: skip
        self._networks = {f"n{number}": network for number, network in enumerate(networks)}
        self._pictures = pictures
        self._memory = memory
        self._cache = MapCache(memory)
        try:
            self._facts = self._ask_facts()
            self._session = self._describe()
            self._studies = read_studies(studies, self._session["networks"])
        except BaseException:
            self._let_go()
            raise
        self._ahead = {key: Ahead(self._cache.pixels, self._compute) for key in self._networks}
        self._paths: dict[str, Callable[[Request], Reply]] = {
            "api/session": self._on_session,
            "api/pictures": self._on_pictures,
            "api/picture": self._on_picture,
            "api/answer": self._on_answer,
            "api/map": self._on_map,
            "api/point": self._on_point,
            "api/computed": self._on_computed,
            "api/fields": self._on_fields,
            "api/edges": self._on_edges,
            "api/masked": self._on_masked,
            "api/study": self._on_study,
            "api/code": self._on_code,
        }
        if ahead:
            for one in self._ahead.values():
                one.start()

    def reply(self, request: Request) -> Reply:
        """Answer a request; blocks until there is an answer, or a newer request took its place."""
        try:
            if request.path not in self._paths:
                raise NoSuchError(f"there is no {request.path[:80]!r} {did_you_mean(request.path, self._paths)}")
            return self._paths[request.path](request)
        except CancelledError:
            return _refusal(409, "superseded")
        except NoSuchError as error:
            return _refusal(404, str(error))
        except GonePictureError as error:
            return _refusal(410, str(error))
        except ActorError as error:
            return _refusal(503, str(error))
        except SegdepthError as error:
            return _refusal(400, str(error))
        except Exception:
            log.exception("explorer: %s %s", request.path, dict(request.params))
            return _refusal(500, "something went wrong that should not; the terminal says what")

    def maps(
        self, series: Hashable, places: Sequence[Place], urgency: int = 0, topic: Hashable | None = None
    ) -> list[FoundMap]:
        """The maps of several pixels, or of a region, computed together and kept.

        Args:
            series: what they share: :attr:`~.questions.Question.series`.
            places: row and column of each; or one region.
            urgency: 0 is the most urgent.
            topic: of what a newer question takes the place; None: of nothing.

        Raises:
            SegdepthError: if there is no such network or picture, or nothing like this can be explained.
            CancelledError: if the network is let go meanwhile, or a newer question took the place.
        """
        assert isinstance(series, tuple)
        picture, network, model, target, method = series
        look = self._look(picture, network, model)
        actor = self._network(network).actor
        asked = actor.ask("maps", look, list(places), target, method, urgency=urgency, topic=topic)
        found: list[FoundMap] = asked.result()
        for place, one in zip(places, found, strict=True):
            self._cache.add(series, place, one)
        self._ahead[network].took(series, len(found), sum(one.facts["ms"] for one in found))
        return found

    def close(self) -> None:
        """Let all networks go, at once; requests that wait are answered that they were superseded."""
        self._let_go()
        for one in self._ahead.values():
            one.close()

    def _let_go(self) -> None:
        for network in self._networks.values():
            network.actor.close()

    # the session

    def _ask_facts(self) -> dict[str, dict[str, Any]]:
        """What each network says of itself; all are loaded at once."""
        asked = {key: network.actor.ask("describe") for key, network in self._networks.items()}
        return {key: answer.result() for key, answer in asked.items()}

    def _describe(self) -> dict[str, Any]:
        names = [f"{facts['arch']} {facts['task']}" for facts in self._facts.values()]
        networks = []
        for (key, facts), name in zip(self._facts.items(), names, strict=True):
            source = self._networks[key].source
            which = key if source is None else Path(source).name
            shown = name if names.count(name) == 1 else f"{name} ({which})"
            networks.append(
                {"id": key, "name": shown, "source": source or ""} | {k: v for k, v in facts.items() if k not in _OURS}
            )
        return {
            "networks": networks,
            "methods": [{"value": value, "text": text} for value, text in METHODS.items()],
            "colour_maps": {
                name: base64.b64encode(colour_map(name).tobytes()).decode() for name in get_args(ColourMap)
            },
            "limits": {"bytes": MOST_BYTES, "networks": MOST_NETWORKS, "pixels": MOST_PIXELS},
        }

    def _on_session(self, request: Request) -> Reply:
        del request
        always = dict.fromkeys(("drop", "mask", "random", "fields", "edges"), True)
        code = any(network.source is not None for network in self._networks.values())
        can = {**always, "study": bool(self._studies), "code": code}
        return _json({**self._session, "pictures": self._pictures.describe(), "can": can})

    # pictures

    def _on_pictures(self, request: Request) -> Reply:
        if len(request.body) > MOST_BYTES:
            return _refusal(413, f"the picture has more than {MOST_BYTES >> 20} MiB")
        return _json({"picture": self._pictures.drop(request.body, request.params.get("name", ""))})

    def _on_picture(self, request: Request) -> Reply:
        key = word(request.params, "picture")
        image = self._pictures.image(key)
        return _container({"name": self._pictures.name(key), "size": list(image.shape[:2])}, {"image": image})

    # answers and maps

    def _on_answer(self, request: Request) -> Reply:
        picture, network = word(request.params, "picture"), word(request.params, "network")
        model = choice(request.params, "model", MODELS, "trained")
        look, original = self._look(picture, network, model), self._pictures.original(picture)
        truth = self._truth(original, network, look)
        like = None if original == picture else self._look(original, network, model)
        topic = self._topic(request, network, "answer")
        head, arrays = self._network(network).actor.ask("answer", look, truth, like, topic=topic).result()
        if not self._ahead[network].belongs(picture, network, model):
            self._open(Question(picture, network, model, "predicted", "gradient", (0, 0)), look)
        return _container({"picture": picture, "network": network, "model": model, **head}, arrays)

    def _on_map(self, request: Request) -> Reply:
        question = read_question(request.params)
        exact = choice(request.params, "exact", ("1", "0"), "1") == "1"
        look = self._checked(question)
        found, place = self._cache.find(question.series, question.place), question.place
        if found is None and not exact:
            near = None if isinstance(place, Region) else self._cache.nearest(question.series, place)
            if near is None:
                return Reply(204, _JSON, b"")
            place, found = near
        self._point(question, look)
        if found is None:
            with self._ahead[question.network].resting():
                (found,) = self.maps(question.series, [place], topic=self._topic(request, question.network, "map"))
        said = {**question.head(), "asked": list(question.pixel), "exact": place == question.place}
        if not isinstance(place, Region):
            said["row"], said["column"] = place
        return _container({**said, **found.facts}, {"map": found.map})

    def _on_point(self, request: Request) -> Reply:
        """Whoever has the map already says where the next ones are wanted."""
        question = read_question(request.params)
        self._point(question, self._checked(question))
        return Reply(204, _JSON, b"")

    def _point(self, question: Question, look: Look) -> None:
        """Work ahead pauses, and goes on around this place."""
        if not isinstance(question.place, Region):
            self._open(question, look)
            self._ahead[question.network].point(question.series, question.place)

    def _on_computed(self, request: Request) -> Reply:
        question = read_question({**request.params, "row": "0", "column": "0", "region": ""})
        look = self._look(question.picture, question.network, question.model)
        size = look.image.shape[0], look.image.shape[1]
        planned = len(coarse_grid(size, self._points(size)))
        return _json({"pixels": self._cache.pixels(question.series), "planned": planned})

    def _on_fields(self, request: Request) -> Reply:
        picture, network = word(request.params, "picture"), word(request.params, "network")
        look = self._look(picture, network, choice(request.params, "model", MODELS, "trained"))
        pixel = whole(request.params, "row"), whole(request.params, "column")
        _check_place(pixel, look)
        topic = self._topic(request, network, "fields")
        return _json(self._network(network).actor.ask("fields", look, pixel, urgency=0, topic=topic).result())

    def _on_edges(self, request: Request) -> Reply:
        network = word(request.params, "network")
        look = self._look(word(request.params, "picture"), network, MODELS[0])
        return _container({}, {"map": self._network(network).actor.ask("edges", look.image).result()})

    def _on_masked(self, request: Request) -> Reply:
        asked = read_masked(request.params)
        question = asked.map
        look = self._checked(question)
        image = (
            self._network(question.network)
            .actor.ask(
                "masked",
                look,
                question.place,
                question.target,
                question.method,
                asked.share,
                keep=asked.action == "keep",
            )
            .result()
        )
        name = f"{self._pictures.name(question.picture)} {ACTIONS[asked.action]} {100 * asked.share:.3g} %"
        return _json({"picture": self._pictures.add(image, name, "masked", question.picture)})

    # beside the maps

    def _on_study(self, request: Request) -> Reply:
        network = word(request.params, "network")
        self._network(network)
        return _json(self._studies[network]) if network in self._studies else Reply(204, _JSON, b"")

    def _on_code(self, request: Request) -> Reply:
        question = read_question(request.params)
        look, network, facts = self._checked(question), self._network(question.network), self._facts[question.network]
        if network.source is None:
            raise InputError("this network was given as an object: no command and no file names it")
        given = self._pictures.given(question.picture)
        path = None if given is None else given.path
        smaller = facts["size"] is None and self._size(question.picture, question.network) is not None
        asked = Subject(
            network.source, facts["task"], facts["device"], network.said,
            self._pictures.name(question.picture) if path is None else str(path), path is not None,
            (look.image.shape[0], look.image.shape[1]), network.said.sized or smaller,
        )  # fmt: skip
        return _json({"python": as_python(question, asked), "command": as_command(question, asked)})

    # what all of them need

    def _network(self, key: str) -> ServedNetwork:
        if key not in self._networks:
            raise NoSuchError(f"there is no network {key[:80]!r} {did_you_mean(key, self._networks)}")
        return self._networks[key]

    def _look(self, picture: str, network: str, model: str) -> Look:
        self._network(network)
        return Look(picture, self._pictures.image(picture, self._size(picture, network)), model)

    def _size(self, picture: str, network: str) -> tuple[int, int] | None:
        """Rows and columns that the network sees the picture at; None: those that it has."""
        size = self._facts[network]["size"]
        if size is not None:
            return size[0], size[1]
        rows, columns = self._pictures.image(picture).shape[:2]
        smaller = math.sqrt(_MOST_SEEN / (rows * columns))
        return None if smaller >= 1 else (max(1, int(smaller * rows)), max(1, int(smaller * columns)))

    def _checked(self, question: Question) -> Look:
        """What a question is about; its place is inside of it.

        Raises:
            InputError: if it is not.
        """
        look = self._look(question.picture, question.network, question.model)
        _check_place(question.place, look)
        return look

    def _truth(self, picture: str, network: str, look: Look) -> TruthLook | None:
        kind = KINDS[self._facts[network]["answers"]]
        truth, given = self._pictures.truths(picture).get(kind.name), self._pictures.given(picture)
        if truth is None or given is None:
            return None
        size = look.image.shape[0], look.image.shape[1]
        resized = kind.resized(truth, size, points=kind.name in given.points)
        return TruthLook(resized, given.class_names, given.colours)

    def _open(self, question: Question, look: Look) -> None:
        """Compute maps like this one ahead."""
        size = look.image.shape[0], look.image.shape[1]
        self._ahead[question.network].open(question.series, size, self._points(size))

    def _points(self, size: tuple[int, int]) -> int:
        """Of the coarse grid of a picture: of all networks together they fit into half of the memory."""
        room = self._memory // (2 * len(self._networks) * 4 * size[0] * size[1])
        return max(_FEWEST_POINTS, min(_POINTS, room))

    def _compute(self, block: Block) -> bool:
        """A block of maps that nobody has asked for yet."""
        try:
            self.maps(block.series, block.pixels, block.urgency)
        except GaveWayError:
            raise
        except (SegdepthError, CancelledError):  # whoever asks for one of them is told
            return False
        except Exception:
            log.exception("explorer: maps ahead of %s", block.series)
            return False
        return True

    @staticmethod
    def _topic(request: Request, network: str, what: str) -> Hashable | None:
        """Of what somebody's newer question takes the place; None where nobody says who asks."""
        client = request.params.get("client")
        return (client, network, what) if client else None


def _check_place(place: Place, look: Look) -> None:
    """Refuse what is not in the picture."""
    rows, columns = look.image.shape[:2]
    if isinstance(place, Region):
        place.check((rows, columns))
    elif not (0 <= place[0] < rows and 0 <= place[1] < columns):
        raise InputError(
            f"pixel {place} is outside the {rows}x{columns} picture: row must be 0..{rows - 1}, column 0..{columns - 1}"
        )


def _json(value: Any) -> Reply:
    return Reply(200, _JSON, json.dumps(value).encode())


def _container(head: Mapping[str, Any], arrays: Mapping[str, ndarray]) -> Reply:
    return Reply(200, _CONTAINER, pack(head, arrays))


def _refusal(status: int, sentence: str) -> Reply:
    return Reply(status, _JSON, json.dumps({"error": sentence}).encode())
