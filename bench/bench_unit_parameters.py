"""Parameters of one UniT for eight data sets against eight of one each, at the paper's sizes; nothing is allocated.

python bench/bench_unit_parameters.py
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from transformers import BertConfig, BertModel

from measure import write_table
from motet.core import Task
from motet.nn.text_encoders import BundledMiniLM, TextEncoder
from motet.preprocess.sentence_tokenizer import SentenceTokenizer
from motet.recipes.paper.unit import SENTENCES, published_model
from motet.systems.unit.config import TEXT_FILE, WORDS_FILE
from motet.systems.unit.model import UniT
from motet.tasks import detection, glue, question_answering, visual_entailment


def tasks() -> tuple[Task, ...]:
    """The eight of `motet plan unit:paper`, with as many names each; what they are called counts nothing."""
    genome = tuple(f"thing {n}" for n in range(1600)), tuple(f"attribute {n}" for n in range(400))
    return (
        detection("coco", tuple(f"thing {n}" for n in range(91))),
        detection("visual_genome", genome[0], attributes=genome[1]),
        question_answering("vqav2", answers=tuple(f"answer {n}" for n in range(3129))),
        visual_entailment("snli_ve"),
        *(glue(name) for name in SENTENCES),
    )


def assets() -> Mapping[str, bytes]:
    """A BERT of base size with its 30,522 pieces, by its shape alone."""
    encoder = TextEncoder(BertModel(BertConfig(), add_pooling_layer=False))
    return {WORDS_FILE: SentenceTokenizer(*BundledMiniLM().tokenizer()).to_bytes(), TEXT_FILE: encoder.description()}


def counted(requested: Sequence[Task], files: Mapping[str, bytes], *, shared: bool = True) -> int:
    """Parameters of a model of these tasks."""
    system = UniT(replace(published_model(), shared=shared), requested, texts=list, assets=files)
    return sum(parameter.numel() for parameter in system.parameters())


def main() -> None:
    requested = tasks()
    with torch.device("meta"):
        files = assets()
        shared, separate = (counted(requested, files, shared=one) for one in (True, False))
        alone = {task.name: counted([task], files) for task in requested}
        # What the paper counts: a whole model, both encoders and all, kept once for each task.
        copies = len(requested) * shared
    rows = [(f"{name} alone", f"{count / 1e6:.1f}", "") for name, count in alone.items()]
    total = sum(alone.values())
    rows += [
        ("the eight together", f"{total / 1e6:.1f}", f"{total / shared:.2f}"),
        ("one model, a decoder each", f"{separate / 1e6:.1f}", f"{separate / shared:.2f}"),
        ("one model, one decoder", f"{shared / 1e6:.1f}", "1.00"),
    ]
    notes = [
        f"The shared model of eight data sets has {shared / 1e6:.1f} million parameters (the paper: 201 million). The "
        f"paper compares it with eight whole models, {copies / 1e6:.0f} million, and says 8 times fewer; models of one "
        f"task that leave out the encoder they do not need have {total / 1e6:.0f} million together, "
        f"{total / shared:.1f} times as many.",
        "COCO has 91 classes, Visual Genome 1,600 with 400 attributes, VQAv2 3,129 answers.",
    ]
    write_table("bench_unit_parameters", "Parameters of UniT", notes, ["", "millions", "against one model"], rows)


if __name__ == "__main__":
    main()
