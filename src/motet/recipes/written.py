"""A recipe as Python text: for what was recognised in a folder, readable, and ready to run."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motet.core import Reader
from motet.data.parts import split_by_image
from motet.data.readers import READERS
from motet.data.recognise import Found

_BATCH = 64
_LONGEST = 100  # of a call on one line
_SEEDS = 30
_CLOSE = 0.15  # of its share, a part may be larger or smaller
_OFFICIAL_COCO = re.compile(r"captions_[a-z]+\d{4}")
_TASK_MAKERS: Mapping[str, str] = {
    "classification": "classification",
    "captioning": "captioning",
    "question answering": "question_answering",
    "text reading": "text_reading",
}


@dataclass(frozen=True)
class TaskPlan:
    """One task of a recipe: what was recognised for it, part by part.

    Args:
        name: its name, and that of its variable.
        parts: one or more entries of one data set; "" is cut into parts.
    """

    name: str
    parts: tuple[Found, ...]


def recipe_text(plans: Sequence[TaskPlan], folder: Path, path: Path) -> str:
    """The recipe as Python."""
    writer = _Writer(plans, folder, path)
    return writer.text()


def numbered(name: str) -> Iterator[str]:
    """The name, then with numbers behind it."""
    yield name
    count = 2
    while True:
        yield f"{name}_{count}"
        count += 1


class _Writer:
    """The text of one recipe, piece by piece."""

    def __init__(self, plans: Sequence[TaskPlan], folder: Path, path: Path) -> None:
        self.plans, self.folder, self.path = plans, folder.resolve(), path.resolve()
        self.readers: dict[str, str] = {}  # expression -> variable: equal readers are built once
        self.lines: list[str] = []
        self.sources: list[str] = []
        self.used = {"Source", "Run"}

    def text(self) -> str:
        for plan in self.plans:
            self._task(plan)
        return "\n".join([*self._head(), *self._sources_function(), *self._run_function()]) + "\n"

    def _head(self) -> Iterable[str]:
        name = f"{self.path.name}:run"
        readers = sorted({one.reader for plan in self.plans for one in plan.parts})
        makers = sorted({_TASK_MAKERS[plan.parts[0].kind] for plan in self.plans})
        tasks = [*makers, *(["TEN_ANSWERS"] if "Vqav2" in readers else [])]
        yield f'"""One model for what lies in {self.folder.name}, written by `motet init`: yours to edit.'
        yield from ("", f"    motet plan {name}", f"    motet train {name}", '"""', "")
        yield from ("from pathlib import Path", "")
        if any("split_by_image(" in line for line in self.lines):
            yield "from motet.data.parts import split_by_image"
        yield f"from motet.data.readers import {', '.join(readers)}"
        yield "from motet.data.schedules import Mixed"
        yield "from motet.data.source import Source"
        yield "from motet.nn.encoders import EmbeddedLite0"
        yield "from motet.prep.crops import Whole"
        yield "from motet.prep.words import TrainedWords"
        yield "from motet.systems.lit_decoder.config import LiTDecoderConfig"
        yield f"from motet.tasks import {', '.join(sorted(tasks))}"
        yield "from motet.train.plan import Plan"
        yield "from motet.train.run import Features, Run"
        yield from ("", f"DATA = {self._data()}", "", "")

    def _data(self) -> str:
        """The folder as the recipe finds it: beside itself where it lies in it."""
        if self.path.parent == self.folder:
            return "Path(__file__).resolve().parent"
        return f"Path({code(str(self.folder), self.folder)})"

    def _sources_function(self) -> Iterable[str]:
        yield "def sources() -> tuple[Source, ...]:"
        yield '    """What is learned from, chosen by and judged on. Parts that were not given are cut by image."""'
        yield from (f"    {line}".rstrip() for whole in self.lines for line in whole.splitlines())
        yield "    return ("
        yield from (f"        {line}" for whole in self.sources for line in f"{whole},".splitlines())
        yield from ("    )", "", "")

    def _run_function(self) -> Iterable[str]:
        rows = sum(one.rows for plan in self.plans for one in plan.parts if one.part in ("train", ""))
        steps = steps_for(rows)
        yield "def run() -> Run:"
        yield '    """One LiT decoder for all of it, on the features of a frozen encoder that comes with motet."""'
        yield "    return Run("
        yield "        system=LiTDecoderConfig("
        yield "            encoder=EmbeddedLite0(size=128, stage=(-2, -1)),  # larger ones show more, and take longer"
        yield "            depth=2,"
        yield "            width=256,"
        yield "            heads=4,"
        yield "            dropout=0.0,  # a run of minutes underfits: nothing is dropped, smoothed or cropped"
        yield "            label_smoothing=0.0,"
        yield "            crop=Whole(),"
        yield "            hflip=False,"
        yield "            max_tokens=48,"
        yield "            words=TrainedWords(size=3000),"
        yield "        ),"
        yield "        sources=sources(),"
        yield f"        schedule=Mixed(batch_size={_BATCH}),  # every image as often as any other; see motet.data.rates"
        yield "        plan=Plan("
        yield f"            steps={steps},"
        yield "            lr=1e-3,"
        yield '            precision="bfloat16",'
        yield f"            evaluate_every={steps // 4},"
        yield f"            save_every={steps // 4},"
        yield "        ),"
        yield '        features=Features(Path("runs/features")),  # the encoder reads each image once'
        yield "    )"

    def _task(self, plan: TaskPlan) -> None:
        first = plan.parts[0]
        self.lines += [f"# {plan.name}: {first.why}"]
        training = next(one for one in plan.parts if one.part in ("train", ""))
        readers = {id(one): self._reader(plan, one, training) for one in (training, *plan.parts)}
        self.lines += [f"{plan.name} = {self._task_call(plan, readers[id(training)])}"]
        cut = self._cut(training, readers[id(training)], {one.part for one in plan.parts if one is not training})
        for role, reader in cut.items():
            self._source(plan.name, role, reader)
        for one in plan.parts:
            if one is not training:
                self._source(plan.name, one.part, readers[id(one)])

    def _reader(self, plan: TaskPlan, one: Found, training: Found) -> str:
        """The variable of a reader; made on first use."""
        arguments = {name: code(value, self.folder) for name, value in _own_images(one).items()}
        if one is not training and one.kind == "classification" and one.reader in ("Table", "HfDataset", "WebDataset"):
            arguments["names"] = f"{self._reader(plan, training, training)}.names"
        expression = _call(one.reader, [f"{name}={value}" for name, value in arguments.items()])
        if expression not in self.readers:
            base = f"{plan.name}_{one.part or 'rows'}"
            self.readers[expression] = next(free for free in numbered(base) if free not in self.readers.values())
            self.lines += [f"{self.readers[expression]} = {expression}"]
        return self.readers[expression]

    def _task_call(self, plan: TaskPlan, reader: str) -> str:
        first, maker = plan.parts[0], _TASK_MAKERS[plan.parts[0].kind]
        arguments = [code(plan.name, self.folder)]
        if first.kind == "classification":
            arguments += [f"{reader}.names", *(["hflip=False"] if first.reader == "Idx" else [])]
        elif (
            first.label
            != {"captioning": "captions", "question answering": "answers", "text reading": "text"}[first.kind]
        ):
            arguments += [f"label={code(first.label, self.folder)}"]
        if first.reader == "Vqav2":
            arguments += ["metrics=TEN_ANSWERS"]
        return f"{maker}({', '.join(arguments)})"

    def _cut(self, training: Found, reader: str, given: set[str]) -> dict[str, str]:
        """The training part, and cut from it the parts that were not given: role -> expression."""
        missing = [role for role in ("val", "test") if role not in given]
        shares, seed = choose_split(training, missing)
        if len(shares) == 1:
            return {"train": reader}
        seeded = f", seed={seed}" if seed else ""
        line = f"{reader}_parts = split_by_image({reader}, {code(shares, self.folder)}{seeded})"
        if line not in self.lines:
            self.lines += [line]
        return {role: f"{reader}_parts[{code(role, self.folder)}]" for role in shares}

    def _source(self, task: str, role: str, reader: str) -> None:
        name = task if role == "train" else f"{task}/{role}"
        taken = {line.partition("name=")[2].partition(",")[0] for line in self.sources}
        quoted = next(text for free in numbered(name) if (text := code(free, self.folder)) not in taken)
        part = [] if role == "train" else [f"role={code(role, self.folder)}"]
        self.sources.append(_call("Source", [f"name={quoted}", f"reader={reader}", f"tasks=({task},)", *part]))


