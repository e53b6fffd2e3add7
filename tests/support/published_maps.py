"""Small data sets of pictures with maps, in the layouts they were published in: four rows of six pixels."""

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.io import savemat

SIZE_HW = (4, 6)


def image(path: Path, shade: int = 90) -> Path:
    """A photo."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE_HW[::-1], (shade % 256, 120, 200)).save(path)
    return path


def values(path: Path, stored: Any, kind: type = np.uint8) -> Path:
    """A PNG of numbers, one everywhere or as they are given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array: np.ndarray = np.asarray(stored, dtype=kind)
    shape = SIZE_HW if array.ndim < 1 else (*SIZE_HW, len(array)) if array.ndim == 1 else array.shape
    Image.fromarray(np.ascontiguousarray(np.broadcast_to(array, shape))).save(path)
    return path


def wide(path: Path, colour: tuple[int, int, int]) -> Path:
    """A PNG of 16 bits in each of three channels, which Pillow does not write."""
    height, width = SIZE_HW
    line = b"\0" + np.array([colour] * width, dtype=">u2").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(width, height, 16, 2, line * height))
    return path


def png(width: int, height: int, bits: int, colour: int, lines: bytes) -> bytes:
    """A PNG of a header and of lines, each after the number of its filter."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts
    )


def text(path: Path, content: str) -> Path:
    """A text file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def write_camvid(root: Path, split: str = "train", count: int = 2) -> tuple[list[Path], list[Path]]:
    """Pictures and labels; picture k is all of class k."""
    files = [image(root / split / f"0001TP_{place}.png", place) for place in range(count)]
    maps = [values(root / f"{split}annot" / file.name, place) for place, file in enumerate(files)]
    pairs = "".join(f"/SegNet/CamVid/{split}/{file.name} /SegNet/CamVid/{split}annot/{file.name}\n" for file in files)
    text(root / f"{split}.txt", pairs)
    return files, maps


def write_drawn(path: Path, num_people: int = 3) -> Path:
    """BSDS500's boundaries: a cell a person, each a struct; person k drew k + 1 pixels of the first row."""
    people = np.empty((1, num_people), dtype=object)
    for person in range(num_people):
        one = np.zeros((1, 1), dtype=[("Segmentation", object), ("Boundaries", object)])
        edges = np.zeros(SIZE_HW, dtype=bool)
        edges[0, : person + 1] = True
        one[0, 0] = (np.ones(SIZE_HW, dtype=np.uint16), edges)
        people[0, person] = one
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"groundTruth": people})
    return path


def write_bsds500(root: Path, split: str = "train") -> tuple[list[Path], list[Path]]:
    """Two pictures with their boundaries."""
    files = [image(root / "images" / split / f"{name}.jpg", name) for name in (12003, 8143)]
    return files, [write_drawn(root / "groundTruth" / split / f"{file.stem}.mat") for file in files]


def write_seven_scenes(root: Path, sequence: str = "seq-01") -> tuple[list[Path], list[Path]]:
    """Two frames of a wall two metres away, of which one pixel is unknown."""
    depth = np.full(SIZE_HW, 2000, dtype=np.uint16)
    depth[0, 0] = 65535
    files = [image(root / sequence / f"frame-{place:06d}.color.png", place) for place in range(2)]
    maps = [values(root / sequence / f"frame-{place:06d}.depth.png", depth, np.uint16) for place in range(2)]
    for name in ("TrainSplit.txt", "TestSplit.txt"):
        text(root / name, "sequence1\n")
    return files, maps


def write_nyuv2(root: Path) -> list[Path]:
    """Three rooms, axes as MATLAB leaves them; room k is all of class k, k + 1 metres away."""
    import h5py

    height, width = SIZE_HW
    root.mkdir(parents=True, exist_ok=True)
    path = root / "nyu_depth_v2_labeled.mat"
    with h5py.File(path, "w") as file:
        images = np.zeros((3, 3, width, height), dtype=np.uint8)
        images[0, :, 1, 2] = (10, 20, 30)  # the colour of column 1, row 2
        file["images"] = images
        numbers = np.arange(3)[:, None, None] * np.ones((1, width, height))
        file["labels"], file["depths"] = numbers.astype(np.uint16), (numbers + 1).astype(np.float32)
        names = file.create_dataset("names", (1, 2), dtype=h5py.ref_dtype)
        for place, name in enumerate(("book", "wall")):
            cell = file.create_dataset(f"#refs#/{name}", data=np.array([[ord(c)] for c in name], dtype=np.uint16))
            names[0, place] = cell.ref
    savemat(root / "splits.mat", {"trainNdxs": np.array([[1], [3]]), "testNdxs": np.array([[2]])})
    named = np.empty((1, 2), dtype=object)
    named[0, :] = ["flat", "thing"]
    savemat(root / "classMapping40.mat", {"mapClass": np.array([[2, 1]]), "className": named})
    return [path, root / "splits.mat", root / "classMapping40.mat"]


