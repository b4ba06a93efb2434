// Measures what runs of a Node.js function, by the coverage that is built into V8; loaded by nodejs.cjs.

"use strict";

const { spawnSync } = require("node:child_process");
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const inspector = require("node:inspector");
const path = require("node:path");
const { fileURLToPath } = require("node:url");

const CONTEXT = "/harness/context";
const FOUND = "/harness/found";
// As V8 names files: without links.
const ROOT = fs.realpathSync(process.env.LAMBDA_TASK_ROOT);
// How long before its end an invocation's data is saved: milliseconds, and of the time that there is.
const LEAST_TIME = 200;
const LEAST_PART = 0.1;
// Posts what it reads to a URL: the one way of Node.js to wait for an answer without going on.
const POST = `
  const body = require("node:fs").readFileSync(0);
  const headers = { "Content-Length": body.length };
  require("node:http").request(process.argv[1], { method: "POST", headers }, (answer) => answer.resume()).end(body);
`;

class Measurement {
  #ask;
  #tell;
  #session = new inspector.Session();
  #context = "";
  #files = {};
  #found = {};
  #timer;

  // `ask(path, done)` gets a text from the harness, `tell(path, text)` posts one before all that is posted later.
  constructor(ask, tell) {
    this.#ask = ask;
    this.#tell = tell;
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    process.on("exit", () => this.#handOverAtOnce());
    ask(CONTEXT, (context) => (this.#context = context));
  }

  // Takes note of an invocation that begins, and calls `done` when it may.
  begin(deadline, done) {
    this.#ask(CONTEXT, (context) => {
      this.#context = context;
      const left = deadline - Date.now();
      this.#timer = setTimeout(() => this.handOver(), left - Math.min(LEAST_TIME, LEAST_PART * left)).unref();
      done();
    });
  }

  // Hands over all that was measured so far: an invocation ends, or nearly so.
  handOver() {
    clearTimeout(this.#timer);
    this.#measure((found) => this.#tell(FOUND, found));
  }

  // Does so before it returns: the process ends.
  #handOverAtOnce() {
    const url = `http://${process.env.AWS_LAMBDA_RUNTIME_API}${FOUND}`;
    const stdio = ["pipe", "ignore", "ignore"];
    this.#measure((input) => spawnSync(process.execPath, ["-e", POST, url], { input, env: {}, stdio }));
  }

  // Calls `use` with all that was measured so far. An error in this is not an error of the function.
  #measure(use) {
    try {
      use(this.#taken());
    } catch (error) {
      process.stderr.write(`harness: this invocation could not be measured: ${error.message}\n`);
    }
  }

  #taken() {
    // The answer is there when `post` returns: the session is one of this thread.
    let scripts = [];
    this.#session.post("Profiler.takePreciseCoverage", (error, taken) => (scripts = error ? [] : taken.result));
    scripts.forEach((script) => this.#note(script));
    const found = Object.entries(this.#found).map(([file, contexts]) => [file, listed(contexts)]);
    return JSON.stringify({ files: this.#files, v8: Object.fromEntries(found) });
  }

  // V8 counts anew after each time; what ran in the same way twice is kept once.
  #note({ url, functions }) {
    const file = url.startsWith("file:") ? fileURLToPath(url) : url;
    if (!this.#files[file] && !isOwn(file)) {
      return;
    }
    this.#files[file] ??= digestOf(file);
    const ranges = functions.flatMap((each) => each.ranges);
    const ran = ranges.map(({ startOffset, endOffset, count }) => [startOffset, endOffset, Math.min(count, 1)]);
    const contexts = (this.#found[file] ??= {});
    (contexts[this.#context] ??= new Set()).add(JSON.stringify(ran));
  }
}

function listed(contexts) {
  return Object.fromEntries(Object.entries(contexts).map(([name, taken]) => [name, [...taken].map((ran) => JSON.parse(ran))]));
}

// Whether a file is the function's. Code that is made up at run time may name a file that is not there.
function isOwn(file) {
  const inside = path.relative(ROOT, file);
  const isInside = path.isAbsolute(file) && !inside.startsWith("..") && !path.isAbsolute(inside);
  return isInside && !inside.split(path.sep).includes("node_modules") && fs.existsSync(file);
}

function digestOf(file) {
  return createHash("sha256").update(fs.readFileSync(file)).digest("hex");
}

module.exports = { Measurement };
