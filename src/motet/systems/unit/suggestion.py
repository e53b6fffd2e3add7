"""The recipe function that `motet init` writes for a UniT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from motet.systems.base.suggestion import FunctionText, PlannedTask, steps_for, train_config_lines

_BATCH_SIZE = 32
_BATCH_OF_BOXES = 16
_MOST_VIEWS, _STORED_VIEWS = 32, 8_000  # per image, and of all training images: two minutes of a laptop
_MOST_STORED = 15_000  # rows whose texts take a laptop minutes to store; of more a short run reads only some
_LEAST_QUERIES, _MOST_QUERIES = 10, 100


@dataclass(frozen=True)
class UniTSuggestion:
    """A UniT detects things and reads pairs of sentences as two; it generates no words of its own."""

    name: str = "unit"
    about: str = "a UniT (boxes, and sentences as such)"
    own: frozenset[str] = frozenset({"detection", "visual entailment", "sentences"})
    closed: bool = True

    def takes_along(self, kinds: Sequence[str]) -> bool:
        """Returns whether it also answers these kinds: all that need no free text."""
        return not set(kinds) & {"captioning", "text reading"}

    def text(self, function: str, tasks: Sequence[PlannedTask], sources: str, about: str) -> FunctionText:
        """See `Suggestion`. It learns one task per step, and detection slowly: some ten minutes to an hour."""
        rows = sum(task.rows for task in tasks)
        boxes = all(task.kind == "detection" for task in tasks if task.kind != "sentences") and any(
            task.kind == "detection" for task in tasks
        )
        batch_size = _BATCH_OF_BOXES if boxes else _BATCH_SIZE
        steps = (
            steps_for(rows, epochs=300, batch_size=batch_size, least=3000, most=6000)
            if boxes
            else steps_for(rows, epochs=40, batch_size=batch_size, least=600, most=4000)
        )
        views = f", views={max(1, min(_MOST_VIEWS, _STORED_VIEWS // max(1, rows)))}" if boxes else ""
        features = f'Features(Path("runs/features"){views})'
        looks = any(task.kind != "sentences" for task in tasks)
        reads = any(task.kind in ("question answering", "visual entailment", "sentences") for task in tasks)
        rates = _rates(tasks)
        only_texts = not looks
        stored = "image" if looks else "text" if rows <= _MOST_STORED else ""
        labels = [task for task in tasks if task.kind in ("sentences", "classification")]
        lines = [
            f"def {function}() -> Run:",
            f'    """One UniT for {about}, on encoders that come with motet."""',
            "    return Run(",
            "        system=small(",
            *(["            image_size=224,  # larger ones show more, and take longer"] if looks else []),
            *_queries(tasks),
            # On whole images a detector learns for thousands of steps only where things are most often.
            *(
                ["            crop=InceptionCrop(min_area=0.06),  # parts of images, with fewer things"]
                if boxes
                else []
            ),
            *(["            linear=True,  # classes begin as a linear probe's"] if labels else []),
            *(
                [
                    "            text=BundledMiniLM(),",
                    f"            text_mode={'Frozen()' if only_texts else 'Finetune(0.1)'},",
                    "            max_tokens=64,  # longer texts are cut",
                ]
                if reads
                else []
            ),
            "        ),",
            f"        sources={sources},",
            *_mixed(rates, batch_size, len(tasks) > 1),
            *train_config_lines(
                steps, "5e-4", **({"grad_clip": "0.1"} if boxes else {}), optimizer="SkipUnusedAdamW()"
            ),
            "        balancer=TaskMean(),",
            *([f"        features={features},  # the frozen encoder reads each {stored} once"] if stored else []),
            "    )",
        ]
        imports = {
            "motet.data.schedules": ("Mixed",),
            "motet.recipes.unit": ("small",),
            "motet.training.balancers": ("TaskMean",),
            "motet.training.optim": ("SkipUnusedAdamW",),
            "motet.training.config": ("TrainConfig",),
            "motet.training.run": ("Features", "Run") if stored else ("Run",),
        }
        if boxes:
            imports["motet.preprocess.crops"] = ("InceptionCrop",)
        if len(tasks) > 1:
            imports["motet.data.sampling_rates"] = ("FixedRates",) if rates else ("Temperature",)
        if reads:
            imports |= {
                "motet.nn.text_encoders": ("BundledMiniLM",),
                "motet.nn.tower": ("Frozen" if only_texts else "Finetune",),
            }
        return FunctionText(tuple(lines), imports)


def _rates(tasks: Sequence[PlannedTask]) -> dict[str, float]:
    """Returns how often each source feeds a step: detection takes longest to learn, so it has half of the steps."""
    boxes = sum(task.kind == "detection" for task in tasks)
    others = len(tasks) - boxes
    if not boxes or not others:
        return {}
    return {task.name: max(1.0, others / boxes) if task.kind == "detection" else 1.0 for task in tasks}


def _mixed(rates: Mapping[str, float], batch_size: int, several: bool) -> Iterator[str]:
    if not several:
        yield f"        schedule=Mixed(batch_size={batch_size}, whole_batches=True),"
        return
    yield "        schedule=Mixed("
    if rates:
        yield "            rates=FixedRates(  # how often each source has a step, over the sum"
        yield "                {"
        yield from (f'                    "{name}": {rate:g},' for name, rate in rates.items())
        yield "                }"
        yield "            ),"
    else:
        yield "            rates=Temperature(2.0),  # large sources more often than small ones, but not by their size"
    yield f"            batch_size={batch_size},"
    yield "            whole_batches=True,"
    yield "        ),"


def _queries(tasks: Sequence[PlannedTask]) -> Iterator[str]:
    detection = [task for task in tasks if task.kind == "detection"]
    if detection:
        most = max(task.most_boxes() for task in detection)
        queries = min(_MOST_QUERIES, max(_LEAST_QUERIES, -(-3 * most // 20) * 10))
        yield f"            box_queries={queries},  # boxes it can predict; an image was seen to have {most}"
