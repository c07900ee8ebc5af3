"""Methods of the user's own are what built-in ones are; whatever is wrong with them is one sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import test_contrast
import tiny
import torch
from torch import Tensor

from aai_worker.engine import Engine
from aai_worker.errors import WorkerError
from aai_worker.plugins import PluginError, attention, contrast, registry
from aai_worker.protocol import (
    AttentionEdit,
    InstallHookCommand,
    LoadedPlugin,
    LoadPluginCommand,
    ModelCommand,
    PluginParameter,
    RemoveHookCommand,
)

HEADER = "from aai_worker.plugins import attention, contrast\n"
Write = Callable[..., LoadedPlugin]


@pytest.fixture
def write(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Loads a plug-in file with this text."""
    monkeypatch.setattr(registry, "_FILES", [])

    def write_and_load(code: str, name: str = "mine.py", header: str = HEADER) -> LoadedPlugin:
        source = tiny.frame((header + code).encode())
        return engine.load_plugin(LoadPluginCommand(file=f"/their/{name}", source=0), [source])

    return write_and_load


@pytest.mark.parametrize(
    ("own", "built_in"),
    [
        (tiny.own_edit("own_pai", alpha=0.7), tiny.pai(alpha=0.7)),
        (tiny.own_edit("own_hgai", layers=(0, 3), alpha=0.4), tiny.hgai(alpha=0.4, layers=(0, 3))),
        (
            tiny.own_edit("own_aai", warmup=2, alpha=0.8, beta=0.9),
            tiny.aai(alpha=0.8, beta=0.9, warmup=2),
        ),
    ],
)
def test_an_edit_is_the_built_in_one_bit_for_bit(
    own: AttentionEdit, built_in: AttentionEdit, engine: Engine, logits: list[Tensor]
) -> None:
    """Tokens, logits, captured maps and attestation, in a batch of two images, one row not edited."""
    samples = [tiny.sample("<image>\nWhat?"), tiny.sample("Look: <image>\nPlease describe this.", image=1)]
    results = []
    for edit in (own, built_in):
        rows = [tiny.row(edit, sample=0), tiny.row(sample=0), tiny.row(edit, sample=1)]
        results.append(tiny.run(engine, samples, rows, tiny.pictures(2), capture=tiny.capture()))
    mine, theirs = results
    assert torch.equal(torch.stack(logits[:12]), torch.stack(logits[12:]))
    for row in range(3):
        assert mine.ids(row) == theirs.ids(row)
        maps = [[event.weights.tobytes() for event in one.attention[row]] for one in results]
        assert maps[0] == maps[1] and len(maps[0]) == 12
        assert [token.edited for token in mine.tokens[row]] == [token.edited for token in theirs.tokens[row]]
    assert mine.ids(0) != mine.ids(1), "the edit is meant to show"
    assert mine.summary is not None and theirs.summary is not None
    names = {own.parameters.name: theirs.summary.attestation[0].method}  # type: ignore[union-attr]
    for proof, known in zip(mine.summary.attestation, theirs.summary.attestation, strict=True):
        assert names[proof.method] == known.method
        assert (proof.row, proof.layers, proof.steps, proof.applications, proof.constant_reference) == (
            known.row,
            known.layers,
            known.steps,
            known.applications,
            known.constant_reference,
        )


@pytest.mark.parametrize(
    ("own", "built_in"),
    [
        (tiny.own_contrast("own_m3id"), test_contrast.m3id()),
        (tiny.own_contrast("own_pai_cfg"), test_contrast.pai_cfg()),
        (tiny.own_contrast("own_vcd", noise_seed=5), test_contrast.vcd(seed=5)),
        (tiny.own_contrast("own_apc", beta=0.4), test_contrast.apc(beta=0.4)),
    ],
)
def test_a_contrast_is_the_built_in_one(
    own: Any, built_in: Any, engine: Engine, logits: list[Tensor]
) -> None:
    rows = [tiny.row(), tiny.row(tiny.own_edit("own_pai"))]
    mine, theirs = (
        tiny.run(engine, [tiny.sample()], rows, tiny.pictures(1), contrast=one) for one in (own, built_in)
    )
    assert [mine.ids(0), mine.ids(1)] == [theirs.ids(0), theirs.ids(1)]
    assert torch.equal(torch.stack(logits[:12]), torch.stack(logits[12:]))
    assert mine.summary is not None and theirs.summary is not None
    for proof, known in zip(mine.summary.contrasts, theirs.summary.contrasts, strict=True):
        assert proof.method == own.name
        for field in ("row", "second_stream", "steps", "changed", "overruled"):
            assert getattr(proof, field) == getattr(known, field)


