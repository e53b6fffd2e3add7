"""Builds the parts of a UniT from its configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from motet.core import Boxes, ConfigError, Task
from motet.nn.feature_maps import MapTower
from motet.nn.text_encoders import TextTower, encoder_from_description
from motet.nn.tower import FromScratch
from motet.preprocess.sentence_tokenizer import SentenceTokenizer
from motet.systems.base import build_sentence_tokenizer
from motet.systems.unit.config import TEXT_FILE, WORDS_FILE, UniTConfig
from motet.systems.unit.text import TextMemory
from motet.systems.unit.transformer import DetrDecoder
from motet.systems.unit.vision import ImageLayers, VisionEncoder


def build_vision(config: UniTConfig, tasks: Sequence[Task], *, fetch: bool) -> VisionEncoder | None:
    """Builds the image encoder; None if no task has images."""
    names = [task.name for task in tasks if "image" in task.inputs]
    if not names:
        return None
    trunk = MapTower(config.trunk, config.mode, fetch=fetch)
    layers = ImageLayers(
        trunk.width,
        config.image_width,
        config.width,
        config.image_depth,
        config.image_heads,
        config.hidden,
        names,
        task_token=config.task_token,
        residual=config.residual,
        dropout=config.dropout,
        attention_dropout=config.attention_dropout,
        pre_norm=config.pre_norm,
    )
    return VisionEncoder(trunk, layers)


def build_text(
    config: UniTConfig,
    tasks: Sequence[Task],
    texts: Callable[[], Iterable[str]],
    assets: Mapping[str, bytes] | None,
) -> tuple[SentenceTokenizer | None, TextMemory | None]:
    """Builds the tokeniser and the text encoder; None if no task has texts.

    Args:
        config: of the system.
        tasks: in order.
        texts: returns the texts of the run.
        assets: files of a saved model, in place of what is pretrained.

    Raises:
        ConfigError: texts longer than the encoder has positions for.
    """
    names = [task.name for task in tasks if "text" in task.inputs]
    if not names:
        return None, None
    if assets is not None:
        sentences = SentenceTokenizer.from_bytes(assets[WORDS_FILE])
        encoder = encoder_from_description(assets[TEXT_FILE])
    else:
        sentences = build_sentence_tokenizer(config.text, texts)
        pretrained = not isinstance(config.text_mode, FromScratch)
        encoder = config.text.build(pretrained=pretrained, num_pieces=sentences.vocab_size)
    longest = max(config.text_limits.max_tokens, config.text_limits.max_tokens_with_image)
    if longest > encoder.max_tokens:
        raise ConfigError(
            f"UniTConfig.text_limits: got texts of {longest} tokens; want at most {encoder.max_tokens}, the number of "
            "positions of the text encoder"
        )
    memory = TextMemory(TextTower(encoder, config.text_mode), config.width, names, task_token=config.task_token)
    return sentences, memory


def build_decoder(config: UniTConfig) -> DetrDecoder:
    """Builds one decoder."""
    return DetrDecoder(
        config.depth,
        config.width,
        config.heads,
        config.hidden,
        dropout=config.dropout,
        attention_dropout=config.attention_dropout,
        pre_norm=config.pre_norm,
    )


def num_queries(config: UniTConfig, task: Task) -> int:
    """Returns the number of queries of a task."""
    default = config.box_queries if isinstance(task.target, Boxes) else config.other_queries
    return config.queries.get(task.name, default)
