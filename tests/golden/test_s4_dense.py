"""Losses and metrics of maps against numbers that the official code gave (see README.md beside this file)."""

from pathlib import Path

import numpy as np
import pytest
import torch

from motet.core import Dense, DenseMap
from motet.losses import berhu, dense_cross_entropy, dense_l1, rotate_loss
from motet.metrics import (
    DepthAbsRel,
    DepthAbsRelScaled,
    DepthRMSE,
    DepthRMSEScaled,
    DepthWithin,
    EdgeF1,
    MeanAngleDeg,
    MeanIoU,
    PixelAccuracy,
)
from motet.metrics.dense_surfaces import angles_deg

HERE = Path(__file__).parent
LOSSES = np.load(HERE / "s4_losses.npz")
METRICS = np.load(HERE / "dense_metrics.npz")


def tensor(name: str) -> torch.Tensor:
    return torch.from_numpy(LOSSES[name])


def value(name: str, valid: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
    annotation = tensor(name)
    known = torch.ones(annotation[:, 0].shape) if valid is None else valid[:, 0]
    return {"map": annotation, "valid": known.bool()}


def mean(loss) -> float:
    return float(loss.total / loss.weight)


def test_the_rotate_loss_is_standleys() -> None:
    masked = value("rotate_tgt", tensor("rotate_mask"))
    assert mean(rotate_loss(tensor("rotate_out"), masked)) == pytest.approx(float(LOSSES["rotate_depth_loss"]))
    for place, official in enumerate(LOSSES["rotate_depth_loss_per_image"]):
        one = {name: part[place : place + 1] for name, part in masked.items()}
        assert mean(rotate_loss(tensor("rotate_out")[place : place + 1], one)) == pytest.approx(float(official))
    unmasked = rotate_loss(tensor("rotate_out"), value("rotate_tgt"))
    assert mean(unmasked) == pytest.approx(float(LOSSES["rotate_depth_loss_nomask"]))
    assert mean(rotate_loss(tensor("normal_out"), value("normal_tgt"))) == pytest.approx(
        float(LOSSES["rotate_normal_loss"])
    )


def test_absolute_differences_are_standleys() -> None:
    masked = value("rotate_tgt", tensor("rotate_mask"))
    simple = dense_l1(tensor("rotate_out"), masked, over="all")
    assert mean(simple) == pytest.approx(float(LOSSES["simple_depth_loss"]))
    assert mean(dense_l1(tensor("normal_out"), value("normal_tgt"))) == pytest.approx(float(LOSSES["edge_l1"]))


def test_cross_entropy_leaves_out_what_the_official_one_ignores() -> None:
    classes = tensor("seg_target")[:, 0]
    loss = dense_cross_entropy(tensor("seg_logits"), {"map": classes, "valid": classes != 0})
    assert mean(loss) == pytest.approx(float(LOSSES["seg_ce_ignore0"]))


@pytest.mark.parametrize(
    ("name", "threshold", "nothing"), [("berhu", 0.2, 0), ("berhu_thr05", 0.5, 0), ("berhu_mask1", 0.2, 1)]
)
def test_berhu_is_the_adapters_code(name: str, threshold: float, nothing: int) -> None:
    annotation = value("depth_gt", tensor("depth_gt") != nothing)
    loss = berhu(tensor("depth_pred"), annotation, threshold=threshold, per="batch", over="all")
    assert mean(loss) == pytest.approx(float(LOSSES[name]))


def evaluated(metric, said, true, target):
    for row, (one, other) in enumerate(zip(said, true, strict=True)):
        metric.update(str(row), DenseMap(one), other, target)
    return metric


def test_segmentation_is_densemtls() -> None:
    true = METRICS["semseg_gt(250=ignore; class 4 absent in gt)"]
    annotations = np.where(true == 250, -1, true)
    said = METRICS["semseg_pred"]
    count = sum(name.startswith("semseg/cls_") for name in METRICS.files)
    target = Dense(count, "class", tuple(f"class {index}" for index in range(count)))
    miou = evaluated(MeanIoU(), said, annotations, target)
    assert miou.compute() == pytest.approx(100 * float(METRICS["semseg/mIoU"]))
    there = set(np.unique(annotations)) - {-1}
    of_class = {c: 100 * float(METRICS[f"semseg/cls_{c:02d}"]) for c in range(count)}
    assert miou.by_class() == pytest.approx({c: value for c, value in of_class.items() if c in there})
    # A class that is only said: 0 in the mean, as theirs, and no number of its own.
    assert all(of_class[c] == 0.0 for c in set(range(count)) - there if (said == c).any())
    accuracy = evaluated(PixelAccuracy(), said, annotations, target)
    assert accuracy.compute() == pytest.approx(100 * float(METRICS["semseg/Acc"]))


def test_edges_are_densemtls() -> None:
    said, true = METRICS["edges_pred"].astype(float), METRICS["edges_gt"].astype(float)
    metric = evaluated(EdgeF1(), said, true, Dense(1, "probability"))
    assert metric.compute() == pytest.approx(100 * float(METRICS["edges_F1_macro"]))


def test_angles_are_densemtls() -> None:
    said, true = METRICS["normals_pred"].transpose(0, 2, 3, 1), METRICS["normals_gt"].transpose(0, 2, 3, 1)
    official = METRICS["normals_per_image(mean,median,mse,<11.25,<22.5,<30)"]
    for place in range(len(said)):
        angles = angles_deg(said[place], true[place])
        assert angles.mean() == pytest.approx(official[place, 0], abs=1e-3)
        assert np.quantile(angles, 0.5, method="lower") == pytest.approx(official[place, 1], abs=1e-3)
        assert np.mean(angles < 11.25) == pytest.approx(official[place, 3], abs=1e-3)
    metric = evaluated(MeanAngleDeg(), said, true, Dense(3, "unit vector"))
    assert metric.compute() == pytest.approx(official[:, 0].mean(), abs=1e-3)


@pytest.mark.parametrize(
    ("scaled", "metrics"),
    [("False", (DepthAbsRel, DepthRMSE, DepthWithin)), ("True", (DepthAbsRelScaled, DepthRMSEScaled))],
)
def test_depth_is_densemtls_where_it_clamps_nothing(scaled: str, metrics) -> None:
    # There predictions are clamped to 1 mm and 80 m, which here is done outside.
    true = np.where(METRICS["depth_mask"], METRICS["depth_gt"], np.nan)[:, 0]
    said = np.clip(METRICS["depth_pred"], 1e-3, 80.0)[:, 0]
    official = dict(zip(METRICS["depth_metric_names"].tolist(), METRICS[f"depth_median{scaled}"].tolist(), strict=True))
    named = {
        "abs_rel": 100 * official["Abs. Rel error"],
        "rmse": official["RMSE"],
        "delta1": 100 * official["Acc. < 1.25"],
    }
    for metric in metrics:
        number = evaluated(metric(), said, true, Dense(1, "metre")).compute()
        assert number == pytest.approx(named[metric.name.removesuffix("_scaled")], rel=1e-5), metric.name
