"""The values of two papers' appendices beside the recipes'; run it to write `docs/results/paper_values.md`."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from motet.preprocess.crops import InceptionCrop, RandomCrop, Whole
from motet.recipes.paper import lit_decoder, unit
from motet.systems.lit_decoder import (
    BeamSearch,
    ConcatTokens,
    FeedforwardConfig,
    Greedy,
    LiTDecoderConfig,
    MapFrozen,
    MapReset,
)
from motet.systems.lit_decoder.decoding import default_decoding
from motet.systems.unit import UniTConfig
from motet.training.optim import Adafactor, Cosine, HfAdamW
from motet.training.run import Run

PAGE = Path(__file__).parent.parent.parent / "docs" / "results" / "paper_values.md"


@dataclass(frozen=True)
class Value:
    """A value of a paper.

    Args:
        place: of the paper.
        name: of the value.
        printed: as the paper has it.
        recipe: the recipe's value, or what an option gives back.
        unit: the last digit that is printed, for numbers; 0 where both must be equal.
        note: where the paper leaves something open.
    """

    place: str
    name: str
    printed: Any
    recipe: Any
    unit: float = 0.0
    note: str = ""

    def agrees(self) -> bool:
        """Returns whether the recipe has the printed value."""
        if self.unit:
            return abs(float(self.recipe) - float(self.printed)) <= self.unit
        return bool(self.printed == self.recipe)


def lit_values(run: Run) -> Iterator[Value]:
    """Yields the values of "A Study of Autoregressive Decoders", sections 4 and 5.8, table 3 and appendices B and C."""
    config, train = run.system, run.train
    assert isinstance(config, LiTDecoderConfig)
    assert isinstance(train.optimizer, Adafactor)
    for name, printed, digit in (
        ("imagenet", 1_200_000, 100_000), ("sun397", 76_000, 1000), ("food101", 74_000, 1000),
        ("resisc45", 19_000, 1000), ("pet", 2_944, 0), ("coco", 112_000, 1000), ("flickr30k", 28_000, 1000),
        ("ocr_vqa", 166_000, 1000), ("vqav2", 83_000, 1000), ("gqa", 72_000, 1000),
    ):  # fmt: skip
        share = lit_decoder.TRAINED_SHARE.get(name, 1.0)
        note = "" if share == 1 else f"{share:.0%} of the official images; the paper does not say which"
        images = round(lit_decoder.OFFICIAL_IMAGES[name] * share)
        yield Value("table 3", f"images of {name}", printed, images, digit, note)
    categories = {"classification": 5, "captioning": 2, "ocr": 1, "qa": 2}
    tasks = list(run.tasks)
    found = {category: sum(task.category == category for task in tasks) for category in categories}
    yield Value("table 3", "tasks by type", categories, found)
    plain: list[tuple[str, str, Any, Any]] = [
        ("section 4", "layers of the decoder", 12, config.depth),
        ("section 4", "width of the decoder", 768, config.width),
        ("section 4", "heads of the decoder", 12, config.heads),
        ("section 4", "longest sequence", 64, config.max_tokens),
        ("section 4.2", "epochs", 50, lit_decoder.EPOCHS),
        ("C", "learning rate", 0.001, train.lr),
        ("C", "weight decay", 0.0001, train.weight_decay),
        ("C", "dropout of the decoder", 0.1, config.dropout),
        ("C", "label smoothing", 0.1, config.label_smoothing),
        ("C", "crop", "InceptionCrop, 50 % of the area or more",
         f"{type(config.crop).__name__}, {config.crop.min_area:.0%} of the area or more".replace("50%", "50 %")
         if isinstance(config.crop, InceptionCrop) else type(config.crop).__name__),
        ("B.1", "gradient clipping norm", 1.0, train.grad_clip),
        ("B.2", "beta 2", 0.999, train.optimizer.beta2_cap),
    ]  # fmt: skip
    for place, label, wanted, value in plain:
        yield Value(place, label, wanted, value)
    beams = BeamSearch(num_beams=4, alpha=0.1, noise=0.0)
    for category, strategy in {"classification": Greedy(), "captioning": beams, "ocr": beams, "qa": Greedy()}.items():
        used = {config.decoding.get(task.name, default_decoding(task)) for task in tasks if task.category == category}
        yield Value("section 5.8", f"decoding of {category}", (strategy,), tuple(used))
    yield from _lit_sweeps(config, run)


def _lit_sweeps(config: LiTDecoderConfig, run: Run) -> Iterator[Value]:
    """Yields the grids: the recipe has one value of each, and every other can be set."""
    classifier = FeedforwardConfig()
    for place, name, printed, setter in (
        ("B.1", "grid: learning rate", (1e-3, 3e-4, 1e-4, 3e-5), lambda v: replace(run.train, lr=v).lr),
        ("B.1", "grid: weight decay", (0.0, 1e-5, 1e-4), lambda v: replace(run.train, weight_decay=v).weight_decay),
        ("B.1", "grid: hidden channels", (None, 1024, 2048), lambda v: replace(classifier, hidden=v).hidden),
        ("B.1", "grid: pooling", (ConcatTokens(), MapFrozen(), MapReset()),
         lambda v: replace(classifier, pooling=v).pooling),
        ("B.2", "grid: learning rate", (3e-3, 1e-3, 3e-4, 1e-4), lambda v: replace(run.train, lr=v).lr),
        ("B.2", "grid: weight decay", (1e-2, 3e-3, 1e-3, 3e-4, 1e-4),
         lambda v: replace(run.train, weight_decay=v).weight_decay),
        ("B.2", "grid: dropout", (0.1, 0.2, 0.5), lambda v: replace(config, dropout=v).dropout),
        ("B.2", "grid: crop", (Whole(), RandomCrop(), InceptionCrop(0.5)), lambda v: replace(config, crop=v).crop),
        ("B.2", "grid: label smoothing", (0.0, 0.1), lambda v: replace(config, label_smoothing=v).label_smoothing),
    ):  # fmt: skip
        yield Value(place, name, printed, tuple(map(setter, printed)), note="options; no study over the whole grid")
    yield Value("F", "learning rate of a fine-tuned encoder", 0.1, _finetune_default(), note="option `Finetune()`")


def _finetune_default() -> float:
    from motet.nn.tower import Finetune

    return Finetune().lr_scale


def unit_values(run: Run) -> Iterator[Value]:
    """Yields the values of UniT's tables A.1 and A.2, and those of sections 3 and 4."""
    config, train = run.system, run.train
    assert isinstance(config, UniTConfig)
    assert isinstance(train.optimizer, HfAdamW)
    assert isinstance(train.lr_schedule, Cosine)
    schedule = run.schedule
    for name, printed, value in (
        ("image encoder hidden size", 256, config.image_width),
        ("image encoder head number", 8, config.image_heads),
        ("image encoder intermediate size", 2048, config.hidden),
        ("image encoder layer number", 6, config.image_depth),
        ("image encoder dropout", 0.1, config.dropout),
        ("decoder hidden size", 768, config.width),
        ("decoder head number", 8, config.heads),
        ("decoder intermediate size", 2048, config.hidden),
        ("decoder layer number", 6, config.depth),
        ("decoder dropout", 0.1, config.dropout),
        ("batch size", 64, schedule.batch_size),  # type: ignore[attr-defined]
        ("learning rate", 5e-5, train.lr),
        ("learning schedule", "warmup_cosine", "warmup_cosine" if train.lr_schedule.warmup else "cosine"),
        ("warmup iterations", 2000, train.lr_schedule.warmup),
        ("Adam beta 1", 0.9, train.optimizer.betas[0]),
        ("Adam beta 2", 0.999, train.optimizer.betas[1]),
    ):
        yield Value("table A.1", name, printed, value)
    lines: list[tuple[int, dict[str, float], Mapping[str, float]]] = [
        (1, {"coco": 0.33, "visual_genome": 0.33, "vqav2": 0.33}, unit.DETECTION_AND_VQA_RATES),
        (2, {"coco": 0.20, "visual_genome": 0.07, "vqav2": 0.26, "snli_ve": 0.12, "qnli": 0.10, "mnli": 0.10,
             "qqp": 0.10, "sst2": 0.05}, unit.RATES),
        (3, {"coco": 0.30, "snli_ve": 0.50, "mnli": 0.20}, unit.ABLATION_RATES),
    ]  # fmt: skip
    for line, shares, rates in lines:
        for name, share in shares.items():
            yield Value(f"table A.2, line {line}", name, share, rates.get(name))
        yield Value(f"table A.2, line {line}", "data sets", len(shares), len(rates))
    yield Value("section 3.3", "queries of detection", 100, config.box_queries)
    yield Value("section 3.3", "queries of other tasks", 25, config.other_queries)
    yield Value("section 4.1", "iterations, three data sets", 450_000, unit.published_detection_and_vqa().train.steps)
    yield Value("section 4.2", "iterations, eight data sets", 500_000, train.steps)
    yield Value("section 4.2", "iterations, ablations", 500_000, unit.published_ablation().train.steps)


