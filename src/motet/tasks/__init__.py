"""Tasks as values, one family per file, and a table of named tasks to start from."""

from motet.core import Task
from motet.tasks.captioning import captioning as captioning
from motet.tasks.class_names import CIFAR10, COCO, DIGITS, EASY_VQA, FASHION, GLUE, VOC
from motet.tasks.classification import classification as classification
from motet.tasks.dense import depth as depth
from motet.tasks.dense import edges as edges
from motet.tasks.dense import semantic_segmentation as semantic_segmentation
from motet.tasks.dense import surface_normals as surface_normals
from motet.tasks.detection import detection as detection
from motet.tasks.entailment import visual_entailment as visual_entailment
from motet.tasks.masked_language import masked_words as masked_words
from motet.tasks.pointing import pointing as pointing
from motet.tasks.questions import ONE_ANSWER_METRICS as ONE_ANSWER_METRICS
from motet.tasks.questions import TEN_ANSWERS_METRICS as TEN_ANSWERS_METRICS
from motet.tasks.questions import question_answering as question_answering
from motet.tasks.referring import referring as referring
from motet.tasks.retrieval import matching as matching
from motet.tasks.retrieval import retrieval as retrieval
from motet.tasks.sentences import glue as glue
from motet.tasks.sentences import sentence as sentence
from motet.tasks.sentences import sentence_pair as sentence_pair
from motet.tasks.text_reading import text_reading as text_reading
from motet.tasks.verification import verification as verification
from motet.tasks.videos import video_captioning as video_captioning
from motet.tasks.videos import video_classification as video_classification
from motet.tasks.videos import video_retrieval as video_retrieval

TASKS: dict[str, Task] = {
    "cifar10": classification("cifar10", CIFAR10),
    "fashion": classification("fashion", FASHION),
    "digits": classification("digits", DIGITS, hflip=False),
    "coco_caption": captioning("coco_caption"),
    "flickr_caption": captioning("flickr_caption"),
    "multi30k_en": captioning("multi30k_en", label="captions_en"),
    "multi30k_de": captioning("multi30k_de", label="captions_de"),
    "receipt_line": text_reading("receipt_line"),
    "easy_vqa": question_answering("easy_vqa", answers=EASY_VQA, crop=False),
    "vqav2": question_answering("vqav2", metrics=TEN_ANSWERS_METRICS),
    "visual_genome": question_answering("visual_genome"),
    "gqa": question_answering("gqa"),
    "coco_boxes": detection("coco_boxes", COCO),
    "voc_boxes": detection("voc_boxes", VOC),
    "snli_ve": visual_entailment("snli_ve"),
    "coco_retrieval": retrieval("coco_retrieval"),
    "flickr_retrieval": retrieval("flickr_retrieval"),
    "words": masked_words(),
    "video_caption": video_captioning(),
    "video_retrieval": video_retrieval(),
    "refcoco": referring("refcoco"),
    "refcoco+": referring("refcoco+"),
    "refcocog": referring("refcocog"),
    "visual7w": pointing("visual7w"),
    "guesswhat": pointing("guesswhat"),
    "nlvr2": verification("nlvr2"),
    "nlvr": verification("nlvr"),
    "vsr": verification("vsr"),
    "depth": depth(),
    "normals": surface_normals(),
    "edges": edges(),
    **{name: glue(name) for name in GLUE},
}
