"""The lines of a bundle's sources, as Node.js itself runs the bundle and the sources."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from harness import Settings
from harness.base.process import run
from harness.coverage.nodejs import Script, sources_of
from harness.coverage.nodejs.lines import lines_of_code
from harness.functions import packages

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.processes
MEASURE = """
const session = new (require("node:inspector").Session)();
session.connect();
session.post("Profiler.enable");
session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
const rangesOf = ({ functions }) => functions.flatMap((each) => each.ranges);
const told = (error, { result }) => {
  const files = result.filter(({ url }) => url.startsWith("file:"));
  const ran = files.map((each) => [new URL(each.url).pathname, rangesOf(each)]);
  console.log(JSON.stringify(Object.fromEntries(ran)));
};
import(process.argv[1])
  .then(({ handler }) => handler(JSON.parse(process.argv[2])))
  .catch(() => {})
  .then(() => session.post("Profiler.takePreciseCoverage", told));
"""
INDEX = """
import {
  area,
  Store,
} from "./util.mjs";

const sizes = [
  1,
  2,
];
const settings = {
  first: true,
  nested: { a: 1 },
};

const rarely = (n) => {
  return n + 1;
};

const short = (n) => n + 1;

const long = (n) =>
  n + 2;

export const handler = async (event) => {
  const all = sizes.map((n) =>
    area({ width: n, height: n }),
  );
  if (event.big) {
    return rarely(all[0]);
  } else if (event.bad) {
    area({ width: -1 });
  } else {
    all.push(1);
  }
  const store = new Store("x");
  for (const each of all) {
    if (each > 100) continue;
    store.get(each);
  }
  switch (event.kind) {
    case "a":
      store.put("a");
      break;
    case "b":
      store.put("b");
      break;
    default:
      all.push(2);
  }
  const value = event.fine
    ? "fine"
    : short(1);
  if (!event.go) return { all };
  while (event.go > 0) {
    event.go -= 1;
  }
  return {
    all,
    value,
    long: event.long && long(2),
  };
};
"""
UTIL = """
import crypto from "node:crypto";

// ünïcödé 😀 comment
export function area(size) {
  if (size.width < 0) {
    throw new Error("no 😀");
  }
  return size.width * size.height;
}

export function unused(text) {
  return crypto
    .createHash("sha256")
    .update(text)
    .digest("hex");
}

export class Store {
  constructor(name) {
    this.name = name;
  }

  get(key) {
    return `${this.name}/${key}`;
  }

  put(key) {
    try {
      return this.get(key);
    } catch (error) {
      this.error = error;
      throw error;
    } finally {
      this.done = true;
    }
  }
}
"""
PACKAGE = """
[tool.harness.package]
kind = "nodejs"
source = "functions"
entry = "index.mjs"
output = "functions.zip"
"""
MANIFEST = {"name": "sizes", "version": "1.0.0"}
LOCK = {**MANIFEST, "lockfileVersion": 3, "packages": {"": MANIFEST}}


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a folder with sources, and their bundle."""
    project = tmp_path_factory.mktemp("project")
    folder = project / "functions"
    folder.mkdir()
    (project / "pyproject.toml").write_text(PACKAGE, "utf-8")
    texts = {"index.mjs": INDEX, "util.mjs": UTIL}
    texts |= {"package.json": json.dumps(MANIFEST), "package-lock.json": json.dumps(LOCK)}
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    settings = Settings.from_env(os.environ, project)
    ((_, bundle),) = packages.sources(settings, settings.every_package[0])
    return folder, bundle


def measured(file: Path, event: object) -> dict[str, list[tuple[int, int, int]]]:
    argv = ["node", "-e", MEASURE, str(file), json.dumps(event)]
    ran: dict[str, list[Any]] = json.loads(run(argv, env=os.environ, timeout=60).stdout)
    return {
        path: [(each["startOffset"], each["endOffset"], each["count"]) for each in ranges]
        for path, ranges in ran.items()
    }


@pytest.mark.parametrize(
    "event",
    [{}, {"big": 1}, {"bad": 1}, {"kind": "a", "go": 2}, {"kind": "b", "fine": 1, "go": 1, "long": 1}],
    ids=str,
)
def test_the_sources_of_a_bundle_have_the_lines_that_they_have_by_themselves(
    bundled: tuple[Path, Path], event: object
) -> None:
    folder, bundle = bundled
    ran, alone = measured(bundle, event)[str(bundle)], measured(folder / "index.mjs", event)

    lines = {
        each.file.name: each.lines_run(ran) & lines_of_code(each.text) for each in sources_of(bundle, folder)
    }

    scripts = [Script.read(folder / name) for name in ("index.mjs", "util.mjs")]
    assert lines == {
        each.file.name: each.lines_run(alone[str(each.file)]) & lines_of_code(each.text) for each in scripts
    }
