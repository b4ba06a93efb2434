// Notices which of its own variables a Node.js function reads; loaded by nodejs.cjs.

"use strict";

const Module = require("node:module");

const TARGET = "/harness/variables";

class Reads {
  #names;
  #unread;
  #atStart = [];
  #now = new Set();
  #hasBegun = false;
  #isHandedOver = false;
  #told = "";

  // `names` are the function's own variables.
  constructor(names) {
    this.#names = new Set(names);
    this.#unread = new Set(names);
    // Node.js starts one of its own for the hooks of modules.
    process.on("worker", (worker) => worker.constructor.name === "InternalWorker" || this.handOver());
    process.env = this.#watched(process.env);
    Module.syncBuiltinESMExports();
  }

  // From now on anything may have been read: all variables at once, or by another program, thread, or language.
  handOver() {
    this.#isHandedOver = true;
  }

  // Takes note of an invocation that begins.
  begin() {
    if (!this.#hasBegun) {
      this.#atStart = [...this.#now];
      this.#hasBegun = true;
    }
    this.#now = new Set();
  }

  // Tells the emulator of the reads of this invocation by `post(path, text)`, unless it knows of the same already.
  tell(post) {
    const read = [...new Set([...this.#atStart, ...this.#now])].sort();
    const told = JSON.stringify({ read, unread: this.#isHandedOver ? [] : [...this.#unread].sort() });
    if (told !== this.#told) {
      this.#told = told;
      post(TARGET, told);
    }
  }

  #watched(environment) {
    return new Proxy(environment, {
      get: (target, name) => {
        this.#note(name);
        return target[name];
      },
      has: (target, name) => {
        this.#note(name);
        return name in target;
      },
      set: (target, name, value) => {
        this.#giveUp(name);
        target[name] = value;
        return true;
      },
      ownKeys: (target) => {
        this.handOver();
        return Reflect.ownKeys(target);
      },
    });
  }

  // Whoever has gone through all variables has their names, so that later reads show nothing.
  #note(name) {
    if (this.#names.has(name) && !this.#isHandedOver) {
      this.#unread.delete(name);
      this.#now.add(name);
    }
  }

  // The function has set a variable itself: whoever reads it now reads another value.
  #giveUp(name) {
    this.#names.delete(name);
    this.#unread.delete(name);
  }
}

module.exports = { Reads };
