"""The commands on test images in training data: `data leaks` lists them, `data deduplicate` removes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motet.cli.console import print_json, print_lines, table
from motet.cli.options import Json, RecipeName, Sets, recipe_run

if TYPE_CHECKING:
    from motet.core import ImageFile
    from motet.data.leakage import NearDuplicate, Removal, TaskLeakage
    from motet.data.source import Source

MAX_PAIRS = 200
"""Most pairs on a page, the nearest first."""

IdsOnly = Annotated[
    bool, typer.Option("--ids-only", help="compare image ids only: reads no image and finds no copies with other ids")
]
Cache = Annotated[Path, typer.Option("--cache", metavar="FOLDER", help="cache of image hashes")]
Workers = Annotated[
    int | None, typer.Option("--workers", help="number of processes that read images; one per core by default")
]
Pairs = Annotated[
    Path | None, typer.Option("--pairs", metavar="FILE.html", help="write a page of near-duplicate pairs")
]
Out = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="folder of the lists and the recipe")]
Near = Annotated[
    bool, typer.Option("--near", help="also remove near-duplicates of test images: check pairs.html first")
]
CACHE = Path(".motet")


def leaks(
    recipe: RecipeName,
    settings: Sets = None,
    ids_only: IdsOnly = False,
    cache: Cache = CACHE,
    workers: Workers = None,
    pairs: Pairs = None,
    json: Json = False,
) -> None:
    """Show how many test images of each task are in the training data of each task, by id or as near-duplicates."""
    from motet.data.leakage import leakage_by_task as leakage_of

    sources = recipe_run(recipe, settings).sources
    alike, unread = ((), {}) if ids_only else _alike(sources, cache, workers, quiet=json)
    shares = leakage_of(sources, alike)
    if pairs is not None:
        _write_pairs(pairs, sources, alike)
    if json:
        print_json({"shares": [_share(one) for one in shares], "alike": [vars(p) for p in alike], "unread": unread})
        return
    _show_shares(shares)
    print_lines(*(f"not read: {name}: {reason}" for name, reason in unread.items()))
    if alike:
        print_lines(
            f"{len(alike):,} near-duplicate pairs of images" + ("" if pairs else "; --pairs FILE.html shows them")
        )


def deduplicate(
    recipe: RecipeName,
    out: Out = Path("deduplicated"),
    settings: Sets = None,
    near: Near = False,
    ids_only: IdsOnly = False,
    cache: Cache = CACHE,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Write lists of the training images that are in a test set, and a recipe that trains without them."""
    from motet.core.errors import ConfigError
    from motet.data.leakage import removals, write_lists

    if near and ids_only:
        raise ConfigError(
            "motet data deduplicate: got --near and --ids-only; want one of them, since --near must read images"
        )
    sources = recipe_run(recipe, settings).sources
    alike, unread = ((), {}) if ids_only else _alike(sources, cache, workers, quiet=json)
    found = removals(sources, alike if near else ())
    written = [write_lists(out, found), _write_recipe(out, recipe, settings)]
    if alike:
        written.append(_write_pairs(out / "pairs.html", sources, alike))
    if json:
        removed = [{**vars(one), "same": list(one.same), "alike": list(one.alike)} for one in found]
        print_json({"removed": removed, "unread": unread, "files": [str(path) for path in written]})
        return
    _show_removals(found)
    print_lines(*(f"not read: {name}: {reason}" for name, reason in unread.items()))
    if alike and not near:
        print_lines(
            f"{len(alike):,} more near-duplicate pairs of images: see {out / 'pairs.html'}; --near removes them as well"
        )
    print_lines(f"test sets are not changed; train without leaks: motet train {out / 'run.py'}")


