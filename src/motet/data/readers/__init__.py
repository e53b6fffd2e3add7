"""Readers of published data sets and common layouts: one file per data set, and the table of all readers."""

from __future__ import annotations

from motet.data.readers.ade20k import Ade20k
from motet.data.readers.box_table import BoxTable
from motet.data.readers.bsds500 import Bsds500
from motet.data.readers.camvid import CamVid
from motet.data.readers.cityscapes import Cityscapes
from motet.data.readers.coco_captions import CocoCaptions
from motet.data.readers.coco_instances import CocoInstances
from motet.data.readers.coco_panoptic import CocoPanoptic
from motet.data.readers.coco_stuff import CocoStuff
from motet.data.readers.conversations import Conversations
from motet.data.readers.cvat import Cvat
from motet.data.readers.easy_vqa import EasyVqa
from motet.data.readers.esnli_ve import ESnliVe
from motet.data.readers.flickr8k import Flickr8k
from motet.data.readers.flickr30k import Flickr30k
from motet.data.readers.glue import Glue
from motet.data.readers.gqa import Gqa
from motet.data.readers.guesswhat import GuessWhat
from motet.data.readers.hf_dataset import HfDataset
from motet.data.readers.idx import Idx
from motet.data.readers.image_folder import ImageFolder
from motet.data.readers.kinetics import Kinetics
from motet.data.readers.label_studio import LabelStudio
from motet.data.readers.labelme import LabelMe
from motet.data.readers.map_folders import MapFolders
from motet.data.readers.msvd import Msvd
from motet.data.readers.multi30k import Multi30k
from motet.data.readers.nlvr import Nlvr
from motet.data.readers.nlvr2 import Nlvr2
from motet.data.readers.nyuv2 import NyuV2
from motet.data.readers.ocr_lines import OcrLines
from motet.data.readers.pascal_voc import PascalVoc
from motet.data.readers.refcocos import RefCocos
from motet.data.readers.refer import ReferCoco
from motet.data.readers.seven_scenes import SevenScenes
from motet.data.readers.snli_ve import SnliVe
from motet.data.readers.synthia import Synthia
from motet.data.readers.table import Table
from motet.data.readers.taskonomy import Taskonomy
from motet.data.readers.text_lines import TextLines
from motet.data.readers.torch_rows import TorchRows
from motet.data.readers.video_folder import VideoFolder
from motet.data.readers.video_list import VideoList
from motet.data.readers.virtual_kitti import VirtualKitti2
from motet.data.readers.visual7w import Visual7wPointing
from motet.data.readers.visual_genome_objects import VisualGenomeObjects
from motet.data.readers.visual_genome_qa import VisualGenomeQA
from motet.data.readers.voc_segmentation import VocSegmentation
from motet.data.readers.voc_xml import VocXml
from motet.data.readers.vqav2 import Vqav2
from motet.data.readers.vsr import Vsr
from motet.data.readers.webdataset import WebDataset
from motet.data.readers.webdataset_stream import WebDatasetStream
from motet.data.readers.yolo_labels import YoloLabels

READERS: dict[str, type] = {
    "ImageFolder": ImageFolder,
    "Idx": Idx,
    "CocoCaptions": CocoCaptions,
    "Flickr8k": Flickr8k,
    "Flickr30k": Flickr30k,
    "Multi30k": Multi30k,
    "Vqav2": Vqav2,
    "VisualGenomeQA": VisualGenomeQA,
    "Gqa": Gqa,
    "Conversations": Conversations,
    "OcrLines": OcrLines,
    "EasyVqa": EasyVqa,
    "CocoInstances": CocoInstances,
    "PascalVoc": PascalVoc,
    "VocXml": VocXml,
    "VisualGenomeObjects": VisualGenomeObjects,
    "YoloLabels": YoloLabels,
    "BoxTable": BoxTable,
    "LabelMe": LabelMe,
    "LabelStudio": LabelStudio,
    "Cvat": Cvat,
    "CamVid": CamVid,
    "Bsds500": Bsds500,
    "SevenScenes": SevenScenes,
    "NyuV2": NyuV2,
    "Taskonomy": Taskonomy,
    "Cityscapes": Cityscapes,
    "Synthia": Synthia,
    "VirtualKitti2": VirtualKitti2,
    "Ade20k": Ade20k,
    "CocoStuff": CocoStuff,
    "CocoPanoptic": CocoPanoptic,
    "VocSegmentation": VocSegmentation,
    "MapFolders": MapFolders,
    "VideoList": VideoList,
    "VideoFolder": VideoFolder,
    "Kinetics": Kinetics,
    "Msvd": Msvd,
    "Glue": Glue,
    "TextLines": TextLines,
    "SnliVe": SnliVe,
    "ESnliVe": ESnliVe,
    "ReferCoco": ReferCoco,
    "Visual7wPointing": Visual7wPointing,
    "GuessWhat": GuessWhat,
    "Nlvr2": Nlvr2,
    "Nlvr": Nlvr,
    "Vsr": Vsr,
    "RefCocos": RefCocos,
    "Table": Table,
    "HfDataset": HfDataset,
    "WebDataset": WebDataset,
    "WebDatasetStream": WebDatasetStream,
}

__all__ = [
    "READERS",
    "ImageFolder",
    "Idx",
    "CocoCaptions",
    "Flickr8k",
    "Flickr30k",
    "Multi30k",
    "Vqav2",
    "VisualGenomeQA",
    "Gqa",
    "Conversations",
    "OcrLines",
    "EasyVqa",
    "CocoInstances",
    "CocoPanoptic",
    "PascalVoc",
    "VocXml",
    "VisualGenomeObjects",
    "YoloLabels",
    "BoxTable",
    "LabelMe",
    "LabelStudio",
    "Cvat",
    "CamVid",
    "Bsds500",
    "SevenScenes",
    "NyuV2",
    "Taskonomy",
    "Cityscapes",
    "Synthia",
    "VirtualKitti2",
    "Ade20k",
    "CocoStuff",
    "VocSegmentation",
    "MapFolders",
    "VideoList",
    "VideoFolder",
    "Kinetics",
    "Msvd",
    "Glue",
    "TextLines",
    "SnliVe",
    "ESnliVe",
    "ReferCoco",
    "Visual7wPointing",
    "GuessWhat",
    "Nlvr2",
    "Nlvr",
    "Vsr",
    "RefCocos",
    "Table",
    "HfDataset",
    "WebDataset",
    "TorchRows",
    "WebDatasetStream",
]
