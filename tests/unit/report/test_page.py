"""One template and one style for all pages."""

import re
from pathlib import Path

import jinja2
import pytest

import segdepth.report
from segdepth.report.page import image_uri, write_page

TEMPLATES = Path(segdepth.report.__file__).parent / "templates"
PAGES = sorted(path.name for path in TEMPLATES.glob("*.html") if path.name != "base.html")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_adds_only_what_is_its_own(name: str) -> None:
    text = (TEMPLATES / name).read_text()
    assert text.startswith('{% extends "base.html" %}\n')
    for once in ("<html", "<head", "<style", "<main"):
        assert once not in text
    rule = r"^\s*([^@{}\n][^{}]*?)\s*\{(?![{%#])"
    own = set(re.findall(rule, text, re.MULTILINE))
    assert not {selector for selector in own if selector in ("body", "h1", "h2", "h3", "p", "table", "pre")}


@pytest.mark.parametrize("name", PAGES)
def test_every_class_is_in_the_style(name: str) -> None:
    text = (TEMPLATES / name).read_text()
    known = set(re.findall(r"\.([a-z]+)", (TEMPLATES / "style.css").read_text() + text))
    used = {word for words in re.findall(r'class="([a-z ]+)"', text) for word in words.split()}
    assert used <= known


def test_a_page_is_the_template_filled(tmp_path: Path) -> None:
    class Nothing:
        findings = ()

    write_page(tmp_path / "new" / "page.html", "data.html", {"report": Nothing, "splits": [], "places": []}, {})
    text = (tmp_path / "new" / "page.html").read_text()
    assert text.startswith("<!doctype html>\n")
    assert text.endswith("</html>")
    assert "--ink: light-dark(#0f172a, " in text, "the style stands in the page"
    assert "Nothing is wrong." in text
    with pytest.raises(jinja2.UndefinedError):
        write_page(tmp_path / "page.html", "data.html", {}, {})
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("name", PAGES)
def test_a_colour_is_for_a_light_and_a_dark_page(name: str) -> None:
    """Words in a colour of their own are lighter in the dark; what is drawn black on white is turned round there."""
    text = (TEMPLATES / name).read_text()
    assert not re.findall(r'style="color:', text)
    assert not re.findall(r"(?:color|background|border): [^;(]*#(?!000;)[0-9a-f]{3,6}", text)
    for figure in re.findall(r"<img[^>]*(?:curves|uri }})[^>]*>", text):
        assert 'class="chart"' in figure or "| uri" in figure


@pytest.mark.parametrize("name", PAGES)
def test_what_scrolls_is_reached_by_keyboard(name: str) -> None:
    text = (TEMPLATES / name).read_text()
    assert all('tabindex="0"' in tag for tag in re.findall(r'<div class="scroll"[^>]*>|<pre[^>]*>', text))


def test_paper_is_light_and_breaks_no_figure() -> None:
    style = (TEMPLATES / "style.css").read_text()
    paper = style[style.index("@media print") :]
    assert "color-scheme: light;" in paper
    assert re.search(r"tr, figure[^{]*\{ break-inside: avoid; \}", paper)


def test_a_picture_stands_in_the_page() -> None:
    assert image_uri(b"abc") == "data:image/png;base64,YWJj"
    assert image_uri(b"abc", "jpeg") == "data:image/jpeg;base64,YWJj"
