"""Some of the campaign, and all that it ever found. `make attack` is the rest."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from attack import campaign, mutations
from attack.cases import CASES, Case
from attack.surfaces import Surface

pytestmark = pytest.mark.filterwarnings("default")  # as a user has them

#: Inputs of each reader, and of each command.
READ, COMMANDED = 12, 2

#: Commands that take a second or more.
LONG = (
    "analyse",
    "networks",
    "saliency",
    "runs compare",
    "arguments of networks",
    "arguments of study",
    "arguments of saliency",
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("attack")


@pytest.fixture(scope="module")
def surfaces(root: Path) -> Iterator[dict[str, Surface]]:
    yield {surface.name: surface for surface in campaign.prepare(root)}
    mutations.CANARY.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def ready(surfaces: dict[str, Surface], root: Path) -> dict[str, campaign.Attack]:
    return Ready(surfaces, root)


class Ready(dict[str, campaign.Attack]):
    """Surfaces, made ready when they are asked for."""

    def __init__(self, surfaces: dict[str, Surface], root: Path) -> None:
        self._surfaces, self._root = surfaces, root

    def __missing__(self, name: str) -> campaign.Attack:
        self[name] = campaign.Attack(self._surfaces[name], self._root)
        return self[name]


def test_readers_withstand_some(surfaces: dict[str, Surface], ready: dict[str, campaign.Attack]) -> None:
    readers = [name for name in surfaces if name.startswith("read ")]
    assert len(readers) > 20
    found = [ready[name](0, number) for name in readers for number in range(READ)]
    assert [finding for finding in found if finding.outcome == "failed"] == []
    assert {"refused", "same", "other"} == {finding.outcome for finding in found}


def test_commands_withstand_some(surfaces: dict[str, Surface], ready: dict[str, campaign.Attack]) -> None:
    commands = [name for name in surfaces if not name.startswith(("read ", *LONG)) and surfaces[name].weight]
    assert len(commands) > 40
    found = [ready[name](0, number) for name in commands for number in range(COMMANDED)]
    assert [finding for finding in found if finding.outcome == "failed"] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.surface} {case.file} {CASES.index(case)}")
def test_what_was_found_once(case: Case, ready: dict[str, campaign.Attack]) -> None:
    attack = ready[case.surface]
    file, data = attack.data(case.file)
    finding = attack.put(file, mutations.Mutation(case.made(data), "", whole=case.outcome == "refused"))
    assert (finding.outcome, finding.trouble) == (case.outcome, ""), finding


def test_the_payload_does_fire() -> None:
    """What would show that something is executed, if it were."""
    import pickle

    pickle.loads(pickle.dumps(mutations.Payload(2)))
    assert mutations.CANARY.exists()
    mutations.CANARY.unlink()
    assert str(os.getpid()) in mutations.CANARY.name
