"""Converting: bounded memory, taking up what was interrupted, one sentence for whatever is wrong."""

from __future__ import annotations

import errno
import gc
import hashlib
import json
import os
import pickle
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import converted
import published
import pytest
import torch
from safetensors.torch import load_file, save_file

from aai_worker.checkpoints import writer
from aai_worker.checkpoints.__main__ import main
from aai_worker.checkpoints.files import Weights
from aai_worker.checkpoints.lock import locked


@pytest.fixture
def llava(tmp_path: Path) -> dict[str, Path]:
    checkpoint, vision = published.llava(tmp_path)
    return {"checkpoint": checkpoint, "vision": vision}


@pytest.fixture
def shikra(tmp_path: Path) -> dict[str, Path]:
    return dict(zip(("delta", "base", "vision"), published.shikra(tmp_path), strict=True))


@pytest.fixture
def minigpt4(tmp_path: Path) -> dict[str, Path]:
    return dict(zip(("vision", "qformer", "projector", "llm"), published.minigpt4(tmp_path), strict=True))


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "SHARD_BYTES", 32 << 10)


def fault(capsys: pytest.CaptureFixture[str], model: str, out: Path, **options: Any) -> str:
    """The last line of a conversion that fails; nothing that looks like a model is left."""
    arguments = [f"--{name}={value}" for name, value in {**options, "out": out}.items()]
    existed = out.exists()
    capsys.readouterr()
    assert main([model, *arguments]) != 0
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["type"] == "fault"
    assert out.exists() == existed
    assert "\n" not in line["message"]
    return line["message"]


