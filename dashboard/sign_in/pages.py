"""The server's own pages and forms: rendered from templates, read within limits."""

from __future__ import annotations

from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse

from dashboard.settings import ROOT

TEMPLATES = ROOT / "dashboard" / "templates"
LARGEST_FORM = 8 * 1024
_PAGES = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)


def page(template: str, status_code: int = 200, **values: object) -> HTMLResponse:
    """A page from a template of that name, without its .html."""
    return HTMLResponse(_PAGES.get_template(f"{template}.html").render(values), status_code=status_code)


def asset(name: str) -> str:
    """The text of a style sheet or script among the templates."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


async def form_fields(request: Request) -> dict[str, str] | None:
    """The fields of a small form, or None if the body is none."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return None
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            return None
    try:
        fields = parse_qs(body.decode(), max_num_fields=10, errors="strict")
    except ValueError:
        return None
    return {name: values[0] for name, values in fields.items()}
