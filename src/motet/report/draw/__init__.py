"""Answers drawn on the pictures they are about: boxes with their names, places, maps, lines of text, attention."""

from motet.report.draw.boxes import CROWDED as CROWDED
from motet.report.draw.boxes import box_text as box_text
from motet.report.draw.boxes import draw_boxes as draw_boxes
from motet.report.draw.boxes import tone_of as tone_of
from motet.report.draw.dense import draw_errors as draw_errors
from motet.report.draw.dense import draw_map as draw_map
from motet.report.draw.dense import map_in_words as map_in_words
from motet.report.draw.dense import metres_of as metres_of
from motet.report.draw.heat import draw_heat as draw_heat
from motet.report.draw.heat import heat_of as heat_of
from motet.report.draw.legend import with_legend as with_legend
from motet.report.draw.legend import with_names as with_names
from motet.report.draw.lettering import letters as letters
from motet.report.draw.panels import framed as framed
from motet.report.draw.panels import side_by_side as side_by_side
from motet.report.draw.panels import with_caption as with_caption
from motet.report.draw.panels import with_weights as with_weights
from motet.report.draw.places import PREDICTED_COLOUR as PREDICTED_COLOUR
from motet.report.draw.places import TRUE as TRUE
from motet.report.draw.places import draw_places as draw_places
