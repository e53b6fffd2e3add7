import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from motet.core import Batch, ClassPrediction, DataError, Example, MemoryImage, System, UnsupportedTask, rng_for
from motet.data.composed_rows import ComposedRows
from motet.data.negatives import FourWay
from motet.data.source import Source
from motet.evaluation import evaluate, with_trivial_baselines
from motet.evaluation.batches import EvaluationRow
from motet.evaluation.retrieval import Split, chance_baseline, is_ranked, rank_split, score_split
from motet.evaluation.task_evaluation import TaskEvaluation, eval_mode
from motet.evaluation.two_stage_retrieval import Ranking
from motet.tasks import retrieval, video_retrieval

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Captions:
    """Pictures whose bytes are letters; captions of letters."""

    rows: tuple[tuple[str, tuple[str, ...]], ...]

    def __len__(self) -> int:
        return len(self.rows)

    def keys(self, index: int) -> tuple[str, ...]:
        return (f"image{index}",)

    def __getitem__(self, index: int) -> Example:
        letters, captions = self.rows[index]
        image = MemoryImage(f"image{index}", letters.encode())
        labels = {"captions": captions} if captions else {}
        return Example(id=f"toy/{index}", images=(image,), image_ids=self.keys(index), labels=labels)


class LetterProcessor:
    """Counts of letters, of whichever side a row has."""

    def row(self, example: Example, tasks: Any, rng: Any) -> np.ndarray:
        assert rng is None
        assert bool(example.images) != bool(example.text), "one side at a time"
        letters = example.images[0].read() if example.images else tasks[0].prompt_for(example).encode()
        return np.bincount(np.frombuffer(letters, dtype=np.uint8), minlength=128).astype(np.float32)

    def collate(self, rows: Any, *, keep_annotations: bool) -> Batch:
        assert not keep_annotations
        return Batch(("",) * len(rows), {"letters": torch.from_numpy(np.stack(rows))}, {})


class LetterSystem(System):
    """Scores a pair by the letters both have, less those only one has."""

    def __init__(self, *tasks: Any) -> None:
        super().__init__()
        self.tasks = {task.name: task for task in tasks}
        self.processor = LetterProcessor()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.encoded = {"images": 0, "texts": 0}
        self.blocks: list[tuple[int, int]] = []

    def losses(self, batch: Batch) -> Any:
        raise NotImplementedError

    def predict(self, batch: Batch) -> Any:
        raise NotImplementedError

    def shared_blocks(self) -> dict[str, list[torch.nn.Parameter]]:
        return {"all": [self.weight]}

    def side(self, batch: Batch, task: str, of: Any) -> dict[str, torch.Tensor]:
        assert not torch.is_grad_enabled()
        self.encoded[of] += len(batch)
        return {"letters": batch.inputs["letters"]}

    def score(self, task: str, images: Any, texts: Any) -> torch.Tensor:
        self.blocks.append((len(images["letters"]), len(texts["letters"])))
        return -torch.cdist(images["letters"], texts["letters"], p=1)


ROWS = (("aab", ("aab", "ab")), ("cd", ("cd", "ccd")), ("ef", ("ab", "ef")), ("gh", ("aabb",)), ("xx", ()))


def source(among: str = "images") -> Source:
    return Source(name="toys", reader=Captions(ROWS), tasks=(retrieval(among=among),), role="val")


def ranked(system: LetterSystem, among: str = "images", **options: Any) -> TaskEvaluation:
    task = retrieval(among=among)
    with eval_mode(system):
        return rank_split(system, "toys", Captions(ROWS), task, range(5), **options)


def test_every_text_is_a_query_and_a_text_of_two_images_fits_both() -> None:
    evaluated = ranked(LetterSystem(), batch_size=2)
    # "ab" is nearest to image 0 ("aab"), which it fits, though it is also a caption of image 2.
    ranks = evaluated.metrics[0].rows
    # "aabb" is as far from image 3, which it fits, as from two others: wrong ones come first in a tie.
    assert ranks == {"toy/0#0": 1, "toy/0#1": 1, "toy/1#0": 1, "toy/1#1": 1, "toy/2#1": 1, "toy/3#0": 4}
    assert evaluated.images["toy/3#0"] == ("image3",)


def test_images_rank_all_texts() -> None:
    report = evaluate(LetterSystem(*source("texts").tasks), [source("texts")], batch_size=3)
    assert [(result.metric, result.value) for result in report.results][:2] == [
        ("recall_at_1", 75.0),
        ("recall_at_5", 75.0),
    ]
    assert report.results[0].count == 4
    assert report.results[0].num_images == 4


