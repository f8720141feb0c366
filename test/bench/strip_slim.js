// serverless-python-requirements' own code on a directory, in the order in which its plugin calls it
// for `slim: true` on Linux (lib/pip.js). Usage: node strip_slim.js NODE_MODULES SITE_PACKAGES
const { spawnSync } = require("child_process");
const [modules, site] = process.argv.slice(2);
const { deleteFiles, getStripCommand } = require(
  `${modules}/serverless-python-requirements/lib/slim`,
);
const [find, ...rest] = getStripCommand({}, site);
spawnSync(find, rest, { stdio: "ignore" });
deleteFiles({}, site);
