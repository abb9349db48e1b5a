// Asks the configured npm registry about packages: argv is a JSON file with [name, version] pairs and npm's own folder.
// Prints one JSON object by `name@version`: {time, integrity}, null where the registry has none, {error} where it did not answer.
const { readFileSync } = require("node:fs");
const { join } = require("node:path");

const [, , file, npm] = process.argv;
const pacote = require(join(npm, "node_modules", "pacote"));
const wanted = JSON.parse(readFileSync(file, "utf8"));
const names = [...new Set(wanted.map(([name]) => name))];
const registry = process.env.npm_config_registry;
const options = { fullMetadata: true, ...(registry ? { registry } : {}), cache: process.env.npm_config_cache };

async function ask(name) {
  try {
    return await pacote.packument(name, options);
  } catch (error) {
    return error.code === "E404" ? null : { error: `${error.code ?? "error"}: ${name}` };
  }
}

async function main() {
  const found = new Map();
  const waiting = [...names];
  const worker = async () => {
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      found.set(name, await ask(name));
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  const answers = {};
  for (const [name, version] of wanted) {
    const document = found.get(name);
    const release = document?.versions?.[version];
    answers[`${name}@${version}`] = document?.error
      ? { error: document.error }
      : release
        ? { time: document.time?.[version] ?? null, integrity: release.dist?.integrity ?? null }
        : null;
  }
  process.stdout.write(JSON.stringify(answers));
}

main();
