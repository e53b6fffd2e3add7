"""12-in-1's release: whole size, and what has to be given; its answers are tested in `tests/golden/test_import.py`."""

from pathlib import Path

import numpy as np
import pytest
import torch
from published_names import tensors
from published_releases import vilbert

from motet.core import ConfigError
from motet.data.formats.regions import Hdf5Regions, LmdbRegions, NpzRegions, write_npz
from motet.nn.pretrained import forms
from motet.nn.pretrained.release import Release
from motet.preprocess.regions import ImageRegions
from motet.recipes.published.import_release import model_of
from motet.recipes.published.model import ExtraFiles
from motet.recipes.published.vilbert import region_files, vilbert_model

# `config/bert_base_6layer_6conect.json`, and the numbers of answers of VQAv2 and GQA.
WHOLE = {
    "text": 768, "image": 1024, "both": 1024, "depth": 12, "image_depth": 6, "connections": 6, "hidden": 3072,
    "image_hidden": 1024, "words": 30522, "places": 512, "region": 2048, "classes": 1601, "tokens": 20,
    "answers": 3129, "gqa": 1533,
}  # fmt: skip


def release() -> Release:
    shapes = {f"module.{name}": shape for name, shape in vilbert(**WHOLE).items()}
    return Release(Path("multi_task_model.bin"), forms.VILBERT, tensors(shapes, device="meta"))


@pytest.fixture
def regions(tmp_path) -> Path:
    found = ImageRegions(np.ones((1, 2048), np.float32), np.array([[0, 0, 9, 9]], np.float32), (9, 9))
    write_npz(tmp_path / "regions", "1", found)
    return tmp_path / "regions"


@pytest.fixture
def answers(tmp_path) -> dict[str, Path]:
    import pickle

    found = {}
    for head, count in (("vil_prediction", 3129), ("vil_prediction_gqa", 1533)):
        found[head] = tmp_path / f"{head}.pkl"
        found[head].write_bytes(pickle.dumps([f"answer {i}" for i in range(count)]))
    return found


def test_the_whole_release_has_a_place_for_every_weight(regions, answers) -> None:
    with torch.device("meta"):
        system, found = model_of(release(), ExtraFiles(names=answers, regions=regions))
    assert found.match.missing == ()
    # Pre-training's heads on masked words and regions, and on text and image belonging together.
    assert all(name.removeprefix("module.").startswith("cls.") for name in found.match.unused)
    assert found.notes == ()
    assert len(system.tasks["vqav2"].target.names) == 3129
    assert len(system.tasks["gqa"].target.names) == 1533
    config = system.config
    assert (config.image_width, config.image_depth, config.co_width, config.co_heads) == (1024, 6, 1024, 8)


def test_heads_without_known_answers_are_left_out_and_regions_are_wanted(regions) -> None:
    made = vilbert_model(release(), ExtraFiles(regions=regions))
    assert {task.name for task in made.tasks} == {"coco_retrieval", "refcoco", "nlvr2", "snli_ve"}
    assert len(made.notes) == 2
    assert "want --names vil_prediction=trainval_label2ans.pkl" in made.notes[0]
    with pytest.raises(ConfigError, match="got no regions; want --regions FILE"):
        vilbert_model(release(), ExtraFiles())


def test_regions_of_another_width_or_layout(tmp_path) -> None:
    found = ImageRegions(np.ones((1, 8), np.float32), np.array([[0, 0, 9, 9]], np.float32), (9, 9))
    write_npz(tmp_path / "regions", "1", found)
    with pytest.raises(ConfigError, match="got features of 8 numbers; want 2048"):
        vilbert_model(release(), ExtraFiles(regions=tmp_path / "regions"))
    assert isinstance(region_files(tmp_path / "regions"), NpzRegions)
    for name, kind in (("a.h5", Hdf5Regions), ("b.lmdb", LmdbRegions)):
        with pytest.raises(Exception, match=name):  # the file is not there; the kind of reader says so
            assert isinstance(region_files(tmp_path / name), kind)