def test_what_a_function_asks_for(engine: Engine) -> None:
    edits = [tiny.own_edit("watch", layers=(1, 3), warmup=1, in_place=True), tiny.pai()]
    plain = tiny.run(engine, [tiny.sample()], [tiny.row(edits[1])], tiny.pictures(1), tokens=4)
    seen = tiny.seen_by_watch(edits[0])
    watched = tiny.run(engine, [tiny.sample()], [tiny.row(*edits)], tiny.pictures(1), tokens=4)
    assert seen == [(layer, generated) for generated in (2, 3) for layer in (1, 2)]
    assert watched.ids() == plain.ids()


def test_what_a_file_declares(write: Write) -> None:
    loaded = write(
        "from typing import Literal\n"
        "@attention\n"
        "def lift(x, reference, *, alpha: float = 1, most: 'int', how: Literal['a', 'b'] = 'a'):\n"
        "    '''Lifts\n    image logits.\n\n    More.'''\n"
        "    return x\n"
        "@contrast(stream='noisyImage')\n"
        "def against(main, other, *, on: bool = False): return main\n"
        "def helper(): pass\n"
    )
    lift, against = loaded.declarations
    assert (lift.axis, lift.name, lift.summary) == ("attention", "lift", "Lifts image logits.")
    assert (lift.takes_reference, lift.stream) == (True, "none")
    assert lift.parameters == [
        PluginParameter(name="alpha", type="float", choices=[], default=1.0),
        PluginParameter(name="most", type="int", choices=[], default=None),
        PluginParameter(name="how", type="str", choices=["a", "b"], default="a"),
    ]
    assert isinstance(lift.parameters[0].default, float)
    assert (against.axis, against.stream, against.takes_reference) == ("contrast", "noisyImage", False)
    assert against.parameters == [PluginParameter(name="on", type="bool", choices=[], default=False)]


def test_a_function_under_another_decorator(write: Write) -> None:
    loaded = write(
        "from __future__ import annotations\nimport torch\nfrom typing import Literal as Either\n"
        f"{HEADER}@attention\n@torch.no_grad()\ndef f(x, *, how: Either['a'] = 'a'): return x\n",
        header="",
    )
    assert loaded.declarations[0].parameters[0].choices == ["a"]


def test_a_decorated_function_stays_a_function() -> None:
    @attention
    def double(x: Tensor) -> Tensor:
        return 2 * x

    @contrast
    def half(main: Tensor) -> Tensor:
        return main / 2

    assert double(torch.ones(2)).tolist() == [2, 2]
    assert half(torch.ones(2)).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("@attention\ndef f(*, alpha: float): ...", r"f: the logits come first, as in def f\(x, \*, ...\)"),
        ("@contrast(stream='imageFree')\ndef f(main): ...", r"as in def f\(main, other, \*, ...\)"),
        (
            "@attention\ndef f(x, alpha): ...",
            'f: "alpha" is nothing that the engine gives; behind the logits',
        ),
        ("@attention\ndef f(x, *, alpha): ...", "f: alpha has no type; it may be float, int, bool, str or"),
        ("@attention\ndef f(x, *, alpha: list): ...", "f: alpha has the type <class 'list'>; it may be"),
        ("@attention\ndef f(x, *, alpha: 'Foo'): ...", "f: alpha has the type Foo, which is no type here"),
        ("@attention\ndef f(x, *, alpha: float = '1'): ...", "alpha has the default '1'; a number is needed"),
        ("@attention\ndef f(x, *, alpha: int = True): ...", "the default True; a whole number is needed"),
        ("@attention\ndef f(x, *, layers: int): ...", "f: layers is said of every attention plug-in already"),
        ("@attention\ndef f(x, **rest): ...", r"f: \*\*rest hides what it takes; name every parameter"),
        (
            "@contrast(stream='blue')\ndef f(x): ...",
            'f: there is no stream "blue"; there are none, imageFree',
        ),
        ("f = attention(lambda x: x)", "@attention belongs before a function with a name"),
        ("attention(3)", "@attention belongs before a function with a name, not before 3"),
    ],
)
def test_functions_that_are_no_methods(definition: str, message: str, write: Write) -> None:
    with pytest.raises(WorkerError, match=message) as caught:
        write(definition)
    assert caught.value.code == "bad-plugin"
    assert "mine.py: " in caught.value.message
    with pytest.raises(PluginError):
        exec(HEADER + definition, {})


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = = 1", "mine.py is no Python: invalid syntax, in line 2."),
        ("x = '\0'", "mine.py is no Python: source code"),
        ("exec('1 +')", "in line 2 (exec('1 +')): SyntaxError: invalid syntax"),
        (
            "\nimport no_such_module",
            "in line 3 (import no_such_module): ModuleNotFoundError: No module named",
        ),
        ("1 / 0", "mine.py failed as it was loaded, in line 2 (1 / 0): ZeroDivisionError: division by zero."),
        ("raise SystemExit(3)", "in line 2 (raise SystemExit(3)): SystemExit: 3."),
        ("def f(x): return x", "mine.py declares no method; put @attention or @contrast"),
        ("@attention\ndef pai(x): return x", 'declares "pai", but a built-in method has that name already'),
        ("@contrast\ndef pai(x): return x", 'declares "pai", but a built-in method has that name already'),
    ],
)
def test_files_that_are_no_plugins(code: str, message: str, write: Write) -> None:
    with pytest.raises(WorkerError) as caught:
        write(code)
    assert (caught.value.code, message in caught.value.message) == ("bad-plugin", True), caught.value.message


