"""Weights of any BERT and of the official ViLBERT and 12-in-1 models, under the names they are published with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from motet.core import CheckpointError, ConfigError
from motet.nn.parameter_names import parameter_name
from motet.nn.pretrained.files import PublishedWeights, read_published

if TYPE_CHECKING:
    from motet.systems.twelve_in_one.body import Body
    from motet.systems.twelve_in_one.model import TwelveInOne

State = dict[str, Tensor]

_WORDS = {
    "word_embeddings.weight": "words.weight", "position_embeddings.weight": "positions.weight",
    "token_type_embeddings.weight": "types.weight", "LayerNorm.weight": "norm.weight", "LayerNorm.bias": "norm.bias",
}  # fmt: skip
_REGIONS = {"image_embeddings": "features", "image_location_embeddings": "places", "LayerNorm": "norm"}
_LAYER = {
    "attention.output.dense": "added.out", "attention.output.LayerNorm": "added.norm",
    "intermediate.dense": "feedforward.up", "output.dense": "feedforward.down.out",
    "output.LayerNorm": "feedforward.down.norm",
}  # fmt: skip
# The official code's 1 is the image, 2 the text; what it calls dense1 follows the image's own attention.
_CO = {
    "biOutput.dense1": "image_added.out", "biOutput.LayerNorm1": "image_added.norm",
    "biOutput.dense2": "text_added.out", "biOutput.LayerNorm2": "text_added.norm",
    "v_intermediate.dense": "image_feedforward.up", "v_output.dense": "image_feedforward.down.out",
    "v_output.LayerNorm": "image_feedforward.down.norm", "t_intermediate.dense": "text_feedforward.up",
    "t_output.dense": "text_feedforward.down.out", "t_output.LayerNorm": "text_feedforward.down.norm",
}  # fmt: skip
_CLASSIFIER = {"logit_fc.0": "hidden", "logit_fc.2": "norm", "logit_fc.3": "out"}
_TOLD = {
    "predictions.bias": "bias", "predictions.transform.dense": "hidden", "predictions.transform.LayerNorm": "norm",
    "imagePredictions.transform.dense": "hidden", "imagePredictions.transform.LayerNorm": "norm",
    "imagePredictions.decoder": "out",
}  # fmt: skip
_UNREAD = (
    r"biOutput\.q_dense", r"linguisic_logit\.", r"predictions\.decoder\.", r"\.position_ids$", r"^(?:bert\.)?pooler\.",
)  # fmt: skip
HEADS = {
    "vil_prediction": "logit", "vil_prediction_gqa": "logit", "vil_binary_prediction": "logit", "vil_logit": "one",
    "vil_tri_prediction": "one", "vision_logit": "one", "cls.predictions": "told", "cls.imagePredictions": "told",
    "cls.bi_seq_relationship": "one",
}  # fmt: skip
"""The official heads, and their form."""


def load_bert(system: TwelveInOne, source: str | Path | Mapping[str, Tensor]) -> PublishedWeights:
    """Fills the stream of words, layers and tables, from any BERT as far as it fits.

    Args:
        system: filled in place.
        source: weights by name, as transformers has them, whatever stands in front of "embeddings" and "encoder"; a
            ``.safetensors`` file; or a folder with ``model.safetensors`` in it.

    Raises:
        CheckpointError: a file that cannot be read, or weights that are no BERT's.

    Returns:
        What was loaded, and what was not.
    """
    return fill_text(system.body, read_published(source, inside="model_state_dict"))


def fill_text(body: Body, published: Mapping[str, Tensor]) -> PublishedWeights:
    """As `load_bert`, from weights by name."""
    found: dict[str, State] = {}
    for name, value in published.items():
        plain = _plain(re.sub(r"^(?:.*?\.)?(?=(?:embeddings|encoder\.layer)\.)", "", name))
        found[name] = _text_part(plain, value)
    if not any(found.values()):
        raise CheckpointError(f"BERT weights: got {next(iter(published), 'nothing')!r} and others; want a BERT's names")
    wanted = [name for name in body.state_dict() if name.startswith(("words.", "streams.text."))]
    return _fill(body, found, wanted)


def load_vilbert(
    system: TwelveInOne,
    source: str | Path | Mapping[str, Tensor],
    *,
    heads: Mapping[str, str] | None = None,
    tokens: Mapping[str, int] | None = None,
) -> PublishedWeights:
    """Fills a 12-in-1 from a model of the official code: streams, poolers, and the heads and task rows asked for.

    Args:
        system: filled in place.
        source: see `load_bert`; pickled checkpoints are to be converted to ``.safetensors`` by whoever trusts them.
        heads: official names, of `HEADS`, to the tasks whose heads they fill.
        tokens: tasks to their rows in the official table of task tokens (the numbers of its tasks' file).

    Raises:
        CheckpointError: a file that cannot be read, or weights that are no ViLBERT's.
        ConfigError: a head or a task that there is not.

    Returns:
        What was loaded, and what was not.
    """
    heads, tokens = heads or {}, tokens or {}
    for official, task in heads.items():
        if official not in HEADS or task not in system.tasks:
            raise ConfigError(
                f"load_vilbert: heads: got {official!r} for task {task!r}; want one of {sorted(HEADS)}, and a task of "
                f"{sorted(system.tasks)}"
            )
    if unknown := sorted(set(tokens) - set(system.token_of)):
        raise ConfigError(f"load_vilbert: tokens: got {unknown}; want tasks with a token, of {sorted(system.token_of)}")
    published = {
        re.sub(r"^module\.", "", name): value
        for name, value in read_published(source, inside="model_state_dict").items()
    }
    if not any(".c_layer." in name for name in published):
        got = next(iter(published), "nothing")
        raise CheckpointError(f"ViLBERT weights: got {got!r} and others; want a ViLBERT's names")
    found: dict[str, State] = {}
    for name, value in published.items():
        if name == "bert.embeddings.task_embeddings.weight":
            rows = {f"tokens.{parameter_name(system.token_of[task])}": value[row] for task, row in tokens.items()}
            found[name] = rows
            continue
        found[name] = vilbert_part(name, value) if name.startswith("bert.") else _head_part(system, name, value, heads)
    wanted = [name for name in system.state_dict() if name.startswith("body.")]
    return _fill(system, {name: state for name, state in found.items() if state or not _unread(name)}, wanted)


def vilbert_part(name: str, value: Tensor) -> State:
    """One weight of the official trunk under the names here; none where it has no place."""
    plain = _plain(name.removeprefix("bert."))
    if (found := re.fullmatch(r"v_embeddings\.(\w+)\.(\w+)", plain)) is not None:
        return {f"body.regions.{_REGIONS[found[1]]}.{found[2]}": value} if found[1] in _REGIONS else {}
    if (found := re.fullmatch(r"([tv])_pooler\.dense\.(\w+)", plain)) is not None:
        return {f"body.{'text' if found[1] == 't' else 'image'}_pooler.dense.{found[2]}": value}
    if (found := re.fullmatch(r"encoder\.v_layer\.(\d+)\.(.+)", plain)) is not None:
        return {f"body.streams.image.{found[1]}.{part}": one for part, one in layer_part(found[2], value).items()}
    if (found := re.fullmatch(r"encoder\.c_layer\.(\d+)\.(.+)", plain)) is not None:
        return {f"body.streams.co.{found[1]}.{part}": one for part, one in co_part(found[2], value).items()}
    return {f"body.{part}": one for part, one in _text_part(plain, value).items()}


def layer_part(name: str, value: Tensor) -> State:
    """One weight of a `SelfLayer`; queries, keys and values are thirds of one matrix: see `_Third`."""
    if (found := re.fullmatch(r"attention\.self\.(query|key|value)\.(\w+)", name)) is not None:
        return {f"query_key_value.{found[2]}#{found[1]}": value}
    part, _, last = name.rpartition(".")
    return {f"{_LAYER[part]}.{last}": value} if part in _LAYER else {}


def co_part(name: str, value: Tensor) -> State:
    """One weight of a `CoLayer`."""
    if (found := re.fullmatch(r"biattention\.(query|key|value)([12])\.(\w+)", name)) is not None:
        stream = "image" if found[2] == "1" else "text"
        return {f"{stream}_query_key_value.{found[3]}#{found[1]}": value}
    part, _, last = name.rpartition(".")
    return {f"{_CO[part]}.{last}": value} if part in _CO else {}


def whole(parts: Mapping[str, Tensor]) -> State:
    """Queries, keys and values that came apart, as one matrix.

    Examples:
        >>> parts = {f"w#{name}": torch.zeros(2, 3) for name in ("query", "key", "value")}
        >>> whole(parts)["w"].shape
        torch.Size([6, 3])
    """
    state = {name: value for name, value in parts.items() if "#" not in name}
    names = dict.fromkeys(name.split("#")[0] for name in parts if "#" in name)
    return state | {name: torch.cat([parts[f"{name}#{part}"] for part in ("query", "key", "value")]) for name in names}


def _text_part(name: str, value: Tensor) -> State:
    if (found := re.fullmatch(r"embeddings\.(.+)", name)) is not None:
        return {f"words.{_WORDS[found[1]]}": value} if found[1] in _WORDS else {}
    if (found := re.fullmatch(r"encoder\.layer\.(\d+)\.(.+)", name)) is not None:
        return {f"streams.text.{found[1]}.{part}": one for part, one in layer_part(found[2], value).items()}
    return {}


def _head_part(system: TwelveInOne, name: str, value: Tensor, heads: Mapping[str, str]) -> State:
    for official, task in heads.items():
        if not name.startswith(f"{official}."):
            continue
        at, rest = f"heads.{parameter_name(system.head_of[task])}", name.removeprefix(f"{official}.")
        match HEADS[official]:
            case "logit":
                part, _, last = rest.rpartition(".")
                return {f"{at}.{_CLASSIFIER[part]}.{last}": value} if part in _CLASSIFIER else {}
            case "told":
                rest = name.removeprefix("cls.")
                if rest in _TOLD:
                    return {f"{at}.{_TOLD[rest]}": value}
                part, _, last = rest.rpartition(".")
                return {f"{at}.{_TOLD[part]}.{last}": value} if part in _TOLD else {}
        return {f"{at}.out.{rest}": value}
    return {}


def _fill(module: nn.Module, found: Mapping[str, State], wanted: list[str]) -> PublishedWeights:
    own = module.state_dict()
    kept: dict[str, None] = {}
    left: list[str] = []
    shapes: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = []
    with torch.no_grad():
        for name, state in found.items():
            places = {here: _place(own, here) for here in state}
            if not state or any(place is None for place in places.values()):
                left += [name] if not _unread(name) else []
                continue
            for here, part in state.items():
                place = places[here]
                assert place is not None  # looked at above
                if place.shape != part.shape:
                    shapes.append((name, tuple(part.shape), tuple(place.shape)))
                else:
                    place.copy_(part)
                    kept[here.split("#")[0]] = None
    return PublishedWeights(tuple(kept), tuple(left), tuple(shapes), tuple(name for name in wanted if name not in kept))


def _place(own: Mapping[str, Tensor], name: str) -> Tensor | None:
    whole_name, _, third = name.partition("#")
    if whole_name not in own:
        return None
    return own[whole_name].chunk(3)[("query", "key", "value").index(third)] if third else own[whole_name]


def _plain(name: str) -> str:
    """Original checkpoints call the parts of a layer norm gamma and beta."""
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")


def _unread(name: str) -> bool:
    """Weights that the official code has and never reads, or that come with a BERT and nothing here reads."""
    return any(re.search(pattern, name) for pattern in _UNREAD)
