"""The explorer as one HTML file that works offline, straight from disk."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping
from pathlib import Path

from ireelab.errors import IreelabError
from ireelab.viz.models import ModelBlob

STATIC = Path(__file__).parents[1] / "widgets" / "static"
"""Where the build puts the front end's bundle; the widget loads the same files."""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{css}
html, body {{ margin: 0; height: 100%; }}
#ireelab .ireelab {{ height: 100vh; border: 0; }}
#ireelab .ireelab[data-layout="narrow"] {{ height: max(100vh, 860px); }}
</style>
</head>
<body>
<div id="ireelab"><noscript>This page shows a compilation with JavaScript.</noscript></div>
<script type="application/octet-stream" id="ireelab-index">{index}</script>
<script type="application/octet-stream" id="ireelab-chunks">{chunks}</script>
{models}
<script>
{script}
</script>
</body>
</html>
"""  # noqa: E501


def bundle_text(name: str) -> str:
    """The text of one file of the front end's bundle, such as ``widget.js``."""
    return bundle_bytes(name).decode("utf-8")


def bundle_bytes(name: str) -> bytes:
    """One file of the front end's bundle, such as ``notebook.js.gz``."""
    try:
        return (STATIC / name).read_bytes()
    except FileNotFoundError:
        raise IreelabError(
            f"the explorer's front end is not built ({name} is missing): "
            "run `pip install -e .` in the repository, or `npm ci && npm run build` in frontend/"
        ) from None


def render_html(
    index: bytes, chunks: bytes, *, title: str, models: Mapping[str, ModelBlob] | None = None
) -> str:
    """A page that shows one explorer payload: no server, no network, no other file.

    ``models`` are those that the page can show, by name.

    The page forbids itself every connection. The data stand in it as base64, and the code
    cannot end its own element, so nothing in a program's text can become markup.
    """
    return _PAGE.format(
        title=html.escape(title),
        css=_inside(bundle_text("widget.css"), "style"),
        index=base64.b64encode(index).decode("ascii"),
        chunks=base64.b64encode(chunks).decode("ascii"),
        models="\n".join(_model(name, blob) for name, blob in (models or {}).items()),
        script=_inside(bundle_text("standalone.js"), "script"),
    )


def _model(name: str, blob: ModelBlob) -> str:
    absent = f' data-absent="{html.escape(blob.absent)}"' if blob.absent else ""
    data = base64.b64encode(blob.data).decode("ascii")
    return (
        f'<script type="application/octet-stream" id="ireelab-model-{html.escape(name)}"{absent}>'
        f"{data}</script>"
    )


def _inside(text: str, element: str) -> str:
    """``text`` such that it cannot close the element it stands in."""
    text = re.sub(rf"</(?={element})", r"<\\/", text, flags=re.IGNORECASE)
    return text.replace("<!--", r"<\!--")
