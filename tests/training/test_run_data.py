"""A run comes back from its folder without its recipe; nothing of the user's own is imported unless it is trusted."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toys import ToyReader, toy_run

from motet.config.recipe_files import list_recipes, load_recipe
from motet.core import CheckpointError, DataError, Example
from motet.core.codec import from_json, to_json
from motet.core.model_folder import read_weights
from motet.data.few_shot import few_shot
from motet.data.negatives import FourWay, HardNegativePool
from motet.data.readers import ImageFolder
from motet.data.sampling_rates import FixedRates
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.data.splits import ConcatRows, ImageSplit, Subset, WithoutImages, split_by_image
from motet.nn.encoders import PlainViT
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.scenes import FreshQuestions, Scenes
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.tasks import captioning, classification, question_answering, retrieval
from motet.training.checkpoint import tensors_equal
from motet.training.config import TrainConfig
from motet.training.run import Features, Run
from motet.training.run_data import outside_modules, run_to_data, saved_run, saved_sources
from motet.training.run_training import run_training
from motet.training.saved_names import saved_names


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Twelve images of two classes."""
    for name, value in (("dark", 20), ("light", 200)):
        (tmp_path / "images" / name).mkdir(parents=True)
        for index in range(6):
            Image.new("L", (8, 8), value + index).save(tmp_path / "images" / name / f"{index}.png")
    return tmp_path / "images"


def run_on(*sources: Source) -> Run:
    system = LiTDecoderConfig(
        encoder=PlainViT(size=32, width=16, depth=1, heads=1), depth=1, width=16, heads=1, max_tokens=32,
        tokenizer=TrainedTokenizer(size=300),
    )  # fmt: skip
    return Run(system=system, sources=sources, schedule=Mixed(batch_size=4), train=TrainConfig(steps=2, lr=1e-2))


def images_run(folder: Path | str) -> Run:
    reader = ImageFolder(folder, name="greys")
    parts = split_by_image(reader, {"train": 0.5, "val": 0.2, "test": 0.3}, seed=4)
    task = classification("grey", reader.names)
    return run_on(*(Source(name=role, reader=part, tasks=(task,), role=role) for role, part in parts.items()))


def written(run: Run, folder: Path) -> Path:
    """A run folder with nothing but the record."""
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_text(json.dumps(run_to_data(run)))
    return folder


def test_a_run_trained_again_from_its_data_has_the_same_weights(images: Path, tmp_path: Path) -> None:
    first = run_training(images_run(images), tmp_path / "first", device="cpu", show=False)
    again = run_training(saved_run(tmp_path / "first"), tmp_path / "again", device="cpu", show=False)
    assert again == first
    assert tensors_equal(read_weights(tmp_path / "first"), read_weights(tmp_path / "again"))


def test_every_kind_of_part_comes_back_as_it_was(tmp_path: Path) -> None:
    scenes = Scenes(part="train", count=30, kinds=6, captions=("list", "order"))
    asked = Scenes(part="train", count=20, kinds=6, question_kinds="exist")
    kinds, pairs = classification("kind", scenes.names, label="class"), retrieval("pair")
    halves = split_by_image(scenes, {"one": 0.5, "other": 0.5})
    pool, without = HardNegativePool(halves["one"], nearest=3), WithoutImages(scenes, frozenset(scenes.keys(3)))
    run = dataclasses.replace(
        run_on(
            Source(name="subset", reader=Subset(scenes, tuple(range(0, 30, 3))), tasks=(captioning("caption"),)),
            Source(name="asked", reader=asked, tasks=(question_answering("ask"),), compose=FreshQuestions(("exist",))),
            Source(
                name="pairs",
                reader=halves["one"],
                tasks=(pairs,),
                compose=FourWay(pool),
            ),
            Source(name="both", reader=ConcatRows((halves["one"], halves["other"])), tasks=(kinds,), weight=2.0),
            Source(name="clean", reader=without, tasks=(captioning("caption"),)),
        ),
        schedule=Mixed(rates=FixedRates({"subset": 0.5, "asked": 0.5}), batch_size=3),
        features=Features(tmp_path / "store", views=2),
        expect={("caption", "cider"): (10.0, 1.0)},
        credit=("nobody",),
    )
    assert saved_run(written(run, tmp_path / "run")) == run
    assert to_json(halves["one"])["shares"] == {"one": 0.5, "other": 0.5}
    assert "indices" not in to_json(halves["one"])


