"""Whatever was found once, and mended: the command or reader, the file, what was in it.

A maker gets what is in the file, and gives something else. "same" is said where the answer is the one of the good file, "refused"
where it is a sentence, "other" where it is another answer, such as a score of a depth map that was changed in earnest.
"""

import io
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from . import mutations

__all__ = ["CASES", "Case"]


class Case(NamedTuple):
    """A file that was too much once.

    Attributes:
        surface: of :func:`attack.surfaces.surfaces`.
        file: end of its name.
        made: what is in it, of what was in it.
        outcome: "refused", "same" or "other".
    """

    surface: str
    file: str
    made: Callable[[bytes], bytes]
    outcome: str = "refused"


def of_json(**changes: Any) -> Callable[[bytes], bytes]:
    """A mapping of which some is something else."""
    return lambda data: json.dumps(json.loads(data) | changes).encode()


def instead(data: bytes) -> Callable[[bytes], bytes]:
    return lambda _: data


def line(key: str, value: str) -> Callable[[bytes], bytes]:
    """A text in which a line says something else."""
    return lambda data: b"\n".join(
        f"{key}: {value}".encode() if one.startswith(f"{key}:".encode()) else one for one in data.split(b"\n")
    )


def yaml_value(text: str) -> Callable[[bytes], bytes]:
    """A configuration whose task is something else."""
    return lambda data: b"\n".join(
        f"task: {text}".encode() if one.startswith(b"task:") else one for one in data.split(b"\n")
    )


