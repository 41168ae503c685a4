"""Publishes a trained model on the Hugging Face hub, when asked: `--push REPO_ID`, or `prorl train push RUN REPO_ID`.

The token comes from where huggingface_hub keeps it (``HF_TOKEN``, ``hf auth login``). A new repository is private
unless ``--public`` is given. A push that fails leaves the run as it is, and says how to try again.
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

from adapters.prorl.telling.card import write_card
from prorl_envs.errors import ConfigError, InfrastructureError

__all__ = ["check_push", "push"]

_REPO_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def check_push(repo_id: str) -> None:
    """Raises `ConfigError` when a push could not but fail: a name that is none, or no token. Needs no network."""
    if not _REPO_ID.fullmatch(repo_id) or len(repo_id) > 96:
        raise ConfigError(f"--push {repo_id!r} is no repository: give OWNER/NAME")
    from huggingface_hub import get_token

    if not get_token():
        raise ConfigError("--push needs a token: set HF_TOKEN, or run `hf auth login`")


def push(folder: Path, repo_id: str, *, private: bool = True, api: Any = None) -> str:
    """Uploads the trained model of a run, with its card and curves.

    Args:
        folder: of the run.
        repo_id: ``OWNER/NAME``.
        private: of a repository that this makes; one that exists is left as it is.
        api: a `huggingface_hub.HfApi`, or what behaves like one.

    Returns:
        The address of the commit or repository, as the hub gives it.

    Raises:
        ConfigError: the run has no trained model yet.
        InfrastructureError: the hub cannot be reached or refuses; nothing of the run is lost.
    """
    import httpx
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    model = folder / "model"
    if not list(model.glob("*.safetensors")):
        raise ConfigError(f"{str(folder)!r} has no trained model to push: finish the run first (--resume)")
    write_card(folder)
    if (folder / "curves.png").is_file():
        shutil.copyfile(folder / "curves.png", model / "curves.png")
    api = api or HfApi()
    try:
        api.create_repo(repo_id, private=private, exist_ok=True)
        done = api.upload_folder(
            repo_id=repo_id, folder_path=str(model), commit_message=f"Trained with prorl-envs: {folder.name}"
        )
    except (HfHubHTTPError, httpx.HTTPError, OSError, ValueError) as error:
        again = f"python -m adapters.train push {shlex.quote(str(folder))} {repo_id}"
        again += "" if private else " --public"
        reason = " ".join(str(error).split())[:300]
        raise InfrastructureError(
            f"the model was not pushed to {repo_id!r}: {reason or type(error).__name__}. It is still in "
            f"{str(model)!r}; try again with: {again}"
        ) from error
    return str(getattr(done, "commit_url", done))
