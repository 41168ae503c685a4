"""A tiny language model and its tokenizer, made on the spot: what the quickstart trains.

The model has Qwen's shape at about a hundred thousand weights. The tokenizer knows single ASCII characters and the
fixed phrases of the prompts it is shown, so that a prompt of 400 characters is some ten tokens while its variable
part stays spelt out. Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from adapters.prorl.config import ModelSettings

__all__ = ["build_model", "build_tokenizer", "save_model"]

_PAD, _EOS, _UNKNOWN = "<|pad|>", "<|end|>", "<|unknown|>"
_SPACE, _NEWLINE = "Ġ", "Ċ"  # how the byte level spells them


def build_tokenizer(texts: Sequence[str], *, kinds: int) -> Any:
    """A tokenizer for `texts`: characters, and phrases that stand in at least half of one kind of them.

    Args:
        texts: prompts and responses.
        kinds: how many kinds of prompts they mix, in like shares.

    Returns:
        A `PreTrainedTokenizerFast` with pad and end tokens. Characters outside ASCII become the unknown token.
    """
    from transformers import PreTrainedTokenizerFast

    phrases = _phrases(texts, min_count=max(len(texts) // (4 * kinds), 2))
    used = {token for encoding in _assembled(phrases).encode_batch(list(texts)) for token in encoding.tokens}
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=_assembled([phrase for phrase in phrases if phrase in used]),
        pad_token=_PAD,
        eos_token=_EOS,
        unk_token=_UNKNOWN,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def build_model(settings: ModelSettings, tokenizer: Any, *, seed: int, context: int) -> Any:
    """A Qwen3-shaped model with random weights that depend on `seed` alone.

    Qwen3 rather than Qwen2, whose model type makes transformers replace any tokenizer found beside it by its own.
    """
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=settings.hidden,
        intermediate_size=3 * settings.hidden,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.heads,
        head_dim=settings.hidden // settings.heads,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        # The usual 0.02 suits widths in the thousands; at 64 it starts every layer nearly silent.
        initializer_range=0.07,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Qwen3ForCausalLM(config)  # type: ignore[no-untyped-call]


def save_model(model: Any, tokenizer: Any, folder: Path) -> None:
    """Writes both in Hugging Face's layout."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _phrases(texts: Sequence[str], *, min_count: int) -> list[str]:
    """Strings that byte-pair merging finds in at least `min_count` places, without pairs of letters or digits.

    A merge of two letters would be a phrase too, and would spell words in uneven pieces.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=4000, min_frequency=min_count, show_progress=False)
    )
    found = [tokenizer.decode([token]) for token in range(tokenizer.get_vocab_size())]
    return sorted(
        text
        for text in found
        if text.isascii() and (len(text) > 3 or (len(text) > 1 and not any(c.isalnum() for c in text)))
    )


def _assembled(phrases: Sequence[str]) -> Tokenizer:
    characters = [_SPACE if code == 32 else chr(code) for code in range(32, 127)]
    special = [_PAD, _EOS, _UNKNOWN]
    vocabulary = {token: index for index, token in enumerate([*special, *characters, _NEWLINE])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token=_UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    tokenizer.add_tokens([AddedToken(phrase, normalized=False) for phrase in phrases])
    return tokenizer
