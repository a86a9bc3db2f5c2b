"""Task files: what they may say, and how their mistakes are told."""

from pathlib import Path

import pytest

from ossia import harmony
from ossia.agent.task import Task, TaskConfig, load_task, plain_task
from ossia.errors import UserError

WHOLE = """\
engine:
  spec: nano
  sampling: {temperature: 0, seed: 3}
agent:
  instructions: "Answer about {{ city }}."
  effort: high
  date: 2026-01-31
tools:
  - python: {timeout: 30}
sandbox: bubblewrap
limits: {steps: 8, force_final: true}
input:
  text: "What is the {{ what }} of {{ city }}?"
  files: ["{{ city }}.csv"]
  variables:
    city: {required: true}
    what: population
output: {files: out}
expect: {contains: "{{ city }}", matches: "\\\\d+"}
"""


def write(folder: Path, text: str, name: str = "task.yaml") -> Path:
    (path := folder / name).write_text(text)
    return path


def load(folder: Path, text: str, **options: object) -> Task:
    return load_task(write(folder, text), **options)  # type: ignore[arg-type]


async def test_a_whole_task_becomes_an_agent(tmp_path: Path) -> None:
    task = load(tmp_path, WHOLE, inputs={"city": "Oslo"})
    agent = task.agent()
    assert task.text == "What is the population of Oslo?"
    assert task.files == (tmp_path / "Oslo.csv",)
    assert task.output_directory == tmp_path / "out"
    assert (task.config.expect.contains, task.config.expect.matches) == (("Oslo",), "\\d+")
    prompt = harmony.encoding().decode(await agent.preview(task.text))
    for part in ("Answer about Oslo.", "Reasoning: high", "Current date: 2026-01-31", "time out after 30.0 seconds"):
        assert part in prompt
    assert (agent.limits.steps, agent.limits.force_final) == (8, True)


def test_the_short_forms_mean_the_long_ones(tmp_path: Path) -> None:
    short = load(tmp_path, "engine: nano\nsandbox: docker\ninput: Hello").config
    assert short == TaskConfig.model_validate(
        {"engine": {"spec": "nano"}, "sandbox": {"provider": "docker"}, "input": {"text": "Hello"}}
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("input: Hi\nlimts: {steps: 3}", r"task.yaml, line 2: `limts` is no key of a task; did you mean `limits`\?"),
        ("input: Hi\nlimits:\n  stepps: 3", r"task.yaml, line 3: `limits.stepps` .* did you mean `steps`\?"),
        ("input: Hi\nlimits:\n  steps: many", "task.yaml, line 3: `limits.steps`: input should be a valid integer"),
        ("input: Hi\nlimits: {steps: 0}", r"Limits\(steps=0\)"),
        ("input: Hi\nengine:\n  sampling:\n    temprature: 1", "did you mean `temperature`"),
        ("input: Hi\nsandbox: podman", "task.yaml, line 2: `sandbox.provider`"),
        ("input:\n  text: Hi\n  variables:\n    a: {defalt: 1}", "line 4: .* did you mean `default`"),
        ("agent: {effort: low}", "`input`: field required"),
        ("- a\n- b", "is no task"),
        ("input: [", "is not YAML"),
        ("1: 2", "its keys must be strings"),
        ("input: !!python/object:os.system {}", "is not YAML"),
        ("extends: other.yaml", "can't be read"),
    ],
)
def test_mistakes_are_told_with_file_line_and_the_nearest_key(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("tools", "sentence"),
    [
        ("[pyton]", "did you mean 'python'"),
        ("[python: {timout: 3}]", "did you mean 'timeout'"),
        ("[python: {timeout: soon}]", "option 'timeout'"),
        ("[no_such_module:tool]", "can't be imported"),
        ("[json:dumps]", "dumps"),
        ("[json:JSONDecoder]", "is a class"),
    ],
)
def test_unknown_tools_are_refused(tmp_path: Path, tools: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        load(tmp_path, f"input: Hi\ntools: {tools}").agent()


def test_a_task_extends_another_section_by_section(tmp_path: Path) -> None:
    write(tmp_path, "engine: nano\nlimits: {steps: 3, tokens: 9}\ninput: Hi", "base.yaml")
    config = load(tmp_path, "extends: base.yaml\nengine: {sampling: {seed: 1}}\nlimits: {steps: 5}").config
    assert (config.engine.spec, config.engine.sampling.seed) == ("nano", 1)
    assert (config.limits.steps, config.limits.tokens, config.input.text) == (5, 9, "Hi")


def test_a_task_that_extends_itself_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "extends: task.yaml", "base.yaml")
    with pytest.raises(UserError, match="extends itself"):
        load(tmp_path, "extends: base.yaml\ninput: Hi")


def test_mistakes_in_an_extended_file_are_told_there(tmp_path: Path) -> None:
    write(tmp_path, "input: Hi\nagent: {efort: low}", "base.yaml")
    with pytest.raises(UserError, match="base.yaml, line 2"):
        load(tmp_path, "extends: base.yaml")


def test_overrides_lie_over_the_file(tmp_path: Path) -> None:
    task = load(tmp_path, "input: Hi\nlimits: {steps: 3}", overrides=["limits.tokens=5", "agent.effort=low"])
    assert (task.config.limits.steps, task.config.limits.tokens, task.config.agent.effort) == (3, 5, "low")


@pytest.mark.parametrize(("text", "sentence"), [("limits", "has no form"), ("limts.a=1", "-c limts.a=1: `limts`")])
def test_mistakes_in_overrides_are_told_as_such(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        load(tmp_path, "input: Hi", overrides=[text])


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [({}, "needs the input 'city'"), ({"city": 1, "town": 2}, "declares no input 'town'; its inputs are: city, what")],
)
def test_inputs_are_checked(tmp_path: Path, inputs: dict[str, int], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        load(tmp_path, WHOLE, inputs=inputs)


def test_an_undeclared_name_in_a_template_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="input.text: 'town' is undefined"):
        load(tmp_path, "input: 'In {{ town }}'")


def test_templates_cannot_reach_into_python(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unsafe"):
        load(tmp_path, "input: '{{ \"\".__class__.__mro__ }}'")


def test_the_text_of_a_plain_task_is_no_template() -> None:
    assert plain_task("What is {{ this }}?", {}).text == "What is {{ this }}?"


def test_the_schema_describes_every_section() -> None:
    schema = TaskConfig.model_json_schema()
    assert set(schema["properties"]) >= {"engine", "agent", "tools", "sandbox", "limits", "input", "output", "expect"}
