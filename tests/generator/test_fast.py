"""`sampan.fast` gives what plain Copier gives, byte for byte, and leaves a Copier that it does not know unchanged."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import copier
import pytest
from copier._jinja_ext import SandboxedEnvironment, YieldExtension
from copier._main import Worker
from hypothesis import given
from hypothesis import strategies as st
from jinja2.ext import Extension

from sampan import fast, matrix
from tests.harness import ROOT, commit_all, files_of, git

ENVOPS: tuple[dict[str, Any], ...] = (
    {},
    {"variable_start_string": "{=", "variable_end_string": "=}", "line_statement_prefix": "#%", "trim_blocks": True, "lstrip_blocks": True},
    {"block_start_string": "[%", "block_end_string": "%]", "line_comment_prefix": "//", "keep_trailing_newline": True},
)
ROWS = {matrix.identifier(row): matrix.answers(row) for row in matrix.rows()}
QUICK = {next(name for name in ROWS if name.startswith(profile)): None for profile in ("regulated", "sandbox")}

SMALL = {
    "copier.yml": """
        _answers_file: .{{ service }}.yml
        _exclude: [copier.yml, "{% if not sample %}*.txt{% endif %}"]
        service: {type: str, default: orders}
        kind: {type: str, choices: [one, two], default: "{{ 'two' }}"}
        sample: {type: bool, default: true}
        places: {type: yaml, default: [a, b], multiselect: true, choices: [a, b, c]}
    """,
    "{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}",
    "{% yield place from places %}{{ place }}{% endyield %}/plain/{{ service }}.md.jinja": "{{ place }} of {{ service }}: {{ kind }}\n",
    "plain/{% yield place from places %}{{ place }}{% endyield %}.tf.jinja": "# {{ place }}\n",
    "{% if sample %}sample{% endif %}/deep/er/file.txt": "{{ not rendered }}\r\n",
    "plain/run.sh": "#!/bin/sh\n",
    "plain/Räume & more.txt.jinja": "# {{ service }}\n",
}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A template that uses every kind of path."""
    for name, text in SMALL.items():
        path = tmp_path / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    (tmp_path / "small/plain/run.sh").chmod(0o755)
    return tmp_path / "small"


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Content and mode of each file."""
    return {name: (content, (folder / name).stat().st_mode) for name, content in files_of(folder).items()}


def test_the_parts_that_are_replaced_are_those_that_were_tested() -> None:
    # Red after a release of Copier or Jinja? Compare the parts with docs/upstream/, adapt the replacements, then the fingerprints.
    assert {f"{part.owner.__name__}.{part.name}": fast.fingerprint(part) for part in fast.PARTS} == {
        f"{part.owner.__name__}.{part.name}": part.source for part in fast.PARTS
    }
    assert fast.changed() == ()


def test_every_replaced_part_is_watched() -> None:
    watched = {(part.owner, part.name) for part in fast.PARTS}
    for owner, name, _ in fast.REPLACEMENTS:
        holder = next(base for base in getattr(owner, "__mro__", (owner,)) if name in base.__dict__)  # a class or a module
        assert (holder, name) in watched


@pytest.mark.parametrize("source", ["0" * 16, ""])
def test_another_copier_stays_as_it_is(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    before = {name: getattr(owner, name) for owner, name, _ in fast.REPLACEMENTS}
    monkeypatch.setattr(fast, "PARTS", (fast.PARTS[0]._replace(source=source),))
    fast.changed.cache_clear()
    try:
        with fast.fast_copier() as faster:
            assert not faster
            assert {name: getattr(owner, name) for owner, name, _ in fast.REPLACEMENTS} == before
            copier.run_copy(str(small), tmp_path / "project", defaults=True, quiet=True)
    finally:
        monkeypatch.undo()
        fast.changed.cache_clear()
    assert (tmp_path / "project/a/plain/orders.md").read_text() == "a of orders: two\n"


def test_a_part_that_is_gone_has_no_fingerprint() -> None:
    assert fast.fingerprint(fast.Part(Worker, "no_such_method", "")) == ""
    assert fast.fingerprint(fast.Part(Worker, "__class__", "")) == ""


def test_blocks_can_be_nested_and_end_with_plain_copier() -> None:
    plain = [owner.__dict__.get(name) for owner, name, _ in fast.REPLACEMENTS]
    with fast.fast_copier() as outer:
        with pytest.raises(KeyError), fast.fast_copier() as inner:  # noqa: PT012  # what is inside is the point
            assert outer
            assert inner
            raise KeyError
        assert [owner.__dict__.get(name) for owner, name, _ in fast.REPLACEMENTS] != plain
    assert [owner.__dict__.get(name) for owner, name, _ in fast.REPLACEMENTS] == plain


@pytest.mark.parametrize("answers", [{}, {"service": "users", "sample": False, "places": ["c"], "kind": "one"}])
def test_every_kind_of_path_is_rendered_as_by_plain_copier(
    small: Path, tmp_path: Path, answers: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    copier.run_copy(str(small), tmp_path / "plain", data=answers, defaults=True)
    said = capfd.readouterr()
    with fast.fast_copier() as faster:
        assert faster
        copier.run_copy(str(small), tmp_path / "fast", data=answers, defaults=True)
    assert capfd.readouterr() == said
    assert tree(tmp_path / "fast") == tree(tmp_path / "plain")


def test_an_update_is_what_plain_copier_makes_of_it(small: Path, tmp_path: Path) -> None:
    commit_all(small, "One")
    git("tag", "1.0.0", cwd=small)
    (small / "plain/run.sh").write_text("#!/bin/sh -eu\n")
    (small / "plain/new.txt").write_text("new\n")
    commit_all(small, "Two")
    git("tag", "2.0.0", cwd=small)
    for name in ("plain", "fast"):
        project = tmp_path / name
        copier.run_copy(str(small), project, vcs_ref="1.0.0", defaults=True, quiet=True)
        (project / "a/plain/orders.md").write_text("edited\n")
        commit_all(project, "Mine")
        options: dict[str, Any] = {
            "defaults": True,
            "overwrite": True,
            "quiet": True,
            "answers_file": ".orders.yml",
            "data": {"kind": "one"},
        }
        if name == "plain":
            copier.run_update(project, **options)
        else:
            with fast.fast_copier():
                copier.run_update(project, **options)
    assert tree(tmp_path / "fast") == tree(tmp_path / "plain")
    assert git("status", "--porcelain", cwd=tmp_path / "fast") == git("status", "--porcelain", cwd=tmp_path / "plain") != ""


def test_a_worker_that_copies_twice_follows_its_answers(small: Path, tmp_path: Path) -> None:
    with fast.fast_copier(), Worker(src_path=str(small), dst_path=tmp_path / "p", defaults=True, quiet=True, overwrite=True) as worker:
        worker.run_copy()
        worker.data["service"] = "users"
        worker.run_copy()
    assert {".orders.yml", ".users.yml"} <= set(files_of(tmp_path / "p"))


@pytest.mark.parametrize("setting", ["true", "false"])
def test_the_index_of_a_repository_gets_executable_files_as_from_plain_copier(small: Path, tmp_path: Path, setting: str) -> None:
    indexes = []
    for name in ("plain", "fast"):
        project = tmp_path / name
        (project / "plain").mkdir(parents=True)
        (project / "plain/run.sh").write_text("old\n")
        git("init", "-q", cwd=project)
        git("config", "core.fileMode", setting, cwd=project)
        commit_all(project, "Old")
        if name == "plain":
            copier.run_copy(str(small), project, defaults=True, quiet=True, overwrite=True)
        else:
            with fast.fast_copier():
                copier.run_copy(str(small), project, defaults=True, quiet=True, overwrite=True)
        indexes.append(git("ls-files", "--stage", cwd=project))
    assert indexes[0] == indexes[1]
    assert ("100755" in indexes[0]) == (setting == "false")


@given(
    st.sampled_from(ENVOPS),
    st.text(alphabet=st.one_of(st.sampled_from("{}[]%#=/ \n\r\t\v\f\x85\u2028ab"), st.characters(codec="utf-8")), max_size=12),
)
def test_text_without_markup_renders_as_itself(envops: dict[str, Any], text: str) -> None:
    environment = SandboxedEnvironment(extensions=[YieldExtension], **envops)
    if fast.is_plain_text(environment, text):
        assert environment.from_string(text).render() == text


class Shout(Extension):
    """Rewrites sources."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002  # Jinja's signature
        return source.upper()


