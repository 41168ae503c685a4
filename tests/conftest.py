"""Fixtures every room shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import prorl_envs

SHIPPED = [spec.id for spec in prorl_envs.environments()]
"""Ids of the environments as they are before any test or benchmark registers its own."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data that is kept outside the repository; skips where it is absent."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("PRORL_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder} (set PRORL_SHARED_DATA)")
    return folder
