"""Region features that a detector computed beforehand: published layouts, and files of one's own."""

from motet.data.formats.regions.hdf5 import Hdf5Regions as Hdf5Regions
from motet.data.formats.regions.lmdb import LmdbRegions as LmdbRegions
from motet.data.formats.regions.lmdb import write_lmdb as write_lmdb
from motet.data.formats.regions.npz import NpzRegions as NpzRegions
from motet.data.formats.regions.npz import write_npz as write_npz
from motet.data.formats.regions.region_file import RegionFiles as RegionFiles
from motet.data.formats.regions.tsv import TsvRegions as TsvRegions
from motet.data.formats.regions.writer import RegionWriter as RegionWriter
from motet.data.formats.regions.writer import region_writer as region_writer
from motet.preprocess.detectors import Detector as Detector
from motet.preprocess.detectors import DetectorOutput as DetectorOutput
from motet.preprocess.detectors import TorchvisionDetector as TorchvisionDetector
from motet.preprocess.detectors import TrunkProposals as TrunkProposals
from motet.preprocess.detectors import find_regions as find_regions
