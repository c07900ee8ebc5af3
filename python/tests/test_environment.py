"""The one-shot questions: JSON strings whatever happens, and a sentence for every checkpoint that is none."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zmq

from aai_worker import environment

pytestmark = pytest.mark.slow

TINY_LLAVA = Path(__file__).parents[2] / "test" / "environment" / "tiny_llava.py"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inspect") / "tiny"
    subprocess.run([sys.executable, str(TINY_LLAVA), str(folder)], check=True, capture_output=True)
    return folder


def change_config(**entries: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / "config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **entries}))

    return change


def write(name: str, content: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(content) and None


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (remove("config.json"), "no config.json"),
        (write("config.json", "{"), "config.json"),
        (change_config(model_type="novel"), '"novel" is not supported'),
        (change_config(vision_config={"model_type": "clip_vision_model", "patch_size": 0}), "no model"),
        (change_config(text_config={"model_type": "llama", "hidden_size": "wide"}), "no model"),
        (remove("tokenizer.json"), "tokenizer"),
        (remove("processor_config.json"), "image processor"),
        (write("model.safetensors", "no weights"), "damaged"),
    ],
)
def test_a_damaged_checkpoint_is_one_sentence(
    checkpoint: Path, tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    copy = shutil.copytree(checkpoint, tmp_path / "copy")
    damage(copy)
    answer = json.loads(environment.inspect(str(copy)))
    assert list(answer) == ["fault"]
    assert words in answer["fault"]
    assert "\n" not in answer["fault"]


def test_a_checkpoint_without_weights_is_described_all_the_same(checkpoint: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(checkpoint, tmp_path / "copy")
    whole = json.loads(environment.inspect(str(copy)))["value"]
    remove("model.safetensors")(copy)
    without = json.loads(environment.inspect(str(copy)))["value"]
    assert without == {**whole, "dtypes": None, "weightBytes": None}


def test_answers_are_json_even_where_a_question_raises_or_returns_nan() -> None:
    @environment.answer
    def fails() -> None:
        raise KeyError

    assert json.loads(fails()) == {"fault": "KeyError"}
    assert "fault" in json.loads(environment.answer(lambda: float("nan"))())
    assert json.loads(environment.answer(lambda: Path("a"))()) == {"value": "a"}


def test_probe_names_this_interpreter_and_its_torch() -> None:
    import torch

    value = json.loads(environment.probe())["value"]
    assert value["python"]["executable"] == sys.executable
    assert value["torch"] == {"version": torch.__version__, "error": None}
    assert value["devices"][-1]["device"] == "cpu"
    assert all(package["error"] is None for package in value["packages"].values())


def test_a_package_that_is_missing_or_broken() -> None:
    assert environment.probe_package("no-such-distribution", "json") == {"version": None, "error": None}
    broken = environment.probe_package("numpy", "numpy.no_such_module")
    assert broken["version"] and broken["error"].startswith("ModuleNotFoundError")


def test_echo_sends_every_message_back() -> None:
    with zmq.Context() as context, context.socket(zmq.PAIR) as near:
        near.rcvtimeo = 10_000
        port = near.bind_to_random_port("tcp://127.0.0.1")
        far = threading.Thread(target=environment.echo, args=(f"tcp://127.0.0.1:{port}", 3))
        far.start()
        for message in (b"", b"one", bytes(100_000)):
            near.send(message)
            assert near.recv() == message
        far.join(timeout=10)
        assert not far.is_alive()
