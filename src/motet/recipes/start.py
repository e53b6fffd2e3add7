"""`motet init`: from what was recognised in a folder to a recipe that is ready to run, as Python a person can edit."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motet.core import ConfigError, DataError
from motet.data.recognise import Found, recognise
from motet.data.source import Source

_PARTS = re.compile(r"(?<![a-z])(training|train|validation|valid|val|testing|test|dev|t10k)(?![a-z])")
_WORDS_OF_KIND = {
    "classification": "kind",
    "captioning": "caption",
    "question answering": "vqa",
    "text reading": "read",
}
_BATCH = 64


@dataclass(frozen=True)
class Written:
    """What `motet init` did.

    Args:
        path: the recipe.
        lines: what was recognised and what was not, one line each.
    """

    path: Path
    lines: tuple[str, ...]


@dataclass(frozen=True)
class TaskPlan:
    """One task of a recipe: what was recognised for it, part by part.

    Args:
        name: its name, and that of its variable.
        parts: one or more entries of one data set; "" is cut into parts.
    """

    name: str
    parts: tuple[Found, ...]


def write_recipe(folder: Path, path: Path, *, replace: bool = False) -> Written:
    """Looks at a folder and writes a recipe for what is there.

    Args:
        folder: with data.
        path: the Python file to write.
        replace: whether a file that is there may be replaced.

    Raises:
        DataError: no such folder, or nothing in it that can be trained on.
        ConfigError: the file is there already, or is no Python file.
    """
    if path.suffix != ".py" or not path.stem.isidentifier():
        raise ConfigError(f"--out: got {path}; want a Python file, such as my_recipe.py")
    if path.exists() and not replace:
        raise ConfigError(f"{path}: got a file that is there already; want another --out, or --force to replace it")
    found = recognise(folder)
    plans = plan_tasks(found)
    if not plans:
        wrong = "; ".join(dict.fromkeys(problem for one in found for problem in one.problems))
        hint = wrong or "motet data check says nothing either; docs/DATA.md shows the layouts"
        raise DataError(f"folder: got nothing to train on ({hint}); want data in a known layout", path=folder)
    text = recipe_text(plans, folder, path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: got {error.strerror or error}; want a file that can be written (--out)") from error
    return Written(path, tuple(_told(found, plans)))


def sources_in(folder: Path) -> tuple[Source, ...]:
    """The sources that a recipe written for this folder would have.

    Raises:
        DataError: no such folder, or nothing in it that can be trained on.
    """
    found = recognise(folder)
    plans = plan_tasks(found)
    if not plans:
        wrong = next((problem for one in found for problem in one.problems), "no known layout; see docs/DATA.md")
        raise DataError(f"folder: got nothing that can be read ({wrong}); want data in a known layout", path=folder)
    path = folder / "motet_recipe.py"
    namespace: dict[str, Any] = {"__file__": str(path), "__name__": "motet_recipe"}
    exec(compile(recipe_text(plans, folder, path), str(path), "exec"), namespace)
    sources: tuple[Source, ...] = namespace["sources"]()
    return sources


def plan_tasks(found: Sequence[Found]) -> tuple[TaskPlan, ...]:
    """The readable entries put together: those of one data set and one annotation are the parts of one task."""
    groups: dict[tuple[Any, ...], list[Found]] = {}
    for one in found:
        if not one.problems:
            groups.setdefault(_data_set(one), []).append(one)
    names = _names([parts[0] for parts in groups.values()])
    return tuple(TaskPlan(name, _with_training(parts)) for name, parts in zip(names, groups.values(), strict=True))


def recipe_text(plans: Sequence[TaskPlan], folder: Path, path: Path) -> str:
    """The recipe as Python."""
    writer = _Writer(plans, folder, path)
    return writer.text()


def _data_set(one: Found) -> tuple[Any, ...]:
    """What entries of one data set share, whatever part they are of."""
    places = tuple(_PARTS.sub("*", str(value).lower()) for value in one.arguments.values() if isinstance(value, Path))
    return one.reader, one.kind, one.label, places


def _with_training(parts: Sequence[Found]) -> tuple[Found, ...]:
    """The parts with one to train on: where only others are named, the largest is cut."""
    if any(one.part in ("train", "") for one in parts):
        return tuple(parts)
    largest = max(parts, key=lambda one: one.rows)
    return tuple(dataclasses.replace(one, part="") if one is largest else one for one in parts)


def _names(firsts: Sequence[Found]) -> list[str]:
    """A name for each task: its kind and language, and where that is not enough the place of its data."""
    plain = [_WORDS_OF_KIND[one.kind] + ("" if one.language == "en" else f"_{one.language}") for one in firsts]
    names: list[str] = []
    for one, name in zip(firsts, plain, strict=True):
        wanted = name if plain.count(name) == 1 else f"{name}_{_place(one)}"
        names.append(next(free for free in _numbered(wanted) if free not in names))
    return names


def _numbered(name: str) -> Iterator[str]:
    yield name
    count = 2
    while True:
        yield f"{name}_{count}"
        count += 1


def _place(one: Found) -> str:
    path = next((value for value in one.arguments.values() if isinstance(value, Path)), Path(one.reader))
    return re.sub(r"\W+", "_", path.name.partition(".")[0].lower()).strip("_") or one.reader.lower()


def _told(found: Sequence[Found], plans: Sequence[TaskPlan]) -> Iterator[str]:
    for plan in plans:
        for one in plan.parts:
            yield f"{plan.name}: {one.rows:,} rows{f' ({one.part})' if one.part else ''}: {one.why}"
    yield from dict.fromkeys(f"left out: {problem}" for one in found for problem in one.problems)


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
        return f"Path({str(self.folder)!r})"

    def _sources_function(self) -> Iterable[str]:
        yield "def sources() -> tuple[Source, ...]:"
        yield '    """What is learned from, chosen by and judged on. Parts that were not given are cut by image."""'
        yield from (f"    {line}" for line in self.lines)
        yield "    return ("
        yield from (f"        {line}," for line in self.sources)
        yield from ("    )", "", "")

    def _run_function(self) -> Iterable[str]:
        rows = sum(one.rows for plan in self.plans for one in plan.parts if one.part in ("train", ""))
        steps, views = size_of(rows)
        yield "def run() -> Run:"
        yield '    """One LiT decoder for all of it, on the features of a frozen encoder that comes with motet."""'
        yield "    return Run("
        yield "        system=LiTDecoderConfig("
        yield "            encoder=EmbeddedLite0(size=160),"
        yield "            depth=2,"
        yield "            width=256,"
        yield "            heads=4,"
        yield "            max_tokens=48,"
        yield "            words=TrainedWords(size=4000),"
        yield "        ),"
        yield "        sources=sources(),"
        yield f"        schedule=Mixed(batch_size={_BATCH}),  # every image as often as any other; see motet.data.rates"
        yield f"        plan=Plan(steps={steps}, lr=1e-3, evaluate_every={steps // 4}, save_every={steps // 4}),"
        yield f'        features=Features(Path("runs/features"), views={views}),  # the encoder reads each image once'
        yield "    )"

    def _task(self, plan: TaskPlan) -> None:
        first = plan.parts[0]
        self.lines += [f"# {plan.name}: {first.why}"]
        training = next(one for one in plan.parts if one.part in ("train", ""))
        readers = {id(one): self._reader(plan, one, training) for one in (training, *plan.parts)}
        self.lines += [f"{plan.name} = {self._task_call(plan, readers[id(training)])}"]
        cut = self._cut(readers[id(training)], {one.part for one in plan.parts if one is not training})
        for role, reader in cut.items():
            self._source(plan.name, role, reader)
        for one in plan.parts:
            if one is not training:
                self._source(plan.name, one.part, readers[id(one)])

    def _reader(self, plan: TaskPlan, one: Found, training: Found) -> str:
        """The variable of a reader; made on first use."""
        arguments = {name: code(value, self.folder) for name, value in one.arguments.items()}
        if one is not training and one.kind == "classification" and one.reader in ("Table", "HfDataset", "WebDataset"):
            arguments["names"] = f"{self._reader(plan, training, training)}.names"
        expression = f"{one.reader}({', '.join(f'{name}={value}' for name, value in arguments.items())})"
        if expression not in self.readers:
            base = f"{plan.name}_{one.part or 'rows'}"
            self.readers[expression] = next(free for free in _numbered(base) if free not in self.readers.values())
            self.lines += [f"{self.readers[expression]} = {expression}"]
        return self.readers[expression]

    def _task_call(self, plan: TaskPlan, reader: str) -> str:
        first, maker = plan.parts[0], _TASK_MAKERS[plan.parts[0].kind]
        arguments = [repr(plan.name)]
        if first.kind == "classification":
            arguments += [f"{reader}.names", *(["hflip=False"] if first.reader == "Idx" else [])]
        elif (
            first.label
            != {"captioning": "captions", "question answering": "answers", "text reading": "text"}[first.kind]
        ):
            arguments += [f"label={first.label!r}"]
        if first.reader == "Vqav2":
            arguments += ["metrics=TEN_ANSWERS"]
        return f"{maker}({', '.join(arguments)})"

    def _cut(self, reader: str, given: set[str]) -> dict[str, str]:
        """The training part, and cut from it the parts that were not given: role -> variable or expression."""
        missing = [role for role in ("val", "test") if role not in given]
        if not missing:
            return {"train": reader}
        roles = ["train", *missing]
        variables = {role: f"{reader}_{role}" for role in roles}
        shares = ", ".join(f"{role}=0.1" for role in missing)
        line = f"{', '.join(variables.values())} = split_by_image({reader}, {shares})"
        if line not in self.lines:
            self.lines += [line]
        return variables

    def _source(self, task: str, role: str, reader: str) -> None:
        name = task if role == "train" else f"{task}/{role}"
        taken = {line.partition("name=")[2].partition(",")[0] for line in self.sources}
        name = next(free for free in _numbered(name) if repr(free) not in taken)
        part = "" if role == "train" else f", role={role!r}"
        self.sources.append(f"Source(name={name!r}, reader={reader}, tasks=({task},){part})")


_TASK_MAKERS: Mapping[str, str] = {
    "classification": "classification",
    "captioning": "captioning",
    "question answering": "question_answering",
    "text reading": "text_reading",
}


def size_of(rows: int) -> tuple[int, int]:
    """Steps and stored views for so many training rows: two to five minutes on a laptop.

    Examples:
        >>> size_of(300), size_of(3_000), size_of(100_000)
        ((200, 4), (1400, 2), (1500, 1))
    """
    steps = min(1500, max(200, round(30 * rows / _BATCH, -2)))
    return int(steps), 4 if rows <= 2_000 else 2 if rows <= 10_000 else 1


def code(value: object, folder: Path) -> str:
    """A plain value as Python; a path in the data folder as one from `DATA`.

    Examples:
        >>> code({"class": "kind"}, Path("/d")), code((Path("/d/a b.csv"), 3), Path("/d"))
        ("{'class': 'kind'}", "(DATA / 'a b.csv', 3)")
    """
    match value:
        case Path():
            return _path_code(value, folder)
        case Mapping():
            return "{" + ", ".join(f"{key!r}: {code(part, folder)}" for key, part in value.items()) + "}"
        case tuple() | list():
            inside = ", ".join(code(part, folder) for part in value)
            return f"({inside}{',' if len(value) == 1 else ''})"
    return repr(value)


def _path_code(path: Path, folder: Path) -> str:
    whole = path.resolve()
    if whole == folder:
        return "DATA"
    if whole.is_relative_to(folder):
        return f"DATA / {whole.relative_to(folder).as_posix()!r}"
    return f"Path({str(whole)!r})"
