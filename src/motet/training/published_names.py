"""The names of the classes of published heads: of files beside the weights, given, or fixed by the data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from motet.core import CheckpointError
from motet.core.plain_pickle import read_plain
from motet.core.regular_files import file_bytes
from motet.data.formats.text_file import read_lines
from motet.nn.pretrained import forms
from motet.nn.pretrained.class_rows import UNUSED, meaning
from motet.nn.pretrained.release import Release, parse_small
from motet.tasks.class_names import COCO_IDS, GLUE, SNLI_VE

Names = dict[str, tuple[str, ...]]

_MOST_CLASSES = 1_000_000
_NUM_COCO = 91  # the ids of COCO reach 90, and eleven of them were never used
COCO_91 = tuple({number: name for name, number in COCO_IDS.items()}.get(i, UNUSED) for i in range(_NUM_COCO))
"""The names of COCO's ids, which DETR's classes are."""
_MMF: Mapping[str, tuple[str, ...]] = {
    "detection_coco": COCO_91, "visual_entailment": SNLI_VE, "glue_qnli": GLUE["qnli"],
    "glue_mnli_mismatched": GLUE["mnli"], "glue_sst2": GLUE["sst2"], "glue_qqp": GLUE["qqp"],
}  # fmt: skip
_FILES: Mapping[forms.WeightForm, Mapping[str, tuple[str, ...]]] = {
    forms.MMF_UNIT: {
        "vqa2": ("answers_vqa.txt",),
        "detection_visual_genome": ("objects_vocab.txt",),
        "detection_visual_genome.attributes": ("attributes_vocab.txt",),
    },
    forms.VILBERT: {
        "vil_prediction": ("trainval_label2ans.pkl", "vqa_trainval_label2ans.pkl"),
        "vil_prediction_gqa": ("gqa_trainval_label2ans.pkl",),
    },
}
"""Files with the names of a head, as the authors call them."""
_WITH_SYNONYMS = "detection_visual_genome"  # lines such as "dog,puppy"


def published_names(release: Release, files: Mapping[str, Path]) -> Names:
    """Returns the names of published heads in the order of their rows, as far as they are known.

    Args:
        release: the weights.
        files: the files that were given, by head: a name per line, or as JSON a list, or a dict of numbers and names
            (``id2label``), or a pickle of a list, which is read as plain data.

    Raises:
        CheckpointError: a file that cannot be read, or that holds no list of names.
    """
    found: Names = {}
    match release.form:
        case forms.DETR | forms.HF_DETR:
            found["class_embed"] = _of_options(release) or COCO_91
        case forms.MMF_UNIT:
            found |= _MMF
        case forms.VIT:
            found |= _of_imagenet(release)
    for head, places in _FILES.get(release.form, {}).items():
        if (beside := release.beside(*places)) is not None:
            found[head] = read_names(beside, synonyms=head.startswith(_WITH_SYNONYMS))
    found |= {h: read_names(Path(p), synonyms=h.startswith(_WITH_SYNONYMS)) for h, p in files.items()}
    return {head: _with_unused(head, names, release) for head, names in found.items()}


def read_names(path: Path, *, synonyms: bool = False) -> tuple[str, ...]:
    """Reads a list of names.

    Args:
        path: of the file.
        synonyms: a line has several names with commas between; the first is the one that is predicted.

    Raises:
        CheckpointError: a file that cannot be read, or that holds no list of names.
        DataError: a text that cannot be decoded, or a pickle of anything but plain data.
    """
    try:
        if path.suffix == ".json":
            return _as_names(parse_small(path), path)
        if path.suffix in (".pkl", ".p"):
            return _as_names(read_plain(file_bytes(path), path=path), path)
        lines = read_lines(path)
    except OSError as error:
        raise CheckpointError(f"{path}: got {error.strerror or error}; want a file of names") from error
    return _as_names([(line.split(",")[0] if synonyms else line).strip() for line in lines], path)


def _as_names(found: object, path: Path) -> tuple[str, ...]:
    if isinstance(found, dict) and isinstance(found.get("id2label"), dict):
        found = found["id2label"]
    if isinstance(found, dict):
        try:
            numbered = {int(number): name for number, name in found.items()}
        except (TypeError, ValueError):
            numbered = {}
        most = max(numbered, default=-1)
        found = [numbered.get(i, UNUSED) for i in range(most + 1)] if 0 <= most < _MOST_CLASSES else None
    if not isinstance(found, list) or not found or not all(isinstance(name, str) for name in found):
        raise CheckpointError(
            f"{path}: got {type(found).__name__}; want a list of names, or names by their numbers, in the order of rows"
        )
    return tuple(found)


def _of_options(release: Release) -> tuple[str, ...]:
    labels = release.options().get("id2label")
    if not isinstance(labels, dict):
        return ()
    return _as_names(labels, release.path.parent / "config.json")


def _of_imagenet(release: Release) -> Names:
    kernel = next((v for n, v in release.arrays.items() if n.removeprefix("params/") == "head/kernel"), None)
    if kernel is None or kernel.shape[1] != 1000:
        return {}
    return {"head": imagenet_names()}


def imagenet_names() -> tuple[str, ...]:
    """Returns the names of ImageNet's thousand classes, each once, in the order of its files."""
    from timm.data import ImageNetInfo

    info = ImageNetInfo("imagenet-1k")
    names = [str(info.index_to_description(i)).split(",")[0] for i in range(1000)]
    meanings = [meaning(name) for name in names]
    # A bird and a machine are called crane, a dog and a jacket cardigan.
    twice = {name for name in names if meanings.count(meaning(name)) > 1}
    synsets = [str(info.index_to_label_name(i)) for i in range(1000)]
    pairs = zip(names, synsets, strict=True)
    return tuple(f"{name} ({synset})" if name in twice else name for name, synset in pairs)


def _with_unused(head: str, names: tuple[str, ...], release: Release) -> tuple[str, ...]:
    """Returns the names with one for row 0, where a head counts from 1: the background of Visual Genome's lists."""
    rows = _num_rows(head, release)
    return (UNUSED, *names) if rows is not None and rows == len(names) + 1 else names


def _num_rows(head: str, release: Release) -> int | None:
    """Returns the number of a detection head's rows of classes or attributes in MMF's UniT; None of other heads."""
    name, _, part = head.partition(".")
    tensors = release.tensors
    if part:
        bias = tensors.get(f"det_losses.{name}.attribute_head.attr_linear2.bias")
        return None if bias is None else len(bias)
    bias = tensors.get(f"class_embeds.{name}.bias")
    return None if bias is None else len(bias) - 1