def test_each_side_is_encoded_once_in_blocks() -> None:
    system = LetterSystem()
    ranked(system, batch_size=2)
    assert system.encoded == {"images": 4, "texts": 6}
    assert system.blocks == [(2, 2)] * 6


def test_block_size_changes_nothing_and_scores_are_right() -> None:
    whole, parts = (ranked(LetterSystem(), "texts", batch_size=size).metrics[0].rows for size in (100, 1))
    assert whole == parts


def test_predictions_are_written_with_names(tmp_path) -> None:
    evaluate(LetterSystem(*source().tasks), [source()], batch_size=4, predictions=tmp_path / "predictions.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "predictions.jsonl").read_text().splitlines()]
    assert lines[0]["text"] == "aab"
    assert (lines[0]["prediction"], lines[0]["ground_truth"]) == ("image0", [0])
    assert lines[0]["scores"]["recall_at_1"] == 100.0


def test_a_system_that_scores_no_pairs_is_refused(toy) -> None:
    system = toy["system"](retrieval())
    system.processor = LetterProcessor()
    with pytest.raises(UnsupportedTask, match="ToySystem: task 'retrieval': got a split's images; want"):
        evaluate(system, [source()], batch_size=2)


def test_a_row_without_an_image_and_a_doubled_id_are_errors() -> None:
    task = retrieval()

    class Twice(Captions):
        def __getitem__(self, index: int) -> Example:
            return super().__getitem__(0)

    class Blind(Captions):
        def __getitem__(self, index: int) -> Example:
            return Example(id="x", labels={"captions": ("a",)})

    with pytest.raises(DataError, match="source 'toys': got 1 different ids in 2 rows; want every id once"):
        Split.of(Twice(ROWS), task, range(2), "toys")
    with pytest.raises(DataError, match=r"x: task 'retrieval': got 0 images and .*; want one image and the texts"):
        Split.of(Blind(ROWS), task, range(1), "toys")


def test_a_video_is_ranked_and_counted_as_one_however_many_frames_it_has() -> None:
    task = video_retrieval(among="texts")

    class Clips(Captions):
        def keys(self, index: int) -> tuple[str, ...]:
            return tuple(f"clip{index}/{frame}" for frame in range(3))

        def __getitem__(self, index: int) -> Example:
            row = super().__getitem__(index)
            return replace(row, images=row.images * 3, image_ids=self.keys(index))

    with eval_mode(system := LetterSystem(task)):
        evaluated = rank_split(system, "clips", Clips(ROWS), task, range(5), batch_size=2)
    assert evaluated.metrics[0].rows == {"toy/0": 1, "toy/1": 1, "toy/2": 1, "toy/3": 6}
    assert evaluated.num_images() == 4
    with pytest.raises(DataError, match=r"got 0 images and .*; want the frames of a video and the texts"):
        Split.of([Example(id="x", labels={"captions": ("a",)})], task, range(1), "clips")


def test_chance_is_a_baseline_over_the_whole_split() -> None:
    task = retrieval()
    report = with_trivial_baselines(
        evaluate(LetterSystem(task), [source()], batch_size=4), LetterSystem(task), [], [source()], batch_size=4
    )
    assert set(report.trivial_baselines["retrieval"]) == {"chance"}
    many = Captions(tuple((f"{i}", (f"caption {i}",)) for i in range(200)))
    assert 0 <= chance_baseline(task, Split.of(many, task, range(200), "many"))["chance"] <= 2.5


MANY = Captions(
    tuple(
        (word, (word[::-1], word[:2] + word))
        for word in ("".join(rng_for("letters", i).choice(list("abcde"), size=3 + i % 3)) for i in range(24))
    )
)


def scored(among: str, ranking: Ranking | None = None) -> tuple[np.ndarray, LetterSystem]:
    system, task = LetterSystem(), retrieval(among=among)
    split = Split.of(MANY, task, range(24), "many")
    with eval_mode(system):
        return score_split(system, "many", MANY, task, split, batch_size=5, ranking=ranking), system


@pytest.mark.parametrize("among", ["images", "texts"])
def test_two_stages_keep_the_systems_scores_and_put_the_rest_behind(among: str) -> None:
    whole, _ = scored(among)
    staged, system = scored(among, Ranking(rerank_top_k=6, first_stage_size=8))
    queries = zip(whole.T, staged.T, strict=True) if among == "images" else zip(whole, staged, strict=True)
    found: list[bool] = []
    for all_scores, some in queries:
        order = np.argsort(-some)
        assert some[order[:6]] == pytest.approx(all_scores[order[:6]])
        assert some[order[6:]].max() <= some[order[5]] - 1 + 1e-5
        found.append(all_scores[order[0]] == all_scores.max())
    # Six of 24 or 47 by lot would have the best in a quarter of the queries at most.
    assert np.mean(found) > 0.75
    assert sum(i * t for i, t in system.blocks) == Ranking(rerank_top_k=6, first_stage_size=8).num_pairs(
        24, whole.shape[1], among
    )
    assert system.encoded["images"] == 24


def test_two_stages_that_save_nothing_are_one() -> None:
    for ranking in (Ranking(rerank_top_k=24), Ranking(rerank_top_k=1, first_stage_size=24)):
        found, system = scored("images", ranking)
        assert np.array_equal(found, scored("images")[0])
        assert sum(i * t for i, t in system.blocks) == found.size


def test_a_report_notes_a_ranking_in_two_stages() -> None:
    notes = evaluate(
        LetterSystem(*source().tasks), [source()], batch_size=2, ranking=Ranking(rerank_top_k=1, first_stage_size=1)
    ).notes
    assert any("retrieval on toys: only the top 1 candidates of a first stage with 1 anchors" in note for note in notes)
    assert not any(
        "anchors" in note for note in evaluate(LetterSystem(*source().tasks), [source()], batch_size=2).notes
    )


def test_two_ranks_report_the_same_as_one(tmp_path) -> None:
    staged = Ranking(rerank_top_k=2, first_stage_size=1)
    alone = evaluate(LetterSystem(*source().tasks), [source()], batch_size=2, ranking=staged)
    program = (
        "import importlib.util, json, sys, torch.distributed as dist\n"
        f"spec = importlib.util.spec_from_file_location('t', {str(HERE / 'test_retrieval.py')!r})\n"
        "t = importlib.util.module_from_spec(spec); sys.modules['t'] = t; spec.loader.exec_module(t)\n"
        f"dist.init_process_group('gloo', init_method='file://{tmp_path}/store', rank=int(sys.argv[1]), world_size=2)\n"
        "staged = t.Ranking(rerank_top_k=2, first_stage_size=1)\n"
        "report = t.evaluate(t.LetterSystem(*t.source().tasks), [t.source()], batch_size=2, ranking=staged)\n"
        f"open(f'{tmp_path}/report' + sys.argv[1], 'w').write(json.dumps(report.to_dict()))\n"
        "dist.destroy_process_group()\n"
    )
    ranks = [subprocess.Popen([sys.executable, "-c", program, str(rank)]) for rank in range(2)]
    assert [rank.wait(timeout=120) for rank in ranks] == [0, 0]
    for number in range(2):
        assert json.loads((tmp_path / f"report{number}").read_text()) == json.loads(json.dumps(alone.to_dict()))


def test_an_answer_in_words_is_the_text_itself() -> None:
    evaluated = ranked(LetterSystem(), "texts", batch_size=8, keep_predictions=True)
    assert evaluated.predictions["toy/1"][1] == "cd"


def test_rows_with_candidates_of_their_own_are_not_ranked_over_the_split(monkeypatch) -> None:
    """Validation of a retrieval task on rows of four pairs scores four pairs per row."""
    task = retrieval()
    captions = Captions(tuple((letter * 3, (letter * 2,)) for letter in "abcdef"))
    composed = ComposedRows(captions, FourWay())
    assert is_ranked(task, captions)
    assert not is_ranked(task, composed)
    system = LetterSystem(task)
    calls = []

    def rows_of(system, source, reader, tasks, rows, **options):
        calls.append((source, len(rows)))
        evaluated = TaskEvaluation.empty(task, source)
        for index in rows:
            example = reader[index]
            scores = tuple(float(place == 0) for place in range(len(example.candidates)))
            evaluated.add(
                EvaluationRow.of(example), ClassPrediction(0, scores=scores), example.labels["match"],
                keep_predictions=False,
            )  # fmt: skip
        return [evaluated]

    module = sys.modules["motet.evaluation.evaluate"]
    monkeypatch.setattr(module, "evaluate_rows", rows_of)
    monkeypatch.setattr(module, "rank_split", None)
    report = evaluate(system, [Source(name="val", reader=composed, tasks=(task,), role="val")], batch_size=2)
    assert calls == [("val", 6)]
    assert report.main(task.name).value == 100.0
