"""The way in: a file is read, or it is named with what is wrong; nothing waits, or takes memory that a file only claims."""

import json
import os
import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segdepth.core.errors import CheckpointError, ConfigError, DataError
from segdepth.core.reading import (
    MAX_BYTES,
    parse_json,
    parse_row,
    positive,
    read_bytes,
    read_json,
    read_json_lines,
    read_lines,
    read_text,
    require_file,
)


def into_itself(path: Path) -> None:
    path.symlink_to(path.name)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


@pytest.mark.parametrize(
    ("place", "complaint"),
    [
        (Path.mkdir, "is a folder, not a file"),
        (os.mkfifo, "is empty"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device, not a file"),
        (lambda path: path.symlink_to("nowhere"), "no file"),
        (into_itself, "cannot read"),
        (sparse, "1099511627776 bytes"),
        (Path.touch, "is empty"),
    ],
)
def test_what_is_no_file_is_named_at_once(tmp_path: Path, place: Callable[[Path], object], complaint: str) -> None:
    place(tmp_path / "a")
    tracemalloc.start()
    with pytest.raises(CheckpointError, match=complaint) as caught:
        read_bytes(tmp_path / "a", error=CheckpointError)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()
    assert str(tmp_path / "a") in str(caught.value)


def test_a_name_that_no_file_can_have_is_a_sentence() -> None:
    for name in ("a\0b", "\ud800", "x" * 5000):
        with pytest.raises(DataError, match="cannot read"):
            read_bytes(Path(name))
        with pytest.raises(DataError, match="cannot read"):
            require_file(Path(name))


def test_a_pipe_that_somebody_writes_to_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a shell gives one: ``--config <(...)``."""
    with subprocess.Popen(["sh", "-c", "sleep 0.2; seq 100000"], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        path = Path(f"/dev/fd/{writer.stdout.fileno()}")
        assert len(read_text(path).split()) == 100_000
    monkeypatch.setenv(MAX_BYTES[0], "1000")
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        with pytest.raises(DataError, match="more than 1000"):
            read_bytes(Path(f"/dev/fd/{writer.stdout.fileno()}"))
        writer.kill()


def test_lines_are_stripped_and_the_last_needs_no_end(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\n\n  two \nthree")
    assert read_lines(tmp_path / "a.txt", "a list") == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "should be a list"),
        (b" \n\n", "empty"),
        (b"", "empty"),
        (b"\xff\xff", "not a text"),
        (b"a\0b", "not a text"),
        (b"x" * 20_000, "a line of 20000 characters"),
    ],
)
def test_a_list_that_is_none_is_named(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    if content is not None:
        (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(DataError, match=f"a.txt.*{complaint}"):
        read_lines(tmp_path / "a.txt", "a list")


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "no valid JSON"),
        ("", "no valid JSON"),
        (b"\xff", "no valid JSON"),
        (nested(100_000), "nested too deeply|100 levels"),  # whichever comes first: others set how deep Python goes
        (nested(200), "100 levels"),
        ("1" * 5000, "no valid JSON"),
        (str(2**64), "64 bits"),
        ('{"a": ["\\ud800"]}', "half a character"),
        ('{"\\ud800": 1}', "half a character"),
    ],
)
def test_a_json_that_is_none_or_nobodys_is_named(text: str | bytes, complaint: str) -> None:
    with pytest.raises(ConfigError, match=rf"^here .*{complaint}"):
        parse_json(text, "here", error=ConfigError)


@pytest.mark.parametrize("value", [{"a": [1, 2.5, None, True, "é"]}, [], "x", 2**64 - 1, -(2**63)])
def test_what_json_holds_is_what_was_written(value: Any) -> None:
    assert parse_json(json.dumps(value), "here") == value
    assert parse_json(json.dumps(value).encode("utf-8-sig"), "here") == value


def test_a_file_must_hold_a_mapping_or_there_is_another_answer(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    for content in (None, b"", b"[1]", b"{", b"7", b"null"):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.json"):
            read_json(file, "a record")
        assert read_json(file, "a record", default={}) == {}
    file.write_text('{"a": 1}')
    assert read_json(file, "a record") == {"a": 1}


def test_lines_of_json_are_read_one_by_one(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"a": 1}\n{"a": \n\xff\n[1]\n{"b": 2}\n')
    assert read_json_lines(file) == [{"a": 1}, None, None, None, {"b": 2}]
    file.write_bytes(b"")
    assert read_json_lines(file) == []


def test_a_line_of_a_table() -> None:
    assert parse_row('a, "b,c" ,d', "here") == ["a", '"b', 'c"', "d"]
    assert parse_row('"a,b",c', "here") == ["a,b", "c"]
    for line in ('"a', 'a,"b"c', "a\nb"):
        with pytest.raises(DataError, match=r"^here: .* is no line of a table"):
            parse_row(line, "here")


@pytest.mark.parametrize("value", [0, -1, True, float("nan"), float("inf"), "1", None, [1], {}])
def test_what_is_no_positive_number(value: Any) -> None:
    assert positive({"a": {"b": value}}, ("a", "b")) is None
    assert positive(value, ("a", "b")) is None
    assert positive({"a": {"b": 2}}, ("a", "b")) == 2.0
