"""Who is answered: names, origins, sites, token."""

import pytest

from segdepth.explorer.safety import HEADERS, Safety, new_token

SAFETY = Safety("secret", ["Hub.example.org"])


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8641", "127.0.0.1:9000", "[::1]:8641", "hub.example.org", "HUB.example.org:443"]
)
def test_names_that_are_ours(host: str) -> None:
    assert SAFETY.refusal({"host": host}) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.com",
        "evil.com:8641",
        "127.0.0.1.evil.com",
        "localhost.evil.com",
        "192.168.1.5:8641",
        "0.0.0.0",
        "[",
        "a@evil.com",
        "evil.com@localhost",
        "localhost/evil.com",
        "localhost?",
        "localhost.",
        "127.0.0.1.nip.io",
        "2130706433",
        "127.1",
    ],
)
def test_other_names_are_refused(host: str) -> None:
    assert "--allow-host" in str(SAFETY.refusal({"host": host}))


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8641", "http://localhost:8641"),
        ("hub.example.org", "https://hub.example.org"),
        ("127.0.0.1:8641", "https://hub.example.org"),  # a proxy that says its own name for the host
    ],
)
def test_pages_that_are_ours(host: str, origin: str) -> None:
    assert SAFETY.refusal({"host": host, "origin": origin}) is None


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://evil.com",
        "http://localhost:9999",
        "http://localhost",
        "https://localhost:8641.evil.com",
        "file://",
        "[",
        "http://[::1",
        "http://a@localhost:8641",
    ],
)
def test_other_pages_are_refused(origin: str) -> None:
    assert "may not ask" in str(SAFETY.refusal({"host": "localhost:8641", "origin": origin}))


@pytest.mark.parametrize(
    ("site", "refused"), [("cross-site", True), ("same-origin", False), ("same-site", False), ("none", False)]
)
def test_sites(site: str, refused: bool) -> None:
    assert (SAFETY.refusal({"host": "localhost", "sec-fetch-site": site}) is not None) == refused


def test_the_token_is_known() -> None:
    assert SAFETY.knows("secret")
    assert not any(SAFETY.knows(word) for word in (None, "", "secre", "secret ", "Secret", "sécret"))
    assert len({new_token() for _ in range(50)}) == 50
    assert len(new_token()) >= 32


def test_nothing_comes_from_elsewhere() -> None:
    policy = dict(part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