def steps_for(rows: int) -> int:
    """Steps for so many training rows: two to five minutes on a laptop.

    Examples:
        >>> steps_for(300), steps_for(3_000), steps_for(100_000)
        (200, 1400, 1500)
    """
    return int(min(1500, max(200, round(30 * rows / _BATCH, -2))))


def code(value: object, folder: Path) -> str:
    """A plain value as Python; a path in the data folder as one from `DATA`.

    Examples:
        >>> code({"class": "kind"}, Path("/d")), code((Path("/d/a b.csv"), 3), Path("/d"))
        ('{"class": "kind"}', '(DATA / "a b.csv", 3)')
    """
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False)
        case Path():
            return _path_code(value, folder)
        case Mapping():
            return "{" + ", ".join(f"{code(key, folder)}: {code(part, folder)}" for key, part in value.items()) + "}"
        case tuple() | list():
            inside = ", ".join(code(part, folder) for part in value)
            return f"({inside}{',' if len(value) == 1 else ''})"
    return repr(value)


def _path_code(path: Path, folder: Path) -> str:
    whole = path.resolve()
    if whole == folder:
        return "DATA"
    if whole.is_relative_to(folder):
        return f"DATA / {code(whole.relative_to(folder).as_posix(), folder)}"
    return f"Path({code(str(whole), folder)})"


