"""Names and shapes of ViLBERT's and Uni-Perceiver's released files, written from the code that saved them."""

from __future__ import annotations

from published_names import Shapes, bert, linear, norm


def vilbert(
    *,
    text: int,
    image: int,
    both: int,
    depth: int,
    image_depth: int,
    connections: int,
    hidden: int,
    image_hidden: int,
    words: int,
    places: int,
    region: int,
    classes: int,
    tokens: int,
    answers: int,
    gqa: int,
) -> Shapes:
    """facebookresearch/vilbert-multi-task `vilbert/vilbert.py`, VILBertForVLTasks: `multi_task_model.bin`."""
    found = bert("bert.", width=text, depth=depth, hidden=hidden, words=words, places=places, pooler=False)
    found["bert.embeddings.task_embeddings.weight"] = (tokens, text)
    at = "bert.v_embeddings."
    found |= linear(f"{at}image_embeddings", region, image) | linear(f"{at}image_location_embeddings", 5, image)
    found |= norm(f"{at}LayerNorm", image)
    for i in range(image_depth):
        at = f"bert.encoder.v_layer.{i}."
        for part in ("query", "key", "value"):
            found |= linear(f"{at}attention.self.{part}", image, image)
        found |= linear(f"{at}attention.output.dense", image, image) | norm(f"{at}attention.output.LayerNorm", image)
        found |= linear(f"{at}intermediate.dense", image, image_hidden)
        found |= linear(f"{at}output.dense", image_hidden, image) | norm(f"{at}output.LayerNorm", image)
    for i in range(connections):
        at = f"bert.encoder.c_layer.{i}."
        for number, width in (("1", image), ("2", text)):
            for part in ("query", "key", "value"):
                found |= linear(f"{at}biattention.{part}{number}", width, both)
            found |= linear(f"{at}biOutput.dense{number}", both, width) | norm(f"{at}biOutput.LayerNorm{number}", width)
            found |= linear(f"{at}biOutput.q_dense{number}", both, width)
        for start, width, inner in (("v", image, image_hidden), ("t", text, hidden)):
            found |= linear(f"{at}{start}_intermediate.dense", width, inner)
            found |= linear(f"{at}{start}_output.dense", inner, width) | norm(f"{at}{start}_output.LayerNorm", width)
    found |= linear("bert.t_pooler.dense", text, both) | linear("bert.v_pooler.dense", image, both)
    found |= {"cls.predictions.bias": (words,), "cls.predictions.decoder.weight": (words, text)}
    found |= linear("cls.predictions.transform.dense", text, text) | norm("cls.predictions.transform.LayerNorm", text)
    found |= linear("cls.bi_seq_relationship", both, 2) | linear("cls.imagePredictions.decoder", image, classes)
    found |= linear("cls.imagePredictions.transform.dense", image, image)
    found |= norm("cls.imagePredictions.transform.LayerNorm", image)
    for head, inputs, rows in (
        ("vil_prediction", both, answers), ("vil_prediction_gqa", both, gqa), ("vil_binary_prediction", 2 * both, 2),
    ):  # fmt: skip
        found |= linear(f"{head}.logit_fc.0", inputs, 2 * both) | norm(f"{head}.logit_fc.2", 2 * both)
        found |= linear(f"{head}.logit_fc.3", 2 * both, rows)
    found |= linear("vil_logit", both, 1) | linear("vil_tri_prediction", both, 3)
    return found | linear("vision_logit", image, 1) | linear("linguisic_logit", text, 1)


def uni_perceiver(
    *, width: int, depth: int, hidden: int, experts: int, words: int, places: int, patch: int, frames: int
) -> Shapes:
    """fundamentalvision/Uni-Perceiver `uniperceiver/modeling`: a released model, with experts in every other layer."""
    found: Shapes = {
        "token_embed.embeddings.weight": (words, width), **norm("token_embed.embeddings_norm", width),
        "token_embed.embeddings_pos.position_embeddings.weight": (places, width),
        "token_embed.embeddings_token_type.weight": (2, width),
        "video_embed.embeddings.weight": (width, 3, patch, patch), "video_embed.embeddings.bias": (width,),
        "video_embed.embeddings_st_pos.temporal_pos_embed.weight": (frames, width),
        **norm("loss_prepare.ln_post", width), **linear("loss_prepare.proj", width, width),
        **{
            f"loss_prepare.logit_scale_{name}": ()
            for name in ("img_cls", "video_cls", "text_mlm", "caption", "retrieve", "downstream")
        },
    }  # fmt: skip
    for i in range(depth):
        at = f"fused_encoder.layers.{i}."
        found |= {f"{at}gamma_1": (width,), f"{at}gamma_2": (width,)}
        found |= norm(f"{at}norm1", width) | norm(f"{at}norm2", width)
        dense = {"self_attn.in_proj": (width, 3 * width), "self_attn.out_proj": (width, width)}
        for part, inputs, outputs in (
            ("self_attn.qkv_proj", width, 3 * width), ("self_attn.dense", width, width), ("linear1", width, hidden),
            ("linear2", hidden, width),
        ):  # fmt: skip
            if experts and i % 2 == 0:
                for number in range(experts):
                    found |= linear(f"{at}{part}.experts.deepspeed_experts.{number}", inputs, outputs)
                found |= linear(f"{at}{part}.gate.tag_transform.0", 8, width)
                found |= norm(f"{at}{part}.gate.tag_transform.1", width)
                found[f"{at}{part}.gate.wg.weight"] = (experts, width)
            elif experts or not part.startswith("self_attn"):
                found |= linear(f"{at}{part}", inputs, outputs)
        if not experts:
            found[f"{at}self_attn.in_proj_weight"] = dense["self_attn.in_proj"][::-1]
            found[f"{at}self_attn.in_proj_bias"] = (3 * width,)
            found |= linear(f"{at}self_attn.out_proj", width, width)
    return found
