"""Our scores beside the published ones: which may be compared, and which are better."""

from typing import Any

from segdepth.campaigns.reproduce import rows
from segdepth.campaigns.table import to_markdown


def record(files: int, **scores: float | None) -> dict[str, Any]:
    return {"scores": scores, "protocol": {"files_scored": files}}


def test_better_is_larger_or_smaller_as_the_score_has_it() -> None:
    depth = record(697, abs_rel=0.1, sq_rel=0.7, rmse=4.45, rmse_log=None, a1=0.9, a2=0.9)
    table = {row.score: row for row in rows({"fcn8s_kitti_depth": depth})}
    verdicts = {score: row.better for score, row in table.items()}
    assert verdicts == {"abs_rel": True, "sq_rel": False, "rmse": True, "rmse_log": None, "a1": True, "a2": False,
                        "a3": None}  # fmt: skip
    assert table["abs_rel"].protocol == "eigen-raw-garg, 697 of 697 files"
    (seg,) = rows({"fcn8s_cityscapes_seg": record(500, mIoU=0.7)})
    assert (seg.published, seg.ours, seg.better) == (0.672, 0.7, True)
    assert seg.protocol == "cityscapes val, 500 of 500 files"


def test_a_score_of_fewer_files_is_not_compared() -> None:
    (seg,) = rows({"fcn8s_kitti_seg": record(39, mIoU=0.7)})
    assert seg.better is None
    assert seg.protocol == "kitti_semantics val, 39 of 40 files: not comparable"


def test_the_markdown_table() -> None:
    text = to_markdown(rows({"fcn8s_kitti_depth": record(697, abs_rel=0.1, a1=0.8)}))
    assert "| fcn8s_kitti_depth | abs_rel | 0.106 | **0.1000** | -0.0060 | eigen-raw-garg, 697 of 697 files |" in text
    assert "| fcn8s_kitti_depth | a1 | 0.863 | 0.8000 | -0.0630 |" in text
    assert "| fcn8s_kitti_depth | rmse | 4.450 | - | - |" in text
