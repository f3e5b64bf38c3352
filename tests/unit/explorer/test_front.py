"""The front's files, and its modules as one."""

import re
import shutil
import subprocess

import pytest

from segdepth.explorer.front import front_file, front_names, modules_as_one

MODULES = [name for name in front_names() if name.endswith(".js")]


def test_page_style_and_modules_have_the_types_that_browsers_ask_for():
    assert front_file("index.html")[1].startswith("text/html")
    assert front_file("style.css")[1].startswith("text/css")
    assert front_file("main.js")[1].startswith("text/javascript")


@pytest.mark.parametrize("name", ["", "front.py", "../front.py", "static/main.js", "main.js/", "MAIN.JS"])
def test_nothing_else_is_handed_out(name):
    with pytest.raises(KeyError):
        front_file(name)


def test_all_modules_as_one_keep_no_import_and_no_export_and_order_each_after_what_it_needs():
    text = modules_as_one("main.js")
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    assert text.index("function readContainer") < text.index("class Lane") < text.index("function mountExplorer")
    assert text.count("function readContainer") == 1


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_all_modules_as_one_are_a_script():
    done = subprocess.run(
        ["node", "--check", "-"], input=modules_as_one("main.js"), text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", MODULES)
def test_each_import_is_exported_by_its_module(name):
    for wanted, other in re.findall(r'^import \{ (.*) \} from "\./(.*)";', front_file(name)[0].decode(), re.MULTILINE):
        offered = re.findall(
            r"^export (?:async )?(?:function|class|const) (\w+)", front_file(other)[0].decode(), re.MULTILINE
        )
        assert set(wanted.split(", ")) <= set(offered), (name, other)


@pytest.mark.parametrize("name", front_names())
def test_nothing_comes_from_elsewhere_and_nothing_stands_inline(name):
    text = front_file(name)[0].decode()
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert not re.search(r"<style|\sstyle=|\son\w+=\"|<script(?![^>]* src=)", text)
    assert "innerHTML" not in text


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_small(name):
    assert front_file(name)[0].count(b"\n") <= 300
