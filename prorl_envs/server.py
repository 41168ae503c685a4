"""The rewards over HTTP, for trainers that are not Python or not on this machine.

    prorl serve --port 8000
    curl localhost:8000/score -d @rows.json

``POST /score`` takes ``{"rows": [...]}`` (see `prorl_envs.row_verdicts`) and gives ``{"verdicts": [...]}`` in order,
each with the row's id. A row that cannot be read is a verdict ``failed``; a body that cannot is status 400.
``GET /health`` answers once the workers judge. There is no authentication: bind it to an address you trust.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from prorl_envs.core import Task
from prorl_envs.errors import MissingExtraError
from prorl_envs.row_verdicts import ajudge_rows, read_row
from prorl_envs.scoring import Scorer

try:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route
except ImportError as error:
    raise MissingExtraError("prorl serve", "serve") from error

__all__ = ["make_app"]


def make_app(scorer: Scorer, *, max_body_mb: int = 256) -> Starlette:
    """The ASGI application. It closes `scorer` when it shuts down.

    Args:
        scorer: judges; its deadline and workers bound the time of a request.
        max_body_mb: larger request bodies are refused with status 413, in MiB.
    """

    async def score(request: Request) -> JSONResponse:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > max_body_mb << 20:
                return _refusal(413, f"the body is larger than {max_body_mb} MiB")
        try:
            rows = json.loads(bytes(body))["rows"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return _refusal(400, 'the body must be JSON: {"rows": [{"domain", "truth", "response"}, ...]}')
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            return _refusal(400, "rows must be a list of objects")
        entries = [read_row(row, number, scorer) for number, row in enumerate(rows, start=1)]
        judged = await ajudge_rows(entries, scorer)
        return JSONResponse({"verdicts": [row.to_dict() for row in judged]})

    async def health(_request: Request) -> JSONResponse:
        probe = Task("math", "1?", {"answer": "1"})
        verdict = (await scorer.ascore([probe], ["\\boxed{1}"]))[0]
        status = 200 if verdict.correct else 503
        return JSONResponse({"ok": bool(verdict.correct), "detail": verdict.detail}, status)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        scorer.close()

    routes = [Route("/score", score, methods=["POST"]), Route("/health", health)]
    return Starlette(routes=routes, lifespan=lifespan)


def _refusal(status: int, reason: str) -> JSONResponse:
    return JSONResponse({"error": reason}, status)
