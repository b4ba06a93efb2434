// What aws-lambda-ric needs to run as it is on any machine; loaded before it.

"use strict";

const http = require("node:http");
const https = require("node:https");
const Module = require("node:module");
const net = require("node:net");
const path = require("node:path");
const { pathToFileURL, urlToHttpOptions } = require("node:url");

const RUNTIME = "/2018-06-01/runtime/invocation/";
const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
// One connection, so that what is posted arrives before the next invocation is asked for.
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const exit = process.exit.bind(process);
let posting = 0;
let exitCode;

// Stands in for aws-lambda-ric's transport `rapid-client.node`, which npm would have to compile.
const transport = {
  initializeUserAgent() {},

  next() {
    return new Promise((resolve, reject) => {
      const begin = (invocation) => {
        reads?.begin();
        const begun = () => resolve(invocation);
        measurement ? measurement.begin(invocation.headers["lambda-runtime-deadline-ms"], begun) : begun();
      };
      call("GET", `${RUNTIME}next`, {}, null, begin).on("error", reject);
    });
  },

  done(id, body) {
    measurement?.handOver();
    reads?.tell(postText);
    post(`${RUNTIME}${id}/response`, {}, body);
  },

  error(id, body, cause) {
    measurement?.handOver();
    reads?.tell(postText);
    const fits = cause && Buffer.byteLength(cause) < 2 ** 14;
    const told = fits ? { "Lambda-Runtime-Function-XRay-Error-Cause": Buffer.from(cause).toString("latin1") } : {};
    post(`${RUNTIME}${id}/error`, told, body);
  },
};

function call(method, target, headers, body, onAnswer) {
  const length = body === null ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
  const options = { hostname, port, agent, method, path: target, headers: { ...length, ...headers } };
  const request = http.request(options, (answer) => {
    const chunks = [];
    answer.on("data", (chunk) => chunks.push(chunk));
    answer.on("end", () => onAnswer({ bodyJson: Buffer.concat(chunks).toString(), headers: typed(answer.headers) }));
  });
  request.end(body);
  return request;
}

function typed(headers) {
  return { ...headers, "lambda-runtime-deadline-ms": Number(headers["lambda-runtime-deadline-ms"]) };
}

function post(target, headers, body) {
  posting += 1;
  const done = () => {
    posting -= 1;
    if (posting === 0 && exitCode !== undefined) {
      exit(exitCode);
    }
  };
  call("POST", target, headers, body, done).on("error", done);
}

// AWS's transport has posted when it returns; this one has not, so that an exit waits for it.
process.exit = (code) => {
  if (posting === 0) {
    exit(code);
  }
  exitCode = code ?? process.exitCode ?? 0;
};

function measured() {
  const { Measurement } = require("./nodejs_coverage.cjs");
  const ask = (target, done) => call("GET", target, {}, null, (answer) => done(answer.bodyJson)).on("error", () => done(""));
  return new Measurement(ask, postText);
}

function postText(target, text) {
  post(target, {}, text);
}

function readsOf(names) {
  delete process.env._HARNESS_VARIABLES;
  const { Reads } = require("./nodejs_variables.cjs");
  return new Reads(names.split(","));
}

const measurement = process.env._HARNESS_TOOL === "coverage" ? measured() : undefined;
const reads = process.env._HARNESS_VARIABLES ? readsOf(process.env._HARNESS_VARIABLES) : undefined;

const load = Module._extensions[".node"];
Module._extensions[".node"] = (module, filename) => {
  if (path.basename(filename) === "rapid-client.node") {
    module.exports = transport;
  } else {
    reads?.handOver();
    load(module, filename);
  }
};

// ES modules are found below NODE_PATH too, as in AWS's runtime.
const roots = (process.env.NODE_PATH ?? "").split(path.delimiter).filter(Boolean);
const parents = roots.map((root) => pathToFileURL(path.join(root, "..", "parent.mjs")).href);

function isMissingPackage(error, specifier) {
  return error.code === "ERR_MODULE_NOT_FOUND" && !/^(\.|\/|[a-z]+:)/.test(specifier);
}

