"""Word lists of published text encoders: a BERT's ``vocab.txt`` or ``tokenizer.json``, and its sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from motet.core import ConfigError
from motet.data.formats.text_file import read_lines, read_text
from motet.nn.pretrained.release import Release
from motet.nn.text_encoders import BundledMiniLM
from motet.preprocess.sentence_tokenizer import CLS, PAD, SEP, SentenceTokenizer
from motet.recipes.published.model import ExtraFiles, depth_of, number_in, shape_of

_SPECIAL = (PAD, "[UNK]", CLS, SEP, "[MASK]")


def bert_words(release: Release, given: ExtraFiles, rows: int) -> SentenceTokenizer:
    """Returns the tokeniser of a published BERT: given, beside the weights, or the bundled list of uncased BERTs.

    Args:
        release: the weights.
        given: `words`, a ``vocab.txt`` or ``tokenizer.json``, or a folder with one of them.
        rows: of the embedding table.

    Raises:
        ConfigError: no list, or one of another length than the table.
    """
    path = given.words
    if path is not None and path.is_dir():
        path = next((path / name for name in ("tokenizer.json", "vocab.txt") if (path / name).is_file()), path)
    path = path or release.beside("tokenizer.json", "vocab.txt")
    if path is not None:
        found = SentenceTokenizer(*_read(path))
        where = str(path)
    else:
        # The list of bert-base-uncased, which all uncased BERTs of that size have.
        found, where = SentenceTokenizer(*BundledMiniLM().tokenizer()), "the bundled list of uncased BERTs"
    if found.vocab_size != rows:
        raise ConfigError(
            f"{where}: got {found.vocab_size:,} words for a table of {rows:,}; want --words FILE with the vocab.txt of "
            "the BERT that the model was trained with"
        )
    return found


def bert_description(release: Release, prefix: str, *, heads: int | None = None) -> bytes:
    """Returns the description of the BERT under a prefix of the weights' names, see `encoder_from_description`.

    Args:
        release: the weights.
        prefix: of "embeddings" and "encoder".
        heads: of each attention; None for those of ``config.json``, else one per 64 channels.
    """
    from transformers import BertConfig

    words, width = shape_of(release, f"{prefix}embeddings.word_embeddings.weight")
    most = max(1, width // 64)
    config = BertConfig(
        vocab_size=words,
        hidden_size=width,
        num_hidden_layers=depth_of(release.tensors, rf"{prefix.replace('.', '[.]')}encoder\.layer\.(\d+)\..+"),
        num_attention_heads=heads or number_in(release.options(), ("num_attention_heads",), most),
        intermediate_size=shape_of(release, f"{prefix}encoder.layer.0.intermediate.dense.weight")[0],
        max_position_embeddings=shape_of(release, f"{prefix}embeddings.position_embeddings.weight")[0],
        type_vocab_size=shape_of(release, f"{prefix}embeddings.token_type_embeddings.weight")[0],
    )
    return json.dumps(config.to_diff_dict() | {"model_type": "bert"}).encode()


def _read(path: Path) -> tuple[Any, int]:
    """Returns the tokeniser of a file and the id of its padding."""
    import tokenizers
    from tokenizers import decoders, models, normalizers, pre_tokenizers
    from tokenizers.processors import TemplateProcessing

    if path.suffix == ".json":
        try:
            tokenizer = tokenizers.Tokenizer.from_str(read_text(path))
        except Exception as error:  # the package raises no other kind
            raise ConfigError(f"{path}: got {' '.join(str(error).split())[:200]}; want a tokenizer.json") from error
        return tokenizer, int(tokenizer.token_to_id(PAD) or 0)
    vocabulary = {word: place for place, word in enumerate(read_lines(path))}
    if missing := [name for name in _SPECIAL if name not in vocabulary]:
        raise ConfigError(f"{path}: got {len(vocabulary):,} words without {missing}; want the vocab.txt of a BERT")
    tokenizer = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    # A list without capitals is of an uncased model.
    lower = not any(word.isalpha() and word[0].isupper() for word in vocabulary)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(list(_SPECIAL))
    tokenizer.post_processor = TemplateProcessing(
        single=f"{CLS} $A {SEP}",
        pair=f"{CLS} $A {SEP} $B:1 {SEP}:1",
        special_tokens=[(CLS, vocabulary[CLS]), (SEP, vocabulary[SEP])],
    )
    return tokenizer, vocabulary[PAD]
