// Runs a Node.js function: `node --require nodejs.cjs nodejs.mjs <module of aws-lambda-ric>`.
//
// aws-lambda-ric 4 starts by itself when it is imported; 3 exports `run`.

import inspector from "node:inspector";
import { pathToFileURL } from "node:url";

// Waits until a debugger has attached at the port of the plan.
async function waitForDebugger() {
  const home = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/harness`;
  const { port } = await (await fetch(`${home}/plan`)).json();
  await fetch(`${home}/found`, { method: "POST", body: "waiting" });
  // At once: an editor that says "go on" before the wait begins would be waited for forever.
  inspector.open(port, "127.0.0.1", true);
}

const { _HANDLER, _HARNESS_TOOL, LAMBDA_TASK_ROOT } = process.env;
delete process.env._HARNESS_TOOL;
if (_HARNESS_TOOL === "debugger") {
  await waitForDebugger();
}
const client = await import(pathToFileURL(process.argv[2]).href);
if (client.run) {
  await client.run(LAMBDA_TASK_ROOT, _HANDLER);
}
