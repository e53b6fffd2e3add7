"""The embedded world: pictures drawn by seed, of which everything is known. A test bed, not real data."""

from motet.scenes.annotate import ATTRIBUTES as ATTRIBUTES
from motet.scenes.annotate import GROUND as GROUND
from motet.scenes.captions import LANGUAGES as LANGUAGES
from motet.scenes.drawings import CATEGORIES as CATEGORIES
from motet.scenes.drawings import COLOURS as COLOURS
from motet.scenes.drawings import CREDIT as CREDIT
from motet.scenes.layout import SIZES as SIZES
from motet.scenes.layout import WORDS as WORDS
from motet.scenes.layout import Scene as Scene
from motet.scenes.layout import Thing as Thing
from motet.scenes.nouns import Noun as Noun
from motet.scenes.nouns import nouns_of as nouns_of
from motet.scenes.questions import ANSWERS as ANSWERS
from motet.scenes.questions import KINDS as KINDS
from motet.scenes.questions import answers_of as answers_of
from motet.scenes.reader import FreshQuestions as FreshQuestions
from motet.scenes.reader import SceneImage as SceneImage
from motet.scenes.reader import Scenes as Scenes
