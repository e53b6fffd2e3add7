"""The functions of a written recipe: which model answers what, and its values as Python text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from motet.core import DataError
from motet.data.detect import DetectedDataset
from motet.data.readers import READERS
from motet.scaffold.maps_text import MAPS as MAPS
from motet.scaffold.maps_text import MAPS_IMPORTS, maps_lines, maps_steps_for
from motet.scaffold.videos_text import VIDEOS as VIDEOS
from motet.scaffold.videos_text import VIDEOS_IMPORTS, takes_along, videos_lines, videos_steps_for

LIT, UNIT, TWELVE, ADAPTERS, PERCEIVER = "run", "unit", "twelve_in_one", "vit_adapters", "uni_perceiver"
"""The functions of a recipe of several models; that of one model is always `run`."""
MODELS: Mapping[str, str] = {
    LIT: "a LiT decoder (words of its own)",
    UNIT: "a UniT (boxes, and sentences as such)",
    TWELVE: "a 12-in-1 (statements, and what is meant on a picture)",
    ADAPTERS: "adapters in a vision transformer (maps)",
    PERCEIVER: "a Uni-Perceiver (videos)",
}
"""What each model is, and what it does that others do not."""
_FOR_TWELVE = frozenset({"verification", "pairs", "referring", "pointing"})
_TWELVE_TOO = frozenset({"visual entailment", "question answering"})
_FOR_UNIT = frozenset({"detection", "visual entailment", "sentences"})
_FOR_LIT = frozenset({"captioning", "text reading"})
_LIT_BATCH, _UNIT_BATCH = 64, 32
_LEAST_QUERIES, _MOST_QUERIES = 10, 100
_LOOKED_AT = 500  # pictures, for how many boxes one may have


@dataclass(frozen=True)
class TaskPlan:
    """One task of a recipe: what was recognised for it, part by part.

    Args:
        name: its name, and that of its variable.
        parts: one or more entries of one data set; "" is cut into parts.
    """

    name: str
    parts: tuple[DetectedDataset, ...]

    @property
    def kind(self) -> str:
        """What kind of task it is."""
        return self.parts[0].kind

    @property
    def training(self) -> DetectedDataset:
        """The part that is learned from."""
        return next(one for one in self.parts if one.split in ("train", ""))

    @property
    def rows(self) -> int:
        """How many rows are learned from, before anything is cut from them."""
        return sum(one.rows for one in self.parts if one.split in ("train", ""))


def models_of(plans: Sequence[TaskPlan]) -> dict[str, tuple[TaskPlan, ...]]:
    """Which function of the recipe trains which tasks, each once: one model where one can answer all of them.

    The LiT decoder answers in words, and finds no boxes; UniT finds boxes and reads pairs of sentences as two, and says
    nothing in words of its own. So a UniT takes everything where there are boxes or sentences and no free text, and of
    a folder with both it takes what the LiT decoder cannot. Statements, pairs of pictures, and what is meant on a
    picture are a 12-in-1's, which takes questions and entailment along where nothing else is asked. Maps are the
    adapters', and videos a Uni-Perceiver's, which takes along what else it answers where that is all there is.
    """
    maps = tuple(plan for plan in plans if plan.kind in MAPS)
    if maps:
        others = tuple(plan for plan in plans if plan not in maps)
        return models_of(others) | {ADAPTERS: maps} if others else {LIT: maps}
    videos = tuple(plan for plan in plans if plan.kind in VIDEOS)
    if videos:
        others = tuple(plan for plan in plans if plan not in videos)
        if takes_along(plan.kind for plan in others):
            return {LIT: tuple(plans)}
        return models_of(others) | {PERCEIVER: videos}
    twelve = tuple(plan for plan in plans if plan.kind in _FOR_TWELVE)
    if twelve:
        others = tuple(plan for plan in plans if plan not in twelve)
        if all(plan.kind in _TWELVE_TOO for plan in others):
            return {LIT: tuple(plans)}
        return models_of(others) | {TWELVE: twelve}
    own = tuple(plan for plan in plans if plan.kind in _FOR_UNIT)
    if not own:
        return {LIT: tuple(plans)}
    if not any(plan.kind in _FOR_LIT for plan in plans):
        return {LIT: tuple(plans)}
    return {LIT: tuple(plan for plan in plans if plan not in own), UNIT: own}


def model_of(plans: Sequence[TaskPlan]) -> str:
    """Which model the tasks of one function need, as `MODELS` names it; that of a recipe of one model is `run`."""
    kinds = {plan.kind for plan in plans}
    for model, its in ((ADAPTERS, MAPS), (PERCEIVER, VIDEOS), (TWELVE, _FOR_TWELVE), (UNIT, _FOR_UNIT)):
        if kinds & its:
            return model
    return LIT


def chooses(plans: Sequence[TaskPlan]) -> bool:
    """Whether the model of these tasks chooses answers from a list, instead of saying them."""
    return model_of(plans) in (UNIT, TWELVE)


@dataclass(frozen=True)
class RunText:
    """One function of a recipe.

    Args:
        lines: its Python.
        imports: module -> names.
    """

    lines: tuple[str, ...]
    imports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def run_text(name: str, plans: Sequence[TaskPlan], *, alone: bool) -> RunText:
    """The function that trains these tasks.

    Args:
        name: what it is called.
        plans: its tasks.
        alone: whether they are all tasks of the recipe.
    """
    names = ", ".join(f'"{plan.name}"' for plan in plans)
    sources = "sources()" if alone else f"sources({names})"
    what = "all of it" if alone else ", ".join(plan.name for plan in plans) if len(plans) < 4 else f"{len(plans)} tasks"
    rows = sum(plan.rows for plan in plans)
    model = model_of(plans)
    if model == ADAPTERS:
        return RunText(tuple(maps_lines(name, sources, what, _plan(maps_steps_for(rows), "5e-4"))), MAPS_IMPORTS)
    if model == PERCEIVER:
        return videos_text(name, plans, sources, what)
    if model == TWELVE:
        return twelve_text(name, plans, sources, what)
    return _unit(name, plans, sources, what) if model == UNIT else _lit(name, plans, sources, what)


def videos_text(name: str, plans: Sequence[TaskPlan], sources: str, what: str) -> RunText:
    """The function that trains a Uni-Perceiver."""
    several = len(plans) > 1
    lines = videos_lines(name, sources, what, videos_steps_for(sum(plan.rows for plan in plans)), several=several)
    rates: Mapping[str, tuple[str, ...]] = {"motet.data.sampling_rates": ("Temperature",)} if several else {}
    return RunText(tuple(lines), {**VIDEOS_IMPORTS, **rates})


def steps_for(rows: int) -> int:
    """Steps for so many training rows: two to five minutes on a laptop.

    Examples:
        >>> steps_for(300), steps_for(3_000), steps_for(100_000)
        (200, 1400, 1500)
    """
    return int(min(1500, max(200, round(30 * rows / _LIT_BATCH, -2))))


def unit_steps_for(rows: int) -> int:
    """Steps of a UniT, which learns one task a step, and finding things slowly: some ten minutes to an hour.

    Examples:
        >>> unit_steps_for(200), unit_steps_for(1_000), unit_steps_for(100_000)
        (600, 1200, 4000)
    """
    return int(min(4000, max(600, round(40 * rows / _UNIT_BATCH, -2))))


def _lit(name: str, plans: Sequence[TaskPlan], sources: str, what: str) -> RunText:
    steps = steps_for(sum(plan.rows for plan in plans))
    lines = (
        f"def {name}() -> Run:",
        f'    """One LiT decoder for {what}, on the features of a frozen encoder that comes with motet."""',
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
        "            max_tokens=48,",
        "            tokenizer=TrainedTokenizer(size=3000),",
        "        ),",
        f"        sources={sources},",
        f"        schedule=Mixed(batch_size={_LIT_BATCH}),  # every image as often as any other; see motet.data.sampling_rates",
        *_plan(steps, "1e-3"),
        '        features=Features(Path("runs/features")),  # the encoder reads each image once',
        "    )",
    )
    return RunText(
        lines,
        {
            "motet.data.schedules": ("Mixed",),
            "motet.nn.encoders": ("BundledLite0",),
            "motet.preprocess.crops": ("Whole",),
            "motet.preprocess.tokenizers": ("TrainedTokenizer",),
            "motet.systems.lit_decoder.config": ("LiTDecoderConfig",),
            "motet.training.config": ("TrainConfig",),
            "motet.training.run": ("Features", "Run"),
        },
    )


def _unit(name: str, plans: Sequence[TaskPlan], sources: str, what: str) -> RunText:
    looks = any(plan.kind != "sentences" for plan in plans)
    reads = any(plan.kind in ("question answering", "visual entailment", "sentences") for plan in plans)
    rates = _rates(plans)
    lines = [
        f"def {name}() -> Run:",
        f'    """One UniT for {what}, on encoders that come with motet."""',
        "    return Run(",
        "        system=small(",
        *(["            image_size=224,  # larger ones show more, and take longer"] if looks else []),
        *_queries(plans),
        *(
            [
                "            text=BundledMiniLM(),",
                "            text_mode=Finetune(0.1),",
                "            max_tokens=64,  # longer texts are cut",
            ]
            if reads
            else []
        ),
        "        ),",
        f"        sources={sources},",
        *_mixed(rates, len(plans) > 1),
        *_plan(unit_steps_for(sum(plan.rows for plan in plans)), "5e-4", "SkipUnusedAdamW()"),
        "        balancer=TaskMean(),",
        *(
            ['        features=Features(Path("runs/features")),  # the frozen encoder reads each image once']
            if looks
            else []
        ),
        "    )",
    ]
    imports = {
        "motet.data.schedules": ("Mixed",),
        "motet.recipes.unit": ("small",),
        "motet.training.balancers": ("TaskMean",),
        "motet.training.optim": ("SkipUnusedAdamW",),
        "motet.training.config": ("TrainConfig",),
        "motet.training.run": ("Features", "Run") if looks else ("Run",),
    }
    if len(plans) > 1:
        imports["motet.data.sampling_rates"] = ("FixedRates",) if rates else ("Temperature",)
    if reads:
        imports |= {"motet.nn.text_encoders": ("BundledMiniLM",), "motet.nn.tower": ("Finetune",)}
    return RunText(tuple(lines), imports)


def twelve_steps_for(rows: int, tasks: int) -> int:
    """Iterations of a 12-in-1, in each of which every task has a batch: ten minutes to an hour.

    Examples:
        >>> twelve_steps_for(200, 1), twelve_steps_for(20_000, 2), twelve_steps_for(10**6, 1)
        (300, 2000, 2000)
    """
    return int(min(2000, max(300, round(20 * rows / (_UNIT_BATCH * tasks), -2))))


def twelve_text(name: str, plans: Sequence[TaskPlan], sources: str, what: str) -> RunText:
    """The function that trains a 12-in-1."""
    pairs = ", ".join(f'"{plan.name}"' for plan in plans if plan.kind == "pairs")
    dialogs = any(plan.parts[0].reader == "GuessWhat" for plan in plans)
    lines = (
        f"def {name}() -> Run:",
        f'    """One 12-in-1 for {what}, on encoders that come with motet."""',
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
        f"        schedule=RoundRobin(batch_size={_UNIT_BATCH}),",
        *_plan(twelve_steps_for(sum(plan.rows for plan in plans), len(plans)), "5e-4"),
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
    return RunText(lines, imports)


def _plan(steps: int, lr: str, optimizer: str = "") -> Iterator[str]:
    yield "        train=TrainConfig("
    yield f"            steps={steps},"
    yield f"            lr={lr},"
    if optimizer:
        yield f"            optimizer={optimizer},"
    yield '            precision="bfloat16",'
    yield f"            evaluate_every={steps // 4},"
    yield f"            save_every={steps // 4},"
    yield "        ),"


def _rates(plans: Sequence[TaskPlan]) -> dict[str, float]:
    """How often each source feeds a step: finding things takes longest to learn, so it has half of the steps."""
    boxes = sum(plan.kind == "detection" for plan in plans)
    others = len(plans) - boxes
    if not boxes or not others:
        return {}
    return {plan.name: max(1.0, others / boxes) if plan.kind == "detection" else 1.0 for plan in plans}


def _mixed(rates: Mapping[str, float], several: bool) -> Iterator[str]:
    if not several:
        yield f"        schedule=Mixed(batch_size={_UNIT_BATCH}, whole_batches=True),"
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
    yield f"            batch_size={_UNIT_BATCH},"
    yield "            whole_batches=True,"
    yield "        ),"


def _queries(plans: Sequence[TaskPlan]) -> Iterator[str]:
    finding = [plan.training for plan in plans if plan.kind == "detection"]
    if finding:
        most = max(most_boxes(one) for one in finding)
        queries = min(_MOST_QUERIES, max(_LEAST_QUERIES, -(-3 * most // 20) * 10))
        yield f"            box_queries={queries},  # boxes it can say; a picture was seen to have {most}"


def most_boxes(one: DetectedDataset) -> int:
    """The most boxes that one of the first pictures has; rows that cannot be read have none."""
    reader = READERS[one.reader](**one.arguments)
    most = 0
    for row in range(min(_LOOKED_AT, len(reader))):
        try:
            most = max(most, len(reader[row].labels[one.label].labels))
        except DataError:
            continue
    return most
