"""The recipe file of the best trial: it loads, and names from data stay data."""

from motet.config.recipe_files import load_recipe
from motet.config.tuned_recipe import tuned_recipe

BASE = """
from motet.data.readers import ImageFolder
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.tasks import classification
from motet.training.config import TrainConfig
from motet.training.run import Run


def run() -> Run:
    reader = ImageFolder(FOLDER)
    source = Source(name="kinds", reader=reader, tasks=(classification("kind", reader.names),))
    return Run(system=LiTDecoderConfig(), sources=(source,), schedule=Mixed(), train=TrainConfig(steps=7))
"""


def test_the_file_is_the_recipe_with_its_settings(tmp_path) -> None:
    for name in "ab":
        (tmp_path / "kinds" / name).mkdir(parents=True)
        (tmp_path / "kinds" / name / "1.png").write_bytes(b"")
    base = tmp_path / 'a "quoted" folder' / "base_for_a_test.py"
    base.parent.mkdir()
    base.write_text(BASE.replace("FOLDER", repr(str(tmp_path / "kinds"))))
    best = tmp_path / "tuned_for_a_test.py"
    best.write_text(tuned_recipe(str(base), ["train.lr=0.003", "balancer=TaskMean()"], gain=4.2, trials=12))
    run = load_recipe(str(best))
    assert (run.train.lr, run.train.steps, type(run.balancer).__name__) == (0.003, 7, "TaskMean")


def test_a_name_from_data_does_not_become_code(tmp_path) -> None:
    evil = 'x\'"""\nimport os\nos.abort()\n#{recipe}'
    text = tuned_recipe(evil, [f"schedule.rates.by_source.{evil}=1"], gain=0.0, trials=1)
    names: dict[str, object] = {}
    exec(compile(text, "best.py", "exec"), names)  # it would abort
    assert names["RECIPE"] == evil
    assert names["SETTINGS"] == [f"schedule.rates.by_source.{evil}=1"]