def test_a_file_that_is_no_text(engine: Engine) -> None:
    with pytest.raises(WorkerError, match=r"bytes\.py is no plug-in file: it is not UTF-8 text\."):
        engine.load_plugin(LoadPluginCommand(file="bytes.py", source=0), [tiny.frame(b"\xff\xfe\x00")])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"gamma": 1.0}, 'needy has no parameter "gamma"; it has alpha (float), how (a or b).'),
        ({"how": "a"}, "needy needs alpha (float); give it."),
        ({"alpha": "much"}, "needy: alpha is 'much'; a number is needed."),
        ({"alpha": True}, "needy: alpha is True; a number is needed."),
        ({"alpha": float("nan")}, "needy: alpha is nan; a finite number is needed."),
        ({"alpha": 1, "how": "c"}, 'needy: how is "c"; it may be a or b.'),
        ({"alpha": 1, "how": 1}, "needy: how is 1; a text is needed."),
    ],
)
def test_values_that_do_not_fit(values: dict[str, Any], message: str, write: Write, engine: Engine) -> None:
    loaded = write(
        "from typing import Literal\n"
        "@attention\ndef needy(x, *, alpha: float, how: Literal['a', 'b'] = 'a'): return x\n"
    )
    edit = tiny.own_edit("needy", sha256=loaded.sha256, **values)
    with pytest.raises(WorkerError) as caught:
        tiny.run(engine, [tiny.sample()], [tiny.row(edit)], tiny.pictures(1))
    assert (caught.value.code, caught.value.message) == ("bad-input", message)


FAILURES = [
    (
        "raise ValueError('so\\nnot')",
        r"raised ValueError: so, in line 4 \(raise ValueError\('so\\nnot'\)\)\.",
    ),
    ("helper()", r"raised ZeroDivisionError: division by zero, in line 6 \(def helper\(\): 1 / 0\)\."),
    ("return torch.ones(3) + torch.ones(2)", r"raised RuntimeError: The size of tensor a .*, in line 4 \("),
    ("pass", "returned NoneType; float32 of shape .* on cpu is needed"),
    ("return 1", "returned int; float32"),
    (
        "return x[..., :3]",
        r"returned float32 of shape \[.*3\] on cpu; float32 of shape \[.*\] on cpu is needed",
    ),
    ("return x.double()", r"returned float64 of shape"),
    ("return x / 0 * 0", "returned values that are NaN or"),
    ("return x.abs() / 0", "returned values that are NaN or"),
    ("raise SystemExit", r"raised SystemExit, in line 4 \(raise SystemExit\)\."),
]


@pytest.mark.parametrize("axis", ["attention", "contrast"])
@pytest.mark.parametrize(("body", "message"), FAILURES)
def test_functions_that_fail(axis: str, body: str, message: str, write: Write, engine: Engine) -> None:
    """The worker goes on."""
    code = f"@{axis}\ndef f(x):\n    {body}\n\ndef helper(): 1 / 0\n"
    loaded = write(code, header=f"import torch; {HEADER}")
    row, given = tiny.row(tiny.own_edit("f", sha256=loaded.sha256)), None
    if axis == "contrast":
        row, given = tiny.row(), tiny.own_contrast("f", sha256=loaded.sha256)
    with pytest.raises(WorkerError, match=r"^f of .*mine\.py " + message) as caught:
        tiny.run(engine, [tiny.sample()], [row], tiny.pictures(1), contrast=given)
    assert caught.value.code == "plugin-failed"
    assert tiny.run(engine, [tiny.sample()], [tiny.row()], tiny.pictures(1)).ids()


