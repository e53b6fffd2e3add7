"""DETR as a UniT of one task: no task token, no residual, one decoder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from motet.core import CheckpointError
from motet.nn.feature_maps import TimmMap
from motet.nn.pretrained.class_rows import UNUSED
from motet.nn.pretrained.release import Release
from motet.nn.tower import Finetune
from motet.recipes.published.model import ExtraFiles, PublishedModel, depth_of, number_in, shape_of
from motet.systems.unit.config import UniTConfig
from motet.systems.unit.options import ShortestSide
from motet.systems.unit.published import DETR_HEAD
from motet.tasks import detection
from motet.training.published_names import published_names

_RESNETS: Mapping[tuple[str, tuple[int, ...]], str] = {
    ("basic", (2, 2, 2, 2)): "resnet18", ("basic", (3, 4, 6, 3)): "resnet34", ("bottleneck", (3, 4, 6, 3)): "resnet50",
    ("bottleneck", (3, 4, 23, 3)): "resnet101", ("bottleneck", (3, 8, 36, 3)): "resnet152",
}  # fmt: skip
_BODY = (
    r"(?:detr\.|unit_base_model\.|detr_model\.)?"
    r"(?:backbone\.0\.body\.|model\.backbone\.(?:conv_encoder\.)?(?:model\.|_backbone\.)*)"
)


def detr_model(release: Release, given: ExtraFiles) -> PublishedModel:
    """Returns the detector of a release of facebookresearch/detr or of transformers.

    Classes without a name ("N/A", eleven of COCO's 91) are left out, so the shares of the others are a little larger.
    The number of attention heads is in no array: it is that of ``config.json``, else 8. A dilated last stage ("DC5")
    is not either: it is dilated where ``config.json`` says so or the file's name has "dc5" in it.

    Args:
        release: the weights.
        given: `names` of "class_embed", where they are neither in ``config.json`` nor COCO's.
    """
    options, names = release.options(), list(release.tensors)
    (known,) = published_names(release, given.names).values()
    classes = tuple(name for name in known if name != UNUSED)
    head = shape_of(release, "class_embed.weight", "detr.class_embed.weight", "class_labels_classifier.weight")
    if head[0] != len(known) + 1:
        raise CheckpointError(
            f"{release.path}: got {head[0] - 1} classes and {len(known)} names; want --names {DETR_HEAD}=FILE, one "
            "name per line in the order of the rows"
        )
    queries, width = shape_of(
        release, "query_embed.weight", "detr.query_embed.weight", "model.query_position_embeddings.weight"
    )
    layers = r"(?:detr\.)?(?:transformer|model)\.{}\.layers\.(\d+)\..+"
    at = "encoder.layers.0."
    hidden = shape_of(
        release, *(f"{s}.{at}{n}.weight" for s in ("transformer", "detr.transformer", "model")
                   for n in ("linear1", "fc1", "mlp.fc1"))
    )[0]  # fmt: skip
    heads = number_in(options, ("encoder_attention_heads",), 8)
    dilated = bool(options.get("dilation")) or "dc5" in release.path.name.casefold()
    config = UniTConfig(
        trunk=TimmMap(
            resnet_of(release, names), output_stride=16 if dilated else None, frozen_norms=True, frozen_stages=2
        ),
        mode=Finetune(0.1),  # 1e-5 against 1e-4
        views=ShortestSide(),
        image_width=width,
        image_depth=depth_of(names, layers.format("encoder")),
        image_heads=heads,
        residual=False,
        task_token=False,
        width=width,
        depth=depth_of(names, layers.format("decoder")),
        heads=heads,
        hidden=hidden,
        box_queries=queries,
    )
    left = len(known) - len(classes)
    return PublishedModel(
        config,
        (detection("coco" if "person" in classes and len(classes) == 80 else "boxes", classes),),
        names={DETR_HEAD: known},
        notes=(f"{left} rows of classes without a name are left out",) if left else (),
    )


def resnet_of(release: Release, names: Iterable[str]) -> str:
    """Returns timm's name of the ResNet: that of ``config.json``, else the one with as many blocks.

    Args:
        release: the weights.
        names: theirs.

    Raises:
        CheckpointError: another trunk.
    """
    options = release.options()
    nested = options.get("backbone_config")
    named = nested.get("backbone") if isinstance(nested, dict) else options.get("backbone")
    if isinstance(named, str):
        return named
    names = list(names)
    depths = tuple(depth_of(names, rf"{_BODY}layer{stage}\.(\d+)\..+") for stage in range(1, 5))
    kind = "bottleneck" if any(name.endswith("layer1.0.conv3.weight") for name in names) else "basic"
    if (kind, depths) not in _RESNETS:
        want = ", ".join(_RESNETS.values())
        raise CheckpointError(f"{release.path}: got a trunk of {depths} {kind} blocks; want a ResNet of {want}")
    return _RESNETS[kind, depths]
