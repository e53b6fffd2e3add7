"""Drawing of predictions and annotations on images: boxes with names, regions, dense maps, text, attention."""

from motet.report.draw.boxes import MAX_NAMED_BOXES as MAX_NAMED_BOXES
from motet.report.draw.boxes import box_text as box_text
from motet.report.draw.boxes import class_colour as class_colour
from motet.report.draw.boxes import draw_boxes as draw_boxes
from motet.report.draw.dense import depth_range as depth_range
from motet.report.draw.dense import describe_map as describe_map
from motet.report.draw.dense import draw_errors as draw_errors
from motet.report.draw.dense import draw_map as draw_map
from motet.report.draw.encoding import encode_png as encode_png
from motet.report.draw.encoding import thumbnail as thumbnail
from motet.report.draw.heat import box_heat as box_heat
from motet.report.draw.heat import draw_heat as draw_heat
from motet.report.draw.legend import with_colour_names as with_colour_names
from motet.report.draw.legend import with_legend as with_legend
from motet.report.draw.lettering import font_of_size as font_of_size
from motet.report.draw.panels import framed as framed
from motet.report.draw.panels import side_by_side as side_by_side
from motet.report.draw.panels import with_caption as with_caption
from motet.report.draw.panels import with_weights as with_weights
from motet.report.draw.regions import GROUND_TRUTH_COLOUR as GROUND_TRUTH_COLOUR
from motet.report.draw.regions import PREDICTED_COLOUR as PREDICTED_COLOUR
from motet.report.draw.regions import draw_referred_boxes as draw_referred_boxes
