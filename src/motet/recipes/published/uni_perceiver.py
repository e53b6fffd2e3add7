"""Uni-Perceiver and Uni-Perceiver-MoE, with tasks that need no further training."""

from __future__ import annotations

import re

from motet.core import ConfigError
from motet.nn.pretrained.release import Release
from motet.preprocess.clip_tokenizer import FILES, ClipTokenizer
from motet.recipes.published.model import ExtraFiles, PublishedModel, depth_of, number_in, shape_of
from motet.systems.uni_perceiver.config import TOKENIZER_FILE, UniPerceiverConfig
from motet.systems.uni_perceiver.options import EncoderSize, Experts, Patches
from motet.systems.uni_perceiver.weights import convert_names
from motet.tasks import captioning, classification, masked_words, retrieval
from motet.training.published_names import imagenet_names, read_names

_LAYER = r"fused_encoder\.layers\.(\d+)\."
_CHANNELS_PER_HEAD = 64
_SIZE = re.compile(r"(\d{1,4})size")


def uni_perceiver_model(release: Release, given: ExtraFiles) -> PublishedModel:
    """Returns the model of a release: it captions, matches, fills in words, and names classes by their names.

    The classes are ImageNet's thousand, or those of `names` under "classes". Each attention head has 64 channels, as in
    all released models, unless ``config.json`` beside the weights has another number of heads. The side of images is
    in the file's name ("224size"), else 224.

    Args:
        release: the weights.
        given: `words`, the published merges of CLIP, where they are not beside the weights.

    Raises:
        ConfigError: no merges.
    """
    tensors = convert_names(release.tensors)
    plain = Release(release.path, release.form, tensors)
    width = shape_of(plain, "token_embed.embeddings.weight")[1]
    path = given.words or release.beside(*FILES)
    if path is None:
        raise ConfigError(
            f"{release.path}: got no list of words; want --words FILE with CLIP's merges, {' or '.join(FILES)}"
        )
    tokenizer = ClipTokenizer(path)
    places = shape_of(plain, "token_embed.embeddings_pos.position_embeddings.weight")[0]
    depth = depth_of(tensors, rf"{_LAYER}.+")
    gated = {int(m[1]) for name in tensors if (m := re.fullmatch(rf"{_LAYER}linear1\.gate\.wg\.weight", name))}
    experts = depth_of(tensors, rf"{_LAYER.replace('(', '(?:')}linear1\.experts\.deepspeed_experts\.(\d+)\.weight")
    first = "fused_encoder.layers.0.linear1."
    hidden = shape_of(plain, f"{first}weight", f"{first}experts.deepspeed_experts.0.weight")[0]
    heads = number_in(release.options(), ("num_attention_heads",), max(1, width // _CHANNELS_PER_HEAD))
    side = _SIZE.search(release.path.name)
    classes = read_names(given.names["classes"]) if "classes" in given.names else imagenet_names()
    most = shape_of(plain, "video_embed.embeddings_st_pos.temporal_pos_embed.weight")[0]
    config = UniPerceiverConfig(
        sizes=EncoderSize(width, depth, heads, hidden),
        blocks=Experts(num_experts=experts, where="all" if len(gated) == depth else "every other") if gated else None,
        tokenizer=tokenizer,
        max_tokens=places,
        max_generated=min(64, places),
        patches=Patches(size=int(side[1]) if side else 224, patch=shape_of(plain, "video_embed.embeddings.weight")[-1]),
        frames=min(8, most),
        max_frames=most,
    )
    tasks = (captioning("caption"), retrieval("retrieval"), masked_words("words"), classification("classes", classes))
    return PublishedModel(
        config,
        tasks,
        {TOKENIZER_FILE: tokenizer.build(()).to_bytes()},
    )
