"""The recipe function that `motet init` writes for a LiT decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from motet.systems.base.suggestion import FunctionText, PlannedTask, steps_for, train_config_lines

_BATCH_SIZE = 64


@dataclass(frozen=True)
class LiTDecoderSuggestion:
    """A LiT decoder answers in words of its own; it takes what no other system is suggested for."""

    name: str = "lit_decoder"
    about: str = "a LiT decoder (answers in words of its own)"
    own: frozenset[str] = frozenset({"captioning", "text reading"})
    closed: bool = False

    def takes_along(self, kinds: Sequence[str]) -> bool:
        """Returns whether it also answers these kinds: classes and questions."""
        return set(kinds) <= {"classification", "question answering"}

    def text(self, function: str, tasks: Sequence[PlannedTask], sources: str, about: str) -> FunctionText:
        """See `Suggestion`. Two to five minutes on a laptop."""
        rows = sum(task.rows for task in tasks)
        labels = any(task.kind == "classification" for task in tasks)
        steps = steps_for(rows, epochs=30, batch_size=_BATCH_SIZE, least=200, most=1500)
        lines = (
            f"def {function}() -> Run:",
            f'    """One LiT decoder for {about}, on the features of a frozen encoder that comes with motet."""',
            "    return Run(",
            "        system=LiTDecoderConfig(",
            "            encoder=BundledLite0(size=128, stage=(-2, -1)),  # larger ones show more, and take longer",
            "            depth=2,",
            "            width=256,",
            "            heads=4,",
            "            dropout=0.0,  # a run of minutes underfits: nothing is dropped, smoothed or cropped",
            "            label_smoothing=0.0,",
            "            crop=Whole(),",
            "            hflip=False,",
            "            draft=True,  # large JPEGs are decoded at a smaller size",
            "            max_tokens=48,",
            "            tokenizer=TrainedTokenizer(size=3000),",
            *(
                ["            classes=ScoredClasses(),  # chosen, with a probability; begins as a linear probe"]
                if labels
                else []
            ),
            "        ),",
            f"        sources={sources},",
            f"        schedule=Mixed(batch_size={_BATCH_SIZE}),  # every image as often as any other",
            *train_config_lines(steps, "1e-3"),
            '        features=Features(Path("runs/features")),  # the encoder reads each image once',
            "    )",
        )
        return FunctionText(
            lines,
            {
                "motet.data.schedules": ("Mixed",),
                "motet.nn.encoders": ("BundledLite0",),
                "motet.preprocess.crops": ("Whole",),
                "motet.preprocess.tokenizers": ("TrainedTokenizer",),
                "motet.systems.lit_decoder.config": ("LiTDecoderConfig",),
                **({"motet.systems.lit_decoder.options": ("ScoredClasses",)} if labels else {}),
                "motet.training.config": ("TrainConfig",),
                "motet.training.run": ("Features", "Run"),
            },
        )
