// Bundles each handler into one minified file, as a deployment would. Usage: node bundle.mjs <folder to write to>
import { build } from "esbuild";

await build({
  entryPoints: ["webhook.mjs", "payments.mjs"],
  outdir: process.argv[2],
  bundle: true,
  minify: true,
  platform: "node",
  target: "node20",
  format: "cjs", // the runtime client loads it faster than a module, and every dependency can be bundled
  outExtension: { ".js": ".cjs" },
});