def _alike(
    sources: Sequence[Source], cache: Path, workers: int | None, *, quiet: bool
) -> tuple[tuple[NearDuplicate, ...], dict[str, str]]:
    from motet.cli.progress import counting
    from motet.data.image_hashes import hash_images
    from motet.data.leakage import held_out_role, image_files, near_duplicates
    from motet.preprocess.images import decode

    role = held_out_role(sources)
    files = [image_files([s for s in sources if (s.role == role) is held]) for held in (True, False)]
    with counting("reading images", quiet=quiet) as progress:
        every = hash_images(files[0] | files[1], decode, cache=cache, workers=workers, progress=progress)
    held, others = (every.of(tuple(part)) for part in files)
    return near_duplicates(held, others), dict(every.unreadable)


def _write_pairs(path: Path, sources: Sequence[Source], alike: Sequence[NearDuplicate]) -> Path:
    """Writes a page of the nearest pairs side by side, for a person to decide on."""
    from motet.core.errors import DataError
    from motet.core.whole_files import write_whole
    from motet.data.leakage import image_files
    from motet.preprocess.images import decode
    from motet.report.content import PairCard
    from motet.report.draw import thumbnail
    from motet.report.pages.look_alikes import pairs_page

    files: dict[str, ImageFile] = image_files(sources) if alike else {}
    shown = [
        PairCard(
            (thumbnail(decode(files[pair.test_id])), thumbnail(decode(files[pair.train_id]))),
            (pair.test_id, pair.train_id),
            f"{pair.distance} of 64 bits differ",
        )
        for pair in alike[:MAX_PAIRS]
    ]
    notes = [
        f"{len(alike):,} pairs; left a test image, right a training image. Their ids differ: please decide "
        "whether they are the same image."
    ]
    if len(alike) > MAX_PAIRS:
        notes.append(f"The {MAX_PAIRS} nearest are shown.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, pairs_page("Near-duplicate images", shown, notes))
    except OSError as error:
        raise DataError(
            f"pairs: got {error.strerror or error}; want a path that can be written (--pairs, --out)", path=path
        ) from error
    return path


def _write_recipe(folder: Path, recipe: str, settings: list[str] | None) -> Path:
    """Writes a recipe file: the given recipe without its leaks."""
    from motet.cli.options import origin_of
    from motet.core.whole_files import write_whole

    origin = origin_of(recipe, settings)
    path = folder / "run.py"
    write_whole(
        path,
        '"""A run without the images of its test sets; written by `motet data deduplicate`."""\n\n'
        "from pathlib import Path\n\n"
        "from motet.experiments.deduplicated import without_leaks\n"
        "from motet.config.recipe_files import load_recipe\n"
        "from motet.config.overrides import with_settings\n"
        "from motet.training.run import Run\n\n\n"
        "def run() -> Run:\n"
        '    """The run without the images in the lists beside this file."""\n'
        f"    whole = with_settings(load_recipe({origin['recipe']!r}), {origin['settings']!r})\n"
        "    return without_leaks(whole, Path(__file__).parent)\n",
    )
    return path


def _share(one: TaskLeakage) -> dict[str, object]:
    return {**vars(one), "share": one.share}


def _show_shares(shares: Sequence[TaskLeakage]) -> None:
    """Prints a table: rows are test sets, columns training sets; shares by id, and in brackets the near-duplicates."""
    others = list(dict.fromkeys(one.other for one in shares))
    rows = []
    for task in dict.fromkeys(one.task for one in shares):
        own = [one for one in shares if one.task == task]
        cells = [f"{one.share:.1%}" + (f" (+{one.alike:,})" if one.alike else "") for one in own]
        rows.append((task, f"{own[0].images:,}", *cells))
    table(("test images of", "images", *others), rows, numbers=tuple(range(1, len(others) + 2)))


def _show_removals(found: Sequence[Removal]) -> None:
    rows = [
        (
            one.source,
            one.role,
            f"{one.images:,}",
            f"{len(one.same):,}",
            f"{len(one.alike):,}",
            f"{one.rows:,}",
            f"{one.rows_left:,}",
        )
        for one in found
    ]
    head = ("source", "role", "images", "in a test set", "near-duplicates", "rows", "rows left")
    table(head, rows, numbers=(2, 3, 4, 5, 6))
