import base64
import hashlib
import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_folders import (
    STEPS,
    failed_record,
    good_record,
    image,
    make_large_run,
    make_run,
    save,
    save_codes,
    write_records,
)

from mgp_jax.errors import MGPError
from mgp_jax.images import write_image
from mgp_jax.report import pictures, write_demo_page, write_page
from mgp_jax.report.curves import points_for, read_curve
from mgp_jax.report.folder import read_run


def data_of(page: Path) -> dict[str, Any]:
    """What the page hands to its scripts."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert len(found) == 1
    return json.loads(found[0])


def records_of(page: Path) -> list[dict[str, Any]]:
    return data_of(page)["runs"][0]["records"]


def test_small_run_is_one_file(tmp_path: Path) -> None:
    page = write_page(make_run(tmp_path / "run"))
    assert page == tmp_path / "run" / "index.html"
    data = data_of(page)
    assert data["embedded"] and data["title"] == "Super-resolution with faces64"
    record = data["runs"][0]["records"][2]
    assert (record["name"], record["status"]) == ("photo-0002.jpg", "ok")
    assert record["values"] == {
        "psnr": 20.02,
        "ssim": 0.5002,
        "lpips": 0.3998,
        "steps": STEPS,
        "seconds": 1.5,
    }
    assert set(record["images"]) == {"result", "observation", "truth", "deviation"}
    result = record["images"]["result"]
    encoded = result["src"].removeprefix("data:image/png;base64,")
    assert base64.b64decode(encoded) == (page.parent / "images/photo-0002.png").read_bytes()
    assert (result["w"], record["images"]["observation"]["w"]) == (64, 16)
    assert not list(page.parent.glob("*.partial"))


def test_calibration_of_several_answers(tmp_path: Path) -> None:
    def change(records: list[dict[str, Any]]) -> None:
        spread = {"correlation": 0.5, "coverage": 0.875, "temperature": 2.0}
        records[0] |= spread | {"calibration": [[0.1, 0.25], [0.2, 0.123456]]}
        # Written by hand: what is no pair of numbers is left out.
        records[1]["calibration"] = [[0.1], 3, [0.2, None], ["a", 0.3], [0.3, 0.4]]
        records[2]["calibration"] = "high"

    page = write_page(make_run(tmp_path / "run", 4, change))
    first, second, third, fourth = records_of(page)
    assert first["calibration"] == [[0.1, 0.25], [0.2, 0.1235]]
    assert second["calibration"] == [[0.3, 0.4]]
    assert "calibration" not in third and "calibration" not in fourth
    assert first["values"]["coverage"] == 87.5 and "coverage" not in fourth["values"]
    (metric,) = (m for m in data_of(page)["runs"][0]["metrics"] if m["key"] == "coverage")
    assert metric["better"] is None and metric["unit"] == "%"


def test_needs_no_network(tmp_path: Path) -> None:
    text = write_page(make_run(tmp_path / "run")).read_text(encoding="utf-8")
    without_data = re.sub(r'id="data">.*?</script>', "", text, flags=re.S)
    assert set(re.findall(r"https?://[^\s\"']+", without_data)) == {"http://www.w3.org/2000/svg"}
    assert not re.findall(r"<link[^>]*stylesheet|@import|url\(|<script[^>]*src", without_data)


def test_policy_admits_only_the_own_style_and_script(tmp_path: Path) -> None:
    text = write_page(make_run(tmp_path / "run")).read_text(encoding="utf-8")
    policy = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)[0]
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy
    for tag, name in (("style", "style-src"), ("script", "script-src")):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}'" in policy


def test_nothing_from_a_run_becomes_markup(tmp_path: Path) -> None:
    evil = "</script><!--<script>alert('x')</script>&amp;\u2028\"`${1}"

    def change(records: list[dict[str, Any]]) -> None:
        records[0] |= {"input": f"/a/{evil}.png", "error": evil, "status": "diverged"}
        records[1] |= {evil: 3.0}

    folder = make_run(tmp_path / "run", 2, change)
    asked = json.loads((folder / "settings.json").read_text())
    (folder / "settings.json").write_text(
        json.dumps(asked | {"task": evil, evil: evil, "command": evil, "versions": {evil: evil}})
    )
    text = write_page(folder, f"{evil} $title").read_text(encoding="utf-8")
    assert text.count("</script>") == 2 and "<!--" not in text and "alert('x')</" not in text
    assert "<title>&lt;/script&gt;" in text
    run = data_of(folder / "index.html")["runs"][0]
    assert run["records"][0]["input"] == f"/a/{evil}.png"
    assert run["records"][0]["error"] == evil
    assert run["command"] == evil and [evil, evil] in run["settings"]
    assert run["metrics"][-1]["label"] == evil


def test_names_that_need_quoting_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "EMBED_BYTES", 0)
    odd = "images/50% a#b?c=d&e:ü 日.png"

    def change(records: list[dict[str, Any]]) -> None:
        shutil.copy(tmp_path / "run" / records[0]["output"], tmp_path / "run" / odd)
        records[0]["output"] = odd
        records[1]["input"] = "/a/not utf-8 \udcff.jpg"

    page = write_page(make_run(tmp_path / "run", 2, change))
    first, second = records_of(page)
    expected = "images/50%25%20a%23b%3Fc%3Dd%26e%3A%C3%BC%20%E6%97%A5.png"
    assert first["images"]["result"]["src"] == expected
    assert second["name"] == "not utf-8 \udcff.jpg"


def test_images_that_cannot_be_shown(tmp_path: Path) -> None:
    def change(records: list[dict[str, Any]]) -> None:
        (tmp_path / "run" / records[0]["output"]).unlink()
        (tmp_path / "run" / records[1]["truth"]).write_bytes(b"no image")
        records[2]["output"] = "../../secret.png"
        records[3]["output"] = "/etc/passwd"
        records[4]["output"] = 7

    save(tmp_path, "images", "secret", image(0))
    shutil.move(tmp_path / "images/secret.png", tmp_path.parent / "secret.png")
    records = records_of(write_page(make_run(tmp_path / "run", 5, change)))
    assert records[0]["images"]["result"]["missing"] == "the file is missing"
    assert records[0]["images"]["observation"]["src"].startswith("data:")
    assert records[1]["images"]["truth"]["missing"] == "the file is not a readable image"
    assert all("result" not in record["images"] for record in records[2:])


def test_failures_carry_their_reasons(tmp_path: Path) -> None:
    def change(records: list[dict[str, Any]]) -> None:
        records[1] = failed_record(1, "the file is empty")
        records[2] |= {"status": "diverged", "error": "the loss became NaN at step 7"}

    records = records_of(write_page(make_run(tmp_path / "run", 3, change)))
    assert [record["status"] for record in records] == ["ok", "failed", "diverged"]
    # The input stands beside it on the page and need not be told twice.
    assert records[1]["error"] == "the file is empty" and not records[1]["images"]
    assert records[2]["error"] == "the loss became NaN at step 7"
    assert records[2]["images"]["result"]["src"]


def test_numbers_that_are_none(tmp_path: Path) -> None:
    def change(records: list[dict[str, Any]]) -> None:
        records[0] |= {"psnr": float("inf"), "ssim": float("nan"), "lpips": "0.1", "steps": True}
        records[1] |= {"psnr": 10**400, "seconds": None, "own_number": 4.25}

    page = write_page(make_run(tmp_path / "run", 2, change))
    first, second = records_of(page)
    assert first["values"] == {"seconds": 1.5}
    assert "psnr" not in second["values"] and second["values"]["own_number"] == 4.25
    metrics = [metric["key"] for metric in data_of(page)["runs"][0]["metrics"]]
    assert metrics == ["ssim", "lpips", "steps", "seconds", "own_number"]


def test_settings_and_how_to_rerun(tmp_path: Path) -> None:
    run = data_of(write_page(make_run(tmp_path / "run", 20)))["runs"][0]
    assert run["command"].startswith("mgp super-resolve /photographs")
    assert run["versions"] == [["mgp_jax", "0.1.0"], ["jax", "0.10.2"]]
    shown = dict(run["settings"])
    assert shown["simulate"] == "yes" and shown["target psnr"] == "none"
    assert shown["inputs"].endswith("photo-0007.jpg, … (20 in all)")
    assert "command" not in shown and "versions" not in shown


def test_command_given_as_words(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", 1)
    (folder / "settings.json").write_text(json.dumps({"command": ["mgp", "invert", "a b.png"]}))
    assert data_of(write_page(folder))["runs"][0]["command"] == "mgp invert 'a b.png'"


@pytest.mark.parametrize("results", ["", "\n\n", None])
def test_empty_runs(tmp_path: Path, results: str | None) -> None:
    folder = make_run(tmp_path / "run", 0)
    if results is None:
        (folder / "results.jsonl").unlink()
    else:
        (folder / "results.jsonl").write_text(results)
    run = data_of(write_page(folder))["runs"][0]
    assert run["records"] == [] and bool(run["notices"]) == (results is None)


def test_damaged_files_are_told(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", 2)
    (folder / "settings.json").write_bytes(b"\xff{")
    with open(folder / "results.jsonl", "ab") as stream:
        stream.write(b'[1, 2]\n{"input": "\xff\xfe"}\n{"inp')
    run = data_of(write_page(folder))["runs"][0]
    assert len(run["records"]) == 3 and run["records"][2]["status"] == "unknown"
    assert run["notices"] == [
        "settings.json is damaged, so the settings are not shown.",
        "results.jsonl is damaged in lines 3, 5; the rest is shown.",
    ]


def test_no_run_folder(tmp_path: Path) -> None:
    with pytest.raises(MGPError, match=r"holds no results\.jsonl"):
        write_page(tmp_path)
    with pytest.raises(MGPError, match=r"holds no results\.jsonl"):
        write_demo_page(tmp_path, [("Invert", tmp_path / "absent")])


def test_page_that_cannot_be_written(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", 1)
    (folder / "index.html").mkdir()
    with pytest.raises(MGPError, match="cannot be written"):
        write_page(folder)


def test_one_page_for_several_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "EMBED_BYTES", 0)
    runs = [(name, make_run(tmp_path / name.lower(), 1)) for name in ("Invert", "Colorize")]
    page = write_demo_page(tmp_path, runs)
    assert page == tmp_path / "index.html"
    data = data_of(page)
    assert [run["title"] for run in data["runs"]] == ["Invert", "Colorize"]
    source = data["runs"][1]["records"][0]["images"]["result"]["src"]
    assert source == "colorize/images/photo-0000.png"


def test_runs_by_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "EMBED_BYTES", 0)
    monkeypatch.chdir(tmp_path)
    make_run(Path("demo/invert"), 1)
    make_run(Path("elsewhere"), 1)
    page = write_demo_page("demo", [("A", "demo/invert"), ("B", tmp_path / "elsewhere")])
    sources = [r["records"][0]["images"]["result"]["src"] for r in data_of(page)["runs"]]
    assert sources == ["invert/images/photo-0000.png", "../elsewhere/images/photo-0000.png"]


def test_large_images_get_thumbnails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "EMBED_BYTES", 50_000)
    folder = tmp_path / "run"
    folder.mkdir()
    write_records(folder, [good_record(folder, 0, side=512), good_record(folder, 1, side=64)])
    large, small = records_of(write_page(folder))
    assert large["images"]["result"]["src"] == "images/photo-0000.png"
    assert large["images"]["result"]["thumb"] == "thumbnails/images/photo-0000.png.jpg"
    assert "thumb" not in large["images"]["observation"] and "thumb" not in small["images"]["truth"]
    thumbnail = folder / "thumbnails/images/photo-0000.png.jpg"
    with pictures.Image.open(thumbnail) as picture:
        assert picture.size == (pictures.THUMBNAIL_SIDE, pictures.THUMBNAIL_SIDE)
    written = thumbnail.stat().st_mtime_ns
    write_page(folder)
    assert thumbnail.stat().st_mtime_ns == written


def test_a_page_of_ten_results_of_1024_pixels_is_light(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    noise = np.random.default_rng(0).normal(0, 0.1, (1024, 1024, 3))
    kept = [good_record(folder, index, side=1024) for index in range(2)]
    for index, record in enumerate(kept):
        # As large as a file of photographic detail is.
        write_image(folder / record["output"], np.clip(image(index, 1024) + noise, -1, 1))
    write_records(folder, [kept[index % 2] for index in range(10)])
    assert sum((folder / kept[index % 2]["output"]).stat().st_size for index in range(10)) > 10e6
    page = write_page(folder)
    thumbnails = set()
    for record in records_of(page):
        result = record["images"]["result"]
        assert result["src"].startswith("images/") and (result["w"], result["h"]) == (1024, 1024)
        thumbnails |= {entry.get("thumb", entry["src"]) for entry in record["images"].values()}
    light = page.stat().st_size + 5 * sum((folder / file).stat().st_size for file in thumbnails)
    assert light < 8e6


def test_unwritable_thumbnails_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "EMBED_BYTES", 0)
    folder = tmp_path / "run"
    folder.mkdir()
    write_records(folder, [good_record(folder, 0, side=512)])
    (folder / "thumbnails").write_text("a file where the folder should be")
    (record,) = records_of(write_page(folder))
    assert "thumb" not in record["images"]["result"]


def test_a_thousand_records(tmp_path: Path) -> None:
    folder = make_large_run(tmp_path / "run", 1000)
    start = time.perf_counter()
    page = write_page(folder)
    seconds = time.perf_counter() - start
    assert seconds < 30  # about 1 s on a free machine
    assert page.stat().st_size < 4_500_000  # with its small images inside
    records = records_of(page)
    assert len(records) == 1000 and sum(r["status"] == "failed" for r in records) == 20


def test_more_records_than_a_page_can_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run(tmp_path / "run")
    whole = records_of(write_page(folder))
    monkeypatch.setattr("mgp_jax.report.page.MOST_RECORDS", 3)
    run = data_of(write_page(folder))["runs"][0]
    assert [record["name"] for record in run["records"]] == [
        whole[place]["name"] for place in (0, (len(whole) - 1) // 2, len(whole) - 1)
    ]
    assert run["notices"][-1].startswith(f"3 of {len(whole)} images are shown")


def test_templates_fit_into_their_elements() -> None:
    folder = Path(pictures.__file__).parent / "templates"
    for path in folder.iterdir():
        text = path.read_text(encoding="utf-8")
        assert path.name == "page.html" or not re.search(r"</(script|style)|<!--|innerHTML", text)


class TestCurves:
    def test_thinned_with_both_ends(self, tmp_path: Path) -> None:
        loss = np.linspace(2, 1, 1000).astype(np.float32)
        save_codes(tmp_path, "a", loss, np.full(1000, 0.04, np.float32))
        curve = read_curve(tmp_path / "codes/a.npz")
        assert curve is not None
        assert (curve["last"], len(curve["loss"]), len(curve["psnr"])) == (1000, 60, 60)
        assert curve["loss"][0] == 2 and curve["loss"][-1] == 1
        np.testing.assert_allclose(curve["psnr"], 20, atol=1e-3)

    def test_ends_where_the_run_ended(self, tmp_path: Path) -> None:
        loss = np.array([3, 2, np.nan, 1, np.nan, np.nan])
        save_codes(tmp_path, "a", loss, loss)
        curve = read_curve(tmp_path / "codes/a.npz")
        assert curve is not None
        assert curve["last"] == 4 and curve["loss"] == [3, 2, None, 1]
        assert curve["psnr"][2] is None

    def test_mean_of_several_samples(self, tmp_path: Path) -> None:
        loss = np.array([[4.0, 2.0, 1.0], [2.0, np.nan, np.nan]])
        save_codes(tmp_path, "a", loss, loss)
        curve = read_curve(tmp_path / "codes/a.npz")
        assert curve is not None
        assert curve["loss"] == [3, 2, 1] and curve["samples"] == 2

    @pytest.mark.parametrize(
        ("loss", "error"),
        [
            (np.full(4, np.nan), np.full(4, np.nan)),
            (np.zeros(0), np.zeros(0)),
            (np.zeros(3), np.zeros(4)),
            (np.array(["a"]), np.array(["b"])),
        ],
    )
    def test_no_curve(self, tmp_path: Path, loss: np.ndarray, error: np.ndarray) -> None:
        save_codes(tmp_path, "a", loss, error)
        assert read_curve(tmp_path / "codes/a.npz") is None

    def test_damaged_or_absent(self, tmp_path: Path) -> None:
        save_codes(tmp_path, "a", np.ones(50), np.ones(50))
        path = tmp_path / "codes/a.npz"
        path.write_bytes(path.read_bytes()[:-30])
        assert read_curve(path) is None
        np.savez(path, allow_pickle=True, loss=np.array([{}]), error=np.array([{}]))
        assert read_curve(path) is None
        path.write_bytes(b"")
        assert read_curve(path) is None
        assert read_curve(tmp_path / "absent.npz") is None

    def test_many_curves_become_coarser(self) -> None:
        assert points_for(0) == points_for(1000) == 60
        assert points_for(6000) == 30 and points_for(10**6) == 12


def test_records_keep_their_order(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", 12, lambda records: records.reverse())
    names = [record.name for record in read_run(folder).records]
    assert names == [f"photo-{index:04d}.jpg" for index in reversed(range(12))]
