"""Balancers: combine the losses of several tasks into one gradient.

A balancer is plain data in a recipe. `start` gives the live one of a system, which may remember something between
updates; a checkpoint keeps that.
"""

from __future__ import annotations

from typing import Any, Protocol

from motet.core import System
from motet.training.balancers.fairness_methods import IMTLG, AlignedMTL, ConFIG, FairGrad, NashMTL
from motet.training.balancers.grad_norm import GradNorm
from motet.training.balancers.gramian_methods import MGDA, RGW, CAGrad, DualProj, Krum, PCGrad, UPGrad
from motet.training.balancers.learned_weights import DWA, FAMO, IMTLL, UW
from motet.training.balancers.live import BackwardCost, BalancerInfo, LiveBalancer, State, Stateless
from motet.training.balancers.loss_weights import RLW, MeanOfTasks, Uncertainty
from motet.training.balancers.means import BatchMean, RowMean, TaskMean, Weighted
from motet.training.balancers.parts import loss_keys, losses_by_key
from motet.training.balancers.row_methods import ExcessMTL, GradDrop, MoDo, SDMGrad, TrimmedMean
from motet.training.balancers.scalarisers import COSMOS, PBI, STCH, GeometricMean
from motet.training.balancers.stateful_methods import CRMOGM, PCD, GradVac


class Balancer(Protocol):
    """Combines the losses of several tasks into one gradient, as a recipe names it: plain data, a frozen dataclass."""

    def start(self, system: System) -> LiveBalancer:
        """Returns the live balancer of a system, before its first update.

        Raises:
            ConfigError: a name that is no task, or a system with fewer tasks than the method needs.
        """
        ...

    def cost(self, system: System) -> BackwardCost:
        """Returns the backward passes and the memory of each update, before anything is run."""
        ...


BALANCERS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        RowMean,
        TaskMean,
        Weighted,
        BatchMean,
        MeanOfTasks,
        Uncertainty,
        RLW,
        GeometricMean,
        STCH,
        COSMOS,
        PBI,
        UW,
        IMTLL,
        FAMO,
        DWA,
        GradNorm,
        PCGrad,
        UPGrad,
        CAGrad,
        MGDA,
        DualProj,
        AlignedMTL,
        IMTLG,
        FairGrad,
        NashMTL,
        ConFIG,
        Krum,
        RGW,
        GradVac,
        PCD,
        CRMOGM,
        GradDrop,
        TrimmedMean,
        ExcessMTL,
        MoDo,
        SDMGrad,
    )
}
"""All balancers by name: what `motet list balancers` shows and ``--set balancer=NAME`` takes."""

__all__ = [
    "AlignedMTL",
    "BALANCERS",
    "BackwardCost",
    "Balancer",
    "BalancerInfo",
    "BatchMean",
    "CAGrad",
    "COSMOS",
    "CRMOGM",
    "ConFIG",
    "DWA",
    "DualProj",
    "ExcessMTL",
    "FAMO",
    "FairGrad",
    "GeometricMean",
    "GradDrop",
    "GradNorm",
    "GradVac",
    "IMTLG",
    "IMTLL",
    "Krum",
    "LiveBalancer",
    "MGDA",
    "MeanOfTasks",
    "MoDo",
    "NashMTL",
    "PBI",
    "PCD",
    "PCGrad",
    "RGW",
    "RLW",
    "RowMean",
    "SDMGrad",
    "STCH",
    "State",
    "Stateless",
    "TaskMean",
    "TrimmedMean",
    "UPGrad",
    "UW",
    "Uncertainty",
    "Weighted",
    "loss_keys",
    "losses_by_key",
]