function resolve(specifier, context, next) {
  try {
    return next(specifier, context);
  } catch (error) {
    if (!isMissingPackage(error, specifier)) {
      throw error;
    }
    for (const parentURL of parents) {
      try {
        return next(specifier, { ...context, parentURL });
      } catch {
        // the next one may have it
      }
    }
    throw error;
  }
}

if (Module.registerHooks) {
  Module.registerHooks({ resolve });
} else {
  const parameter = new URLSearchParams(parents.map((parent) => ["parent", parent]));
  Module.register(`${pathToFileURL(path.join(__dirname, "nodejs_hooks.mjs"))}?${parameter}`);
}

// Returns where `socket.connect` connects to; undefined for a Unix socket.
function hostOf([first, second]) {
  if (first !== null && typeof first === "object") {
    return first.path ? undefined : (first.host ?? "localhost");
  }
  const isPort = first !== "" && Number(first) >= 0;
  return isPort ? (typeof second === "string" ? second : "localhost") : undefined;
}

// Tells the proxy of a host that is kept away here, as other clients do by asking it for a way there. Then calls
// `done`: what is not told before the handler returns would wait for the next event.
function tell(connect, proxy, host, port, done) {
  const told = connect.call(new net.Socket(), Number(proxy.port), proxy.hostname);
  const login = Buffer.from(`${decodeURIComponent(proxy.username)}:-`).toString("base64");
  told.on("error", () => {}).on("close", done).resume();
  told.end(`CONNECT ${host}:${port} HTTP/1.1\r\nProxy-Authorization: Basic ${login}\r\n\r\n`);
}

// The AWS SDK reads no proxy variables, so that what they keep away is kept away here.
if (process.env.HTTPS_PROXY) {
  const proxy = new URL(process.env.HTTPS_PROXY);
  const reached = [proxy.hostname, ...(process.env.NO_PROXY ?? "").split(",")];
  const isWithin = (host, entry) => host === entry || host.endsWith(`.${entry.replace(/^\./, "")}`);
  const isReached = (host) => /^127\.|^::1$|^localhost$/.test(host) || reached.some((entry) => entry && isWithin(host, entry));
  const emulator = new URL(process.env.AWS_ENDPOINT_URL ?? "http://127.0.0.1:4566");
  const isEmulator = (host, port) => Number(port) === 4566 && (host === "localhost" || isWithin(host, "localhost.localstack.cloud"));
  const connect = net.Socket.prototype.connect;

  net.Socket.prototype.connect = function (...given) {
    const wanted = Array.isArray(given[0]) ? given[0] : given;
    const host = hostOf(wanted);
    const port = wanted[0]?.port ?? wanted[0];
    if (host !== undefined && isEmulator(host, port)) {
      const options = typeof wanted[0] === "object" ? wanted[0] : {};
      return connect.call(this, { ...options, host: emulator.hostname, port: Number(emulator.port) }, wanted.find((each) => typeof each === "function"));
    }
    if (host === undefined || isReached(host)) {
      return connect.apply(this, given);
    }
    const error = new Error(`connect ECONNREFUSED ${host}: functions under test reach the emulator only`);
    Object.assign(error, { code: "ECONNREFUSED", syscall: "connect", address: host });
    tell(connect, proxy, host, port, () => this.destroy(error));
    return this;
  };
}

// On AWS a function calls an API, or answers a WebSocket, at the host `<id>.execute-api.<region>.amazonaws.com`.
// No emulator has a certificate for it.
function withApisAt(emulator, request) {
  return (...given) => {
    const callback = given.find((each) => typeof each === "function");
    const [first, second] = given;
    const isUrl = typeof first === "string" || first instanceof URL;
    const options = isUrl ? { ...urlToHttpOptions(new URL(first)), ...(second === callback ? {} : second) } : first;
    const api = options.hostname ?? options.host ?? "";
    if (!/^\w+\.execute-api\./.test(api)) {
      return request(...given);
    }
    const { hostname, port } = emulator;
    const headers = { host: api, ...options.headers };
    const there = { ...options, protocol: "http:", hostname, host: hostname, port, headers, agent: undefined };
    return http.request(there, callback);
  };
}

if (process.env.AWS_ENDPOINT_URL) {
  https.request = withApisAt(new URL(process.env.AWS_ENDPOINT_URL), https.request);
  https.get = (...given) => https.request(...given).end();
  Module.syncBuiltinESMExports();
}