def page(lit: list[Value], of_unit: list[Value]) -> str:
    """Returns the page as text."""
    parts = [
        "# Values of two papers beside the recipes",
        "",
        "Written by `tests/support/paper_values.py`; `tests/recipes/paper/test_paper_values.py` compares every row.",
    ]
    for title, values in (("LiT decoder (`lit_decoder:paper`)", lit), ("UniT (`unit:paper`)", of_unit)):
        parts += ["", f"## {title}", "", "| place | value | paper | recipe | note |", "|---|---|---|---|---|"]
        parts += [f"| {v.place} | {v.name} | {_shown(v.printed)} | {_shown(v.recipe)} | {v.note} |" for v in values]
    return "\n".join(parts) + "\n"


def _shown(value: Any) -> str:
    match value:
        case tuple():
            return ", ".join(map(_shown, value))
        case dict():
            return ", ".join(f"{key} {each}" for key, each in value.items())
        case int() if not isinstance(value, bool) and value >= 1000:
            return f"{value:,}"
        case float():
            return f"{value:g}"
    return str(value)


def runs(root: Path) -> tuple[Run, Run]:
    """Returns the two published runs over a few rows of each data set, under `root`."""
    from paper_data import write_paper_data
    from unit_paper_data import write_unit_paper_data

    write_paper_data(root / "lit")
    write_unit_paper_data(root / "unit")
    os.environ["MOTET_DATA"] = str(root / "lit")
    lit = lit_decoder.published()
    os.environ["MOTET_DATA"] = str(root / "unit")
    return lit, unit.published()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    with tempfile.TemporaryDirectory() as folder:
        first, second = runs(Path(folder))
        PAGE.write_text(page(list(lit_values(first)), list(unit_values(second))), encoding="utf-8")
