"""Saved encoders: the same after loading, refused when they are not."""

import json

import numpy as np
import pytest

from skexpand import ExpansiveSynthesizer, PretrainedEncoder


@pytest.fixture(scope="module")
def encoder():
    X = np.random.default_rng(1).integers(0, 256, (30, 9, 13), dtype=np.uint8)
    synthesizer = ExpansiveSynthesizer(max_iter=3, random_state=0)
    return synthesizer.pretrain(X, np.arange(30) % 3).pretrained


def expanded(encoder):
    X = np.random.default_rng(2).random((8, 9, 13))
    synthesizer = ExpansiveSynthesizer(pretrained=encoder, max_iter=2, random_state=0)
    return synthesizer.fit_resample(X, np.arange(8) % 2)[0]


def test_a_loaded_encoder_expands_as_the_saved_one(encoder, tmp_path):
    files = encoder.save(tmp_path / "new" / "small.v1")
    assert sorted(f.name for f in files) == [
        "small.v1.json",
        "small.v1.material.safetensors",
        "small.v1.safetensors",
    ]
    loaded = PretrainedEncoder.load(tmp_path / "new" / "small.v1.json")
    assert loaded.lineage == encoder.lineage
    assert loaded.sample_shape == encoder.sample_shape
    np.testing.assert_array_equal(expanded(loaded), expanded(encoder))


def test_the_record_says_where_the_weights_come_from(encoder, tmp_path):
    encoder.save(tmp_path / "small")
    record = json.loads((tmp_path / "small.json").read_text())
    assert record["lineage"]["sha256"] == encoder.lineage["sha256"]
    assert {"numpy", "python", "torch"} <= set(record["versions"])
    assert len(record["weights_sha256"]) == len(record["material_sha256"]) == 64


def test_material_is_left_out_on_request_and_an_old_file_goes(encoder, tmp_path):
    encoder.save(tmp_path / "small")
    encoder.save(tmp_path / "small", with_material=False)
    assert not (tmp_path / "small.material.safetensors").exists()
    assert PretrainedEncoder.load(tmp_path / "small").material is None


def test_changed_weights_are_refused(encoder, tmp_path):
    path, *_ = encoder.save(tmp_path / "small")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not the file that its record describes"):
        PretrainedEncoder.load(tmp_path / "small")


def test_other_formats_missing_files_and_tables_are_refused(encoder, tmp_path):
    with pytest.raises(FileNotFoundError, match="skexpand pretrain"):
        PretrainedEncoder.load(tmp_path / "none")
    encoder.save(tmp_path / "small")
    (tmp_path / "small.json").write_text('{"format": 99}')
    with pytest.raises(ValueError, match="Expected format 2"):
        PretrainedEncoder.load(tmp_path / "small")
    table = ExpansiveSynthesizer(max_iter=0).pretrain(np.eye(6)).pretrained
    with pytest.raises(ValueError, match="Pickle it"):
        table.save(tmp_path / "table")
