// Runs a Node.js function: `node --require nodejs.cjs nodejs.mjs <module of aws-lambda-ric>`.
//
// aws-lambda-ric 4 starts by itself when it is imported; 3 exports `run`.

import { pathToFileURL } from "node:url";

const { _HANDLER, LAMBDA_TASK_ROOT } = process.env;
const client = await import(pathToFileURL(process.argv[2]).href);
if (client.run) {
  await client.run(LAMBDA_TASK_ROOT, _HANDLER);
}