def test_a_run_does_not_say_where_to_write(tmp_path: Path) -> None:
    scenes = Scenes(part="train", count=6, kinds=6)
    pool = HardNegativePool(scenes, nearest=2, file=tmp_path / "mine.npz")
    run = run_on(Source(name="pairs", reader=scenes, tasks=(retrieval("pair"),), compose=FourWay(pool)))
    folder = written(run, tmp_path / "run")
    record = json.loads((folder / "run.json").read_text())
    (source,) = record["run"]["sources"]
    assert "file" not in source["compose"]["hard"]
    source["compose"]["hard"]["file"] = {"path": str(tmp_path / "theirs.npz")}
    (folder / "run.json").write_text(json.dumps(record))
    assert saved_run(folder) == run
    assert not (tmp_path / "theirs.npz").exists()


def test_few_shots_keep_their_rows() -> None:
    scenes = Scenes(part="train", count=60, kinds=2, num_things=(1, 1))
    few = few_shot(scenes, classification("kind", scenes.names, label="class"), min_per_class=3)
    assert from_json(to_json(few), saved_names()) == few


def test_rows_are_plain_numbers_even_if_numpy_made_them() -> None:
    subset = Subset(Scenes(part="train", count=5), tuple(np.arange(3)))
    assert from_json(json.loads(json.dumps(to_json(subset))), saved_names()).indices == (0, 1, 2)


def test_a_split_of_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="got 'tset'; did you mean 'test'"):
        ImageSplit(Scenes(part="train", count=5), {"train": 0.5, "test": 0.5}, "tset")


def test_a_reader_under_several_sources_is_read_once(images: Path, tmp_path: Path) -> None:
    run = saved_run(written(images_run(images), tmp_path / "run"))
    assert len({id(source.reader.reader) for source in run.sources}) == 1


def test_only_the_sources_of_a_role_are_read(images: Path, tmp_path: Path) -> None:
    held = ImageFolder(images, name="held")
    whole = images_run(images)
    test = dataclasses.replace(whole.of_role("test")[0], reader=held)
    folder = written(dataclasses.replace(whole, sources=(*whole.of_role("train"), test)), tmp_path / "run")
    data = json.loads((folder / "run.json").read_text())
    data["run"]["sources"][0]["reader"]["reader"]["root"] = {"path": "/nowhere/at/all"}
    (folder / "run.json").write_text(json.dumps(data))
    assert [source.name for source in saved_sources(folder, "test")] == ["test"]
    with pytest.raises(DataError, match=r"source 'train': .*/nowhere/at/all.*: --data OLD=NEW"):
        saved_run(folder)


