"""The pictures of the documentation show the output of the real program. `nox -s pictures` makes them."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from scripts.cast import Cast, recorded
from scripts.drawing import drawn, words
from scripts.pictures import PICTURES, RECORDINGS, RUN, cast_of, drawing_of
from tests.docs.commands import complaints
from tests.docs.reader import written
from tests.docs.snippets import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

MOST_LINES = 45  # that a run with one failing test prints, but for the progress of the stack
MOST_BYTES = 300_000
PATH = {"PATH": "/usr/bin:/bin"}
CAST = Cast(
    width=10, height=3, idle=1, lines=((0, "\x1b[1m$ ls\x1b[0m"), (9, "\x1b[31m<a>\x1b[0m" + "b" * 9))
)


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_drawing_has_the_words_of_the_recording_and_is_drawn_from_it(name: str) -> None:
    cast, svg = Cast.read(cast_of(name)), drawing_of(name).read_text("utf-8")

    shown = [unescape(re.sub("<[^>]*>", "", line)) for line in re.findall(r"<text [^>]*>(.*)</text>", svg)]
    assert shown == [row for row in words(cast) if row]
    assert svg == drawn(cast)


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_recording_is_of_the_commands_and_they_exist(name: str, tmp_path: Path) -> None:
    commands = RECORDINGS[name]

    assert Cast.read(cast_of(name)).commands == list(commands)
    assert complaints("\n".join(each.removesuffix(" &") for each in commands), written(tmp_path)) == []


def test_the_edits_of_the_recordings_change_the_project(tmp_path: Path) -> None:
    project = written(tmp_path)

    assert 'event["detail"]' in (project / "src" / "greeter" / "__init__.py").read_text("utf-8")
    assert "s3:PutObject" in (project / "terraform" / "main.tf").read_text("utf-8")


def test_the_recording_is_of_a_run_that_passes_and_of_one_that_fails_and_says_why() -> None:
    text = "\n".join(words(Cast.read(cast_of("run"))))

    first, second = text.split(RUN[-1], 1)
    assert re.search(r"^2 passed in", first, re.MULTILINE)
    assert re.search(r"^1 failed, 1 passed in", second, re.MULTILINE)
    why = second.partition(" why =")[2].replace("\n", "")
    assert "✗ function returned: AccessDenied" in why
    assert "(src/greeter/__init__.py:13)" in why


def test_the_recording_of_the_loop_is_of_a_function_that_fails_and_is_mended_by_a_save() -> None:
    text = "\n".join(words(Cast.read(cast_of("loop"))))

    parts = re.split(r"^\$ .*\n", text, flags=re.MULTILINE)
    _, up, _, fired, _, again, logs = parts
    assert "hot: functions run" in up
    assert len(re.findall(r"^hot: __init__.py after \d\.\d\d s$", text, re.MULTILINE)) == 2
    assert re.search(r"✗ function returned .*KeyError: 'details'", fired)
    assert again.strip().endswith("null")
    assert "greeting something" in logs


def test_a_failing_test_prints_less_than_two_screens() -> None:
    lines = [line for _, line in Cast.read(cast_of("run")).lines]
    begun = next(number for number, line in enumerate(lines) if line.endswith(f"{RUN[-1]}\x1b[0m"))

    assert len([line for line in lines[begun:] if not re.match(r"\[ *[\d.]+ s\]", line)]) <= MOST_LINES


@pytest.mark.parametrize("picture", sorted(PICTURES.iterdir()), ids=lambda picture: picture.name)
def test_every_picture_is_small_shown_and_names_no_folder_of_the_machine(picture: Path) -> None:
    readme = (PROJECT / "README.md").read_text("utf-8")

    assert picture.stat().st_size < MOST_BYTES
    assert picture.suffix == ".cast" or f'"docs/pictures/{picture.name}"' in readme
    assert not re.search(rb"/(root|home|tmp)/", picture.read_bytes())


def test_a_recording_is_written_and_read_again(tmp_path: Path) -> None:
    CAST.write(tmp_path / "a.cast")

    assert Cast.read(tmp_path / "a.cast") == CAST
    assert CAST.commands == ["ls"]


def test_what_a_command_writes_to_a_terminal_is_recorded_line_by_line(tmp_path: Path) -> None:
    program = "import os,sys; print(os.getcwd(), sys.stdout.isatty(), os.get_terminal_size().columns)"

    cast = recorded([f'python3 -c "{program}"'], tmp_path, PATH)

    assert words(cast)[-2:] == [f"~/{tmp_path.name} True 100", ""]


def test_a_command_in_the_background_writes_between_the_others_until_they_have_ended(tmp_path: Path) -> None:
    waits = "import time; print('ready', flush=True); time.sleep(60)"

    cast = recorded([f'python3 -c "{waits}" &', "echo done"], tmp_path, PATH, ready="ready")

    assert words(cast)[1:] == ["ready", "", "$ echo done", "done", ""]
    assert cast.lines[-1][0] < 60


def test_a_command_that_does_not_end_is_told(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError, match=r"sleep.*has not ended"):
        recorded(["sleep 60"], tmp_path, PATH, most=0.1)


def test_a_long_line_goes_on_in_the_next_row_with_its_colour() -> None:
    assert words(CAST) == ["$ ls", "<a>bbbbbbb", "bb"]
    assert '<tspan class="c1">&lt;a&gt;</tspan>bbbbbbb' in drawn(CAST)


def test_a_long_wait_is_shown_short_and_the_end_stays() -> None:
    svg = drawn(CAST)

    assert "run 9.0s" in svg  # a second in place of nine, and eight at the end
    assert "0.00%{transform:translateY(36px)}11.11%{transform:translateY(0px)}" in svg
