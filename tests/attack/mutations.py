"""What can be wrong with a file, by its structure: what is changed keeps the lengths and checksums that a reader looks at first.

Each mutation takes the bytes of a file and a random number generator, and gives other bytes, or does something in the place of
the file. `whole` says that nothing of it may be taken for right: what is read is what was there before, or it is refused.
"""

import io
import json
import os
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["EVIL_VALUES", "KINDS", "Mutation", "mutate"]

Random = random.Random

#: A file whose place this is is made by whatever reads a pickle, a YAML tag or an address of code that it should not.
CANARY = Path("/tmp") / f"segdepth-attack-{os.getpid()}"

EVIL_VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    2**64,
    -(2**63),
    10**30,
    0.0,
    -0.0,
    1e-320,
    1e308,
    float("nan"),
    float("inf"),
    float("-inf"),
    "",
    "nan",
    "inf",
    "-1",
    "\0",
    "a\nb",
    "x" * 5000,
    "[/x]",
    "../..",
    "/",
    "\ud800",
    [],
    {},
    [[]],
    [None],
    {"": None},
    [1] * 1000,
    {"a": {"b": 1}},
    "python:os:system",
    "é",
    "true",
    "0x10",
    "1_0",
    "0",
    "1e400",
    [1, 2],
    ["a"],
    {"0": 1},
]

EVIL_WORDS = [
    "nan",
    "inf",
    "-inf",
    "-1",
    "0",
    "1e400",
    "1e-400",
    str(2**63),
    "9" * 400,
    "",
    "x",
    "0x10",
    "1_0",
    "1,5",
    "None",
    "\0",
    "é",
    "١",
    "+",
    "--",
    "1e",
    "\ufeff1",
    "[/x]",
    "\x85",
    "'",
    '"',
    '"""',
    ";",
    "../../../etc/passwd",
    "/dev/zero",
    "x" * 5000,
]


@dataclass(frozen=True)
class Mutation:
    """What became of a file.

    Attributes:
        data: of the file; None where something else was done.
        place: does something else, with the path.
        note: in words.
        whole: that it must be refused, unless what is read is the same as before.
    """

    data: bytes | None
    note: str
    whole: bool = False
    place: Callable[[Path], None] | None = None


Mutator = Callable[[bytes, Random], Mutation]
KINDS: dict[str, list[Mutator]] = {}


def of(*kinds: str) -> Callable[[Mutator], Mutator]:
    def enter(mutator: Mutator) -> Mutator:
        for kind in kinds:
            KINDS.setdefault(kind, []).append(mutator)
        return mutator

    return enter


def mutate(kind: str, data: bytes, rng: Random) -> Mutation:
    """A mutation of a file of a kind: three in four are of its structure."""
    own = KINDS.get(kind, [])
    mutators = own if own and rng.random() < 0.75 else KINDS["any"]
    mutator = rng.choice(mutators)
    try:
        found = mutator(data, rng)
    except (
        ValueError,
        struct.error,
        IndexError,
        KeyError,
        zipfile.BadZipFile,
        TypeError,
        RecursionError,
        OverflowError,
    ):
        mutator = rng.choice(KINDS["any"])  # it is no file of this kind
        found = mutator(data, rng)
    return Mutation(found.data, f"{mutator.__name__.strip('_')} {found.note}".strip(), found.whole, found.place)


# ---- bytes of anything


@of("any")
def _bits(data: bytes, rng: Random) -> Mutation:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return Mutation(bytes(changed), "")


@of("any")
def _bits_in_the_head(data: bytes, rng: Random) -> Mutation:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 2, 4))):
        if changed:
            changed[rng.randrange(min(200, len(changed)))] = rng.randrange(256)
    return Mutation(bytes(changed), "")


@of("any")
def _truncated(data: bytes, rng: Random) -> Mutation:
    return Mutation(data[: rng.randrange(len(data) or 1)], "", whole=False)


@of("any")
def _longer(data: bytes, rng: Random) -> Mutation:
    return Mutation(data + rng.choice((bytes(1), bytes(999), rng.randbytes(100), data)), "")


@of("any")
def _middle_lost(data: bytes, rng: Random) -> Mutation:
    one, two = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return Mutation(data[:one] + data[two:], "")


@of("any")
def _filled(data: bytes, rng: Random) -> Mutation:
    one, two = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return Mutation(data[:one] + rng.choice((b"\0", b"\xff", b"[", b" ")) * (two - one) + data[two:], "")


@of("any")
def _inserted(data: bytes, rng: Random) -> Mutation:
    place = rng.randrange(len(data) + 1)
    return Mutation(data[:place] + rng.randbytes(rng.choice((1, 4, 64))) + data[place:], "")


@of("any")
def _another_file(data: bytes, rng: Random) -> Mutation:
    other = rng.choice(
        (
            b"",
            b"\0",
            b"\n",
            b"\xff\xfe",
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff",
            b"PK\x03\x04",
            b"PAR1",
            b"\x80\x02.",
            b"{}",
            b"[]",
            b"null",
            b"\x93NUMPY\x01\x00",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            b"<html>",
            b"GIF89a",
            rng.randbytes(300),
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b"\xef\xbb\xbf" + data,
            data.decode("latin-1").encode("utf-16"),
            zlib.compress(data),
            b"BM" + data,
            b"ustar" * 200,
            b"\x1f\x8b" + data,
            b"II*\0" + rng.randbytes(60),
            b"RIFF\0\0\0\0WEBP",
            b"%PDF-1.4",
            b"8BPS",
        )
    )
    return Mutation(other, repr(other[:12]))


