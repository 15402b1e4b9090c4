"""The benchmark of mixes runs on few rows; no test asserts a time."""

import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import mixes  # noqa: E402


def test_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # a process of its own would import everything again
    monkeypatch.setattr(mixes, "alone", mixes.timed)
    monkeypatch.setattr(mixes, "READERS", 1)
    monkeypatch.setattr(mixes, "SHARD", 250)
    out, made = tmp_path / "figures.json", str(tmp_path / "made")
    arguments = ["--rows", "600", "--pictures", "30", "--again", "--folder", made, "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["mixes.py", *arguments])
    mixes.main()
    figures = json.loads(out.read_text())
    assert list(figures) == ["build", "export", "verify", "card", "again"]
    assert figures["build"]["told"] == "600 rows"
    assert figures["again"]["told"] == "every byte is the same"
    manifest = json.loads((tmp_path / "made" / "exports" / "million" / "manifest.json").read_text())
    assert manifest["counts"]["rows"] == 600
    assert manifest["files"]["refcoco.jsonl"]["rows"] == 150
    assert manifest["licenses"][0]["pictures"] == manifest["counts"]["images"] == 30
    assert "all three" in capsys.readouterr().out
