// Compiles modules without running them: node --experimental-vm-modules syntax.cjs FILE...
// Prints the version of Node.js; the first mistake is thrown, for Node.js to print with its line.
// With --ask, it reads lists of files as JSON, one on each line, and answers each with whether all compile.
const fs = require("node:fs");
const vm = require("node:vm");

const asScript = (text, file) =>
  vm.compileFunction(text, ["exports", "require", "module", "__filename", "__dirname"], { filename: file });
const asModule = (text, file) => new vm.SourceTextModule(text, { identifier: file });

// A .js file is either. If it is neither, `import` and `export` say which it was meant to be.
function kindsOf(text, file) {
  if (file.endsWith(".mjs")) return [asModule];
  if (file.endsWith(".cjs")) return [asScript];
  return /^\s*(import\b(?!\s*\()|export\b)/m.test(text) ? [asModule, asScript] : [asScript, asModule];
}

function check(file) {
  const text = fs.readFileSync(file, "utf8").replace(/^#!.*/, "");
  const problems = [];
  for (const compiled of kindsOf(text, file)) {
    try {
      compiled(text, file);
      return;
    } catch (problem) {
      problems.push(problem);
    }
  }
  throw problems[0];
}

function compiles(files) {
  try {
    files.forEach(check);
    return true;
  } catch {
    return false;
  }
}

const files = process.argv.slice(2);
if (files[0] === "--ask") {
  const lines = require("node:readline").createInterface({ input: process.stdin });
  lines.on("line", (line) => console.log(compiles(JSON.parse(line))));
} else {
  console.log(process.versions.node);
  files.forEach(check);
}