def test_progress_and_record(
    llava: dict[str, Path], tmp_path: Path, small_shards: None, capsys: pytest.CaptureFixture[str]
) -> None:
    out = converted.convert("llava-1.5", tmp_path / "new" / "out", **llava)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1] == {"type": "done", "folder": str(out.resolve())}
    for phase in ("hashing", "writing"):
        done = [line["done"] for line in lines if line.get("phase") == phase]
        totals = {line["total"] for line in lines if line.get("phase") == phase}
        assert done == sorted(done) and totals == {done[-1]}

    record = json.loads((out / "conversion.json").read_text())
    assert record["model"] == "llava-1.5"
    files = {source["file"]: source for source in record["sources"]}
    assert set(files) == {
        "pytorch_model-00001-of-00002.bin",
        "pytorch_model-00002-of-00002.bin",
        "mm_projector.bin",
        "pytorch_model.bin",
    }
    data = (llava["checkpoint"] / "mm_projector.bin").read_bytes()
    assert files["mm_projector.bin"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert "text_projection.weight" in record["dropped"]["--vision"]
    assert str(tmp_path) not in (out / "conversion.json").read_text(), (
        "a folder is the same wherever it came from"
    )
    assert not list(tmp_path.rglob("*.partial")) and not list(tmp_path.rglob("*.unfinished"))


def test_memory_stays_at_one_shard(
    shikra: dict[str, Path], tmp_path: Path, small_shards: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes of tensors alive whenever a shard is written; those in mapped files are on the disk."""
    alive, written, mapped = [], [], []

    def load(*args: Any, **options: Any) -> Any:
        mapped.append(options["mmap"])
        return load_pickle(*args, **options)

    def save(tensors: dict[str, torch.Tensor], *args: Any, **options: Any) -> None:
        alive.append(bytes_alive())
        written.append(sum(tensor.nbytes for tensor in tensors.values()))
        save_file(tensors, *args, **options)

    load_pickle = torch.load
    monkeypatch.setattr(writer, "save_file", save)
    monkeypatch.setattr(torch, "load", load)
    gc.collect()
    gc.freeze()  # what other tests have left is not counted
    try:
        converted.convert("shikra", tmp_path / "out", **shikra)
    finally:
        gc.unfreeze()
    assert mapped and all(mapped)
    assert len(written) > 5 and max(written) <= 32 << 10
    assert 0 < max(alive) <= 40 << 10 < sum(written)


def bytes_alive() -> int:
    things = [thing for thing in gc.get_objects() if type(thing) in (torch.Tensor, Weights)]
    opened = [thing._opened[1].values() for thing in things if isinstance(thing, Weights) and thing._opened]
    on_disk = {tensor.data_ptr() for tensors in opened for tensor in tensors}
    storages = {thing.data_ptr(): thing.nbytes for thing in things if isinstance(thing, torch.Tensor)}
    return sum(size for pointer, size in storages.items() if pointer not in on_disk)


def test_an_interrupted_conversion_goes_on(
    shikra: dict[str, Path],
    tmp_path: Path,
    small_shards: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = converted.convert("shikra", tmp_path / "whole", **shikra)
    out = tmp_path / "out"
    calls: list[Path] = []

    def save_three(tensors: Any, file: Path, **options: Any) -> None:
        calls.append(file)
        if len(calls) == 4:
            file.write_bytes(b"the beginning of a shard")
            raise KeyboardInterrupt
        save_file(tensors, file, **options)

    monkeypatch.setattr(writer, "save_file", save_three)
    assert "same command goes on" in fault(capsys, "shikra", out, **shikra)
    assert (tmp_path / "out.partial").is_dir()
    converted.convert("shikra", out, **shikra)
    assert len(calls) == 4 + len(list(out.glob("*.safetensors"))) - 3, "three shards were written already"
    assert same(out, whole)
    assert not (tmp_path / "out.partial").exists()


def test_a_killed_conversion_goes_on(shikra: dict[str, Path], tmp_path: Path, small_shards: None) -> None:
    """Killed as a process, at the third shard."""
    out = tmp_path / "out"
    child = os.fork()
    if child == 0:
        calls = []

        def kill(*args: Any, **options: Any) -> None:
            save_file(*args, **options)
            calls.append(1)
            if len(calls) == 3:
                os.kill(os.getpid(), signal.SIGKILL)

        writer.save_file = kill
        converted.convert("shikra", out, **shikra)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert not out.exists()
    assert len(list((tmp_path / "out.partial").glob("*.safetensors"))) == 2
    converted.convert("shikra", out, **shikra)
    assert same(out, converted.convert("shikra", tmp_path / "whole", **shikra))


def test_other_files_start_again(
    llava: dict[str, Path], tmp_path: Path, small_shards: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writer, "_write_settings", interrupt)
        arguments = [f"--{name}={value}" for name, value in {**llava, "out": tmp_path / "out"}.items()]
        assert main(["llava-1.5", *arguments]) == 130
    projector = torch.load(llava["checkpoint"] / "mm_projector.bin")
    projector["model.mm_projector.0.bias"] += 1
    torch.save(projector, llava["checkpoint"] / "mm_projector.bin")
    out = converted.convert("llava-1.5", tmp_path / "out", **llava)
    bias = converted.native(out).state_dict()["model.multi_modal_projector.linear_1.bias"]
    assert torch.equal(bias, projector["model.mm_projector.0.bias"].float())


def test_an_interrupt_as_the_folder_is_begun_or_cleared(
    llava: dict[str, Path], tmp_path: Path, small_shards: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither leaves a folder that the same command takes for somebody else's."""
    arguments = [f"--{name}={value}" for name, value in {**llava, "out": tmp_path / "out"}.items()]

    def interrupted_in(method: str, last: int) -> None:
        calls = []

        def interrupt(file: Path, *given: Any, **options: Any) -> Any:
            if file.parent == tmp_path / "out.partial":
                calls.append(file)
                if len(calls) == last:
                    raise KeyboardInterrupt
            return original(file, *given, **options)

        original = getattr(Path, method)
        with monkeypatch.context() as patch:
            patch.setattr(Path, method, interrupt)
            assert main(["llava-1.5", *arguments]) == 130

    interrupted_in("replace", 1)  # conversion.json has a name of its own only then
    interrupted_in("chmod", 3)  # of the third shard
    os.utime(llava["checkpoint"] / "mm_projector.bin", (1, 1))  # as if it were another one
    interrupted_in("unlink", 2)
    converted.convert("llava-1.5", tmp_path / "out", **llava)


def test_an_interrupt_at_the_end_comes_too_late(
    llava: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save_interrupted(file: Path, content: Any) -> None:
        save(file, content)
        if "versions" in content:
            os.kill(os.getpid(), signal.SIGINT)

    save = writer._save_json
    monkeypatch.setattr(writer, "_save_json", save_interrupted)
    converted.convert("llava-1.5", tmp_path / "out", **llava)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def same(one: Path, other: Path) -> bool:
    names = [file.name for file in one.iterdir()]
    return sorted(names) == sorted(file.name for file in other.iterdir()) and all(
        (one / name).read_bytes() == (other / name).read_bytes() for name in names
    )


# ---- what is wrong with a file -----------------------------------------------------------------------------


def spoil_missing_shard(files: dict[str, Path]) -> None:
    (files["checkpoint"] / "pytorch_model-00002-of-00002.bin").unlink()


def spoil_missing_shard_without_index(files: dict[str, Path]) -> None:
    spoil_missing_shard(files)
    (files["checkpoint"] / "pytorch_model.bin.index.json").unlink()


def spoil_truncated(files: dict[str, Path]) -> None:
    file = files["checkpoint"] / "pytorch_model-00001-of-00002.bin"
    file.write_bytes(file.read_bytes()[:-1000])


def spoil_html(files: dict[str, Path]) -> None:
    (files["checkpoint"] / "mm_projector.bin").write_text("<!DOCTYPE html><html>Quota exceeded</html>")


def spoil_lfs(files: dict[str, Path]) -> None:
    (files["checkpoint"] / "mm_projector.bin").write_text("version https://git-lfs.github.com/spec/v1\noid 1")


def spoil_empty(files: dict[str, Path]) -> None:
    (files["checkpoint"] / "mm_projector.bin").write_bytes(b"")


def spoil_text(files: dict[str, Path]) -> None:
    (files["checkpoint"] / "mm_projector.bin").write_text("not weights")


class Payload:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch executed",)


def spoil_pickle(files: dict[str, Path]) -> None:
    torch.save({"model.mm_projector.0.weight": Payload()}, files["checkpoint"] / "mm_projector.bin")


def spoil_old_pickle(files: dict[str, Path]) -> None:
    (files["checkpoint"] / "mm_projector.bin").write_bytes(pickle.dumps(Payload(), protocol=2))


def spoil_projector(files: dict[str, Path]) -> None:
    shutil.copy(files["vision"] / "pytorch_model.bin", files["checkpoint"] / "mm_projector.bin")


def spoil_extra(files: dict[str, Path]) -> None:
    projector = torch.load(files["checkpoint"] / "mm_projector.bin")
    torch.save(projector | {"model.mm_resampler.w": torch.ones(1)}, files["checkpoint"] / "mm_projector.bin")


def spoil_missing_tensor(files: dict[str, Path]) -> None:
    file = files["checkpoint"] / "pytorch_model-00002-of-00002.bin"
    tensors = torch.load(file)
    del tensors["model.norm.weight"], tensors["model.layers.3.mlp.up_proj.weight"]
    torch.save(tensors, file)


def spoil_shape(files: dict[str, Path]) -> None:
    projector = torch.load(files["checkpoint"] / "mm_projector.bin")
    projector["model.mm_projector.2.bias"] = torch.ones(5)
    torch.save(projector, files["checkpoint"] / "mm_projector.bin")


def spoil_tower(files: dict[str, Path]) -> None:
    config = json.loads((files["checkpoint"] / "config.json").read_text())
    config["mm_vision_tower"] = "openai/clip-vit-large-patch14-336"
    (files["checkpoint"] / "config.json").write_text(json.dumps(config))


def spoil_tokenizer(files: dict[str, Path]) -> None:
    (files["checkpoint"] / "tokenizer.model").unlink()


def spoil_tokenizer_bytes(files: dict[str, Path]) -> None:
    (files["checkpoint"] / "tokenizer.model").write_bytes(b"\x00\x01nonsense")


def spoil_vocabulary(files: dict[str, Path]) -> None:
    for file in files["checkpoint"].glob("pytorch_model-*.bin"):
        tensors = torch.load(file)
        for key in ("model.embed_tokens.weight", "lm_head.weight"):
            if key in tensors:
                tensors[key] = tensors[key][:-40].clone()
        torch.save(tensors, file)


def spoil_config(files: dict[str, Path]) -> None:
    (files["checkpoint"] / "config.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            spoil_missing_shard,
            r"lacks pytorch_model-00002-of-00002.bin, which pytorch_model.bin.index",
        ),
        (
            spoil_missing_shard_without_index,
            r"lacks pytorch_model-00002-of-00002.bin, which the names of the",
        ),
        (spoil_truncated, r"pytorch_model-00001-of-00002.bin\" cannot be used: it is truncated or damaged"),
        (spoil_html, r"mm_projector.bin\" cannot be used: it is a web page saved under that name"),
        (spoil_lfs, r"it is a Git LFS pointer, not the weights; run `git lfs pull`"),
        (spoil_empty, r"mm_projector.bin\" cannot be used: it is empty"),
        (spoil_text, r"mm_projector.bin\" cannot be used: it is no PyTorch file"),
        (spoil_pickle, r"it holds more than tensors and plain data, and nothing else is ever loaded"),
        (spoil_old_pickle, r"it holds more than tensors and plain data, and nothing else is ever loaded"),
        (
            spoil_projector,
            r"\(--projector\) is not LLaVA-1.5's projector: it lacks model.mm_projector.0.weight",
        ),
        (spoil_extra, r"\(--projector\) holds tensors that belong nowhere: model.mm_resampler.w\."),
        (
            spoil_missing_tensor,
            r"lack: model.language_model.layers.3.mlp.up_proj.weight, .*model.norm.weight\.",
        ),
        (spoil_shape, r"linear_2.bias \[5\] \(expected \[32\]\)"),
        (spoil_tower, r"trained with \"openai/clip-vit-large-patch14-336\", but .* is a tower for 24 px"),
        (spoil_tokenizer, r"lacks \"tokenizer.model\", one of the published files"),
        (spoil_tokenizer_bytes, r"tokenizer.model\" cannot be used: it is no SentencePiece model"),
        (spoil_vocabulary, r"it has 400 pieces, but the checkpoint has 360 embeddings"),
        (spoil_config, r"lacks \"config.json\", one of the published files"),
    ],
)
def test_bad_files(
    spoil: Callable[[dict[str, Path]], None],
    message: str,
    llava: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    spoil(llava)
    assert re.search(message, fault(capsys, "llava-1.5", tmp_path / "out", **llava))
    assert not (tmp_path / "executed").exists()


def test_extra_tensors_may_be_dropped_by_name(llava: dict[str, Path], tmp_path: Path) -> None:
    spoil_extra(llava)
    out = converted.convert("llava-1.5", tmp_path / "out", drop=r"model\.mm_resampler\..*", **llava)
    assert json.loads((out / "conversion.json").read_text())["dropped"]["--projector"] == [
        "model.mm_resampler.w"
    ]


def test_a_pattern_that_is_none(
    llava: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = fault(capsys, "llava-1.5", tmp_path / "out", drop="(", **llava)
    assert message.startswith("--drop ( is no regular expression")


def test_the_wrong_base(shikra: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    swapped = {**shikra, "delta": shikra["base"], "base": shikra["delta"]}
    message = fault(capsys, "shikra", tmp_path / "out", **swapped)
    assert "(--delta) is not Shikra's difference to LLaMA: it lacks model.mm_projector.weight" in message
    nowhere = {**shikra, "base": tmp_path / "nowhere"}
    assert 'no file or folder "' in fault(capsys, "shikra", tmp_path / "out", **nowhere)


def test_files_of_minigpt4_swapped(
    minigpt4: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    swapped = {**minigpt4, "projector": minigpt4["qformer"]}
    message = fault(capsys, "minigpt4", tmp_path / "out", **swapped)
    assert "(--projector) is not MiniGPT-4's projection: it lacks llama_proj.weight" in message
    assert "It holds query_tokens" in message


def test_an_occupied_folder(
    llava: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    assert "is not empty; name a folder that is" in fault(capsys, "llava-1.5", out, **llava)
    (out / "thesis.tex").unlink()
    converted.convert("llava-1.5", out, **llava)
    assert "holds a finished conversion already" in fault(capsys, "llava-1.5", out, **llava)

    partial = tmp_path / "other.partial"
    partial.mkdir()
    (partial / "notes.txt").write_text("mine")
    assert "is in the way" in fault(capsys, "llava-1.5", tmp_path / "other", **llava)
    assert (partial / "notes.txt").read_text() == "mine"


def test_two_at_once(llava: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with locked(tmp_path / "out"):
        message = fault(capsys, "llava-1.5", tmp_path / "out", **llava)
    assert message.startswith("Another conversion is writing ")
    assert not (tmp_path / "out.partial").exists()
    converted.convert("llava-1.5", tmp_path / "out", **llava)
    assert not list(tmp_path.glob("*.lock"))


def test_a_full_disk(
    llava: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(writer.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
        message = fault(capsys, "llava-1.5", tmp_path / "out", **llava)
        assert re.search(r"has 0\.0 GB free, but 0\.0 GB are still to be written; make room", message)

    def fill(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(writer, "save_file", fill)
        message = fault(capsys, "llava-1.5", tmp_path / "out", **llava)
        assert "is full; make room and give the same command again" in message
    converted.convert("llava-1.5", tmp_path / "out", **llava)


# ---- other formats -----------------------------------------------------------------------------------------


def test_files_from_before_torch_1_6(llava: dict[str, Path], tmp_path: Path) -> None:
    """They are no zip archives and cannot be mapped."""
    file = llava["checkpoint"] / "mm_projector.bin"
    torch.save(torch.load(file), file, _use_new_zipfile_serialization=False)
    converted.convert("llava-1.5", tmp_path / "out", **llava)


def test_safetensors_are_read_as_well(llava: dict[str, Path], tmp_path: Path) -> None:
    """The tower's repository has both; shards of safetensors are named by an index of their own."""
    first = converted.convert("llava-1.5", tmp_path / "one", **llava)
    folder = llava["checkpoint"]
    weight_map = {}
    for file in sorted(folder.glob("pytorch_model-*.bin")):
        tensors = torch.load(file)
        name = file.name.replace("pytorch_model", "model").replace(".bin", ".safetensors")
        save_file(tensors, folder / name)
        weight_map |= dict.fromkeys(tensors, name)
        file.unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    second = converted.convert("llava-1.5", tmp_path / "two", **llava)
    one, two = (load_file(out / "model-00001-of-00001.safetensors") for out in (first, second))
    assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
