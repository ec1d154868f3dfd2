// Slack's own TypeScript types over our golden messages: `node check.mjs`. A message that is none does not compile, and one that is
// broken on purpose must not.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const snapshots = join(here, "../../crates/slack-blocks/tests/snapshots");
const messages = readdirSync(snapshots)
  .filter((name) => name.endsWith("_json.snap"))
  .sort()
  .map((name) => JSON.parse(readFileSync(join(snapshots, name), "utf8").split("---\n").slice(2).join("---\n")))
  .flatMap((one) => ("message" in one ? [one, one.fallback].flatMap((digest) => [digest.message, ...digest.thread]) : [one]));

// Charts are newer than the types.
const known = (message) => message.blocks.filter((block) => block.type !== "data_visualization");

function compiles(name, listed) {
  const folder = join(here, "build");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.ts`);
  const lines = listed.map((message) => `  ${JSON.stringify(known(message))},`).join("\n");
  writeFileSync(file, `import type { KnownBlock } from "@slack/types";\nexport const messages: KnownBlock[][] = [\n${lines}\n];\n`);
  const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022", "--types", "", file];
  try {
    execFileSync(join(here, "node_modules/.bin/tsc"), options, { cwd: here, stdio: "pipe" });
    return "";
  } catch (error) {
    return String(error.stdout) || String(error);
  }
}

const found = compiles("golden", messages);
const broken = structuredClone(messages.slice(0, 1));
broken[0].blocks[0].text.type = "markdown";
if (messages.length < 20 || found || !compiles("broken", broken)) {
  console.error(found || "the judge finds no broken message, or has too few to judge");
  process.exit(1);
}
console.log(`${messages.length} messages are messages of @slack/types`);
