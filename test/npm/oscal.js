// oscal.js SCHEMA FILE: validates an OSCAL file against its JSON schema (draft-07); exit 1 and the faults if it does not.
import { readFileSync } from "node:fs";
import Ajv from "ajv";
import addFormats from "ajv-formats";

const [schema, file] = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, "utf8")));
const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: true });
addFormats(ajv);
const validate = ajv.compile(schema);
if (!validate(file)) {
  console.log(validate.errors.slice(0, 10).map((e) => `${e.instancePath}: ${e.message}`).join("\n"));
  process.exit(1);
}
