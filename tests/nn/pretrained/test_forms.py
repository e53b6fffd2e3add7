"""Every published form is recognised by its names alone, and no file is two of them."""

import pytest
from published_names import bert, big_vision_vit, detr, mmf_unit

from motet.core import CheckpointError
from motet.nn.pretrained import forms
from motet.nn.pretrained.forms import FORMS, recognise

BERT = bert("bert.", width=8, depth=1, hidden=8, words=9, places=4)
DETR = detr({}, channels=8, width=8, depth=1, hidden=8, queries=2, classes=3)
VIT = big_vision_vit(patch=2, places=4, width=8, depth=1, heads=2, hidden=8, scanned=False)
UNIT = mmf_unit(
    {}, bert("", width=8, depth=1, hidden=8, words=9, places=4), channels=8, image_width=8, width=8, text_width=8,
    image_depth=1, depth=1, hidden=8, shared=True, heads={"vqa2": ("vl", 2, 3, 0)},
)  # fmt: skip
CO = ("encoder.c_layer.0.biattention.query1.weight", "v_embeddings.image_embeddings.weight")
FILES = {
    "DETR": (DETR, forms.DETR),
    "DETR with masks": ({f"detr.{name}" for name in DETR} | {"mask_head.lay1.weight"}, forms.DETR),
    "DETR of transformers": (
        {
            "model.encoder.layers.0.self_attn.q_proj.weight", "model.query_position_embeddings.weight",
            "model.input_projection.weight", "class_labels_classifier.weight", "bbox_predictor.layers.0.weight",
        },
        forms.HF_DETR,
    ),
    "UniT": (UNIT, forms.MMF_UNIT),
    "older UniT": ({name.replace("unit_base_model.", "detr_model.") for name in UNIT}, forms.MMF_UNIT),
    "12-in-1": ({f"module.bert.{n}" for n in CO} | {f"module.{n}" for n in BERT}, forms.VILBERT),
    "Uni-Perceiver": ({"fused_encoder.layers.0.norm1.weight", "token_embed.embeddings.weight"}, forms.UNI_PERCEIVER),
    "of DeepSpeed": ({"encoder.layers.0.ffn.dense.weight", "token_embed.embeddings.weight"}, forms.UNI_PERCEIVER),
    "SigLIP": ({f"params/img/{n}" for n in VIT} | {"params/txt/Embed_0/embedding", "params/t"}, forms.SIGLIP),
    "PaliGemma": (
        {f"params/img/{n}" for n in VIT} | {"params/llm/embedder/input_embedding"}, forms.PALIGEMMA,
    ),
    "CapPa": (
        {f"params/encoder/{n}" for n in VIT}
        | {f"params/decoder/{n}" for n in ("EmbedTargets/embedding", "LogitsDense/kernel")}
        | {"params/pos_embedding_decoder"},
        forms.CAPPA,
    ),
    "ViT": (VIT, forms.VIT),
    "ViT under a name": ({f"params/{name}" for name in VIT}, forms.VIT),
    "BERT": (BERT, forms.BERT),
    "BERT without a name": ({name.removeprefix("bert.") for name in BERT}, forms.BERT),
}  # fmt: skip


@pytest.mark.parametrize("file", FILES)
def test_a_form_is_recognised_and_only_one_fits(file: str) -> None:
    names, form = FILES[file]
    assert recognise(names, "weights.pth") is form
    assert [one for one in FORMS if one.fits(names)] == [form]


def test_every_form_is_among_these() -> None:
    assert {form.name for _, form in FILES.values()} == {form.name for form in FORMS}


def test_an_unknown_file_is_told_what_is_known_and_how_near_it_came() -> None:
    with pytest.raises(CheckpointError, match=r"got 2 arrays such as 'fc\.weight'; want weights of DETR, .*BERT$"):
        recognise(["fc.weight", "fc.bias"], "x.pth")
    lacking = [name for name in DETR if not name.startswith("class_embed")]
    with pytest.raises(CheckpointError, match=r"nearest to DETR but without a name like '.*class_embed\.weight'"):
        recognise(lacking, "x.pth")
    with pytest.raises(CheckpointError, match="got no arrays; want"):
        recognise([], "x.pth")
