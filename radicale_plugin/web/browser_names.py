"""What a browser and its system are called by people, out of what the browser says of itself."""

from __future__ import annotations

from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.portal import Portal

#: The word that gives a browser away. Most claim to be several others, too: those come first that nobody claims to be.
_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("UCBrowser/", "UC Browser"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_LONGEST = 60


def install(portal: Portal) -> None:
    """Let templates say ``{{ said|browser_name }}``."""
    portal.jinja_env.filters["browser_name"] = browser_name


def browser_name(said: str) -> str:
    """Return what people call a browser that *said* this of itself; where it is not known, the beginning of that."""
    browser, system = (next((name for word, name in known if word in said), "") for known in (_BROWSERS, _SYSTEMS))
    if not browser:
        return said[:_LONGEST] or _("A browser that says nothing about itself")
    return _("%(browser)s on %(system)s", browser=browser, system=system) if system else browser
