"""The data sets of the adapters' runs in their published layouts, a few pictures each, as the recipes read them."""

from pathlib import Path

from published_maps import (
    text,
    write_cityscapes,
    write_nyuv2,
    write_synthia,
    write_taskonomy,
    write_vkitti2,
)


def write_adapters_paper_data(root: Path) -> None:
    """Writes them all under one folder."""
    tasks = root / "taskonomy"
    write_taskonomy(tasks)
    for building in ("beechwood", "ihlen"):
        for folder in [path for path in tasks.iterdir() if path.is_dir()]:
            for file in (folder / "allensville").iterdir():
                copy = folder / building / file.name
                copy.parent.mkdir(exist_ok=True)
                copy.write_bytes(file.read_bytes())
    text(
        tasks / "train_val_test_tiny.csv",
        "id,train,val,test\nallensville,1,0,0\nbeechwood,0,1,0\nihlen,0,0,1\n",
    )
    for part in ("train", "val"):
        write_cityscapes(root / "cityscapes", part)
    for scene in ("Scene01", "Scene02", "Scene06", "Scene18", "Scene20"):
        write_vkitti2(root / "vkitti2", scene)
    write_synthia(root / "synthia")
    for domain in ("RGB", "GT/LABELS", "Depth"):
        views = root / "synthia" / domain
        for place in range(2, 10):
            (views / f"{place:07d}.png").write_bytes((views / "0000000.png").read_bytes())
    write_nyuv2(root / "nyuv2")
