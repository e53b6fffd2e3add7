"""The Python text of a recipe for the data sets detected in a folder."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motet.core import Reader
from motet.data.detect import DetectedDataset
from motet.data.readers import READERS
from motet.data.splits import split_by_image
from motet.scaffold.assign import assign
from motet.scaffold.task_plan import MAPS, VIDEOS
from motet.scaffold.task_plan import TaskPlan as TaskPlan
from motet.scaffold.task_text import LABELS, TASK_MAKERS
from motet.systems.base.suggestion import FRAMES, FunctionText, Suggestion

_FRAMES_LINE = f"{FRAMES} = Frames(4, short_side=256)  # of each video: how many, and their shorter side in pixels"
_LONGEST = 100  # characters of a call on one line
_SEEDS = 30
_CLOSE = 0.15  # relative deviation of a part from its share that is close enough
_OFFICIAL_COCO = re.compile(r"(captions|instances|person_keypoints)_[a-z]+\d{4}")
_MANY = 10_000  # questions; above, rare answers are left out of the closed list
_HOW_MANY = {1: "One model", 2: "Two models", 3: "Three models", 4: "Four models", 5: "Five models"}
_OWN_NAMES = (
    "Table", "HfDataset", "WebDataset", "CocoInstances", "VideoList", "VideoFolder", "Kinetics", "MapFolders",
)  # readers whose splits may differ in their classes  # fmt: skip
_NAMED = ("classification", "detection", "video classification", "sentences")


def recipe_text(plans: Sequence[TaskPlan], folder: Path, path: Path) -> str:
    """Returns the recipe as Python text."""
    writer = _Writer(plans, folder, path)
    return writer.text()


def numbered(name: str) -> Iterator[str]:
    """Yields the name, then the name with numbers appended."""
    yield name
    count = 2
    while True:
        yield f"{name}_{count}"
        count += 1


class _Writer:
    """Collects the text of one recipe."""

    def __init__(self, plans: Sequence[TaskPlan], folder: Path, path: Path) -> None:
        self.plans, self.folder, self.path = plans, folder.resolve(), path.resolve()
        self.readers: dict[str, str] = {}  # expression -> variable: equal readers are built once
        self.lines: list[str] = []
        self.sources: list[_Source] = []
        self.imports: dict[str, set[str]] = {"pathlib": {"Path"}, "motet.data.source": {"Source"}}
        self.models = assign(plans)
        self.closed = {plan.name for suggestion, of in self.models.values() if suggestion.closed for plan in of}

    def text(self) -> str:
        for plan in self.plans:
            self._task(plan)
        if self._has_videos():
            self._use("motet.data.formats.video_rows", "Frames")
        runs = [self._function(name, suggestion, of) for name, (suggestion, of) in self.models.items()]
        for run in runs:
            for module, names in run.imports.items():
                self._use(module, *names)
        functions = "\n\n\n".join("\n".join(run.lines) for run in runs)
        sources = list(self._sources_function())
        return "\n".join([*self._head(), *sources, functions]) + "\n"

    def _function(self, name: str, suggestion: Suggestion, plans: Sequence[TaskPlan]) -> FunctionText:
        alone = len(self.models) == 1
        sources = "sources()" if alone else f"sources({', '.join(code(plan.name, self.folder) for plan in plans)})"
        few = ", ".join(plan.name for plan in plans) if len(plans) < 4 else f"{len(plans)} tasks"
        return suggestion.text(name, plans, sources, "all of it" if alone else few)

    def _use(self, module: str, *names: str) -> None:
        self.imports.setdefault(module, set()).update(names)

    def _head(self) -> Iterable[str]:
        yield f'"""{_HOW_MANY[len(self.models)]} for the data in {self.folder.name}, ' + (
            "written by `motet init`; edit it as you like."
        )
        yield ""
        yield from (f"    motet {what} {self.path.name}:{name}" for name in self.models for what in ("plan", "train"))
        yield from ('"""', "")
        for module in sorted(self.imports, key=lambda module: (module.startswith("motet"), module)):
            line = f"from {module} import {', '.join(sorted(self.imports[module]))}"
            if len(line) <= _LONGEST:
                yield line
            else:
                yield f"from {module} import ("
                yield from (f"    {name}," for name in sorted(self.imports[module]))
                yield ")"
            if not module.startswith("motet"):
                yield ""
        yield from ("", f"DATA = {self._data()}")
        yield from ([_FRAMES_LINE] if self._has_videos() else [])
        yield from ("", "")

    def _has_videos(self) -> bool:
        return any(plan.kind in VIDEOS for plan in self.plans)

    def _data(self) -> str:
        """Returns the expression of the data folder: relative to the recipe if the recipe is in it."""
        if self.path.parent == self.folder:
            return "Path(__file__).resolve().parent"
        return f"Path({code(str(self.folder), self.folder)})"

    def _sources_function(self) -> Iterable[str]:
        several = len(self.models) > 1
        yield f"def sources({'*names: str' if several else ''}) -> tuple[Source, ...]:"
        which = ", of these tasks or all" if several else ""
        by = "video" if all(plan.kind in VIDEOS for plan in self.plans) else "image"
        yield f'    """The sources for training, validation and test{which}. Missing splits are split off by {by}."""'
        yield from (f"    {line}".rstrip() for whole in self.lines for line in whole.splitlines())
        yield "    every = (" if several else "    return ("
        wholes = [source.text(self.folder) for source in self.sources]
        yield from (f"        {line}" for whole in wholes for line in f"{whole},".splitlines())
        yield "    )"
        if several:
            yield "    return tuple(source for source in every if not names or source.tasks[0].name in names)"
        yield from ("", "")

    def _task(self, plan: TaskPlan) -> None:
        training = plan.training
        self.lines += [f"# {plan.name}: {training.evidence}"]
        readers = {id(one): self._reader(plan, one, training) for one in (training, *plan.parts)}
        cut = self._cut(training, readers[id(training)], {one.split for one in plan.parts if one is not training})
        self.lines += [f"{plan.name} = {self._task_call(plan, readers[id(training)], cut['train'])}"]
        for role, reader in cut.items():
            self._source(plan, role, reader)
        for one in plan.parts:
            if one is not training:
                self._source(plan, one.split, readers[id(one)])

    def _reader(self, plan: TaskPlan, one: DetectedDataset, training: DetectedDataset) -> str:
        """Returns the variable of a reader, which is defined on first use."""
        arguments = {name: code(value, self.folder) for name, value in _own_images(one).items()}
        named = one.kind in _NAMED or "names" in one.arguments
        if one is not training and one.reader in _OWN_NAMES and named:
            arguments["names"] = f"{self._reader(plan, training, training)}.names"
        if one.kind in VIDEOS:
            arguments["frames"] = FRAMES
        self._use("motet.data.readers", one.reader)
        expression = _call(one.reader, [f"{name}={value}" for name, value in arguments.items()])
        if expression not in self.readers:
            base = f"{plan.name}_{one.split or 'rows'}"
            self.readers[expression] = next(free for free in numbered(base) if free not in self.readers.values())
            self.lines += [f"{self.readers[expression]} = {expression}"]
        return self.readers[expression]

    def _task_call(self, plan: TaskPlan, reader: str, training_rows: str) -> str:
        first = plan.parts[0]
        maker = TASK_MAKERS[first.kind]
        if first.kind == "sentences" and first.reader != "Glue":
            # Under other names: the task's own variable may be called sentence.
            single = isinstance(first.arguments["text"], str)
            maker = "sentence as sentence_task" if single else "sentence_pair as sentence_pair_task"
        self._use("motet.tasks", maker)
        if first.reader == "Glue":
            return self._glue_call(plan)
        arguments = [code(plan.name, self.folder)]
        match first.kind:
            case "classification":
                arguments += [f"{reader}.names", *(["hflip=False"] if first.reader == "Idx" else [])]
            case "detection" | "visual entailment" | "segmentation" | "video classification" | "sentences":
                arguments += [f"{reader}.names"]
            case "question answering" if plan.name in self.closed:
                self._use("motet.data.splits", "answers_from")
                twice = ", min_count=9" if first.rows >= _MANY else ""
                arguments += [f"answers=answers_from({training_rows}{twice})"]
        if "attributes" in first.arguments:
            arguments += [f"attributes={reader}.attribute_names"]
        if first.kind != "classification" and first.label != LABELS[first.kind]:
            arguments += [f"label={code(first.label, self.folder)}"]
        if first.reader == "Vqav2":
            self._use("motet.tasks", "TEN_ANSWERS_METRICS")
            arguments += ["metrics=TEN_ANSWERS_METRICS"]
        return _call(maker.rpartition(" ")[2], arguments)

    def _glue_call(self, plan: TaskPlan) -> str:
        """Returns the call for GLUE's own task and metrics; with another name if the folder has the task twice."""
        task = str(plan.parts[0].arguments["task"])
        made = f"glue({code(task, self.folder)})"
        if plan.name == task:
            return made
        self._use("dataclasses", "replace")
        return f"replace({made}, name={code(plan.name, self.folder)})"

    def _cut(self, training: DetectedDataset, reader: str, present: set[str]) -> dict[str, str]:
        """Returns the expression of each split by role: the training data, and the missing splits cut from it."""
        missing = [role for role in ("val", "test") if role not in present]
        shares, seed = choose_split(training, missing)
        if len(shares) == 1:
            return {"train": reader}
        seeded = f", seed={seed}" if seed else ""
        self._use("motet.data.splits", "split_by_image")
        line = f"{reader}_parts = split_by_image({reader}, {code(shares, self.folder)}{seeded})"
        if line not in self.lines:
            self.lines += [line]
        return {role: f"{reader}_parts[{code(role, self.folder)}]" for role in shares}

    def _source(self, plan: TaskPlan, role: str, reader: str) -> None:
        """Adds a source; dense tasks on the same rows share one."""
        if plan.kind in MAPS:
            for source in self.sources:
                if (source.role, source.reader, source.maps) == (role, reader, True):
                    source.tasks.append(plan.name)
                    return
        taken = {source.name for source in self.sources}
        name = plan.name if role == "train" else f"{plan.name}/{role}"
        free = next(one for one in numbered(name) if one not in taken)
        self.sources.append(_Source(free, role, reader, [plan.name], plan.kind in MAPS))


