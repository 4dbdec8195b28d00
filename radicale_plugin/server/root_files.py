"""Files that browsers and robots look for at the root of a server, whatever its pages say."""

from __future__ import annotations

from pathlib import Path

from radicale_plugin.dav.responses import Response

_STATIC = Path(__file__).parents[1] / "web" / "static"
_ICON = "apple-touch-icon.png"
#: Messengers that show what a link leads to obey these as well; which pages are for an index, pages say themselves.
_ROBOTS = b"User-agent: *\nAllow: /.web/\nDisallow: /\n"
_PICTURES = {
    "/favicon.ico": ("favicon.ico", "image/x-icon"),
    f"/{_ICON}": (_ICON, "image/png"),
    "/apple-touch-icon-precomposed.png": (_ICON, "image/png"),
}
_A_DAY = ("Cache-Control", "max-age=86400")


def answer(method: str, path: str) -> Response | None:
    """Return the file at *path*, or None where there is no such file and the request is for somebody else."""
    if method not in ("GET", "HEAD"):
        return None
    if path == "/robots.txt":
        return Response(200, [("Content-Type", "text/plain; charset=utf-8"), _A_DAY], _ROBOTS)
    if path not in _PICTURES:
        return None
    name, media_type = _PICTURES[path]
    return Response(200, [("Content-Type", media_type), _A_DAY], (_STATIC / name).read_bytes())
