"""The rewards over HTTP: the same verdicts, and a clear answer to every bad request."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from prorl_envs.core import Verdict
from prorl_envs.scoring import Scorer
from prorl_envs.server import make_app

MATH = {"domain": "math", "truth": {"answer": "7"}}


def ask(*requests: tuple[str, Any], max_body_mb: int = 1) -> list[httpx.Response]:
    """Answers of one application to several requests."""

    async def talk() -> list[httpx.Response]:
        with Scorer(workers=1) as scorer:
            transport = httpx.ASGITransport(make_app(scorer, max_body_mb=max_body_mb))
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return [
                    await (client.get(path) if body is None else client.post(path, content=body))
                    for path, body in requests
                ]

    return asyncio.run(talk())


def test_rows_in_verdicts_out_in_order() -> None:
    rows = [
        {**MATH, "id": "a", "response": "\\boxed{7}"},
        {**MATH, "response": "\\boxed{8}"},
        {"id": "c", "domain": "math", "response": "\\boxed{8}"},
        {**MATH, "id": "d", "response": None},
    ]
    health, score = ask(("/health", None), ("/score", json.dumps({"rows": rows})))
    assert health.json()["ok"] is True
    verdicts = score.json()["verdicts"]
    assert [(v["id"], v["status"]) for v in verdicts] == [
        ("a", "correct"),
        (2, "wrong"),
        ("c", "failed"),
        ("d", "no_answer"),
    ]
    assert "truth" in verdicts[2]["detail"]
    assert Verdict.from_dict(verdicts[0]).reward == 1.0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"rows": 7}', b'{"rows": [7]}', b"[" * 100_000])
def test_a_body_that_cannot_be_read_is_a_400(body: bytes) -> None:
    (answer,) = ask(("/score", body))
    assert answer.status_code == 400
    assert "rows" in answer.json()["error"]


def test_too_large_a_body_is_refused_and_the_next_is_served() -> None:
    big, good = ask(("/score", b" " * (2 << 20)), ("/score", json.dumps({"rows": []})))
    assert big.status_code == 413
    assert good.json() == {"verdicts": []}
