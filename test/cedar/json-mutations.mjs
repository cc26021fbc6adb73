// json-mutations.mjs - policies in JSON with a thing or two changed: we and cedar-wasm 4.10.0 both refuse, or both decide the same.
//
//   node --no-opt test/cedar/json-mutations.mjs SEKISHO [CASES] [SEED]
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const [sekisho, cases = '300', start = '1'] = process.argv.slice(2)
if (!sekisho) {
	console.error('usage: node json-mutations.mjs SEKISHO [CASES] [SEED]')
	process.exit(2)
}
let wasm
try {
	wasm = createRequire(path.join(process.env.CEDAR_WASM ?? process.cwd(), 'x.js'))('@cedar-policy/cedar-wasm/nodejs')
	if (wasm.getCedarSDKVersion() !== '4.10.0') throw new Error(`version ${wasm.getCedarSDKVersion()}`)
} catch (error) {
	console.error(`missing: @cedar-policy/cedar-wasm@4.10.0 (${error.message.split('\n')[0]})`)
	process.exit(77)
}

let state = BigInt(start) * 7919n + 12345n
function random(below) {
	state = (state * 6364136223846793005n + 1442695040888963407n) & 0xFFFFFFFFFFFFFFFFn
	return Number((state >> 33n) % BigInt(below))
}
const pick = list => list[random(list.length)]

const texts = [
	'permit(principal == User::"alice", action in [Action::"read"], resource is Doc in Folder::"top") when { principal.level > 1 && resource.name like "a*\\*b" };',
	'@id("x") @bare forbid(principal in Group::"staff", action == Action::"read", resource) unless { [1,2,3].containsAny([principal.level]) || {a: 1, "b c": {d: ip("1.2.3.4")}}.a == 1 };',
	'permit(principal is User, action, resource == Doc::"plan") when { if context has a.b then -(1) + 2 * 3 - 4 < 5 else !(principal in [User::"x", resource]) };',
	'permit(principal, action, resource) when { principal is User in Group::"staff" && principal.hasTag("t") && principal.getTag("t") == "v" && datetime("2024-01-01").offset(duration("1d")).toTime() == duration("0ms") && decimal("1.0").lessThan(decimal("2.0")) };',
	'permit(principal == ?principal, action, resource in ?resource) when { true };',
	'permit(principal is User in ?principal, action in Action::"all", resource) when { "x" != "y" && 1 >= 0 && [].isEmpty() && [[1]].containsAll([[1]]) && [1].contains(1) };',
]
const values = [
	null, true, false, 0, 1, -5, 1.5, '', 'x', 'User', '?principal', '?resource', 'permit', 'forbid', '==', 'in', 'is', 'All', 'when', 'unless', [], {},
	{ type: 'User', id: 'alice' }, { __entity: { type: 'User', id: 'alice' } }, { __extn: { fn: 'ip', arg: '1.2.3.4' } }, { __extn: { fn: 'decimal', arg: 'x' } },
	{ __expr: '1' }, { Var: 'principal' }, { Value: 1 }, { Value: { a: [1, { __entity: { type: 'T', id: 'x' } }] } }, { Value: null }, { Slot: '?principal' },
	{ Set: [] }, { Record: {} }, { Unknown: [{ Value: 'x' }] }, 'Wildcard', { Literal: 'x' }, [{ Literal: 'abc' }, 'Wildcard'], { neg: { arg: { Value: 1 } } },
	{ '!': { arg: { Value: true } } }, { ip: [{ Value: '1.2.3.4' }] }, { foo: [{ Value: 1 }] }, { Var: 'foo' }, { has: { left: { Var: 'context' }, attr: ['a', 'b'] } },
	{ isEmpty: { arg: { Set: [] } } }, { lessThan: [] }, { type: 'N S', id: 'x' }, { type: 'if', id: '' },
]
const keys = ['op', 'entity', 'entities', 'slot', 'in', 'entity_type', 'type', 'id', 'left', 'right', 'arg', 'attr', 'pattern', 'kind', 'body', 'effect',
	'annotations', 'conditions', 'principal', 'Value', 'Var', '==', '&&', '||', 'has', '.', 'like', 'is', 'Set', 'Record', 'contains', 'getTag', 'if',
	'if-then-else', 'then', 'else', 'ip', 'foo', '+', '-', '*', '<', 'neg', '!', 'Unknown', 'Slot', 'extra']

