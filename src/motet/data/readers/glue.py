"""GLUE's sentence tasks, in the TSV files that the benchmark publishes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias, get_args

from motet.core import ConfigError, DataError, Example, nearest
from motet.data.formats.number_text import is_number
from motet.data.formats.text_file import read_lines

GlueTask: TypeAlias = Literal["cola", "sst2", "mrpc", "qqp", "mnli", "qnli", "rte", "wnli"]
_SAME = ("entailment", "not_entailment")
# In GLUE's numeric order, as in the data sets on the Hub.
GLUE_NAMES: Mapping[GlueTask, tuple[str, ...]] = {
    "cola": ("unacceptable", "acceptable"),
    "sst2": ("negative", "positive"),
    "mrpc": ("not_equivalent", "equivalent"),
    "qqp": ("not_duplicate", "duplicate"),
    "mnli": ("entailment", "neutral", "contradiction"),
    "qnli": _SAME,
    "rte": _SAME,
    "wnli": ("not_entailment", "entailment"),
}
_COLA = ("source", "label", "star", "sentence")  # its train and dev parts have no header


class _Columns(NamedTuple):
    texts: tuple[str, ...]
    label: str


_PAIR = ("sentence1", "sentence2")
_COLUMNS: Mapping[GlueTask, _Columns] = {
    "cola": _Columns(("sentence",), "label"),
    "sst2": _Columns(("sentence",), "label"),
    "mrpc": _Columns(("#1 String", "#2 String"), "Quality"),
    "qqp": _Columns(("question1", "question2"), "is_duplicate"),
    "mnli": _Columns(_PAIR, "gold_label"),
    "qnli": _Columns(("question", "sentence"), "label"),
    "rte": _Columns(_PAIR, "label"),
    "wnli": _Columns(_PAIR, "label"),
}
GLUE_FOLDERS: Mapping[GlueTask, str] = {
    "cola": "CoLA", "sst2": "SST-2", "mrpc": "MRPC", "qqp": "QQP", "mnli": "MNLI", "qnli": "QNLI", "rte": "RTE",
    "wnli": "WNLI",
}  # fmt: skip
# MRPC is also published under the file names of its source corpus.
_MSR = {"train": "msr_paraphrase_train.txt", "dev": "msr_paraphrase_dev.txt", "test": "msr_paraphrase_test.txt"}


@dataclass(frozen=True)
class Glue:
    """One part of a GLUE task, one Example per line; `text` is the sentence, or the pair; labels: "class".

    A quotation mark in these files is an ordinary character. An empty sentence is legal (QQP has some). Parts without a
    column of labels, which GLUE keeps secret, give rows without labels, for prediction only.

    Args:
        folder: the folder that holds `CoLA/`, `SST-2/`, ..., or that of the task itself.
        task: "cola", "sst2", "mrpc", "qqp", "mnli", "qnli", "rte" or "wnli", as on the Hub.
        part: the file: "train", "dev", "test"; MNLI's are "dev_matched", "dev_mismatched", "test_matched",
            "test_mismatched".
        name: prefix of Example ids; by default "glue/mnli/dev_matched".

    Raises:
        DataError: no such file, a missing column, no row. A line with another number of cells, or a label
            that the task lacks, raises when its row is read (published QQP has a few such lines).
        ConfigError: an unknown task.

    Attributes:
        names: the names of the classes, in GLUE's order.
    """

    folder: Path | str
    task: GlueTask
    part: str = "train"
    name: str = ""
    _lines: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _header: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.task not in get_args(GlueTask):
            hint = nearest(str(self.task), get_args(GlueTask))
            raise ConfigError(f"Glue.task: got {self.task!r}; want one of GLUE's ({hint})")
        lines = read_lines(self._path)
        header = tuple(lines[0].split("\t")) if lines else ()
        if self.task == "cola" and "sentence" not in header:
            header = _COLA
        else:
            lines = lines[1:]
        for column in _COLUMNS[self.task].texts:
            if column not in header:
                hint = nearest(column, header)
                raise DataError(f"column {column!r}: got a header without it; want it ({hint})", path=self._path)
        lines = [line for line in lines if line.strip()]
        if not lines:
            raise DataError("lines: got none; want at least one row", path=self._path)
        object.__setattr__(self, "_lines", tuple(lines))
        object.__setattr__(self, "_header", header)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes, in GLUE's order."""
        return GLUE_NAMES[self.task]

    @property
    def has_labels(self) -> bool:
        """True for a part with labels."""
        return _COLUMNS[self.task].label in self._header

    def __len__(self) -> int:
        return len(self._lines)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns no ids, since rows have no image. Raises IndexError past the end."""
        if index >= len(self):
            raise IndexError(index)
        return ()

    def __getitem__(self, index: int) -> Example:
        cells = self._cells(index)
        texts = tuple(cells[column] for column in _COLUMNS[self.task].texts)
        return Example(
            id=f"{self.name or f'glue/{self.task}/{self.part}'}/{index}",
            text=texts[0] if len(texts) == 1 else texts,
            labels={"class": self._class(cells, index)} if self.has_labels else {},
        )

    @property
    def _path(self) -> Path:
        folder = Path(self.folder)
        official = folder / GLUE_FOLDERS[self.task]
        folder = official if official.is_dir() else folder
        path = folder / f"{self.part}.tsv"
        msr = folder / _MSR.get(self.part, "")
        return msr if self.task == "mrpc" and not path.is_file() and msr.is_file() else path

    def _cells(self, index: int) -> Mapping[str, str]:
        cells: Sequence[str] = self._lines[index].split("\t")
        if len(cells) != len(self._header):
            raise DataError(
                f"columns: got {len(cells)}; want {len(self._header)}, as in the header", path=self._path, row=index
            )
        return dict(zip(self._header, cells, strict=True))

    def _class(self, cells: Mapping[str, str], index: int) -> int:
        text = cells[_COLUMNS[self.task].label].strip()
        if text in self.names:
            return self.names.index(text)
        if is_number(text) and int(text) < len(self.names):
            return int(text)
        want = f"0 to {len(self.names) - 1}, or one of {', '.join(self.names)}"
        raise DataError(f"{_COLUMNS[self.task].label}: got {text[:60]!r}; want {want}", path=self._path, row=index)
