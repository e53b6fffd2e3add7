"""Classification of sentences and of pairs of sentences, without images; the tasks of GLUE."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from motet.core import ConfigError, Label, Metric, Task, nearest
from motet.metrics import F1, Accuracy, Matthews
from motet.tasks.class_names import GLUE, GLUE_PAIRS

ACCURACY_METRICS: tuple[Callable[[], Metric], ...] = (Accuracy,)
CORRELATION_METRICS: tuple[Callable[[], Metric], ...] = (Matthews, Accuracy)
PARAPHRASE_METRICS: tuple[Callable[[], Metric], ...] = (F1, Accuracy)
_GLUE_METRICS = {"cola": CORRELATION_METRICS, "mrpc": PARAPHRASE_METRICS, "qqp": PARAPHRASE_METRICS}


def sentence(
    name: str,
    names: Sequence[str],
    *,
    label: str = "class",
    metrics: tuple[Callable[[], Metric], ...] = ACCURACY_METRICS,
    prompt: str = "{text}",
) -> Task:
    """Returns the classification of one sentence, such as its sentiment or its acceptability.

    Args:
        name: the task's key.
        names: the classes, in the order of the reader's indices.
        label: the annotation that holds the index.
        metrics: the first is the main one.
        prompt: template of the text input, with ``{text}`` for the sentence.

    Raises:
        ConfigError: no name, or a name twice.

    Examples:
        >>> sorted(sentence("sst2", ("negative", "positive")).inputs)
        ['text']
    """
    return Task(
        name=name,
        inputs=frozenset({"text"}),
        label=label,
        target=Label(tuple(names)),
        metrics=metrics,
        prompt=prompt,
        category="sentence",
    )


def sentence_pair(
    name: str,
    names: Sequence[str],
    *,
    label: str = "class",
    metrics: tuple[Callable[[], Metric], ...] = ACCURACY_METRICS,
    prompt: str = "{text}",
) -> Task:
    """Returns the classification of two sentences of `Example.text`, such as entailment or paraphrase.

    Args:
        name: the task's key.
        names: the classes, in the order of the reader's indices.
        label: the annotation that holds the index.
        metrics: the first is the main one.
        prompt: template of the text input, with ``{text}`` for the sentences.

    Raises:
        ConfigError: no name, or a name twice.

    Examples:
        >>> sentence_pair("mrpc", ("not_equivalent", "equivalent"), metrics=PARAPHRASE_METRICS).main_metric
        'f1'
    """
    return Task(
        name=name,
        inputs=frozenset({"text"}),
        label=label,
        target=Label(tuple(names)),
        metrics=metrics,
        prompt=prompt,
        category="sentence pair",
    )


def glue(task: str) -> Task:
    """Returns a task of the GLUE benchmark with GLUE's metrics.

    These are the Matthews correlation for CoLA, F1 and accuracy for MRPC and QQP, and accuracy for the others.

    Source: Wang et al. 2019, "GLUE", table 1.

    Args:
        task: "CoLA", "SST-2", "MRPC", "QQP", "MNLI", "QNLI", "RTE" or "WNLI", or the task's key: "cola", "sst2", ...

    Raises:
        ConfigError: another name.

    Examples:
        >>> glue("CoLA").main_metric, glue("rte").target.names
        ('matthews', ('entailment', 'not_entailment'))
    """
    name = task.lower().replace("-", "")
    if name not in GLUE:
        raise ConfigError(f"glue: got {task!r}; {nearest(name, GLUE)}")
    make = sentence_pair if name in GLUE_PAIRS else sentence
    return make(name, GLUE[name], metrics=_GLUE_METRICS.get(name, ACCURACY_METRICS))