function paths(json, path = []) {
	const out = path.length ? [path] : []
	if (json && typeof json === 'object') for (const key of Object.keys(json)) out.push(...paths(json[key], [...path, Array.isArray(json) ? Number(key) : key]))
	return out
}

function mutate(json) {
	const path = pick(paths(json)), key = path.at(-1)
	let at = json
	for (const step of path.slice(0, -1)) at = at[step]
	const value = structuredClone(pick(values))
	const change = random(5)
	if (change === 0) Array.isArray(at) ? at.splice(key, 1) : delete at[key]
	else if (change <= 2) at[key] = value
	else if (Array.isArray(at)) change === 3 ? at.push(value) : at.unshift(structuredClone(at[key]))
	else if (change === 4) at[pick(keys)] = value
	else {
		const kept = at[key]
		delete at[key]
		at[pick(keys)] = kept
	}
	return json
}

function make() {
	const text = pick(texts), template = text.includes('?')
	let policy = (template ? wasm.templateToJson(text) : wasm.policyToJson(text)).json
	for (let i = random(3); i > 0; i--) policy = mutate(policy)
	const values = {}
	if (text.includes('?principal')) values['?principal'] = { type: 'User', id: 'alice' }
	if (text.includes('?resource')) values['?resource'] = { type: 'Folder', id: 'top' }
	const set = template ? { staticPolicies: {}, templates: { t0: policy }, templateLinks: [{ templateId: 't0', newId: 'l0', values }] }
		: { staticPolicies: { p0: policy }, templates: {}, templateLinks: [] }
	return random(10) ? set : mutate(set)
}

const entities = [
	{ uid: { type: 'User', id: 'alice' }, attrs: { level: 2 }, parents: [{ type: 'Group', id: 'staff' }], tags: { t: 'v' } },
	{ uid: { type: 'Doc', id: 'plan' }, attrs: { name: 'axx*b' }, parents: [{ type: 'Folder', id: 'top' }] },
]
const request = { principal: { type: 'User', id: 'alice' }, action: { type: 'Action', id: 'read' }, resource: { type: 'Doc', id: 'plan' }, context: { a: { b: 1 } } }

function reference(set) {
	try {
		const answer = wasm.isAuthorized({ ...request, policies: set, entities, validateRequest: false })
		if (answer.type !== 'success') return 'refused'
		return JSON.stringify([answer.response.decision, [...answer.response.diagnostics.reason].sort(), answer.response.diagnostics.errors.map(e => e.policyId).sort()])
	} catch (error) {
		if (error instanceof WebAssembly.RuntimeError) throw error
		return 'refused'
	}
}

const folder = mkdtempSync(path.join(tmpdir(), 'cedar-json-'))
let differ = 0, accepted = 0
try {
	writeFileSync(path.join(folder, 'e.json'), JSON.stringify(entities))
	writeFileSync(path.join(folder, 'r.ndjson'), JSON.stringify(request))
	for (let n = 0; n < Number(cases); n++) {
		const set = make(), want = reference(set)
		writeFileSync(path.join(folder, 'p.json'), JSON.stringify(set))
		const done = spawnSync(sekisho, ['cedar', 'authorize', '--policies', path.join(folder, 'p.json'), '--entities', path.join(folder, 'e.json'), '--requests', path.join(folder, 'r.ndjson')], { encoding: 'utf8' })
		let got = done.status === 1 ? 'refused' : `died: ${done.signal ?? done.status}`
		if (done.status === 0) {
			const answer = JSON.parse(done.stdout)
			got = JSON.stringify([answer.decision, answer.reason, answer.errors])
		}
		accepted += want !== 'refused'
		if (want === got) continue
		differ++
		console.log(`DIFFER (seed ${start}, case ${n})\n${JSON.stringify(set)}\nreference: ${want}\nours: ${got} ${done.stderr}`)
	}
} finally {
	rmSync(folder, { recursive: true })
}
console.log(`${cases} compared, ${accepted} accepted, ${differ} differ`)
process.exit(differ || accepted === 0 ? 1 : 0)
