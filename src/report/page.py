"""Builds a report's HTML file, whose content security policy allows only the scripts and styles in page/."""

import base64
import hashlib
import html
import json
import time
from pathlib import Path
from string import Template
from typing import Any

FOLDER = Path(__file__).with_name("page")
SCRIPTS = ("state", "paint", "scatter", "parallel", "curves", "best", "table", "rest", "page")  # in this order
MOST_PICTURE = 400_000  # bytes of a picture; larger ones are left out


def page(title: str, subtitle: str, data: dict[str, Any], pictures: dict[str, bytes]) -> bytes:
    """Returns the HTML file; `pictures` are PNG files by name."""
    script = '"use strict";\n' + "\n".join((FOLDER / f"{name}.js").read_text() for name in SCRIPTS)
    style = (FOLDER / "page.css").read_text()
    small = {name: png for name, png in pictures.items() if len(png) <= MOST_PICTURE}
    shown = {name: f"data:image/png;base64,{base64.b64encode(png).decode()}" for name, png in small.items()}
    everything = {**data, "pictures": shown, "made": time.strftime("%Y-%m-%d %H:%M")}
    parts = {
        "title": html.escape(title),
        "subtitle": html.escape(subtitle),
        "policy": f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data:",
        "style": style,
        "script": script,
        "data": json.dumps(everything, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),  # so that no text ends the script
    }
    return Template((FOLDER / "page.html").read_text()).substitute(parts).encode()


def _digest(text: str) -> str:
    """Returns the source expression of a content security policy that allows exactly this text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
