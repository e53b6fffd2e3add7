"""ViLBERT and 12-in-1, with the tasks of the heads whose classes are known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from motet.core import ConfigError, Task
from motet.data.formats.regions import Hdf5Regions, LmdbRegions, NpzRegions, RegionFiles, TsvRegions
from motet.nn.pretrained.class_rows import UNUSED
from motet.nn.pretrained.release import Release
from motet.nn.text_encoders import HfBert
from motet.nn.tower import Finetune
from motet.recipes.published.model import ExtraFiles, PublishedModel, depth_of, number_in, shape_of
from motet.recipes.published.words import bert_description, bert_words
from motet.systems.twelve_in_one.config import TEXT_FILE, WORDS_FILE, TwelveInOneConfig
from motet.systems.twelve_in_one.published import HEADS
from motet.systems.twelve_in_one.vilbert_weights import NAMES
from motet.tasks import question_answering, referring, retrieval, verification, visual_entailment
from motet.tasks.questions import TEN_ANSWERS_METRICS
from motet.training.published_names import published_names

_TASKS: Mapping[str, str] = {
    "vil_prediction": "vqav2", "vil_prediction_gqa": "gqa", "vil_logit": "coco_retrieval", "vision_logit": "refcoco",
    "vil_binary_prediction": "nlvr2", "vil_tri_prediction": "snli_ve",
}  # fmt: skip
"""One task of each head; those of the same head would share its weights."""
_QUESTIONS = ("vil_prediction", "vil_prediction_gqa")


def vilbert_model(release: Release, given: ExtraFiles) -> PublishedModel:
    """Returns the model of a release of vilbert-multi-task.

    The answers of the two heads of questions are in the authors' ``trainval_label2ans.pkl`` (one per data set), beside
    the weights or given; without them, these tasks are left out. Attention heads and the places of the co-attentions
    are those of the configuration beside the weights, else of ``bert_base_6layer_6conect.json``.

    Args:
        release: the weights.
        given: `regions`, `words`, and `names` of "vil_prediction" and "vil_prediction_gqa".

    Raises:
        ConfigError: no file of regions, which these models read in place of images, or of another width.
    """
    tensors = {name.removeprefix("module."): value for name, value in release.tensors.items()}
    plain = Release(release.path, release.form, tensors)
    options, names = release.options(), {**NAMES, **published_names(release, given.names)}
    source = _regions(given, shape_of(plain, "bert.v_embeddings.image_embeddings.weight")[1])
    heads = [head for head in _TASKS if any(name.startswith(f"{head}.") for name in tensors)]
    tasks = [_task(head, names) for head in heads if head in names or head not in _QUESTIONS]
    words = bert_words(plain, given, shape_of(plain, "bert.embeddings.word_embeddings.weight")[0])
    image = "bert.encoder.v_layer"
    image_depth = depth_of(tensors, rf"{image}\.(\d+)\..+")
    config = TwelveInOneConfig(
        source=source,
        text=HfBert("bert-base-uncased"),
        text_mode=Finetune(1.0),
        max_tokens=min(40, shape_of(plain, "bert.embeddings.position_embeddings.weight")[0]),
        image_width=shape_of(plain, "bert.v_embeddings.image_embeddings.weight")[0],
        image_depth=image_depth,
        image_heads=number_in(options, ("v_num_attention_heads",), 8),
        image_hidden=shape_of(plain, f"{image}.0.intermediate.dense.weight")[0],
        co_width=shape_of(plain, "bert.t_pooler.dense.weight")[0],
        co_heads=number_in(options, ("bi_num_attention_heads",), 8),
        connections=_connections(options),
        pairs=("nlvr2",),
        linear=("snli_ve",),
        binary=("snli_ve", "nlvr2"),
    )
    left = tuple(
        f"{head}: left out, since its answers are not known: want --names {head}=trainval_label2ans.pkl"
        for head in heads
        if head in _QUESTIONS and head not in names
    )
    text_heads = number_in(
        options, ("num_attention_heads",), max(1, shape_of(plain, "bert.t_pooler.dense.weight")[1] // 64)
    )
    return PublishedModel(
        config,
        tuple(tasks),
        {WORDS_FILE: words.to_bytes(), TEXT_FILE: bert_description(plain, "bert.", heads=text_heads)},
        heads={task.name: HEADS[task.name] for task in tasks},
        names={head: known for head, known in names.items() if head in heads},
        notes=left,
    )


def _connections(options: Mapping[str, object]) -> tuple[tuple[int, int], ...] | None:
    image, text = options.get("v_biattention_id"), options.get("t_biattention_id")
    if not isinstance(image, list) or not isinstance(text, list):
        return None
    if len(image) != len(text) or not all(isinstance(i, int) for i in (*image, *text)):
        raise ConfigError(f"config.json: v_biattention_id, t_biattention_id: got {image}, {text}; want pairs of layers")
    return tuple(zip(image, text, strict=True))


def _regions(given: ExtraFiles, width: int) -> RegionFiles:
    path = given.regions
    if path is None:
        raise ConfigError("import of a ViLBERT: got no regions; want --regions FILE, detected in your images")
    source = region_files(path)
    if source.width != width:
        raise ConfigError(f"{path}: got features of {source.width} numbers; want {width}, as in the weights")
    return source


def region_files(path: Path) -> RegionFiles:
    """Returns the reader of a file of regions, by its name; a folder holds one ``.npz`` per image, or an LMDB.

    Args:
        path: of the file or folder.
    """
    if path.suffix in (".h5", ".hdf5"):
        return Hdf5Regions(path=path)
    if path.suffix == ".tsv":
        return TsvRegions(path=path)
    if path.suffix == ".lmdb" or (path / "data.mdb").is_file():
        return LmdbRegions(path=path)
    return NpzRegions(path=path)


def _task(head: str, names: Mapping[str, tuple[str, ...]]) -> Task:
    name = _TASKS[head]
    known = tuple(one for one in names.get(head, ()) if one != UNUSED)
    match head:
        case "vil_prediction":
            return question_answering(name, answers=known, metrics=TEN_ANSWERS_METRICS)
        case "vil_prediction_gqa":
            return question_answering(name, answers=known)
        case "vil_logit":
            return retrieval(name)
        case "vision_logit":
            return referring(name)
        case "vil_binary_prediction":
            return verification(name)
    return visual_entailment(name)