def of_torch(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    """A file of torch.save whose content is changed in place, or another."""

    def made(data: bytes) -> bytes:
        import torch

        content = torch.load(io.BytesIO(data), weights_only=True)
        other = change(content)
        return mutations.torch_bytes(content if other is None else other)

    return made


def first_weight(value: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    """A checkpoint whose first tensor is something else."""

    def change(content: Any) -> None:
        state = content["model_state"]
        name = next(iter(state))
        state[name] = value(state[name])

    return of_torch(change)


def renamed_weight(content: Any) -> None:
    state = content["model_state"]
    state[None] = state.pop(next(iter(state)))


def without_memory(content: Any) -> None:
    """Of one parameter; Adam has it of the others."""
    del next(iter(content["optimizer_state"]["state"].values()))["exp_avg_sq"]


def long_memory(content: Any) -> None:
    import torch

    next(iter(content["optimizer_state"]["state"].values()))["step"] = torch.zeros(3)


def memory(name: str, value: Callable[[Any], Any]) -> Callable[[Any], None]:
    """What the optimizer knows of one parameter is something else."""

    def change(content: Any) -> None:
        one = next(iter(content["optimizer_state"]["state"].values()))
        one[name] = value(one[name])

    return change


def nameless(content: Any) -> None:
    weights = content["model_state"]
    weights[None] = weights.pop(next(iter(weights)))


def no_memories(content: Any) -> None:
    import torch

    state = content["optimizer_state"]["state"]
    state[next(iter(state))] = torch.zeros(3)


def infinite_weight(data: bytes) -> bytes:
    (length,) = struct.unpack_from("<Q", data)
    head = json.loads(data[8 : 8 + length])
    start = next(one["data_offsets"][0] for one in head.values() if one.get("dtype") == "F32") + 8 + length
    return data[:start] + struct.pack("<f", float("nan")) + data[start + 4 :]


def packed_card(**changes: Any) -> Callable[[bytes], bytes]:
    """Weights whose card says something else."""

    def made(data: bytes) -> bytes:
        (length,) = struct.unpack_from("<Q", data)
        head = json.loads(data[8 : 8 + length])
        card = json.loads(head["__metadata__"]["segdepth"]) | changes
        head["__metadata__"]["segdepth"] = json.dumps(card)
        packed = json.dumps(head).encode()
        return struct.pack("<Q", len(packed)) + packed + data[8 + length :]

    return made


def few_rows(data: bytes) -> bytes:
    """A PNG with right checksums whose last row is missing."""
    chunks = mutations.png_chunks(data)
    pixels = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    rest = [chunk for chunk in chunks if chunk[0] != b"IDAT"]
    return mutations.png_file([*rest[:-1], (b"IDAT", zlib.compress(pixels[:-65])), rest[-1]])


def jpeg_taller(data: bytes) -> bytes:
    place = data.find(b"\xff\xc0") + 5
    return data[:place] + struct.pack(">H", 64) + data[place + 2 :]


def jpeg_huge(data: bytes) -> bytes:
    place = data.find(b"\xff\xc0") + 5
    return data[:place] + struct.pack(">HH", 20000, 20000) + data[place + 4 :]


def npy_shape(text: str) -> Callable[[bytes], bytes]:
    def made(data: bytes) -> bytes:
        start, end = data.index(b"("), data.index(b")") + 1
        pad = len(text) - (end - start)
        head = data[10 : 10 + int.from_bytes(data[8:10], "little")]
        changed = head[: start - 10] + text.encode() + head[end - 10 :]
        changed = changed[: -1 - pad] + b"\n" if pad > 0 else changed[:-1] + b" " * -pad + b"\n"
        return data[:10] + changed + data[10 + len(head) :]

    return made


def bomb(data: bytes) -> bytes:
    """A checkpoint that unpacks to 400 MB."""
    members = mutations._members(data)
    return mutations.zipped([(members[0][0], members[0][1] + bytes(400 << 20)), *members[1:]], packed=True)


def parquet(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    def made(data: bytes) -> bytes:
        import pyarrow.parquet as pq

        stream = io.BytesIO()
        pq.write_table(change(pq.read_table(io.BytesIO(data))), stream)
        return stream.getvalue()

    return made


def other_member(data: bytes) -> bytes:
    return mutations.zipped([(name, b"x" if name == "image.npy" else part) for name, part in mutations._members(data)])


LAUGHS = mutations.yaml_evils()[0]
LONG = b"x" * 200_000

#: In the order of what reads them.
CASES = (
    # texts that are nested, or long, or say what no number is
    Case("read configuration", "seg.yml", instead(LAUGHS)),
    Case("read configuration", "seg.yml", yaml_value("[seg]")),  # TypeError: unhashable
    Case("read configuration", "seg.yml", yaml_value("1" * 5000)),  # ValueError: more digits than Python says
    Case("read configuration", "seg.yml", yaml_value("60" + ":60" * 3000)),  # a sentence of 9,000 characters
    Case("read configuration", "seg.yml", yaml_value("!!bool x")),  # KeyError
    Case("read configuration", "seg.yml", yaml_value("!!float x")),  # ValueError
    Case("read configuration", "seg.yml", yaml_value("2020-13-45")),  # ValueError: month must be in 1..12
    Case("read configuration", "seg.yml", yaml_value("[" * 5000)),  # RecursionError
    Case("evaluate class map", "classes.yml", instead(b"[" * 5000)),
    Case("read camera", ".json", instead(b"[" * 100_000)),
    Case("read camera", ".json", of_json(intrinsic={"fx": float("inf")})),
    Case("read camera", ".json", of_json(intrinsic={"fx": True})),
    Case("read calibration", "velo_to_cam.txt", line("R", "0 0 0 0 0 0 0 0 0")),
    Case("read calibration", "velo_to_cam.txt", line("T", "nan 0 0")),
    Case("read calibration", "cam_to_cam.txt", line("P_rect_02", " ".join(["inf"] * 12))),
    Case("read calibration", "cam_to_cam.txt", line("P_rect_03", " ".join(["x" * 5000] * 12))),
    Case("read pixels", "pixels.csv", instead(b"[" * 100_000)),
    Case("read speed", ".txt", instead(b"x" * 5000)),
    Case("check kitti depth", "train.txt", lambda data: data + LONG, "other"),
    Case("prepare by list", "static.txt", lambda data: data + LONG),
    Case("synthesize again", "synthetic.json", instead(b"{")),
    Case("synthesize again", "synthetic.json", instead(b"")),
    # pictures
    Case("read picture jpeg", "a.jpg", jpeg_taller),
    Case("read picture jpeg", "a.jpg", jpeg_huge),
    Case("read picture jpeg", "a.jpg", lambda data: data[: len(data) // 2] + b"\xff\xd9"),
    Case("read palette", "b.png", few_rows),
    Case("read labels", ".png", few_rows),
    # arrays
    Case("read stack", ".npy", npy_shape("(True, 2)")),  # TypeError
    Case("read npy", "a.npy", npy_shape("(0, 99999999999999999999)")),
    Case("read npy", "a.npy", instead(b"\x93NUMPY\x01\x00\xff\xff" + b"[" * 65535)),  # RecursionError
    Case("cache", ".npz", lambda data: data[:-40], "same"),
    Case("cache", ".npz", other_member, "same"),  # AttributeError
    # networks
    Case("read network", "best.safetensors", infinite_weight),
    Case("read network", "best.safetensors", packed_card(input_size=[-1, 64])),
    Case("predict run state", ".pt", first_weight(lambda _: (1, 2))),  # AttributeError
    Case("predict run state", ".pt", of_torch(renamed_weight)),  # TypeError: a name that is None
    Case("predict run state", ".pt", first_weight(lambda tensor: tensor.to_sparse())),
    Case("predict run state", ".pt", bomb),
    Case("resume", ".pt", of_torch(without_memory)),  # KeyError, in the first update
    Case("resume", ".pt", of_torch(long_memory)),  # RuntimeError, likewise
    Case("resume", ".pt", of_torch(memory("exp_avg", lambda tensor: tensor.sum()))),  # the process died: written beyond its end
    Case("resume", ".pt", of_torch(memory("exp_avg", lambda tensor: 3.0))),  # TypeError, in the first update
    Case("resume", ".pt", of_torch(memory("exp_avg_sq", lambda tensor: tensor + 1j))),  # a warning of PyTorch's
    Case("resume", ".pt", of_torch(no_memories)),  # likewise
    Case("convert", "weights.pth", of_torch(nameless)),  # AttributeError
    Case("read study", "study.json", of_json(images=[])),  # ArrowInvalid
    Case("convert", "weights.pth", of_torch(lambda _: {"state_dict": {"w": 1}})),
    # studies and runs
    Case("read study", "study.json", of_json(protocol={"thresholds": ["x"]})),  # ValueError
    Case("read study", "study.json", of_json(columns=7)),
    Case("read study", ".parquet", parquet(lambda table: table.replace_schema_metadata(None))),  # TypeError
    Case("read study", ".parquet", parquet(lambda table: table.drop_columns(["row"]))),  # KeyError
    Case("read results", "results.json", of_json(cells={"fcn8s_cityscapes_seg": {}})),  # KeyError
    Case("read results", "results.json", of_json(cells={"x": {"scores": {"mIoU": "0.5"}, "protocol": {"files_scored": 500}}})),
    Case("read study", "study.json", of_json(protocol={"thresholds": ["0.5"]})),  # a number in quotes, twice
)  # fmt: skip
CASES += tuple(Case("runs", ".yaml", instead(one), "other") for one in (LAUGHS, b"&a [*a]", b"[" * 5000))


def far(data: bytes) -> bytes:
    """A scan with a point as far as a number can say."""
    points = np.frombuffer(data, "<f4").copy()
    points[0] = 3e38
    return points.tobytes()


CASES += (Case("read scan", ".bin", far),)
