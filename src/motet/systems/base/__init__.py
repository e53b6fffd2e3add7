"""The parts that systems share: a processor's halves, encoded targets, predictions, and blocks of weights."""

from motet.systems.base.annotations import annotation_of_row as annotation_of_row
from motet.systems.base.annotations import text_to_mask as text_to_mask
from motet.systems.base.blocks import trained_blocks as trained_blocks
from motet.systems.base.candidates import encode_candidates as encode_candidates
from motet.systems.base.candidates import task_of_split as task_of_split
from motet.systems.base.image_inputs import ImageInputs as ImageInputs
from motet.systems.base.image_inputs import allowed_changes as allowed_changes
from motet.systems.base.image_inputs import one_image as one_image
from motet.systems.base.padding import fill_blanks as fill_blanks
from motet.systems.base.padding import pad_ids as pad_ids
from motet.systems.base.padding import stack_padded as stack_padded
from motet.systems.base.padding import stack_values as stack_values
from motet.systems.base.predictions import candidate_predictions as candidate_predictions
from motet.systems.base.predictions import class_predictions as class_predictions
from motet.systems.base.processor import BaseProcessor as BaseProcessor
from motet.systems.base.processor import Entry as Entry
from motet.systems.base.processor import Row as Row
from motet.systems.base.sentence_tokenizer import build_sentence_tokenizer as build_sentence_tokenizer
from motet.systems.base.supported import check_target as check_target
from motet.systems.base.targets import encode_class as encode_class
from motet.systems.base.text_vectors import pretrained_text_vectors as pretrained_text_vectors
from motet.systems.base.texts import sentences_of as sentences_of
