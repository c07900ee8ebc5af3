"""A checkpoint is loaded whole, from the files alone, or refused with one sentence."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors.torch import load_file, save_file

from aai_worker.engine import Engine
from aai_worker.errors import WorkerError
from aai_worker.loading import fitness, sources
from aai_worker.loading.inspection import inspect_checkpoint
from aai_worker.protocol import LoadCommand, ModelCommand, VisionTower


@pytest.fixture
def folder(checkpoint: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(checkpoint, tmp_path / "copy")


def refusal(source: Path | str, offline: bool = True) -> WorkerError:
    command = LoadCommand(source=str(source), revision=None, dtype="auto", device_map=None, offline=offline)
    with pytest.raises(WorkerError) as caught:
        Engine(device="cpu").load(command)
    return caught.value


def test_description(checkpoint: Path) -> None:
    engine = Engine(device="cpu")
    calls: list[None] = []
    command = LoadCommand(source=str(checkpoint), revision=None, dtype="auto", device_map=None, offline=True)
    loaded = engine.load(command, progress=lambda: calls.append(None))

    description = loaded.description
    assert (loaded.model, loaded.dtype, loaded.device) == ("m1", "float32", "cpu")
    assert loaded.seconds > 0
    assert (description.family, description.architecture) == ("llava", "LlavaForConditionalGeneration")
    assert description.source == str(checkpoint)
    assert (description.layers, description.heads, description.kv_heads) == (4, 4, 2)
    assert (description.hidden_size, description.vocabulary_size, description.context_length) == (
        32,
        261,
        320,
    )
    assert (description.image_token_id, description.image_tokens) == (4, 16)
    assert description.templates == ["chat", "vicuna_v1", "vicuna_pai", "plain", "raw"]
    assert description.parameters == sum(
        tensor.numel() for tensor in load_file(checkpoint / "model.safetensors").values()
    )
    assert description.vision_tower == VisionTower(
        class_name="CLIPVisionModel",
        layers=3,
        heads=4,
        image_size=8,
        grid=(4, 4),
        has_cls=True,
        feature_layer=-2,
        reference_layer=2,
    )
    assert engine.describe(ModelCommand(model="m1")) == loaded
    assert len(calls) > 90, "every tensor counts as progress"


def test_several_models_at_once(checkpoint: Path) -> None:
    engine = Engine(device="cpu")
    command = LoadCommand(source=str(checkpoint), revision=None, dtype="auto", device_map=None, offline=True)
    assert [engine.load(command).model, engine.load(command).model] == ["m1", "m2"]
    engine.unload(ModelCommand(model="m1"))
    assert engine.models == ["m2"]
    assert engine.load(command).model == "m3", "a name is never given twice"


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_dtypes(dtype: str, folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "dtype": "float16"}))
    engine = Engine(device="cpu")
    for asked, got in ((dtype, dtype), ("auto", "float32")):
        command = LoadCommand(source=str(folder), revision=None, dtype=asked, device_map=None, offline=True)  # type: ignore[arg-type]
        assert engine.load(command).dtype == got


def test_sources_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("hello")
    assert "There is no folder" in refusal(tmp_path / "nothing").message
    assert "is a file; give the folder of a checkpoint" in refusal(tmp_path / "note.txt").message
    assert "is no checkpoint: it has no config.json" in refusal(tmp_path).message
    offline = refusal("someone/no-such-model-here")
    assert offline.code == "bad-checkpoint"
    assert 'There is no folder "someone/no-such-model-here"' in offline.message
    assert "Offline, nothing is downloaded" in offline.message


def test_a_hub_id_whose_files_are_there_is_not_asked_for_again(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "models--someone--tiny"
    shutil.copytree(checkpoint, repository / "snapshots" / "abc")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    asked: list[dict[str, Any]] = []

    def download(*args: Any, **kwargs: Any) -> str:
        asked.append(kwargs)
        return snapshot(*args, **kwargs)

    snapshot = partial(sources.snapshot_download, cache_dir=tmp_path)
    monkeypatch.setattr(sources, "snapshot_download", download)
    command = LoadCommand(source="someone/tiny", revision=None, dtype="auto", device_map=None, offline=False)
    assert Engine(device="cpu").load(command).description.source == "someone/tiny"
    assert asked and all(call["local_files_only"] for call in asked)


def test_a_hub_id_with_shards_missing_is_downloaded(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial_copy = shutil.copytree(checkpoint, tmp_path / "partial")
    (partial_copy / "model.safetensors").unlink()
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (partial_copy / "model.safetensors.index.json").write_text(json.dumps(index))
    (partial_copy / "model-1.safetensors").touch()

    def download(*_: Any, local_files_only: bool = False, **__: Any) -> str:
        return str(partial_copy if local_files_only else checkpoint)

    monkeypatch.setattr(sources, "snapshot_download", download)
    assert sources.find_checkpoint("someone/tiny", None, offline=False) == checkpoint
    with pytest.raises(WorkerError, match="Offline"):
        sources.find_checkpoint("someone/tiny", None, offline=True)


def write_config(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text()) | changes
    kept = {key: value for key, value in config.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(kept))


def spoil_adapter(folder: Path) -> None:
    (folder / "config.json").rename(folder / "adapter_config.json")


def spoil_with_adapter(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")


def spoil_adapter_weights(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")


def spoil_json(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def spoil_text_only(folder: Path) -> None:
    write_config(
        folder,
        model_type="llama",
        vision_config=None,
        vision_feature_layer=None,
        vision_feature_select_strategy=None,
    )


def spoil_type(folder: Path) -> None:
    write_config(folder, model_type="kosmos-2")


def spoil_original(folder: Path) -> None:
    write_config(folder, vision_config=None)


def spoil_header(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 400)


def spoil_length(folder: Path) -> None:
    path = folder / "model.safetensors"
    os.truncate(path, path.stat().st_size - 1000)


def spoil_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def spoil_index(folder: Path) -> None:
    spoil_weights(folder)
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"a": "model-1.safetensors"}})
    )


def spoil_broken_index(folder: Path) -> None:
    spoil_weights(folder)
    (folder / "model.safetensors.index.json").write_text('{"weight_map": ')


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3619016\n"


def spoil_pointer(folder: Path) -> None:
    (folder / "model.safetensors").write_text(POINTER)


def spoil_pointer_bin(folder: Path) -> None:
    spoil_weights(folder)
    (folder / "pytorch_model.bin").write_text(POINTER)


def spoil_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()


def spoil_image_processor(folder: Path) -> None:
    (folder / "processor_config.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "code", "message"),
    [
        (
            spoil_adapter,
            "bad-checkpoint",
            "holds an adapter (LoRA) only; merge it into its base model first.",
        ),
        (spoil_with_adapter, "bad-checkpoint", "holds an adapter (LoRA) beside a model: merge it into its"),
        (spoil_adapter_weights, "bad-checkpoint", "(LoRA) without the weights of its model: merge it into"),
        (spoil_json, "bad-checkpoint", "names no model_type"),
        (
            spoil_text_only,
            "unknown-model",
            "is a text-only model (llama); a vision-language one is needed (llava, llava_next, ",
        ),
        (spoil_type, "unknown-model", 'Model type "kosmos-2" is not supported; supported: llava, llava_next'),
        (
            spoil_original,
            "bad-checkpoint",
            "is in the original llava format; `aai convert` makes a folder that loads.",
        ),
        (spoil_header, "bad-checkpoint", 'model.safetensors" is damaged'),
        (spoil_length, "bad-checkpoint", 'model.safetensors" is damaged'),
        (spoil_weights, "bad-checkpoint", "is no whole checkpoint: weight files are missing."),
        (spoil_index, "bad-checkpoint", "is no whole checkpoint: weight files are missing."),
        (spoil_index, "bad-checkpoint", "Its index names model-1.safetensors: download or copy them again."),
        (
            spoil_broken_index,
            "bad-checkpoint",
            'model.safetensors.index.json" is damaged: it names no weight',
        ),
        (
            spoil_pointer,
            "bad-checkpoint",
            'model.safetensors" is a Git LFS pointer, not the weights; run `git',
        ),
        (
            spoil_pointer_bin,
            "bad-checkpoint",
            'pytorch_model.bin" is a Git LFS pointer, not the weights; run',
        ),
        (spoil_tokenizer, "bad-checkpoint", "has no usable tokenizer"),
        (spoil_image_processor, "bad-checkpoint", "has no usable image processor"),
    ],
)
def test_folders_that_are_no_checkpoint(
    spoil: Callable[[Path], None], code: str, message: str, folder: Path
) -> None:
    spoil(folder)
    error = refusal(folder)
    assert error.code == code
    assert message in error.message
    assert str(folder) in error.message or spoil is spoil_type


def shards(folder: Path, name: str) -> tuple[Path, dict[str, torch.Tensor]]:
    """The weights in two files and an index; where they were before there are other ones now."""
    alone = folder / "model.safetensors"
    weights = load_file(alone)
    alone.unlink()
    names = sorted(weights)
    where = {}
    for number in range(2):
        part = {key: weights[key] for key in names[number::2]}
        file = f"{Path(name).stem}-0000{number + 1}-of-00002{Path(name).suffix}"
        if name.endswith(".safetensors"):
            save_file(part, folder / file, metadata={"format": "pt"})
        else:
            torch.save(part, folder / file)
        where |= dict.fromkeys(part, file)
    (folder / f"{name}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    return folder / name, {key: torch.zeros_like(values) for key, values in weights.items()}


@pytest.mark.parametrize("missing", [False, True], ids=["whole", "a shard missing"])
def test_weights_left_over_beside_an_index(missing: bool, folder: Path) -> None:
    """transformers loads model.safetensors, here zeros, without a word."""
    old, zeros = shards(folder, "model.safetensors")
    save_file(zeros, old, metadata={"format": "pt"})
    if missing:
        (folder / "model-00002-of-00002.safetensors").unlink()
    error = refusal(folder)
    assert error.code == "bad-checkpoint"
    assert "holds model.safetensors and beside it model.safetensors.index.json" in error.message
    assert "Remove the one that is not meant." in error.message
    with pytest.raises(WorkerError, match="left over from an earlier save"):
        inspect_checkpoint(str(folder))


def test_pickled_weights_left_over_beside_an_index(folder: Path) -> None:
    old, zeros = shards(folder, "pytorch_model.bin")
    torch.save(zeros, old)
    assert "holds pytorch_model.bin and beside it" in refusal(folder).message


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_an_index_alone_loads(name: str, folder: Path, engine: Engine) -> None:
    shards(folder, name)
    expected = tiny.run(engine, [tiny.sample()], [tiny.row()], tiny.pictures(1)).ids()
    assert tiny.run(tiny.load(folder), [tiny.sample()], [tiny.row()], tiny.pictures(1)).ids() == expected


def test_an_index_that_names_the_one_file(folder: Path) -> None:
    names = load_file(folder / "model.safetensors")
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, "model.safetensors")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert tiny.load(folder).models == ["m1"]


def test_files_that_are_not_read_are_named(folder: Path, engine: Engine) -> None:
    """Another format of the same weights, the original layout: whatever they hold, or fail to hold."""
    (folder / "consolidated.safetensors").write_text(POINTER)
    torch.save({}, folder / "pytorch_model.bin")
    (folder / "._model.safetensors").write_bytes(b"Mac OS X")
    expected = tiny.run(engine, [tiny.sample()], [tiny.row()], tiny.pictures(1)).ids()
    assert tiny.run(tiny.load(folder), [tiny.sample()], [tiny.row()], tiny.pictures(1)).ids() == expected
    described = inspect_checkpoint(str(folder))
    assert described["unusedWeights"] == ["consolidated.safetensors", "pytorch_model.bin"]
    assert described["weightBytes"] == (folder / "model.safetensors").stat().st_size


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_missing_weights_are_named(folder: Path) -> None:
    name = "multi_modal_projector.linear_1.weight"
    change_weights(folder, lambda weights: weights.pop(next(key for key in weights if key.endswith(name))))
    error = refusal(folder)
    assert "has missing weights: " in error.message and name in error.message


def test_unexpected_weights_are_named(folder: Path) -> None:
    change_weights(folder, lambda weights: weights.update({"model.sound_tower.weight": torch.zeros(2)}))
    error = refusal(folder)
    assert "has unexpected weights: " in error.message and "sound_tower.weight" in error.message


def test_weights_of_another_shape(folder: Path) -> None:
    name = "multi_modal_projector.linear_1.bias"

    def grow(weights: dict[str, torch.Tensor]) -> None:
        weights[next(key for key in weights if key.endswith(name))] = torch.zeros(33)

    change_weights(folder, grow)
    error = refusal(folder)
    assert error.code == "bad-checkpoint" and name in error.message


def test_renamed_weights(folder: Path) -> None:
    def rename(weights: dict[str, torch.Tensor]) -> None:
        for key in [key for key in weights if "multi_modal_projector" in key]:
            weights[key.replace("multi_modal_projector", "mm_projector")] = weights.pop(key)

    change_weights(folder, rename)
    error = refusal(folder)
    assert "missing weights: model.multi_modal_projector.linear_1.bias" in error.message
    assert "mm_projector.linear_1.bias" in error.message.partition("unexpected weights: ")[2]
    assert "rename them" in error.message


def test_a_wrong_vocabulary_size(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    right = config["text_config"]["vocab_size"]
    config["text_config"]["vocab_size"] = right + 3
    (folder / "config.json").write_text(json.dumps(config))
    error = refusal(folder)
    assert f"holds {right} tokens, but config.json names {right + 3}. Set vocab_size" in error.message


def test_a_tokenizer_of_another_checkpoint(folder: Path) -> None:
    more = {f"token_{index}": f"<more_{index}>" for index in range(5)}
    tiny.create_tokenizer({"image_token": "<image>", **more}).save_pretrained(folder)
    assert re.search(r"token ids up to 265, but embeddings for 261 tokens only", refusal(folder).message)


def test_an_answer_that_ends_where_prompts_begin(folder: Path) -> None:
    """As the hub's settings of Vicuna v0 and Shikra."""
    settings = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps({**settings, "eos_token_id": 1}))
    error = refusal(folder)
    assert 'lets token 1 ("<s>") end an answer' in error.message
    assert "Set bos_token_id to 1 and eos_token_id to 2" in error.message
    (folder / "generation_config.json").write_text(json.dumps({**settings, "eos_token_id": [1, 2]}))
    tiny.load(folder)


