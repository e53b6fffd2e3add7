"""Surface normals from a depth map and its camera."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motet.data.formats.map_files import MapFile


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: the ray of pixel (u, v) is ((u - centre_x) / focal_x, (v - centre_y) / focal_y, 1).

    Args:
        focal_x: horizontal focal length in pixels.
        focal_y: vertical focal length in pixels.
        centre_x: column of the principal point, in pixels.
        centre_y: row of the principal point, in pixels.
    """

    focal_x: float
    focal_y: float
    centre_x: float
    centre_y: float


def normals_from_depth(depth_m: Float[np.ndarray, "h w"], camera: Camera) -> Float[np.ndarray, "h w 3"]:
    """Computes unit normals by central differences of the 3-D points of the pixels.

        P(u, v) = depth * ((u - cx) / fx, (v - cy) / fy, 1)
        n = (P(u, v+1) - P(u, v-1)) x (P(u+1, v) - P(u-1, v)), normalised, with its z negated

    x points to the right, y down, z towards the viewer, so that a surface that faces the camera has n_z = 1. A pixel at
    the border, or one with an invalid pixel among its four neighbours, has no normal (NaN). Across the border of an
    object the differences join two surfaces, so normals there are unreliable; noise of the depth is not smoothed.

    Args:
        depth_m: metres along the camera's axis, NaN where unknown.
        camera: of the depth map.

    Examples:
        >>> wall = np.full((3, 3), 2.0, dtype=np.float32)
        >>> normals_from_depth(wall, Camera(100, 100, 1, 1))[1, 1].tolist()
        [0.0, 0.0, 1.0]
    """
    height, width = depth_m.shape
    found = np.full((height, width, 3), np.nan, dtype=np.float32)
    if min(height, width) < 3:
        return found
    depth = depth_m.astype(np.float64)  # float64, since these are differences of nearly equal numbers
    x = (np.arange(width) - camera.centre_x) / camera.focal_x * depth
    y = (np.arange(height)[:, None] - camera.centre_y) / camera.focal_y * depth
    ax, ay, az = (part[1:-1, 2:] - part[1:-1, :-2] for part in (x, y, depth))  # across
    dx, dy, dz = (part[2:, 1:-1] - part[:-2, 1:-1] for part in (x, y, depth))  # down
    # The last with its sign changed: depth grows away from the viewer, a normal's z towards the viewer.
    normal = (dy * az - dz * ay, dz * ax - dx * az, dy * ax - dx * ay)
    length = np.sqrt(sum(part * part for part in normal))
    # A length of 0 has no direction; NaN spreads from the neighbours by itself.
    valid = (length > 0) & ~np.isnan(depth[1:-1, 1:-1])
    for axis, part in enumerate(normal):
        np.divide(part, length, out=found[1:-1, 1:-1, axis], where=valid, casting="same_kind")
    return found


@dataclass(frozen=True)
class NormalsOfDepth:
    """A map of normals that is computed from a depth map when it is read.

    Args:
        depth: the depth map.
        camera: of the depth map.
    """

    depth: MapFile
    camera: Camera

    @property
    def path(self) -> Path:
        return self.depth.path

    def read(self) -> np.ndarray:
        return normals_from_depth(self.depth.read(), self.camera)
