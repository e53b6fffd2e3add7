"""Answers drawn on the pictures they are about: boxes with their names, places, maps, lines of text, attention."""

from motet.drawing.boxes import CROWDED as CROWDED
from motet.drawing.boxes import draw_boxes as draw_boxes
from motet.drawing.boxes import said_of as said_of
from motet.drawing.boxes import tone_of as tone_of
from motet.drawing.dense import draw_errors as draw_errors
from motet.drawing.dense import draw_map as draw_map
from motet.drawing.dense import map_in_words as map_in_words
from motet.drawing.dense import metres_of as metres_of
from motet.drawing.heat import draw_heat as draw_heat
from motet.drawing.heat import heat_of as heat_of
from motet.drawing.legend import with_legend as with_legend
from motet.drawing.legend import with_names as with_names
from motet.drawing.lettering import letters as letters
from motet.drawing.lettering import letters_path as letters_path
from motet.drawing.panels import framed as framed
from motet.drawing.panels import side_by_side as side_by_side
from motet.drawing.panels import with_caption as with_caption
from motet.drawing.panels import with_weights as with_weights
from motet.drawing.places import SAID as SAID
from motet.drawing.places import TRUE as TRUE
from motet.drawing.places import draw_places as draw_places