def test_a_file_is_loaded_anew(write: Write, engine: Engine) -> None:
    """What was made of the older code is refused, but an installed hook keeps the code it came with."""
    old = write("@attention\ndef f(x): return x + 1\n")
    edit = tiny.own_edit("f", sha256=old.sha256)
    hook = engine.install_hook(InstallHookCommand(model="m1", edit=edit), [])
    hooked = tiny.run(engine, [tiny.sample()], [tiny.hooked_row()], tiny.pictures(1))
    new = write("@attention\ndef f(x): return x + 2\n")
    assert new.sha256 != old.sha256

    again = tiny.run(engine, [tiny.sample()], [tiny.hooked_row()], tiny.pictures(1))
    listed = engine.list_hooks(ModelCommand(model="m1")).hooks
    engine.remove_hook(RemoveHookCommand(model="m1", hook=hook.hook))
    assert again.ids() == hooked.ids()
    assert [(one.hook, one.edit.parameters) for one in listed] == [(hook.hook, edit.parameters)]
    assert again.summary is not None
    assert [(proof.method, proof.hook) for proof in again.summary.attestation] == [("f", hook.hook)]
    with pytest.raises(WorkerError, match=f"hash {old.sha256[:12]}, but the file has been loaded anew since"):
        tiny.run(engine, [tiny.sample()], [tiny.row(edit)], tiny.pictures(1))
    newer = tiny.row(tiny.own_edit("f", sha256=new.sha256))
    assert tiny.run(engine, [tiny.sample()], [newer], tiny.pictures(1)).ids() != hooked.ids()


def test_a_file_that_breaks_leaves_what_was(write: Write, engine: Engine) -> None:
    old = write("@attention\ndef f(x): return x\n")
    with pytest.raises(WorkerError, match="is no Python"):
        write("@attention\ndef f(x) return x\n")
    edit = tiny.own_edit("f", sha256=old.sha256)
    assert tiny.run(engine, [tiny.sample()], [tiny.row(edit)], tiny.pictures(1)).ids()


def test_names_belong_to_one_file(write: Write, engine: Engine) -> None:
    code = "@attention\ndef f(x): return x\n"
    first = write(code)
    assert write(code, "copy.py").sha256 == first.sha256, "the same code again is no other"
    with pytest.raises(WorkerError, match=r'other\.py declares "f", but .*copy\.py has that name already'):
        write(code + "# other\n", "other.py")
    with pytest.raises(WorkerError, match='has not loaded a plug-in file that declares the attention "g"'):
        tiny.run(engine, [tiny.sample()], [tiny.row(tiny.own_edit("g", sha256="0"))], tiny.pictures(1))
    with pytest.raises(WorkerError, match='declares the contrast "f"; every worker needs loadPlugin of its'):
        wrong = tiny.own_contrast("f", sha256=first.sha256)
        tiny.run(engine, [tiny.sample()], [tiny.row()], tiny.pictures(1), contrast=wrong)


def test_a_reference_where_none_is_asked_for(engine: Engine) -> None:
    reference = torch.ones(tiny.IMAGE_TOKENS).numpy()
    with pytest.raises(WorkerError, match="own_pai takes no vision reference"):
        edit = tiny.own_edit("own_pai", reference=1)
        tiny.run(engine, [tiny.sample()], [tiny.row(edit)], [*tiny.pictures(1), reference])
    ones = tiny.own_edit("own_aai", reference=1, alpha=0.5)  # PAI is AAI with a reference of ones
    rows = [tiny.row(ones), tiny.row(tiny.pai(0.5))]
    result = tiny.run(engine, [tiny.sample()], rows, [*tiny.pictures(1), reference])
    assert result.ids(0) == result.ids(1)
    assert result.summary is not None and result.summary.attestation[0].constant_reference


def test_streams_have_their_needs(engine: Engine) -> None:
    with pytest.raises(WorkerError, match="own_m3id contrasts with a worse view of the image"):
        given = tiny.own_contrast("own_m3id")
        tiny.run(engine, [tiny.sample("Who?", image=None)], [tiny.row()], [], contrast=given)
    with pytest.raises(WorkerError, match="own_vcd: noiseStep is 1000; it may be 999 at most"):
        given = tiny.own_contrast("own_vcd", noise_step=1000)
        tiny.run(engine, [tiny.sample()], [tiny.row()], tiny.pictures(1), contrast=given)


def test_a_plugin_does_not_see_the_folder_it_stands_in(write: Write, tmp_path: Path) -> None:
    """Its hash stands for all of its code, so a module beside it, which the hash would miss, is not found."""
    (tmp_path / "beside.py").write_text("X = 1\n")
    assert os.getcwd() != str(tmp_path)
    with pytest.raises(WorkerError, match=r"\(import beside\): ModuleNotFoundError"):
        write("import beside\n@attention\ndef f(x): return x\n")
