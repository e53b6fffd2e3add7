"""The plan of a recipe: its readers, splits, tasks and sources as expressions, which are built or written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from motet.data.detect import DetectedDataset
from motet.data.readers import READERS
from motet.data.source import Source
from motet.data.splits import ConcatRows
from motet.scaffold.assign import assign
from motet.scaffold.choose_split import choose_split
from motet.scaffold.expressions import Attribute, Call, Expression, Imported, Item, Namespace, Variable
from motet.scaffold.plan_tasks import numbered
from motet.scaffold.reader_arguments import reader_arguments
from motet.scaffold.task_plan import MAPS, VIDEOS, TaskPlan
from motet.scaffold.task_text import LABELS, TASK_MAKERS
from motet.systems.base.suggestion import FRAMES, Suggestion

FRAMES_CALL = Call(Imported("motet.data.formats.video_rows", "Frames"), (4,), {"short_side": 256})
"""Which frames of each video are read."""
_MANY = 10_000  # questions; above, rare answers are left out of the closed list
_OWN_NAMES = (
    "Table", "HfDataset", "WebDataset", "CocoInstances", "VideoList", "VideoFolder", "Kinetics", "MapFolders",
)  # readers whose splits may differ in their classes  # fmt: skip
_NAMED = ("classification", "detection", "video classification", "sentences")


@dataclass(frozen=True)
class Statement:
    """An assignment of the recipe.

    Args:
        variable: its name.
        value: of the variable.
        comment: the line above it; none where empty.
    """

    variable: str
    value: Expression
    comment: str = ""


@dataclass(frozen=True)
class SourcePlan:
    """A source of the recipe.

    Args:
        name: of the source.
        role: "train", "val" or "test".
        reader: its rows.
        tasks: names of its tasks, which are also their variables.
        maps: whether its tasks are dense predictions.
    """

    name: str
    role: str
    reader: Expression
    tasks: tuple[str, ...]
    maps: bool

    @property
    def call(self) -> Call:
        """The source as an expression."""
        keywords: dict[str, object] = {"name": self.name, "reader": self.reader}
        keywords["tasks"] = tuple(Variable(task) for task in self.tasks)
        if self.role != "train":
            keywords["role"] = self.role
        return Call(Imported("motet.data.source", "Source"), (), keywords)


@dataclass(frozen=True)
class RecipePlan:
    """Everything that a recipe states about data.

    Args:
        tasks: in the order of the recipe.
        models: the function of each model, with its system and tasks.
        statements: readers, splits and tasks.
        sources: over the statements' variables.
        namespace: builds the statements.
    """

    tasks: tuple[TaskPlan, ...]
    models: Mapping[str, tuple[Suggestion, tuple[TaskPlan, ...]]]
    statements: tuple[Statement, ...]
    sources: tuple[SourcePlan, ...]
    namespace: Namespace = field(repr=False, compare=False)

    @property
    def has_videos(self) -> bool:
        """True where the recipe states which frames are read."""
        return FRAMES in self.namespace

    def build_sources(self) -> tuple[Source, ...]:
        """Returns the sources of the recipe.

        Raises:
            DataError: a file that is not what its reader expects.
        """
        return tuple(self.namespace.build(source.call) for source in self.sources)


def plan_recipe(tasks: Sequence[TaskPlan], *, shared_images: bool = False) -> RecipePlan:
    """Plans the recipe of some tasks; reads the training rows where splits are to be cut from them.

    Args:
        tasks: in order.
        shared_images: whether the tasks are of the same images, so that all are cut alike: no test image of one task
            is trained on in another.
    """
    planner = _Planner(tasks, shared_images)
    for task in tasks:
        planner.add(task)
    return RecipePlan(
        tuple(tasks), planner.models, tuple(planner.statements), tuple(planner.sources), planner.namespace
    )


class _Planner:
    """Collects the statements and sources of one recipe."""

    def __init__(self, tasks: Sequence[TaskPlan], shared_images: bool) -> None:
        self.models = assign(tasks)
        self._alike = tasks if shared_images else ()
        self._split: dict[tuple[str, ...], tuple[dict[str, float], int]] = {}
        self.statements: list[Statement] = []
        self.sources: list[SourcePlan] = []
        self.namespace = Namespace()
        self._closed = {task.name for suggestion, of in self.models.values() if suggestion.closed for task in of}
        self._taken = {task.name for task in tasks}
        self._comment = ""  # of the next statement
        if any(task.kind in VIDEOS for task in tasks):
            self.namespace.define(FRAMES, FRAMES_CALL)

    def add(self, task: TaskPlan) -> None:
        """Adds the readers, splits, sources and the task itself."""
        training = task.training
        self._comment = f"{task.name}: {training.evidence}"
        readers = {id(one): self._reader(task, one) for one in (training, *task.parts)}
        rows = readers[id(training)]
        cut = self._cut(rows, {one.split for one in task.parts if one is not training})
        self._state(task.name, self._task_call(task, rows, cut["train"]))
        for role, reader in cut.items():
            self._source(task, role, reader)
        for one in task.parts:
            if one is not training:
                self._source(task, one.split, readers[id(one)])

    def _state(self, variable: str, value: Expression) -> Variable:
        self.statements.append(Statement(variable, value, self._comment))
        self.namespace.define(variable, value)
        self._taken.add(variable)
        self._comment = ""
        return Variable(variable)

    def _state_once(self, name: str, value: Expression) -> Variable:
        """Returns the variable of a value: equal readers and splits are built once."""
        for statement in self.statements:
            if statement.value == value:
                return Variable(statement.variable)
        return self._state(next(free for free in numbered(name) if free not in self._taken), value)

    def _reader(self, task: TaskPlan, one: DetectedDataset) -> Variable:
        arguments = reader_arguments(one)
        named = one.kind in _NAMED or "names" in one.arguments
        if one is not task.training and one.reader in _OWN_NAMES and named:
            arguments["names"] = Attribute(self._reader(task, task.training), "names")
        if one.kind in VIDEOS:
            arguments["frames"] = Variable(FRAMES)
        call = Call(Imported("motet.data.readers", one.reader), (), arguments)
        return self._state_once(f"{task.name}_{one.split or 'rows'}", call)

    def _task_call(self, task: TaskPlan, reader: Variable, training_rows: Expression) -> Call:
        first = task.parts[0]
        maker = TASK_MAKERS[first.kind]
        if first.reader == "Glue":
            return _glue_call(task, maker)
        if first.kind == "sentences":
            maker = _sentences_maker(first)
        positional: list[object] = [task.name]
        keywords: dict[str, object] = {}
        match first.kind:
            case "classification":
                positional += [Attribute(reader, "names")]
                keywords |= {"hflip": False} if first.reader == "Idx" else {}
            case "detection" | "visual entailment" | "segmentation" | "video classification" | "sentences":
                positional += [Attribute(reader, "names")]
            case "question answering" if task.name in self._closed:
                least = {"min_count": 9} if first.rows >= _MANY else {}
                keywords["answers"] = Call(Imported("motet.data.splits", "answers_from"), (training_rows,), least)
        if "attributes" in first.arguments:
            keywords["attributes"] = Attribute(reader, "attribute_names")
        if first.kind != "classification" and first.label != LABELS[first.kind]:
            keywords["label"] = first.label
        if first.reader == "Vqav2":
            keywords["metrics"] = Imported("motet.tasks", "TEN_ANSWERS_METRICS")
        return Call(maker, tuple(positional), keywords)

    def _cut(self, rows: Variable, present: set[str]) -> dict[str, Expression]:
        """Returns each split by role: the training data, and the missing splits cut from it."""
        missing = [role for role in ("val", "test") if role not in present]
        if not missing:
            return {"train": rows}
        if self._alike:
            shares, seed = self._shared_split(tuple(missing))
        else:
            shares, seed = choose_split(self.namespace.build(rows), missing)
        if len(shares) == 1:
            return {"train": rows}
        cut = Call(Imported("motet.data.splits", "split_by_image"), (rows, shares), {"seed": seed} if seed else {})
        parts = self._state_once(f"{rows.name}_parts", cut)
        # Where tasks are cut alike, one of few rows may have none of a split.
        return {role: Item(parts, role) for role in shares if not self._alike or len(self.namespace.build(parts)[role])}

    def _shared_split(self, missing: tuple[str, ...]) -> tuple[dict[str, float], int]:
        """Returns the shares and the seed for the rows of all tasks together."""
        if missing not in self._split:
            readers = [READERS[one.reader](**reader_arguments(one)) for one in (task.training for task in self._alike)]
            self._split[missing] = choose_split(ConcatRows(tuple(readers)), missing)
        return self._split[missing]

    def _source(self, task: TaskPlan, role: str, reader: Expression) -> None:
        """Adds a source; dense tasks on the same rows share one."""
        if task.kind in MAPS:
            for place, source in enumerate(self.sources):
                if (source.role, source.reader, source.maps) == (role, reader, True):
                    self.sources[place] = replace(source, tasks=(*source.tasks, task.name))
                    return
        name = task.name if role == "train" else f"{task.name}/{role}"
        free = next(one for one in numbered(name) if one not in {source.name for source in self.sources})
        self.sources.append(SourcePlan(free, role, reader, (task.name,), task.kind in MAPS))


def _glue_call(task: TaskPlan, maker: Imported) -> Call:
    """Returns the call for GLUE's own task and metrics; with another name if the folder has the task twice."""
    glue_task = str(task.parts[0].arguments["task"])
    made = Call(maker, (glue_task,))
    if task.name == glue_task:
        return made
    return Call(Imported("dataclasses", "replace"), (made,), {"name": task.name})


def _sentences_maker(one: DetectedDataset) -> Imported:
    """Returns the function for a table of sentences or of pairs; the task's own variable may have its name."""
    name = "sentence_pair" if isinstance(one.arguments["text"], tuple) else "sentence"
    return Imported("motet.tasks", name, f"{name}_task")
