"""`prorl serve`: the rewards over HTTP. See `prorl_envs.server`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tyro

from prorl_envs.errors import MissingExtraError
from prorl_envs.scoring import Scorer
from prorl_envs.server import make_app

try:
    import uvicorn
except ImportError as error:
    raise MissingExtraError("prorl serve", "serve") from error

__all__ = ["main"]


@dataclass
class Options:
    """Serve the rewards over HTTP: POST /score, GET /health. There is no authentication."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = 8000
    """The port to listen on."""
    workers: int | None = None
    """Worker processes that judge; one per CPU by default."""
    deadline: float = 5.0
    """Seconds one response may take."""
    max_body_mb: int = 256
    """Larger requests are refused."""


def main(argv: Sequence[str]) -> int:
    """Serves until it is told to stop."""
    options = tyro.cli(Options, args=list(argv), prog="prorl serve")
    app = make_app(Scorer(options.workers, options.deadline), max_body_mb=options.max_body_mb)
    uvicorn.run(app, host=options.host, port=options.port, log_level="info")
    return 0
