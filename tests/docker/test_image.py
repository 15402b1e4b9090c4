"""The Dockerfile and what of the project enters its build."""

import re

import pytest
from docker.utils.build import exclude_paths  # type: ignore[import-not-found]  # it ships no types

from tests.docker.files import ROOT, instructions


def stages() -> list[list[tuple[str, str]]]:
    """Return the instructions of each stage, FROM first."""
    found: list[list[tuple[str, str]]] = []
    for name, rest in instructions():
        if name == "FROM":
            found.append([])
        found[-1].append((name, rest))
    return found


def copied() -> list[str]:
    """Return every source that COPY takes from the project."""
    rests = [rest for name, rest in instructions() if name == "COPY" and not rest.startswith("--from")]
    return [source for rest in rests for source in rest.split()[:-1]]


def context() -> set[str]:
    """Return the files of the project that `.dockerignore` lets into the build."""
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    return {path for path in exclude_paths(str(ROOT), patterns) if (ROOT / path).is_file()}


@pytest.mark.parametrize("source", copied())
def test_every_copied_path_exists_and_is_not_ignored(source: str) -> None:
    assert (ROOT / source).exists(), f"`COPY {source}`: not in the project"
    assert any(path == source or path.startswith(f"{source}/") for path in context()), (
        f"`COPY {source}`: `.dockerignore` keeps it out"
    )


def test_nothing_else_enters_the_build() -> None:
    strays = [path for path in context() if not any(path == s or path.startswith(f"{s}/") for s in copied())]
    # the docker client always adds the first two
    assert set(strays) <= {"docker/Dockerfile", ".dockerignore", "Dockerfile"}
    assert not [path for path in context() if "__pycache__" in path or path.endswith((".pyc", ".env"))]


def test_base_images_are_pinned_and_the_same() -> None:
    bases = {stage[0][1].split(" AS ")[0] for stage in stages()}
    assert len(stages()) == 2
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", bases.pop())


def test_the_image_runs_as_a_user_made_for_it() -> None:
    last = stages()[-1]
    users = [rest for name, rest in last if name == "USER"]
    made = re.search(r"useradd --uid (\d+) .* (\w+)", " ".join(rest for name, rest in last if name == "RUN"))
    assert made is not None
    assert users == [made.group(2)]
    assert int(made.group(1)) > 1000
    names = [name for name, _ in last]
    assert not {"RUN", "COPY"} & set(names[names.index("USER") :])


def test_packages_come_at_the_tested_versions_and_without_models() -> None:
    commands = [part.strip() for name, rest in instructions() if name == "RUN" for part in rest.split("&&")]
    assert [command for command in commands if "pip install" in command] == [
        'pip install -c constraints.txt ".[postgres,s3,quality]"',
        "pip install --no-deps --force-reinstall .",
    ]


def test_the_image_tells_its_own_health() -> None:
    health = [rest for name, rest in stages()[-1] if name == "HEALTHCHECK"]
    (command,) = [rest for name, rest in stages()[-1] if name == "CMD"]
    assert len(health) == 1
    assert health[0].endswith('CMD ["dagster", "api", "grpc-health-check", "-p", "4000"]')
    assert '"-p", "4000"' in command