def _folder(path: Path) -> None:
    path.mkdir()


def _links_to(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 << 30)


@of("any")
def _not_a_file(_: bytes, rng: Random) -> Mutation:
    what, place = rng.choice(
        (
            ("folder", _folder),
            ("fifo", os.mkfifo),
            ("dangling link", _links_to("nowhere")),
            ("link to /dev/zero", _links_to("/dev/zero")),
            ("link to /dev/null", _links_to("/dev/null")),
            ("link to a folder", _links_to("/usr")),
            ("sparse 3 GiB", _sparse),
            ("nothing", lambda _: None),
            ("link to /proc/self/mem", _links_to("/proc/self/mem")),
            ("a ring of links", lambda path: path.symlink_to(path.name)),
            ("link to /dev/tty", _links_to("/dev/tty")),
        )
    )
    return Mutation(None, what, place=place)


# ---- texts


def _words(data: bytes) -> tuple[list[list[str]], str]:
    text = data.decode()
    separator = "," if text.count(",") > text.count(" ") else " "
    return [line.split(separator) for line in text.splitlines()], separator


@of("text", "yaml", "json")
def _evil_word(data: bytes, rng: Random) -> Mutation:
    lines, separator = _words(data)
    for _ in range(rng.choice((1, 1, 3))):
        line = rng.choice([line for line in lines if line])
        line[rng.randrange(len(line))] = rng.choice(EVIL_WORDS)
    return Mutation("\n".join(separator.join(line) for line in lines).encode("utf-8", "surrogatepass"), "")


@of("text", "yaml", "json")
def _lines(data: bytes, rng: Random) -> Mutation:
    lines = data.splitlines(keepends=True)
    place = rng.randrange(len(lines))
    changed = rng.choice(
        (
            lambda: lines[:place] + lines[place + 1 :],
            lambda: [*lines, lines[place]],
            lambda: lines[:place],
            lambda: lines * 3,
            lambda: rng.sample(lines, len(lines)),
            lambda: [*lines[:place], b"\n", *lines[place:]],
            lambda: [b"#", *lines],
            lambda: [*lines[:place], b"x" * 200_000, *lines[place:]],
            lambda: [*lines[:place], b" \t", *lines[place:]],
            lambda: [*lines[:place], b'"', *lines[place:]],
            lambda: [*lines[:place], lines[place].rstrip(b"\n") * 2, b"\n"],
        )
    )()
    return Mutation(b"".join(changed), "")


@of("text", "yaml", "json")
def _encoding(data: bytes, rng: Random) -> Mutation:
    text = data.decode()
    changed = rng.choice(
        (
            lambda: text.encode("utf-16"),
            lambda: text.encode("utf-16-le"),
            lambda: b"\xef\xbb\xbf" + data,
            lambda: data.replace(b"\n", b"\r\n"),
            lambda: data.replace(b"\n", b"\r"),
            lambda: data.replace(b"\n", "\u2028".encode()),
            lambda: data.replace(b" ", "\xa0".encode()),
            lambda: data + b"\x1a",
            lambda: text.encode("utf-32"),
            lambda: data.replace(b"e", b"\xe9"),
            lambda: data.replace(b"\n", b"\0\n"),
        )
    )()
    return Mutation(changed, "")


# ---- trees: JSON and YAML