@pytest.mark.parametrize("as_text", [False, True])
def test_relative_paths_are_found_from_another_folder_and_moved_ones_by_their_new_place(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_text: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = written(images_run("images" if as_text else Path("images")), tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    rows = [len(source.reader) for source in saved_run(folder).sources]
    images.rename(tmp_path / "elsewhere" / "moved")
    with pytest.raises(DataError, match="where data lie elsewhere now: --data OLD=NEW"):
        saved_run(folder)
    again = saved_run(folder, moved={str(images): str(tmp_path / "elsewhere" / "moved")})
    assert [len(source.reader) for source in again.sources] == rows


def test_the_root_of_all_data_may_be_another_one(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTET_DATA", str(tmp_path))
    folder = written(images_run(images), tmp_path.parent / f"{tmp_path.name}-run")
    moved = tmp_path.rename(tmp_path.parent / f"{tmp_path.name}-moved")
    monkeypatch.setenv("MOTET_DATA", str(moved))
    assert saved_run(folder).sources[0].reader.reader.root == moved / "images"


def test_other_rows_than_the_run_had_are_refused(images: Path, tmp_path: Path) -> None:
    run_training(images_run(images), tmp_path / "run", device="cpu", show=False)
    assert saved_sources(tmp_path / "run", "test")
    for index in range(20):
        Image.new("L", (8, 8), index).save(images / "dark" / f"new-{index}.png")
    with pytest.raises(CheckpointError, match="source 'test': got other rows than the run had"):
        saved_sources(tmp_path / "run", "test")


def test_code_outside_motet_needs_trust_and_its_file_is_named(tmp_path: Path) -> None:
    run = toy_run()
    folder = written(run, tmp_path)
    file = sys.modules["toys"].__file__
    with pytest.raises(CheckpointError) as error:
        saved_run(folder)
    line = str(error.value)
    assert line.startswith(f"{tmp_path}/run.json: got code outside motet, which would be imported and run: ")
    assert f"toys:ToyReader ({file})" in line
    assert f"--trust {file}, in Python trust=({file!r},)" in line
    assert line.endswith("; or --recipe RECIPE, which runs its code")
    assert "\n" not in line
    assert saved_run(folder, trust=("toys",)) == run
    assert outside_modules(to_json(run)) == {"toys"}


class Listed:
    """A reader that is no dataclass."""

    def __len__(self) -> int:
        return 3

    def keys(self, index: int) -> tuple[str, ...]:
        return (f"listed/{index}",)

    def __getitem__(self, index: int) -> Example:
        return ToyReader("listed", 3)[index]


def test_what_is_no_data_needs_the_recipe_and_hinders_nothing_else(images: Path, tmp_path: Path) -> None:
    run = images_run(images)
    train = dataclasses.replace(run.of_role("train")[0], reader=Subset(Listed(), (0, 1)))
    folder = written(dataclasses.replace(run, sources=(train, *run.of_role("test"))), tmp_path / "run")
    with pytest.raises(CheckpointError) as error:
        saved_run(folder, trust=(__name__,))
    assert str(error.value) == (
        f"{folder}/run.json: source 'train': got {f'{__name__}:Listed'!r}, which is not stored as data; want the "
        "recipe that made the run; or --recipe RECIPE, which runs its code"
    )
    assert saved_sources(folder, "test")


def test_a_part_of_motet_that_no_table_has_needs_the_recipe_too(images: Path, tmp_path: Path) -> None:
    run = images_run(images)
    train = dataclasses.replace(run.of_role("train")[0], compose=split_by_image)
    folder = written(dataclasses.replace(run, sources=(train, *run.of_role("test"))), tmp_path / "run")
    with pytest.raises(CheckpointError, match=r"got 'motet.data.splits:split_by_image', which is not stored as data"):
        saved_run(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "got no run.json; want a folder that `motet train` made"),
        ("{", "got a damaged file"),
        ("[]", "got a list; want the JSON"),
        ("{}", "got no run in it; want the recipe that made it: --recipe RECIPE"),
        ('{"run": {"sources": [], "steps": 3}}', "run: got .*steps"),
        ('{"run": {"sources": [{"class": "motet.core.target:Text", "role": "train"}]}}', "source None: saved class"),
    ],
)
def test_a_record_that_cannot_be_read_is_one_line(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises(CheckpointError, match=message) as error:
        saved_run(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("family", ["lit_decoder", "twelve_in_one", "uni_perceiver", "unit", "vit_adapters"])
def test_the_papers_runs_have_no_part_that_could_not_be_read_back(tmp_path: Path, monkeypatch, family: str) -> None:
    from paper_data import write_paper_data
    from twelve_paper_data import write_twelve_paper_data
    from uni_perceiver_paper_data import write_uni_perceiver_paper_data
    from unit_paper_data import write_unit_paper_data
    from vit_adapters_paper_data import write_adapters_paper_data

    write = {
        "lit_decoder": write_paper_data,
        "twelve_in_one": write_twelve_paper_data,
        "uni_perceiver": write_uni_perceiver_paper_data,
        "unit": write_unit_paper_data,
        "vit_adapters": write_adapters_paper_data,
    }[family]
    write(tmp_path)
    monkeypatch.setenv("MOTET_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    names = [listed.name for listed in list_recipes() if listed.name.startswith((f"{family}:paper", f"{family}:rel"))]
    assert names
    for name in names:
        run = load_recipe(name)
        data = to_json(run)
        saved_names().check(data)
        assert from_json(data, saved_names(), made={}) == run
