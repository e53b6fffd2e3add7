"""Videos become frames where a task reads videos; digests follow the rows."""

from pathlib import Path

import published_videos
from toy_predictor import grey_png, toy_task

from motet.cli.predict_rows import FRAMES, fingerprint, rows_of
from motet.data.formats.video_file import VideoFrame
from motet.tasks import video_classification


def test_videos_and_images_of_a_folder_are_rows_for_a_task_on_videos(tmp_path: Path) -> None:
    published_videos.video(tmp_path / "a.mp4", num_frames=24)
    (tmp_path / "b.png").write_bytes(grey_png())
    rows = rows_of(str(tmp_path), [video_classification("action", ("jump", "run"))])
    assert [len(rows[place].images) for place in range(len(rows))] == [FRAMES, 1]
    assert all(isinstance(frame, VideoFrame) for frame in rows[0].images)
    assert len(rows_of(str(tmp_path), [toy_task("bright")])) == 1


def test_a_digest_changes_with_the_files_and_with_the_table(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(grey_png())
    tasks = [toy_task("bright")]
    one = fingerprint(str(tmp_path), rows_of(str(tmp_path), tasks))
    assert one == fingerprint(str(tmp_path), rows_of(str(tmp_path), tasks))
    (tmp_path / "b.png").write_bytes(grey_png())
    assert one != fingerprint(str(tmp_path), rows_of(str(tmp_path), tasks))
    table = tmp_path / "t.csv"
    table.write_text("image\na.png\n")
    two = fingerprint(str(table), rows_of(str(table), tasks))
    table.write_text("image\na.png\nb.png\n")
    assert two != fingerprint(str(table), rows_of(str(table), tasks))
