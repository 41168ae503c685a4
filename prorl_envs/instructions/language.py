"""Which language a text is in: langdetect, made deterministic.

langdetect draws random samples of a text's letter groups. Here every call starts from the same seed, on a
detector of its own: the same text gives the same answer in any process, thread and order, and neither
``langdetect.DetectorFactory.seed`` nor Python's `random` is touched.

Only the first `MAX_CHARACTERS` are looked at, which bounds the time of one call.
"""

from __future__ import annotations

import functools
from typing import Any

__all__ = ["MAX_CHARACTERS", "is_language", "language_of", "prepare"]

MAX_CHARACTERS = 10_000
_SEED = 0


def language_of(text: str) -> str | None:
    """The language code of `text` ("en", "zh-cn", ...), or None when it cannot be told (no letters)."""
    from langdetect.lang_detect_exception import LangDetectException

    detector = _factory().create()
    detector.seed = _SEED
    detector.append(text[:MAX_CHARACTERS])
    try:
        code = str(detector.detect())
    except LangDetectException:
        return None
    return None if code == detector.UNKNOWN_LANG else code


def is_language(text: str, code: str) -> bool:
    """Whether `text` is in the language `code`; ``zh`` accepts both Chinese codes. Untellable is False."""
    found = language_of(text)
    return found is not None and (found == code or (code == "zh" and found.startswith("zh-")))


def prepare() -> None:
    """Loads the language profiles (about half a second), so that the first text does not pay for it."""
    _factory()


@functools.cache
def _factory() -> Any:
    from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    return factory