@dataclass
class _Source:
    """A source of the recipe, to which tasks can still be added."""

    name: str
    role: str
    reader: str
    tasks: list[str]
    maps: bool

    def text(self, folder: Path) -> str:
        part = [] if self.role == "train" else [f"role={code(self.role, folder)}"]
        tasks = f"({', '.join(self.tasks)}{',' if len(self.tasks) == 1 else ''})"
        return _call("Source", [f"name={code(self.name, folder)}", f"reader={self.reader}", f"tasks={tasks}", *part])


def code(value: object, folder: Path) -> str:
    """Returns a plain value as Python text; a path in the data folder is relative to `DATA`.

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
    """Returns a call on one line, or on several if it is long."""
    line = f"{name}({', '.join(arguments)})"
    if len(line) <= _LONGEST:
        return line
    return "\n".join([f"{name}(", *(f"    {argument}," for argument in arguments), ")"])


def _own_images(one: DetectedDataset) -> dict[str, object]:
    """Returns the reader's arguments, with an image prefix for the user's own files: the default is COCO's."""
    arguments = dict(one.arguments)
    path = arguments.get("annotations")
    if (
        one.reader in ("CocoCaptions", "CocoInstances")
        and isinstance(path, Path)
        and not _OFFICIAL_COCO.search(path.name)
    ):
        arguments.setdefault("image_prefix", path.resolve().parent.name)
    return arguments


def choose_split(one: DetectedDataset, missing: Sequence[str]) -> tuple[dict[str, float], int]:
    """Returns the shares of the splits, and the seed that comes nearest to them; empty splits are left out.

    The split of an image is drawn by its id, so with few images the true shares can be far from those given.
    """
    roles = list(missing)
    if not roles:
        return {"train": 1.0}, 0
    reader = READERS[one.reader](**_own_images(one))
    while roles:
        shares = {"train": round(1 - 0.1 * len(roles), 1), **dict.fromkeys(roles, 0.1)}
        best = (math.inf, 0)
        for seed in range(_SEEDS):
            best = min(best, (_off(split_by_image(reader, shares, seed), shares), seed))
            if best[0] < _CLOSE:
                break
        if best[0] < math.inf:
            return shares, best[1]
        roles.pop()
    return {"train": 1.0}, 0


def _off(parts: Mapping[str, Reader], shares: Mapping[str, float]) -> float:
    """Returns the relative distance of the worst split from its share; infinite where one is empty."""
    rows = sum(len(part) for part in parts.values())
    if not all(len(part) for part in parts.values()):
        return math.inf
    return max(abs(len(parts[name]) / rows / share - 1) for name, share in shares.items())
