// clients.js DOCUMENT CA URL TOKEN: validates the OpenAPI document, then walks the main line with a client made from it.
// Prints one JSON object; exit 1 on the first thing that is not as it should be.
import assert from "node:assert/strict";
import fs from "node:fs";
import https from "node:https";
import { Validator } from "@seriousme/openapi-schema-validator";
import openapi from "openapi-client-axios";

const [, , file, ca, url, token] = process.argv;
const document = JSON.parse(fs.readFileSync(file, "utf8"));
const validity = await new Validator().validate(structuredClone(document));
assert.equal(validity.valid, true, JSON.stringify(validity.errors, null, 1));

const { OpenAPIClientAxios } = openapi.OpenAPIClientAxios ? openapi : { OpenAPIClientAxios: openapi };
const api = new OpenAPIClientAxios({
  definition: document,
  axiosConfigDefaults: {
    baseURL: url, proxy: false, httpsAgent: new https.Agent({ ca: fs.readFileSync(ca) }),
    headers: { Authorization: `Bearer ${token}`, "Sekisho-Purpose": "CASE-1" }, validateStatus: () => true,
  },
});
const client = await api.init();
const at = (id) => ({ subscriber: "acme", collection: "tickets", id });

const me = await client["credential.whoami"]();
assert.equal(me.data.id, "sup1");
const put = await client["object.put"](at("made-by-client"), { n: 1 }, { headers: { "Content-Type": "application/json" } });
assert.equal(put.status, 201, JSON.stringify(put.data));
const got = await client["object.get"](at("made-by-client"));
assert.deepEqual([got.status, got.data.n, got.headers.etag], [200, 1, '"1"']);
const history = await client["object.history"](at("made-by-client"));
assert.equal(history.data.items[0].changed_by, "sup1");
const removed = await client["object.remove"](at("made-by-client"));
assert.equal(removed.status, 204);
const denied = await client["object.get"]({ subscriber: "globex", collection: "tickets", id: "4005" });
assert.deepEqual([denied.status, denied.data.code], [403, "E_DENIED"]);
const asked = await client["request.create"](null, { subscriber: "globex", resource: "tickets", for: "5m" });
assert.equal(asked.status, 202);
assert.match(asked.data.id, /^req_/);
console.log(JSON.stringify({ operations: api.getOperations().length, request: asked.data.id }));
