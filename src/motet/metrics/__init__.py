"""Metrics, one module per kind of target, and the table `METRICS` of their names in recipes and reports."""

from motet.core import Metric
from motet.metrics.agreement import F1 as F1
from motet.metrics.agreement import Matthews as Matthews
from motet.metrics.answer import AnswerMatch as AnswerMatch
from motet.metrics.answer import VqaAccuracy as VqaAccuracy
from motet.metrics.boundaries import OdsF as OdsF
from motet.metrics.boundaries import OisF as OisF
from motet.metrics.box_attributes import AttributeF1 as AttributeF1
from motet.metrics.box_attributes import DescribedBoxes as DescribedBoxes
from motet.metrics.boxes import COCO_TWELVE as COCO_TWELVE
from motet.metrics.boxes import BoxAP as BoxAP
from motet.metrics.boxes import BoxAP50 as BoxAP50
from motet.metrics.boxes import BoxAP75 as BoxAP75
from motet.metrics.boxes import BoxAPLarge as BoxAPLarge
from motet.metrics.boxes import BoxAPMedium as BoxAPMedium
from motet.metrics.boxes import BoxAPSmall as BoxAPSmall
from motet.metrics.boxes import BoxAR1 as BoxAR1
from motet.metrics.boxes import BoxAR10 as BoxAR10
from motet.metrics.boxes import BoxAR100 as BoxAR100
from motet.metrics.boxes import BoxARLarge as BoxARLarge
from motet.metrics.boxes import BoxARMedium as BoxARMedium
from motet.metrics.boxes import BoxARSmall as BoxARSmall
from motet.metrics.dense_classes import EdgeF1 as EdgeF1
from motet.metrics.dense_classes import EdgeF1Positive as EdgeF1Positive
from motet.metrics.dense_classes import MeanIoU as MeanIoU
from motet.metrics.dense_classes import PixelAccuracy as PixelAccuracy
from motet.metrics.dense_surfaces import AngleWithin11 as AngleWithin11
from motet.metrics.dense_surfaces import AngleWithin30 as AngleWithin30
from motet.metrics.dense_surfaces import DepthAbsRel as DepthAbsRel
from motet.metrics.dense_surfaces import DepthAbsRelScaled as DepthAbsRelScaled
from motet.metrics.dense_surfaces import DepthRMSE as DepthRMSE
from motet.metrics.dense_surfaces import DepthRMSEScaled as DepthRMSEScaled
from motet.metrics.dense_surfaces import DepthWithin as DepthWithin
from motet.metrics.dense_surfaces import MeanAngleDeg as MeanAngleDeg
from motet.metrics.label import Accuracy as Accuracy
from motet.metrics.masked import MaskedAccuracy as MaskedAccuracy
from motet.metrics.masked import MaskedRegionAccuracy as MaskedRegionAccuracy
from motet.metrics.match import MatchAccuracy as MatchAccuracy
from motet.metrics.match import MeanRank as MeanRank
from motet.metrics.match import MedianRank as MedianRank
from motet.metrics.match import RecallAt1 as RecallAt1
from motet.metrics.match import RecallAt5 as RecallAt5
from motet.metrics.match import RecallAt10 as RecallAt10
from motet.metrics.panoptic import PanopticQuality as PanopticQuality
from motet.metrics.panoptic import RecognitionQuality as RecognitionQuality
from motet.metrics.panoptic import SegmentationQuality as SegmentationQuality
from motet.metrics.prediction_text import prediction_text as prediction_text
from motet.metrics.region import RegionAccuracy as RegionAccuracy
from motet.metrics.region import RegionIoU as RegionIoU
from motet.metrics.text import Bleu1 as Bleu1
from motet.metrics.text import Bleu2 as Bleu2
from motet.metrics.text import Bleu3 as Bleu3
from motet.metrics.text import Bleu4 as Bleu4
from motet.metrics.text import CharacterErrorRate as CharacterErrorRate
from motet.metrics.text import Cider as Cider
from motet.metrics.text import ExactMatch as ExactMatch
from motet.metrics.text import RougeL as RougeL
from motet.metrics.words import Perplexity as Perplexity
from motet.metrics.words import WordAccuracy as WordAccuracy

METRICS: dict[str, type[Metric]] = {
    "abs_rel": DepthAbsRel,
    "abs_rel_scaled": DepthAbsRelScaled,
    "accuracy": Accuracy,
    "answer_match": AnswerMatch,
    "ap": BoxAP,
    "ap50": BoxAP50,
    "ap75": BoxAP75,
    "ap_large": BoxAPLarge,
    "ap_medium": BoxAPMedium,
    "ap_small": BoxAPSmall,
    "ar1": BoxAR1,
    "ar10": BoxAR10,
    "ar100": BoxAR100,
    "ar_large": BoxARLarge,
    "ar_medium": BoxARMedium,
    "ar_small": BoxARSmall,
    "attribute_f1": AttributeF1,
    "bleu1": Bleu1,
    "bleu2": Bleu2,
    "bleu3": Bleu3,
    "bleu4": Bleu4,
    "cer": CharacterErrorRate,
    "cider": Cider,
    "delta1": DepthWithin,
    "described_boxes": DescribedBoxes,
    "edge_f1": EdgeF1,
    "edge_f1_positive": EdgeF1Positive,
    "exact_match": ExactMatch,
    "f1": F1,
    "masked_accuracy": MaskedAccuracy,
    "masked_region_accuracy": MaskedRegionAccuracy,
    "match_accuracy": MatchAccuracy,
    "matthews": Matthews,
    "mean_angle_deg": MeanAngleDeg,
    "mean_rank": MeanRank,
    "median_rank": MedianRank,
    "miou": MeanIoU,
    "pq": PanopticQuality,
    "sq": SegmentationQuality,
    "rq": RecognitionQuality,
    "ods_f": OdsF,
    "ois_f": OisF,
    "perplexity": Perplexity,
    "pixel_accuracy": PixelAccuracy,
    "recall_at_1": RecallAt1,
    "recall_at_10": RecallAt10,
    "recall_at_5": RecallAt5,
    "region_accuracy": RegionAccuracy,
    "region_iou": RegionIoU,
    "rmse": DepthRMSE,
    "rmse_scaled": DepthRMSEScaled,
    "rouge_l": RougeL,
    "vqa_accuracy": VqaAccuracy,
    "within_11": AngleWithin11,
    "within_30": AngleWithin30,
    "word_accuracy": WordAccuracy,
}