def test_a_tokenizer_that_needs_sentencepiece(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()
    assert "it holds no tokenizer files. Copy the checkpoint's tokenizer.json" in refusal(folder).message
    (folder / "tokenizer.model").write_bytes(b"not read")
    monkeypatch.setattr(fitness, "find_spec", lambda name: None)
    message = refusal(folder).message
    assert "can only be read with sentencepiece and protobuf, not installed" in message
    assert "pip install sentencepiece protobuf" in message


def test_bin_files_are_read(folder: Path, checkpoint: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    arguments = ([tiny.sample()], [tiny.row()], tiny.pictures(1))
    assert tiny.run(tiny.load(folder), *arguments).ids() == tiny.run(tiny.load(checkpoint), *arguments).ids()


def test_bin_files_execute_nothing(folder: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "pwned"),)

    torch.save({"weight": Evil()}, folder / "pytorch_model.bin", pickle_module=pickle)
    (folder / "model.safetensors").unlink()
    assert "cannot be loaded" in refusal(folder).message
    assert not (tmp_path / "pwned").exists()


def test_code_in_a_checkpoint_is_not_run(folder: Path, tmp_path: Path) -> None:
    (folder / "evil.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'pwned')!r})\nclass C: pass\n")
    names = (
        "AutoConfig",
        "AutoModelForImageTextToText",
        "AutoProcessor",
        "AutoTokenizer",
        "AutoImageProcessor",
    )
    write_config(folder, auto_map={name: "evil.C" for name in names})
    assert (
        Engine(device="cpu")
        .load(LoadCommand(source=str(folder), revision=None, dtype="auto", device_map=None, offline=True))
        .model
    )
    assert not (tmp_path / "pwned").exists()
