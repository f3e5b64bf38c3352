"""What the doctor looks for in each kind of truth."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from segdepth.kinds import KINDS

from .depth import DepthExaminer
from .examiner import Examiner, Finding, Severity, Shares, few
from .labels import LabelExaminer

__all__ = ["EXAMINERS", "Examiner", "Finding", "Severity", "Shares", "examiners_of", "few"]

#: By the kind's name. Of a kind that is not here the doctor sees what holds for all (:class:`Examiner`).
EXAMINERS: Mapping[str, type[Examiner]] = MappingProxyType({"labels": LabelExaminer, "depth": DepthExaminer})


def examiners_of(targets: Collection[str]) -> dict[str, Examiner]:
    """New examiners of some kinds of truth, by name, in the order of :data:`segdepth.kinds.KINDS`."""
    return {kind: EXAMINERS.get(kind, Examiner)(kind) for kind in KINDS if kind in targets}
