"""The recipe function that `motet init` writes for a 12-in-1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from motet.systems.base.suggestion import FunctionText, PlannedTask, steps_for, train_config_lines

_BATCH_SIZE = 32


@dataclass(frozen=True)
class TwelveInOneSuggestion:
    """A 12-in-1 verifies statements and points at what is meant; it takes questions and entailment along."""

    name: str = "twelve_in_one"
    about: str = "a 12-in-1 (statements, pairs of images, and what an expression refers to)"
    own: frozenset[str] = frozenset({"verification", "pairs", "referring", "pointing"})
    closed: bool = True

    def takes_along(self, kinds: Sequence[str]) -> bool:
        """Returns whether it also answers these kinds."""
        return set(kinds) <= {"visual entailment", "question answering"}

    def text(self, function: str, tasks: Sequence[PlannedTask], sources: str, about: str) -> FunctionText:
        """See `Suggestion`. Every task has a batch in each iteration: ten minutes to an hour."""
        rows = sum(task.rows for task in tasks)
        steps = steps_for(rows, epochs=20, batch_size=_BATCH_SIZE * len(tasks), least=300, most=2000)
        pairs = ", ".join(f'"{task.name}"' for task in tasks if task.kind == "pairs")
        dialogs = any(task.reader == "GuessWhat" for task in tasks)
        lines = (
            f"def {function}() -> Run:",
            f'    """One 12-in-1 for {about}, on encoders that come with motet."""',
            "    system = two_streams(",
            "        image_size=224,  # larger ones show more, and take longer",
            "        text=BundledMiniLM(),",
            "        text_mode=Finetune(0.1),",
            f"        max_tokens={128 if dialogs else 40},  # longer texts are cut",
            "    )",
            "    return Run(",
            f"        system=replace(system, pairs=({pairs},))," if pairs else "        system=system,",
            f"        sources={sources},",
            "        # Every task has a batch and an update in every step; stop=StopAndGo() rests converged ones.",
            f"        schedule=RoundRobin(batch_size={_BATCH_SIZE}),",
            *train_config_lines(steps, "5e-4"),
            "        balancer=TaskMean(),",
            '        features=Features(Path("runs/features")),  # the frozen trunk reads each image once',
            "    )",
        )
        imports = {
            "motet.data.round_robin": ("RoundRobin",),
            "motet.nn.text_encoders": ("BundledMiniLM",),
            "motet.nn.tower": ("Finetune",),
            "motet.recipes.twelve_in_one": ("small as two_streams",),  # a UniT's is called small, too
            "motet.training.balancers": ("TaskMean",),
            "motet.training.config": ("TrainConfig",),
            "motet.training.run": ("Features", "Run"),
        }
        if pairs:
            imports["dataclasses"] = ("replace",)
        return FunctionText(lines, imports)