def write_taskonomy(root: Path) -> tuple[list[Path], list[Path]]:
    """Two views of a building: depth of 2 m, normals to the right, a chair, half an edge."""
    stored = {
        ("segment_semantic", "segmentsemantic"): (3, np.uint8),
        ("depth_zbuffer", "depth_zbuffer"): (1024, np.uint16),
        ("normal", "normal"): ((255, 128, 128), np.uint8),
        ("edge_texture", "edge_texture"): (8192, np.uint16),
    }
    files, maps = [], []
    for view in (f"point_{place}_view_0_domain_" for place in range(2)):
        files.append(image(root / "rgb" / "allensville" / f"{view}rgb.png"))
        maps += [
            values(root / folder / "allensville" / f"{view}{domain}.png", number, kind)
            for (folder, domain), (number, kind) in stored.items()
        ]
    return files, maps


def write_cityscapes(root: Path, split: str = "train") -> tuple[list[Path], list[Path], list[Path]]:
    """Two streets: road everywhere, a disparity of 2 pixels: 0.2 m * 100 px / 2 px = 10 m."""
    files, maps, tables = [], [], []
    for stem in ("aachen/aachen_000000_000019", "bochum/bochum_000000_000313"):
        files.append(image(root / "leftImg8bit" / split / f"{stem}_leftImg8bit.png"))
        maps.append(values(root / "gtFine" / split / f"{stem}_gtFine_labelIds.png", 7))
        maps.append(values(root / "disparity" / split / f"{stem}_disparity.png", 513, np.uint16))
        camera = {"extrinsic": {"baseline": 0.2}, "intrinsic": {"fx": 100.0, "fy": 100.0, "u0": 3.0, "v0": 2.0}}
        tables.append(text(root / "camera" / split / f"{stem}_camera.json", json.dumps(camera)))
    return files, maps, tables


def write_synthia(root: Path) -> tuple[list[Path], list[Path]]:
    """Two streets: roads (3) and pedestrians (10), 5 m away."""
    files = [image(root / "RGB" / f"{place:07d}.png") for place in range(2)]
    maps = [
        wide(root / "GT" / "LABELS" / file.name, (number, 7, 0)) for file, number in zip(files, (3, 10), strict=True)
    ]
    return files, [*maps, *(wide(root / "Depth" / file.name, (500, 500, 500)) for file in files)]


def write_vkitti2(root: Path, scene: str = "Scene01") -> tuple[list[Path], list[Path], list[Path]]:
    """Two frames: all sky, all van; 30 m away."""
    folder = root / scene / "clone"
    colours = text(folder / "colors.txt", "Category r g b\nSky 90 200 255\nVan 0 139 139\nUndefined 0 0 0\n")
    lines = "".join(f"{frame} 0 725.0 725.0 3 2\n" for frame in range(2))
    camera = text(folder / "intrinsic.txt", "frame cameraID K[0,0] K[1,1] K[0,2] K[1,2]\n" + lines)
    files, maps = [], []
    for frame, colour in enumerate(((90, 200, 255), (0, 139, 139))):
        at = folder / "frames"
        files.append(image(at / "rgb" / "Camera_0" / f"rgb_{frame:05d}.jpg"))
        maps.append(values(at / "classSegmentation" / "Camera_0" / f"classgt_{frame:05d}.png", colour))
        maps.append(values(at / "depth" / "Camera_0" / f"depth_{frame:05d}.png", 3000, np.uint16))
    return files, maps, [colours, camera]


def write_ade20k(root: Path, split: str = "training") -> tuple[list[Path], list[Path]]:
    """Two pictures of walls (1) and other things (0)."""
    files = [image(root / "images" / split / f"ADE_{split}_{place:08d}.jpg", place) for place in (1, 2)]
    stored = zip(files, (1, 0), strict=True)
    return files, [values(root / "annotations" / split / f"{file.stem}.png", number) for file, number in stored]


def write_coco_stuff(images: Path, labels: Path) -> tuple[list[Path], list[Path]]:
    """Two pictures: persons, and nothing that is known."""
    files = [image(images / f"{number:012d}.jpg", number) for number in (9, 25)]
    stored = zip(files, (0, 255), strict=True)
    return files, [values(labels / f"{file.stem}.png", number) for file, number in stored]


def write_rooms(root: Path) -> tuple[list[Path], list[Path]]:
    """Two pictures of one's own: both have classes, one of them depth."""
    files = [image(root / "images" / f"{name}.jpg") for name in ("hall", "kitchen")]
    maps = [values(root / "labels" / f"{file.stem}.png", 1) for file in files]
    return files, [*maps, values(root / "depth" / "kitchen.png", 1500, np.uint16)]
