r"""Terms of the sciences as words: "mitochondria", "First-order", genotypes, strands of nucleotides."""

from __future__ import annotations

import re
import unicodedata

from prorl_envs.answers.latex import clean
from prorl_envs.answers.outcome import UNDECIDED, Outcome, same
from prorl_envs.answers.phrases import meaning

__all__ = ["compare_sequences", "compare_terms", "genotype"]

_GENOTYPE = re.compile(r"^(?:(?:[A-Z]{2}|[a-z]{2}|[A-Z][a-z])[\s;/]*){1,6}$")
_STRAND = re.compile(
    r"^(?:(?P<first>[53])'?\s*-?\s*)?(?P<bases>[ACGTUacgtu]{3,200})(?:\s*-?\s*(?P<last>[53])'?)?$"
)
_HYBRID = re.compile(r"^d?sp(?:\^?[23])?(?:d(?:\^?[23])?)?$")
_SPELLINGS = {
    "sulph": "sulf",
    "aluminium": "aluminum",
    "colour": "color",
    "haem": "hem",
    "caesium": "cesium",
    "fibre": "fiber",
    "tumour": "tumor",
    "oes": "es",
    "behaviour": "behavior",
    "mitochondria": "mitochondrion",
    "nuclei": "nucleus",
    "bacteria": "bacterium",
    "fungi": "fungus",
    "alveoli": "alveolus",
    "stimuli": "stimulus",
    "spectra": "spectrum",
    "foci": "focus",
}
"""British spellings and Latin plurals; what they become is looked for as a part of a word."""
_ACCENTS = re.compile("[\u0300-\u036f]")
_ASIDE = re.compile(r"\s*+\([^()]*+\)")
_SHAPE = re.compile(r"(?<=[a-z]) (?:molecular )?(?:geometry|shape)$")
_PRONOUN = re.compile(r"^(?:it|they)\s++(?:(?:is|are|will|would)\s++)?(?=\S)")
_PREPOSITION = re.compile(r"^(?:to|in|into|by|from|at|on)\s++(?=\S)")
_WORD = re.compile(r"[a-z]{3}")


def compare_sequences(gold: str, answer: str) -> Outcome:
    """Genotypes, strands of nucleotides and hybridisations, letter by letter; else undecided."""
    wanted, given = _bare(gold), _bare(answer)
    if _HYBRID.match(wanted):
        return Outcome(_letters(wanted) == _letters(given), "hybridisation")
    if genotype(wanted):
        return Outcome(_letters(wanted) == _letters(given), "genotype")
    strand = _strand(wanted)
    if strand is not None and ("'" in wanted or len(strand) > 5):
        return Outcome(strand == _strand(given), "strand")
    return UNDECIDED


def compare_terms(gold: str, answer: str) -> Outcome:
    """Two phrases: the same term, or undecided, for words can differ and mean the same."""
    a, b = _normal(gold), _normal(answer)
    if not a or not b or not _WORD.search(a):
        return UNDECIDED
    if a.replace(" ", "") == b.replace(" ", ""):
        return same("term")
    return UNDECIDED


def genotype(text: str) -> bool:
    """Whether a text is a genotype such as ``AaBb``: pairs of the same letter, in which case is meaning."""
    pairs = re.findall(r"[A-Za-z]{2}", text)
    letters = re.sub(r"[\s;/]", "", text)
    return (
        bool(_GENOTYPE.match(text))
        and "".join(pairs) == letters
        and all(p[0].lower() == p[1].lower() for p in pairs)
    )


def _bare(text: str) -> str:
    return re.sub(r"\\text|[{}$\\]", "", clean(text)).strip(" .")


def _letters(text: str) -> str:
    return re.sub(r"[\s;/^]", "", text)


def _strand(text: str) -> str | None:
    """The bases in 5' to 3' direction; as written when no end is named."""
    match = _STRAND.match(text.replace("–", "-"))
    if match is None:
        return None
    bases = match["bases"].upper()
    backwards = match["first"] == "3" or match["last"] == "5"
    return bases[::-1] if backwards else bases


def _normal(text: str) -> str:
    words = meaning(_ASIDE.sub("", clean(text))).replace("'", "")
    words = _ACCENTS.sub("", unicodedata.normalize("NFKD", words))
    for old, new in _SPELLINGS.items():
        words = words.replace(old, new)
    words = _SHAPE.sub("", words)
    return " ".join(_stem(word) for word in _PREPOSITION.sub("", _PRONOUN.sub("", words)).split())


def _stem(word: str) -> str:
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ses", "xes", "zes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith(("s", "se", "ze", "xe")) else word
