"""Releases of big_vision that answer: classifiers, and the captioner CapPa."""

from __future__ import annotations

import math

from motet.core import CheckpointError, ConfigError
from motet.nn.encoders import EncoderConfig, PlainViT, TimmEncoder
from motet.nn.pretrained.big_vision import vit_arrays
from motet.nn.pretrained.class_rows import UNUSED
from motet.nn.pretrained.release import Release
from motet.nn.tower import Finetune
from motet.preprocess.tokenizers import HfTokenizer
from motet.recipes.published.model import ExtraFiles, PublishedModel, depth_of
from motet.systems.lit_decoder.config import TOKENIZER_FILE, LiTDecoderConfig
from motet.systems.lit_decoder.feedforward import FeedforwardConfig, MapReset, MeanToken, Pooling
from motet.systems.lit_decoder.options import Unconditioned
from motet.systems.lit_decoder.published import HEAD
from motet.tasks import captioning, classification
from motet.training.published_names import published_names

_TIMM = {192: "tiny", 384: "small", 768: "base", 1024: "large", 1280: "huge"}
_BLOCK = "Transformer/encoderblock_"
_ATTENTION = "MultiHeadDotProductAttention_0/query/kernel"


def vit_model(release: Release, given: ExtraFiles) -> PublishedModel:
    """Returns the classifier of a ViT: its encoder, the pooling it was trained with, and its head.

    Args:
        release: the weights; with a class token, the encoder is timm's of the same sizes.
        given: `names` of "head", where they are not ImageNet's thousand.

    Raises:
        ConfigError: an encoder without a head, which answers nothing.
        CheckpointError: a head of another form, or of more classes than names.
    """
    arrays = vit_arrays(release.arrays)
    if "head/kernel" not in arrays:
        raise ConfigError(
            f"{release.path}: got a ViT without a head, which answers nothing by itself; want --into RECIPE, or "
            "Run.start=Published(...), to begin the training of a model with it"
        )
    if "cls" in arrays or any(name.startswith("pre_logits/") for name in arrays):
        raise ConfigError(
            f"{release.path}: got a ViT with a class token or a layer before its head; want --into RECIPE, which takes "
            "its encoder"
        )
    known = published_names(release, given.names).get(HEAD, ())
    rows = arrays["head/kernel"].shape[1]
    if len(known) != rows:
        raise CheckpointError(f"{release.path}: got {rows:,} classes and {len(known):,} names; want --names head=FILE")
    pooling: Pooling = MeanToken()
    if "MAPHead_0/probe" in arrays:
        hidden = arrays["MAPHead_0/MlpBlock_0/Dense_0/kernel"].shape[1]
        pooling = MapReset(arrays[f"MAPHead_0/{_ATTENTION}"].shape[1], hidden)
    config = FeedforwardConfig(encoder=plain_vit(release), mode=Finetune(1.0), pooling=pooling)
    classes = tuple(name for name in known if name != UNUSED)
    return PublishedModel(config, (classification("classes", classes),), heads={"classes": HEAD}, names={HEAD: known})


def cappa_model(release: Release, given: ExtraFiles) -> PublishedModel:
    """Returns the captioner: an image encoder and a decoder without prompts.

    Args:
        release: the weights.
        given: `words`, a folder with its tokeniser as ``tokenizer.json`` where that is not beside the weights.

    Raises:
        ConfigError: no tokeniser, or one of another size.
    """
    arrays = release.arrays
    words, width = arrays["params/decoder/EmbedTargets/embedding"].shape
    folder = given.words or (release.path.parent if release.beside("tokenizer.json") else None)
    if folder is None:
        raise ConfigError(
            f"{release.path}: got no tokeniser; want --words FOLDER with its tokenizer.json (big_vision's captioners "
            "read C4's sentencepiece, which transformers converts)"
        )
    tokenizer = HfTokenizer(str(folder))
    built = tokenizer.build(())
    if built.num_text_ids != words:
        raise ConfigError(f"{folder}: got {built.num_text_ids:,} words for a table of {words:,}; want the model's own")
    names = [name.removeprefix("params/decoder/") for name in arrays]
    places = arrays["params/pos_embedding_decoder"].shape[1]
    config = LiTDecoderConfig(
        encoder=plain_vit(release),
        mode=Finetune(1.0),
        depth=depth_of(names, r"EncDecBlock(\d+)/.+"),
        width=width,
        heads=arrays["params/decoder/EncDecBlock0/SelfAttn/query/kernel"].shape[1],
        mlp_ratio=arrays["params/decoder/EncDecBlock0/MLP/Dense_0/kernel"].shape[1] / width,
        max_tokens=places,
        answer_room=min(16, places - 3),
        tokenizer=tokenizer,
        conditioning=Unconditioned(),
        separator=False,
        question_separator=False,
    )
    return PublishedModel(config, (captioning("caption"),), {TOKENIZER_FILE: built.to_bytes()})


def plain_vit(release: Release) -> EncoderConfig:
    """Returns the image encoder of a release, of the sizes of its arrays; timm's where it has a class token.

    Args:
        release: of big_vision.

    Raises:
        CheckpointError: no square grid of patches, or sizes that timm has no model of.
    """
    arrays = vit_arrays(release.arrays)
    patch, _, _, width = arrays["embedding/kernel"].shape
    depth = depth_of(arrays, rf"{_BLOCK}(\d+)/.+")
    heads, hidden = arrays[f"{_BLOCK}0/{_ATTENTION}"].shape[1], arrays[f"{_BLOCK}0/MlpBlock_0/Dense_0/kernel"].shape[1]
    positions = arrays.get("pos_embedding")
    places = 0 if positions is None else positions.shape[1]
    if "cls" in arrays:
        if width not in _TIMM:
            raise CheckpointError(f"{release.path}: got a ViT of {width} channels; want one of {sorted(_TIMM)}")
        return TimmEncoder(f"vit_{_TIMM[width]}_patch{patch}_{math.isqrt(places - 1) * patch}")
    side = math.isqrt(places) if places else 224 // patch
    if places and side * side != places:
        raise CheckpointError(f"{release.path}: got {places} positions; want a square of patches")
    return PlainViT(
        size=side * patch,
        patch=patch,
        width=width,
        depth=depth,
        heads=heads,
        mlp_ratio=hidden / width,
        positions="learned" if places else "sincos2d",
    )