def _nodes(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += _nodes(inner, (*path, key))
    return found


def evil_tree(value: Any, rng: Random) -> tuple[Any, str]:
    """A tree in which one node, or several, are something else."""
    value = json.loads(json.dumps(value))
    notes = []
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        paths = [path for path in _nodes(value) if path]
        if not paths or rng.random() < 0.03:
            return rng.choice(EVIL_VALUES), "all"
        path = rng.choice(paths)
        place = value
        for key in path[:-1]:
            place = place[key]
        key, deed = path[-1], rng.randrange(8)
        notes.append(".".join(map(str, path)))
        if deed == 0:
            del place[key]
        elif deed == 1 and isinstance(place, dict):
            place[rng.choice(("", "x", str(key) + "_", "\0", "__class__", "x" * 300, str(key).upper()))] = place.pop(
                key
            )
        elif deed == 2:
            place[key] = [place[key]]
        elif deed == 3:
            place[key] = {"x": place[key]}
        elif deed == 4 and isinstance(place[key], int | float) and not isinstance(place[key], bool):
            place[key] = rng.choice(
                (-place[key], place[key] + 1, place[key] * 1e9, str(place[key]), place[key] * 0.5, place[key] - 1)
            )
        elif deed == 5 and isinstance(place[key], list):
            place[key] = rng.choice((place[key] * 2, place[key][:-1], place[key][::-1], [], [*place[key], None]))
        else:
            place[key] = rng.choice(EVIL_VALUES)
    return value, " ".join(notes)[:80]


@of("json", "json", "json")
def _json_tree(data: bytes, rng: Random) -> Mutation:
    changed, note = evil_tree(json.loads(data), rng)
    return Mutation(json.dumps(changed, indent=rng.choice((None, 2))).encode("utf-8", "surrogatepass"), note)


@of("jsonl", "jsonl")
def _json_line(data: bytes, rng: Random) -> Mutation:
    lines = data.splitlines()
    place = rng.choice([k for k, line in enumerate(lines) if line.strip()])
    changed, note = evil_tree(json.loads(lines[place]), rng)
    lines[place] = json.dumps(changed).encode("utf-8", "surrogatepass")
    return Mutation(b"\n".join(lines) + b"\n", note)


@of("json", "jsonl")
def _json_text(data: bytes, rng: Random) -> Mutation:
    place = rng.randrange(len(data))
    evil = rng.choice(
        (
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b"1" * 5000,
            b"NaN",
            b"-Infinity",
            b'"\\ud800"',
            b"1e999",
            b"//",
            b",",
            b"'",
            b"\\",
            b'"\\u0000"',
            b"-",
            b"0123",
            b"tru",
            b"}",
            b"]",
        )
    )
    return Mutation(data[:place] + evil + data[place + rng.choice((0, 1)) :], repr(evil[:9]))


@of("json")
def _json_twice(data: bytes, rng: Random) -> Mutation:
    tree = json.loads(data)
    key = rng.choice(list(tree))
    text = json.dumps(tree)
    return Mutation(
        ("{" + json.dumps(key) + ": " + json.dumps(rng.choice(EVIL_VALUES[:20])) + ", " + text[1:]).encode(), key
    )


@of("yaml", "yaml", "yaml", "yaml")
def _yaml_tree(data: bytes, rng: Random) -> Mutation:
    import yaml

    changed, note = evil_tree(yaml.safe_load(data), rng)
    return Mutation(yaml.safe_dump(changed, sort_keys=False).encode("utf-8", "surrogatepass"), note)


def yaml_evils() -> list[bytes]:
    laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{k}: &a{k} [{','.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 9)
    )
    merges = "a0: &a0 {x: 1}\n" + "".join(
        f"a{k}: &a{k}\n  <<: [{','.join([f'*a{k - 1}'] * 30)}]\n" for k in range(1, 7)
    )
    return [
        laughs.encode(),
        merges.encode(),
        b"&a [*a]",
        b"model: &a {b: *a}",
        b"a: !!timestamp foo",
        b"a: 2020-01-01",
        b"a: 2020-13-45",
        b"a: 0001-01-01T25:61:61Z",
        b"a: " + b"1" * 5000,
        b"a: 0x" + b"f" * 5000,
        b"a: " + b"[" * 5000,
        b"a: " + b"{b: " * 3000,
        b"- " * 5000,
        f"!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path [{CANARY}]]".encode(),
        f"a: !!python/object/apply:os.system ['touch {CANARY}']".encode(),
        b"a: !!python/name:os.system",
        b"a: !!binary ====",
        b"a: !!set {x, y}",
        b"a: !!omap [x: 1]",
        b"a: !!pairs [x: 1, x: 2]",
        b"? [a, b]\n: 1",
        b"? {a: 1}\n: 1",
        b"1: 2",
        b"a: 1\na: 2",
        b"%YAML 9.9\n---\na: 1",
        b"--- a\n--- b",
        b"a: 1:30:00",
        b"a: 190:20:30.15",
        b"a: !!int x",
        b"a: !!float x",
        b"a: !!bool x",
        b"a: !!null x",
        b"a: !!int ''",
        b"a: 0b",
        b"a: 0b" + b"1" * 20000,
        b"a: .nan",
        b"a: <<",
        b"<<: 1",
        b"<<: [1]",
        b"<<: {a: 1}",
        b"a: !x y",
        b"a: *b",
        b"a: &b",
        b"!!map [1]",
        b'a: "\\0"',
        b'a: "\\ud800"',
        b"a:\t1",
        b"@",
        b"`",
        b"a: |9\n b",
        b"!!str {a: 1}",
        b"!!seq {a: 1}",
        b"a: 1__0",
        b"a: 0o17",
        b"a: 0_",
        b"a: " + b"60:" * 3000 + b"1",
        b"a: 1e400",
        b"a: -1e400",
        b"a: 9" + b":59" * 400 + b".0",
    ]


@of("yaml")
def _yaml_evil(data: bytes, rng: Random) -> Mutation:
    evil = rng.choice(yaml_evils())
    joined = rng.choice(
        (evil, data + b"\n" + evil, evil + b"\n" + data, b"model: {arch: segnet}\n" + evil.replace(b"a:", b"task:", 1))
    )
    return Mutation(joined, repr(evil[:30]))


@of("yaml")
def _yaml_evil_value(data: bytes, rng: Random) -> Mutation:
    lines = data.decode().splitlines()
    place = rng.choice([k for k, line in enumerate(lines) if ":" in line])
    evil = rng.choice([one[3:] for one in yaml_evils() if one.startswith(b"a: ") and b"\n" not in one])
    lines[place] = lines[place].split(":")[0] + ": " + evil.decode()
    return Mutation("\n".join(lines).encode(), repr(evil[:30]))


# ---- PNG


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, position = [], 8
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        found.append((data[position + 4 : position + 8], data[position + 8 : position + 8 + length]))
        position += 12 + length
    return found


def png_file(chunks: list[tuple[bytes, bytes]]) -> bytes:
    packed = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@of("png", "png")
def _png_head(data: bytes, rng: Random) -> Mutation:
    chunks = png_chunks(data)
    head = list(struct.unpack(">IIBBBBB", chunks[0][1]))
    place = rng.randrange(7)
    before = head[place]
    head[place] = (
        rng.choice((0, 1, head[place] + 1, head[place] - 1, head[place] * 2, 4, 7, 16, 20000, 2**31 - 1, 2**32 - 1))
        % 2**32
    )
    if place > 1:
        head[place] %= 256
    chunks[0] = (b"IHDR", struct.pack(">IIBBBBB", *head))
    grown = place < 2 and head[place] > before
    return Mutation(png_file(chunks), f"{place} {before}->{head[place]}", whole=grown)


@of("png", "png")
def _png_pixels(data: bytes, rng: Random) -> Mutation:
    chunks = png_chunks(data)
    pixels = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    rest = [(kind, body) for kind, body in chunks if kind != b"IDAT"]
    what = rng.randrange(5)
    if what == 0:  # rows are missing, and all checksums are right
        packed, note = zlib.compress(pixels[: rng.randrange(len(pixels))]), "cut"
    elif what == 1:
        packed, note = zlib.compress(pixels + bytes(160 << 20)), "bomb"
    elif what == 2:
        packed, note = zlib.compress(pixels)[:-4], "without its checksum"
    elif what == 3:
        packed, note = b"", "none"
    else:  # of a deflate stream that ends early
        packed = zlib.compress(pixels)
        packed, note = packed[: rng.randrange(2, len(packed))], "stream cut"
    return Mutation(png_file([*rest[:-1], (b"IDAT", packed), rest[-1]]), note, whole=what in (0, 3, 4))


@cache
def _packed_zeros() -> bytes:
    return zlib.compress(bytes(100 << 20))


@of("png")
def _png_chunks(data: bytes, rng: Random) -> Mutation:
    chunks = png_chunks(data)
    place = rng.randrange(len(chunks))
    bomb = _packed_zeros()
    extra = rng.choice(
        (
            (b"zTXt", b"k\0\0" + bomb),
            (b"iCCP", b"k\0\0" + bomb),
            (b"tEXt", b"k\0" + b"x" * 99),
            (b"iTXt", b"k\0\1\0\0\0" + bomb),
            (b"tRNS", b"\0" * 300),
            (b"PLTE", b"\0" * 7),
            (b"PLTE", b""),
            (b"eXIf", b"II*\0" + b"\xff" * 40),
            (b"acTL", struct.pack(">II", 2**31, 0)),
            (b"fcTL", bytes(26)),
            (b"gAMA", bytes(4)),
            (b"cHRM", bytes(3)),
            (b"sBIT", b"\xff"),
            (b"ABCD", b""),
            (b"abcd", b"x"),
            (b"IHDR", chunks[0][1]),
            (b"IEND", b""),
            (b"fdAT", b"\0\0\0\1xxx"),
            (b"tIME", b""),
            (b"hIST", b"\0"),
            (b"bKGD", b""),
            (b"pHYs", b"\0"),
        )
    )
    what = rng.randrange(4)
    if what == 0:
        lost = chunks.pop(place)[0]
        return Mutation(png_file(chunks), f"without {lost!r}", whole=lost == b"IDAT")
    if what == 1:
        chunks.insert(place, extra)
        return Mutation(png_file(chunks), f"{extra[0]!r} at {place}")
    if what == 2:
        chunks.insert(place, chunks[place])
        return Mutation(png_file(chunks), f"{chunks[place][0]!r} twice")
    kind, body = chunks[place]
    chunks[place] = kind, body[: len(body) // 2]
    return Mutation(png_file(chunks), f"half of {kind!r}", whole=kind == b"IDAT")


@of("png")
def _png_bits(data: bytes, rng: Random) -> Mutation:
    """Of a body, with the old checksum."""
    return Mutation(_bits(data, rng).data, "", whole=True)


@of("png")
def _png_truncated(data: bytes, rng: Random) -> Mutation:
    return Mutation(data[: rng.randrange(len(data))], "", whole=True)


# ---- JPEG


def _jpeg_segments(data: bytes) -> list[tuple[int, int]]:
    """Position and marker of each segment before the scan."""
    found, position = [], 2
    while data[position] == 0xFF and data[position + 1] != 0xDA:
        found.append((position, data[position + 1]))
        position += 2 + int.from_bytes(data[position + 2 : position + 4])
    return [*found, (position, 0xDA)]


@of("jpeg", "jpeg")
def _jpeg_size(data: bytes, rng: Random) -> Mutation:
    position = next(place for place, marker in _jpeg_segments(data) if 0xC0 <= marker <= 0xC2)
    rows, columns = struct.unpack_from(">HH", data, position + 5)
    new = [rows, columns]
    which = rng.randrange(2)
    new[which] = rng.choice((0, 1, new[which] * 2, new[which] + 16, new[which] - 16, 20000, 65535)) % 65536
    grown = new[0] * new[1] > rows * columns
    return Mutation(
        data[: position + 5] + struct.pack(">HH", *new) + data[position + 9 :],
        f"{rows}x{columns}->{new[0]}x{new[1]}",
        whole=grown,
    )


@of("jpeg", "jpeg")
def _jpeg_cut(data: bytes, rng: Random) -> Mutation:
    """Cut, and closed."""
    scan = _jpeg_segments(data)[-1][0] + 14
    last = scan + (len(data) - scan) * 7 // 10  # what ends inside the last block is not seen
    return Mutation(data[: rng.randrange(scan, last)] + b"\xff\xd9", "", whole=True)


@of("jpeg")
def _jpeg_segment(data: bytes, rng: Random) -> Mutation:
    segments = _jpeg_segments(data)
    k = rng.randrange(len(segments) - 1)
    start, end, marker = segments[k][0], segments[k + 1][0], segments[k][1]
    what = rng.randrange(5)
    if what == 0:
        return Mutation(data[:start] + data[end:], f"without {marker:x}")
    if what == 1:
        return Mutation(data[:start] + data[start:end] * 2 + data[end:], f"{marker:x} twice")
    if what == 2:
        length = rng.choice((0, 1, 2, 3, 65535))
        return Mutation(
            data[: start + 2] + struct.pack(">H", length) + data[start + 4 :], f"length of {marker:x}: {length}"
        )
    if what == 3:
        body = bytearray(data[start:end])
        body[rng.randrange(4, len(body))] = rng.randrange(256)
        return Mutation(data[:start] + bytes(body) + data[end:], f"a byte of {marker:x}")
    exif = b"Exif\0\0" + rng.choice((b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0", b"II*\0")) + rng.randbytes(20)
    return Mutation(data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:], "exif")


@of("jpeg")
def _jpeg_scan(data: bytes, rng: Random) -> Mutation:
    scan = _jpeg_segments(data)[-1][0] + 14
    changed = bytearray(data)
    place = rng.randrange(scan, len(data) - 2)
    marker = rng.choice(
        (b"\xff\xd0", b"\xff\xd7", b"\xff\xd9", b"\xff\xff", b"\xff\xda", b"\xff\xc0", b"\xff\x00", b"\0\0")
    )
    changed[place : place + 2] = marker
    return Mutation(bytes(changed), repr(marker))


# ---- arrays


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


class Payload:
    """Touches the canary when it is unpickled."""

    def __init__(self, how: int = 0) -> None:
        self.how = how

    def __reduce__(self) -> tuple[Any, ...]:
        line = f"touch {CANARY}"
        if self.how == 0:
            return os.system, (line,)
        if self.how == 1:
            return eval, (f"__import__('os').system({line!r})",)
        return Path.touch, (CANARY,)


@of("npy", "npy", "npy")
def _npy_head(data: bytes, rng: Random) -> Mutation:
    (length,) = struct.unpack_from("<H", data, 8)
    head, body = data[10 : 10 + length].decode(), data[10 + length :]
    shape = head[head.index("(") : head.index(")") + 1]
    kind = head[head.index("descr': ") + 8 : head.index(",")]
    evil = rng.choice(
        (
            (shape, "(99999999999,)"),
            (shape, "(99999999, 99999999)"),
            (shape, "(-1, 2)"),
            (shape, "(0, 5)"),
            (shape, "()"),
            (shape, "(2**40,)"),
            (shape, "(1.5, 2)"),
            (shape, "(True, 2)"),
            (shape, "'x'"),
            (shape, "(50000, 50000)"),
            (shape, "(3000000000,)"),
            (kind, "'|O'"),
            (shape, "(0, 99999999999999999999)"),
            (shape, "(99999999999999999999, 0)"),
            (kind, "'<f8'"),
            (kind, "'<f2'"),
            (kind, "'<c16'"),
            (kind, "'|b1'"),
            (kind, "'>f4'"),
            (kind, "'<U9'"),
            (kind, "'<M8[s]'"),
            (kind, "'<m8[s]'"),
            (kind, "'|V4'"),
            (kind, "'|S4'"),
            (kind, "[('a', '<f4')]"),
            (kind, "[('a', '|O')]"),
            (kind, "'<i4'"),
            (kind, "'xx'"),
            (kind, "None"),
            (kind, "'<f16'"),
            (kind, "'|V0'"),
            (kind, "'<U99999999999'"),
            ("False", "True"),
            ("False", "None"),
            ("'shape'", "'shope'"),
            ("{", "{'x': 1, "),
            (head, "[" * 5000),
            (head, "__import__('os').getcwd()"),
            (head, "(" * 200 + ")" * 200),
            (head, "-" * 5000 + "1"),
            (head, ""),
            (head, "\0" * 9),
            (kind, "'|S2147483647'"),
            (kind, "('<f4', (10000, 10000))"),
            (kind, "('<f4', (2**31,))"),
            (kind, "('<f4', (2147483647,))"),
        )
    )
    changed = head.replace(*evil, 1).encode()
    packed = (
        b"\x93NUMPY\x02\x00" + struct.pack("<I", len(changed)) + changed
        if len(changed) > 60000 or rng.random() < 0.2
        else (b"\x93NUMPY\x01\x00" + struct.pack("<H", len(changed)) + changed)
    )
    return Mutation(packed + body, f"{evil[0]}->{evil[1]}"[:60], whole=evil[0] == shape and "9999" in evil[1])


@of("npy")
def _npy_cut(data: bytes, rng: Random) -> Mutation:
    return Mutation(data[: rng.randrange(len(data))], "", whole=True)


@of("npy")
def _npy_version(data: bytes, rng: Random) -> Mutation:
    length = rng.choice((0, 1, 2**31, 2**32 - 1))
    return Mutation(
        data[:6] + bytes([rng.choice((0, 2, 3, 4, 255)), rng.choice((0, 1))]) + struct.pack("<I", length) + data[12:],
        f"{length}",
    )


@of("npy")
def _npy_other(data: bytes, rng: Random) -> Mutation:
    array = np.load(io.BytesIO(data))
    other = rng.choice(
        (
            lambda: array[0],
            lambda: array[None],
            lambda: array[..., None],
            lambda: array.T,
            lambda: array[:0],
            lambda: array[:, :1],
            lambda: np.array([Payload(rng.randrange(3))], dtype=object),
            lambda: array.astype(np.float64),
            lambda: array.astype(bool),
            lambda: array.astype(complex),
            lambda: np.array("x"),
            lambda: array.astype(np.float16),
            lambda: np.full_like(array, rng.choice((0, 1))),
            lambda: np.full(array.shape, np.nan),
            lambda: np.full(array.shape, np.inf),
            lambda: -array.astype(np.float32),
            lambda: array.astype(np.int64),
            lambda: np.full(array.shape, 2**62),
            lambda: array.astype(str),
            lambda: array.astype(np.uint8),
            lambda: np.full(array.shape, 1e300),
        )
    )()
    return Mutation(npy(other), f"{other.dtype} {other.shape}")


# ---- zip archives: .npz, .pt


def _members(data: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def zipped(members: list[tuple[str, bytes]], packed: bool = False) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, body in members:
            archive.writestr(zipfile.ZipInfo(name), body, zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED)
    return stream.getvalue()


@of("npz", "pt")
def _zip_members(data: bytes, rng: Random) -> Mutation:
    members = _members(data)
    place = rng.randrange(len(members))
    name, body = members[place]
    what = rng.randrange(8)
    if what == 0:
        return Mutation(zipped(members[:place] + members[place + 1 :]), f"without {name}")
    if what == 1:
        members[place] = name, body[: len(body) // 2]
        return Mutation(zipped(members), f"half of {name}", whole=len(body) > 1)
    if what == 2:
        members[place] = name, body + bytes(400 << 20)
        return Mutation(zipped(members, packed=True), f"bomb in {name}")
    if what == 3:
        members[place] = rng.choice(("", "/", "..", "x", "/etc/x", "data.pkl", "a/data.pkl")), body
        return Mutation(zipped(members), f"{name} called otherwise")
    if what == 4:
        return Mutation(zipped(members, packed=True), "packed")
    if what == 5:
        members[place] = name, rng.choice((b"", b"x", b"little", b"big", b"\0" * 8, rng.randbytes(len(body))))
        return Mutation(zipped(members), f"{name} is another")
    if what == 6:
        other = rng.randrange(len(members))
        members[place], members[other] = (name, members[other][1]), (members[other][0], body)
        return Mutation(zipped(members), "swapped")
    members.append((name, bytes(9)))
    return Mutation(zipped(members), f"{name} twice")


@of("npz", "pt")
def _zip_bits(data: bytes, rng: Random) -> Mutation:
    return Mutation(_bits(data, rng).data, "", whole=True)


@of("npz", "pt")
def _zip_directory(data: bytes, rng: Random) -> Mutation:
    """Numbers of the directory at the end: sizes, places, flags, methods."""
    start = data.rfind(b"PK\x01\x02") if rng.random() < 0.7 else data.find(b"PK\x03\x04")
    changed = bytearray(data)
    place = start + rng.randrange(6, 46)
    changed[place] = rng.choice((0, 1, 8, 9, 12, 14, 93, 98, 99, 0xFF, changed[place] ^ 1))
    if rng.random() < 0.3:
        changed[place : place + 4] = rng.choice((b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0"))
    return Mutation(bytes(changed), f"{place - start}")


@of("npz", "npz")
def _npz_member(data: bytes, rng: Random) -> Mutation:
    members = _members(data)
    place = rng.randrange(len(members))
    name, body = members[place]
    inner = mutate("npy", body, rng)
    members[place] = name, inner.data or b""
    return Mutation(zipped(members), f"{name}: {inner.note}")


# ---- safetensors


@of("safetensors", "safetensors", "safetensors")
def _safetensors_head(data: bytes, rng: Random) -> Mutation:
    (length,) = struct.unpack_from("<Q", data)
    head, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    what = rng.randrange(4)
    if what == 0:
        changed, note = evil_tree(head, rng)
    elif what == 1 and "__metadata__" in head:
        meta = head["__metadata__"]
        if rng.random() < 0.15:
            changed, note = dict(head) | {"__metadata__": evil_tree(meta, rng)[0]}, "metadata"
        else:
            card, note = evil_tree(json.loads(meta["segdepth"]), rng)
            changed = head | {"__metadata__": meta | {"segdepth": json.dumps(card)}}
    elif what == 2 and "__metadata__" in head:
        meta = head["__metadata__"]
        inner = mutate("json", meta["segdepth"].encode(), rng)
        changed, note = (
            head | {"__metadata__": meta | {"segdepth": (inner.data or b"").decode("utf-8", "replace")}},
            inner.note,
        )
    else:
        name = rng.choice([key for key in head if key != "__metadata__"])
        entry = dict(head[name])
        entry[rng.choice(tuple(entry))] = rng.choice(
            (
                [0, 2**63],
                [0, 0],
                [-1, 4],
                [8, 4],
                [2**40, 2**41],
                [2**33],
                [],
                [1.5],
                "F64",
                "F16",
                "BF16",
                "I64",
                "BOOL",
                "F8_E4M3",
                "F4",
                "X",
                "C64",
                [0, 4, 8],
                [2**31, 2**31],
                [0],
                None,
                "U16",
                "F8_E8M0",
            )
        )
        changed, note = head | {name: entry}, name
    packed = json.dumps(changed).encode("utf-8", "surrogatepass")
    return Mutation(struct.pack("<Q", len(packed)) + packed + body, note[:80])


@of("safetensors")
def _safetensors_length(data: bytes, rng: Random) -> Mutation:
    length = rng.choice((0, 1, 2, 2**20, 99_999_999, 100_000_001, 2**31, 2**40, 2**63, 2**64 - 1))
    return Mutation(struct.pack("<Q", length) + data[8:], str(length), whole=True)


@of("safetensors")
def _safetensors_cut(data: bytes, rng: Random) -> Mutation:
    return Mutation(data[: rng.randrange(len(data))], "", whole=True)


@of("safetensors")
def _safetensors_numbers(data: bytes, rng: Random) -> Mutation:
    """Weights that are no numbers, or huge."""
    (length,) = struct.unpack_from("<Q", data)
    head, body = data[: 8 + length], np.frombuffer(data[8 + length :], np.uint8).copy()
    count = len(body) // 4
    numbers = body[: count * 4].view("<f4")
    numbers[rng.randrange(count)] = rng.choice((np.nan, np.inf, -np.inf, 3e38))
    return Mutation(head + body.tobytes(), "")


# ---- files of torch.save


def torch_bytes(value: Any, **how: Any) -> bytes:
    import torch

    stream = io.BytesIO()
    torch.save(value, stream, **how)
    return stream.getvalue()


def _torch_nodes(value: Any, path: tuple[Any, ...] = (), depth: int = 0) -> list[tuple[Any, ...]]:
    found = [path]
    if depth < 5 and isinstance(value, Mapping):
        for key in value:
            found += _torch_nodes(value[key], (*path, key), depth + 1)
    elif depth < 5 and isinstance(value, list):
        for key, inner in enumerate(value[:9]):
            found += _torch_nodes(inner, (*path, key), depth + 1)
    return found


def _evil_tensors(rng: Random, like: Any) -> Any:
    import torch

    return rng.choice(
        (
            lambda: torch.zeros(0),
            lambda: torch.zeros(1, dtype=torch.int64),
            lambda: torch.zeros(2, 3, dtype=torch.complex64),
            lambda: torch.full((2,), float("nan")),
            lambda: torch.zeros(3).to_sparse(),
            lambda: torch.zeros(1).expand(2**20, 2**20),
            lambda: torch.nn.Parameter(torch.zeros(3)),
            lambda: torch.zeros(2, dtype=torch.bool),
            lambda: torch.zeros(2, dtype=torch.float64),
            lambda: torch.tensor(float("inf")),
            lambda: torch.empty(3, device="meta"),
            lambda: torch.zeros(2, dtype=torch.bfloat16),
            lambda: torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.quint8),
            lambda: like * float("nan") if isinstance(like, torch.Tensor) else like,
            lambda: like.t() if isinstance(like, torch.Tensor) and like.dim() == 2 else like,
            lambda: torch.device("cuda"),
            lambda: torch.Size([1]),
            lambda: np.float64(1),
            lambda: {1: 2},
            lambda: like[:0] if isinstance(like, torch.Tensor) and like.dim() else like,
            lambda: torch.zeros(1).expand(2**40),
        )
    )()


@of("pt", "pt", "pt")
def _torch_tree(data: bytes, rng: Random) -> Mutation:
    import warnings

    import torch

    value = torch.load(io.BytesIO(data), weights_only=True)
    path = rng.choice(_torch_nodes(value)[1:])
    place = value
    for key in path[:-1]:
        place = place[key]
    deed = rng.randrange(5)
    if deed == 0:
        del place[path[-1]]
    elif deed == 1 and isinstance(place, dict):
        place[rng.choice(("", "x", 1, None, "module." + str(path[-1])))] = place.pop(path[-1])
    elif deed == 2:
        place[path[-1]] = rng.choice([one for one in EVIL_VALUES if not (isinstance(one, str) and "\ud800" in one)])
    elif deed == 3 and path[-1] == "card":
        place["card"] = json.dumps(evil_tree(json.loads(place["card"]), rng)[0])
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            place[path[-1]] = _evil_tensors(rng, place[path[-1]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Mutation(torch_bytes(value), ".".join(map(str, path))[:80])


@of("pt")
def _torch_payload(data: bytes, rng: Random) -> Mutation:
    import torch

    payload = Payload(rng.randrange(3))
    what = rng.randrange(6)
    if what == 0:
        return Mutation(pickle.dumps(payload, rng.choice((0, 2, 4))), "a plain pickle", whole=True)
    if what == 1:
        return Mutation(torch_bytes({"state_dict": payload}), "in the place of weights", whole=True)
    if what == 2:
        return Mutation(
            torch_bytes({"model": torch.zeros(1), "x": payload}, _use_new_zipfile_serialization=False),
            "old form",
            whole=True,
        )
    if what == 3:
        value = torch.load(io.BytesIO(data), weights_only=True)
        value["optimizer_state" if "optimizer_state" in value else "x"] = payload
        return Mutation(torch_bytes(value), "beside the weights", whole=True)
    if what == 4:
        members = [
            (name, pickle.dumps(payload, 2) if name.endswith("data.pkl") else body) for name, body in _members(data)
        ]
        return Mutation(zipped(members), "in the archive", whole=True)
    return Mutation(torch_bytes(torch.nn.Linear(1, 1)), "a module", whole=True)


@of("pt")
def _torch_pickle(data: bytes, rng: Random) -> Mutation:
    """Opcodes inside a whole archive."""
    members = []
    for name, body in _members(data):
        changed = bytearray(body)
        if name.endswith("data.pkl"):
            for _ in range(rng.choice((1, 2, 5))):
                changed[rng.randrange(len(changed))] = rng.choice(
                    (*b"0().KMJ\x8aXq\x85\x86\x87t}]Rbcs", rng.randrange(256))
                )
        members.append((name, bytes(changed)))
    return Mutation(zipped(members), "")


@of("pt")
def _torch_old_form(data: bytes, rng: Random) -> Mutation:
    import torch

    old = torch_bytes(torch.load(io.BytesIO(data), weights_only=True), _use_new_zipfile_serialization=False)
    return rng.choice((_bits, _bits_in_the_head, _truncated, _filled))(old, rng)


# ---- Parquet


@of("parquet", "parquet", "parquet")
def _parquet_table(data: bytes, rng: Random) -> Mutation:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(data))
    place = rng.randrange(table.num_columns)
    name = table.column_names[place]
    column, count = table.column(place).to_numpy(), table.num_rows
    meta = dict(table.schema.metadata or {})
    other: Any = rng.choice(
        (
            lambda: pa.nulls(count),
            lambda: pa.array(["x"] * count),
            lambda: pa.array(np.full(count, np.nan)),
            lambda: pa.array(np.full(count, np.inf)),
            lambda: pa.array(np.full(count, -1)),
            lambda: pa.array([[1]] * count),
            lambda: pa.array([True] * count),
            lambda: pa.array([b"\xff"] * count),
            lambda: pa.array([None if k % 2 else 1.0 for k in range(count)]),
            lambda: pa.array(column[::-1].copy()),
            lambda: pa.array(column.astype(float)),
            lambda: pa.array([{"a": 1}] * count),
            lambda: pa.array(np.full(count, 2**62)),
            lambda: pa.array(["x"] * count).dictionary_encode(),
            lambda: pa.array(np.arange(count) - 5),
            lambda: pa.array(np.full(count, 99)),
        )
    )
    what = rng.randrange(8)
    if what == 0:
        changed = table.drop_columns([name])
    elif what == 1:
        changed = table.rename_columns(
            [rng.choice(("", "x", "image", "row", "é")) if one == name else one for one in table.column_names]
        )
    elif what == 2:
        meta[rng.choice(list(meta))] = rng.choice((b"", b"x", b"\xff", b"frame1"))
        changed = table.replace_schema_metadata(meta)
    elif what == 3:
        changed = table.replace_schema_metadata(rng.choice((None, {b"name": b"x"}, {})))
    elif what == 4:
        changed = table.slice(rng.randrange(count or 1))
    elif what == 5:
        changed = pa.concat_tables([table, table])
    else:
        changed = table.set_column(place, name, other())
    stream = io.BytesIO()
    pq.write_table(changed, stream, compression=rng.choice(("zstd", "none", "snappy")))
    return Mutation(stream.getvalue(), f"{what} {name}")


@of("parquet")
def _parquet_bits(data: bytes, rng: Random) -> Mutation:
    return Mutation(_bits(data, rng).data, "")


@of("parquet")
def _parquet_foot(data: bytes, rng: Random) -> Mutation:
    """Of the description at the end: counts, types, places."""
    (length,) = struct.unpack_from("<I", data, len(data) - 8)
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 3))):
        changed[len(data) - 8 - rng.randrange(1, length)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return Mutation(bytes(changed), "")


# ---- laser scans


@of("bin")
def _bin(data: bytes, rng: Random) -> Mutation:
    points = np.frombuffer(data, "<f4").reshape(-1, 4).copy()
    what = rng.randrange(6)
    if what == 0:
        return Mutation(data[: rng.choice((1, 15, len(data) - 1, len(data) - 8))], "cut off", whole=True)
    if what == 1:
        points[rng.randrange(len(points)), rng.randrange(4)] = rng.choice((np.nan, np.inf, -np.inf))
        return Mutation(points.tobytes(), "no number", whole=True)
    points[rng.randrange(len(points)), rng.randrange(3)] = rng.choice((3e38, -3e38, 1e-40, 0, -0.0, 1e20))
    return Mutation(points.tobytes(), "far away")


#: A few formats that pictures come in besides.
def other_pictures() -> list[bytes]:
    import cv2

    picture = np.full((8, 8, 3), 7, np.uint8)
    return [cv2.imencode(ending, picture)[1].tobytes() for ending in (".bmp", ".tiff", ".webp", ".ppm")]


@of("png", "jpeg")
def _other_format(_: bytes, rng: Random) -> Mutation:
    found = mutate("any", rng.choice(other_pictures()), rng)
    return found
