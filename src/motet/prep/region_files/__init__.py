"""Regions that a detector found beforehand: the layouts they are published in, and files of one's own."""

from motet.prep.region_files.detectors import Detected as Detected
from motet.prep.region_files.detectors import Detector as Detector
from motet.prep.region_files.detectors import TorchvisionDetector as TorchvisionDetector
from motet.prep.region_files.detectors import TrunkProposals as TrunkProposals
from motet.prep.region_files.detectors import find_regions as find_regions
from motet.prep.region_files.files import RegionFiles as RegionFiles
from motet.prep.region_files.hdf5 import Hdf5Regions as Hdf5Regions
from motet.prep.region_files.lmdb import LmdbRegions as LmdbRegions
from motet.prep.region_files.lmdb import write_lmdb as write_lmdb
from motet.prep.region_files.npz import NpzRegions as NpzRegions
from motet.prep.region_files.npz import write_npz as write_npz
from motet.prep.region_files.tsv import TsvRegions as TsvRegions
from motet.prep.region_files.writing import RegionWriter as RegionWriter
from motet.prep.region_files.writing import region_writer as region_writer