def _call(name: str, arguments: Sequence[str]) -> str:
    """A call on one line, or on several when it is long."""
    line = f"{name}({', '.join(arguments)})"
    if len(line) <= _LONGEST:
        return line
    return "\n".join([f"{name}(", *(f"    {argument}," for argument in arguments), ")"])


def _own_images(one: Found) -> dict[str, object]:
    """The arguments, with an image prefix for captions of one's own: the reader's default is for COCO's images."""
    arguments = dict(one.arguments)
    path = arguments.get("annotations")
    if one.reader == "CocoCaptions" and isinstance(path, Path) and not _OFFICIAL_COCO.search(path.name):
        arguments.setdefault("image_prefix", path.resolve().parent.name)
    return arguments


def choose_split(one: Found, missing: Sequence[str]) -> tuple[dict[str, float], int]:
    """Shares of the parts, and the seed that cuts nearest to them; parts that would be empty are left out.

    Which part an image falls to is drawn by its id, so the shares of a few images can be far from what was asked.
    """
    reader = READERS[one.reader](**_own_images(one))
    wanted = list(missing)
    while wanted:
        shares = {"train": round(1 - 0.1 * len(wanted), 1), **dict.fromkeys(wanted, 0.1)}
        best = (math.inf, 0)
        for seed in range(_SEEDS):
            best = min(best, (_off(split_by_image(reader, shares, seed), shares), seed))
            if best[0] < _CLOSE:
                break
        if best[0] < math.inf:
            return shares, best[1]
        wanted.pop()
    return {"train": 1.0}, 0


def _off(parts: Mapping[str, Reader], shares: Mapping[str, float]) -> float:
    """How far the worst part is from its share, relative to it; endless when a part is empty."""
    rows = sum(len(part) for part in parts.values())
    if not all(len(part) for part in parts.values()):
        return math.inf
    return max(abs(len(parts[name]) / rows / share - 1) for name, share in shares.items())