def test_an_extension_that_rewrites_sources_still_does() -> None:
    environment = SandboxedEnvironment(extensions=[Shout])
    assert not fast.is_plain_text(environment, "text")
    with fast.fast_copier():
        assert environment.from_string("text").render() == "TEXT"


@pytest.mark.parametrize("value", [None, True, 1, b"text", ["text"], {"text": 1}])
def test_other_values_are_not_text(value: object) -> None:
    assert not fast.is_plain_text(SandboxedEnvironment(), value)


def same_as_plain(template: Path, answers: dict[str, Any], folder: Path) -> None:
    copier.run_copy(str(template), folder / "plain", data=answers, defaults=True, quiet=True)
    with fast.fast_copier():
        copier.run_copy(str(template), folder / "fast", data=answers, defaults=True, quiet=True)
    assert tree(folder / "fast") == tree(folder / "plain")


PATCHED = "9.19.1"
patches = pytest.mark.skipif(version("copier") != PATCHED, reason=f"docs/upstream/ is for Copier {PATCHED}")


def compare_patches(template: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks/upstream.py"), "--passes", "0", "--template", str(template)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@patches
def test_each_patch_for_copier_applies_and_gives_the_same_bytes(small: Path) -> None:
    compare_patches(small)


@patches
@pytest.mark.slow
def test_each_patch_for_copier_gives_the_same_default_project(template: Path) -> None:
    compare_patches(template)


@pytest.mark.parametrize("row", QUICK)
def test_rows_of_the_matrix_are_the_same_bytes(template: Path, tmp_path: Path, row: str) -> None:
    same_as_plain(template, ROWS[row], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("row", sorted(set(ROWS) - set(QUICK)))
def test_every_row_of_the_matrix_is_the_same_bytes(template: Path, tmp_path: Path, row: str) -> None:
    same_as_plain(template, ROWS[row], tmp_path)
