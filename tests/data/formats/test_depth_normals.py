import numpy as np
import pytest

from motet.data.formats.depth_normals import Camera, normals_from_depth
from motet.scenes.annotate import depth_of, normals_of

CAMERA = Camera(100, 100, 10, 8)


def depth_of_plane(normal, distance, size_hw=(17, 21)):
    """Metres to a plane n . P = distance along each pixel's ray; z of n and P towards the viewer."""
    v, u = np.mgrid[: size_hw[0], : size_hw[1]]
    rays = np.dstack([(u - CAMERA.centre_x) / 100, (v - CAMERA.centre_y) / 100, -np.ones(size_hw)])
    return (-distance / (rays @ np.asarray(normal))).astype(np.float32)


@pytest.mark.parametrize("normal", [(0, 0, 1), (0, -0.6, 0.8), (0.6, 0, 0.8), (-0.48, 0.6, 0.64)])
def test_a_plane_has_its_own_normal_everywhere_but_at_the_border(normal):
    found = normals_from_depth(depth_of_plane(normal, 2.0), CAMERA)
    assert np.abs(found[1:-1, 1:-1] - np.array(normal)).max() < 1e-4
    assert np.isnan(found[[0, -1]]).all()
    assert np.isnan(found[:, [0, -1]]).all()
    assert found.dtype == np.float32


def test_an_unknown_pixel_leaves_its_neighbours_without_a_normal():
    depth_m = depth_of_plane((0, 0, 1), 2.0)
    depth_m[8, 10] = np.nan
    unknown = np.argwhere(np.isnan(normals_from_depth(depth_m, CAMERA)[1:-1, 1:-1, 0])) + 1
    assert {tuple(place) for place in unknown.tolist()} == {(8, 10), (7, 10), (9, 10), (8, 9), (8, 11)}


def test_the_ground_of_a_scene_points_as_the_scene_says():
    said, found = normals_of([], (17, 21))[8, 10], normals_from_depth(depth_of([], (17, 21)), CAMERA)[8, 10]
    # A scene's depth knows no camera, so how steep it is is another.
    assert np.sign(np.round(found, 3)).tolist() == np.sign(said).tolist() == [0, -1, 1]


def test_a_map_of_two_rows_has_none():
    assert np.isnan(normals_from_depth(np.ones((2, 9), dtype=np.float32), CAMERA)).all()
