"""Who may ask: names that the server is called by, pages that requests come from, and the token of the printed address."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["HEADERS", "Safety", "new_token"]

#: The loopback's names, with which no other machine can be meant.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

#: Of every reply. The page takes nothing from other addresses, nobody else's page shows it, and nothing of it is kept.
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def new_token() -> str:
    """Of an address that nobody guesses."""
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class Safety:
    """Whom to answer.

    Attributes:
        token: of the printed address.
        hosts: names that the server may be called by, besides the loopback's: a proxy's, say.
    """

    token: str
    hosts: Collection[str] = ()

    def refusal(self, headers: Mapping[str, str]) -> str | None:
        """Why a request is not answered, whatever it asks; None: it is.

        A page of another address cannot change these headers: its requests, and those to a name that it has turned to this
        machine (DNS rebinding), are refused here.

        Args:
            headers: of the request, in small letters.
        """
        host = headers.get("host", "")
        if _netloc(f"//{host}") != host.lower() or not self._is_ours(_name(f"//{host}")):
            return f"this server is not called {host[:80]!r}; --allow-host NAME allows a proxy's name"
        origin = headers.get("origin")
        if origin is not None and not self._same(origin, host):
            return f"pages of {origin[:80]!r} may not ask this server"
        if headers.get("sec-fetch-site") == "cross-site":
            return "another page sent this request; paste the printed address into the browser"
        return None

    def knows(self, token: str | None) -> bool:
        """Whether a token is the one; takes as long for a near miss as for any other.

        Args:
            token: that came with a request.
        """
        return secrets.compare_digest((token or "").encode(), self.token.encode())

    def _same(self, origin: str, host: str) -> bool:
        """Whether a page is of the address that it asks, or of a proxy whose name is allowed."""
        return _netloc(origin) == host.lower() or _name(origin) in {name.lower() for name in self.hosts}

    def _is_ours(self, name: str | None) -> bool:
        return name in LOOPBACK or name in {host.lower() for host in self.hosts}


def _name(address: str) -> str | None:
    """The host's name in an address, in small letters; None where there is none, or somebody's name before it."""
    netloc = _netloc(address)
    return None if "@" in netloc else urlsplit(f"//{netloc}").hostname


def _netloc(address: str) -> str:
    """The host's name and port in an address, in small letters; empty where there are none."""
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""
