"""`motet demo` from end to end on a recipe of a test's size: one model, two single-task runs, a page; then resumed."""

import base64
import io
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from rich.console import Console

from motet.cli import demo as module
from motet.core import Report
from motet.report import Comparison, PredictionCard
from motet.training.run import Run


@dataclass(frozen=True)
class Shown:
    """A demo and what it showed."""

    folder: Path
    said: str
    quick: bool
    comparison: Comparison


def show(run: Run, folder: Path, *, quick: bool) -> Shown:
    """Runs the demo with another recipe; its table is not printed but given back."""
    out, asked, compared = io.StringIO(), [], []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "recipe", lambda *, quick: asked.append(quick) or run)
        patched.setattr("motet.cli.compare.show_comparison", compared.append)
        module.demo(folder, quick, Console(file=out, width=1000))
    return Shown(folder, out.getvalue(), asked[0], compared[0] if compared else None)


@pytest.fixture(scope="module")
def finished(loaded: Run, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return show(loaded, tmp_path_factory.mktemp("demo"), quick=True)


def test_one_model_is_compared_with_one_per_task_on_as_many_samples(finished: Shown) -> None:
    assert finished.quick
    assert "multi-task model, 2 tasks: kind, vqa" in finished.said
    assert [pair.task for pair in finished.comparison.pairs] == ["kind", "vqa"]
    samples = {
        str(path.parent.relative_to(finished.folder)): Report.from_dict(json.loads(path.read_text())).samples_seen
        for path in finished.folder.rglob("report.json")
    }
    multi = samples["multi"]
    assert samples == {"multi": multi, "single/kind": {"kind": multi["kind"]}, "single/vqa": {"vqa": multi["vqa"]}}
    assert sum(multi.values()) == 4 * 4
    for task, count in multi.items():
        assert f"{task}, single-task baseline: the same {count:,} samples" in finished.said


def test_it_ends_with_a_page_a_card_predictions_and_what_to_do_with_them(finished: Shown) -> None:
    multi = finished.folder / "multi"
    page = (multi / "report.html").read_text()
    assert "motet demo" in page
    assert "delta-m" in page
    (card,) = multi.rglob("README.md")
    assert "Greys" in card.read_text()
    assert f"Open {multi / 'report.html'}, or use the model" in finished.said
    assert f"motet predict {multi} --task" in finished.said
    assert "Greys: nobody's" in finished.said  # a licence asks for it beside the images
    for task in ("kind:", "vqa: is it dark ?"):
        (line,) = (line for line in finished.said.splitlines() if line.strip().startswith(task))
        assert "(ground truth: " in line


def test_the_same_command_again_trains_nothing_anew(
    finished: Shown, loaded: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def weights() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in finished.folder.rglob("*.safetensors")}

    before = weights()
    assert len(before) >= 3
    monkeypatch.setattr(module, "write_page", lambda folder, sources, **_: folder / "report.html")
    monkeypatch.setattr(module, "write_card", lambda folder: folder)
    again = show(loaded, finished.folder, quick=False)
    assert not again.quick
    assert weights() == before
    assert again.comparison.delta_m == finished.comparison.delta_m


def test_at_its_end_the_demo_serves_the_model_and_its_single_task_models(
    finished: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fastapi")
    from command_line import call
    from live_service import live

    from motet.serve.run import ServeSettings, app_of

    ran: list[Path] = []
    asked: list[tuple[dict, dict]] = []

    def serve(settings: ServeSettings) -> None:
        with live(app_of(settings)) as service:
            _, _, tasks = service.ask("GET", "/tasks")
            status, answer = service.predict("kind?model=single", image=base64.b64encode(image.getvalue()).decode())
            assert status == 200
            asked.append((json.loads(tasks), answer))

    image = io.BytesIO()
    Image.new("RGB", (64, 64), "gray").save(image, "PNG")
    monkeypatch.setattr(module, "demo", lambda folder, quick, console: ran.append(folder))
    monkeypatch.setattr("motet.serve.run.serve", serve)
    out = call("demo", "--quick", "--serve", "--folder", finished.folder).out
    assert ran == [finished.folder]
    ((tasks, answer),) = asked
    assert {task["name"]: task["single"] for task in tasks["tasks"]} == {"kind": True, "vqa": True}
    assert answer["model"] == "single"
    assert answer["predictions"][0]["kind"]
    assert "serving" in out


def test_a_slow_machine_takes_as_many_steps_as_fit_and_says_so(loaded: Run, tmp_path, monkeypatch) -> None:
    times = {"setup_seconds": 2.0, "store_seconds": 10.0, "evaluation_seconds": 5.0, "step_seconds": 20.0}
    monkeypatch.setattr(module, "estimate", lambda run, device: SimpleNamespace(**times))
    out = io.StringIO()
    run = module._fitted(loaded, tmp_path, 100.0, Console(file=out, width=1000))
    # 100 s without three starts, the stored features and both evaluations, at 2 x 20 s per step.
    assert run.train.steps == int((100 - 3 * 2 - 10 - 2 * 5) / 40)
    assert f"{run.train.steps} of {loaded.train.steps} steps fit" in out.getvalue()
    assert module._fitted(loaded, tmp_path, 10_000.0, Console(file=out)) is loaded
    # A demo that is continued keeps the length it began with, whatever the machine does meanwhile.
    (tmp_path / "multi").mkdir()
    (tmp_path / "multi" / "run.json").write_text(json.dumps({"run": {"train": {"steps": 2}}}))
    assert module._fitted(loaded, tmp_path, 10_000.0, Console(file=out)).train.steps == 2


def test_a_prediction_is_one_line_with_its_question_if_it_has_one() -> None:
    cards = [PredictionCard(b"", "vqa", "is it?", "yes", "no"), PredictionCard(b"", "kind", "", "dark", "light")]
    assert module._card_lines(cards) == [
        "vqa: is it? -> yes   (ground truth: no)",
        "kind: -> dark   (ground truth: light)",
    ]
