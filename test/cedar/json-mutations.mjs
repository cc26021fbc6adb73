// json-mutations.mjs - policies in JSON with a thing or two changed: we and cedar-wasm 4.10.0 both refuse, or both decide the same.
//
//   node --no-opt test/cedar/json-mutations.mjs SEKISHO [CASES] [SEED]
import { isDeepStrictEqual } from 'node:util'

import { counting, drawing, oracle, start, workplace } from './oracle.mjs'

const [sekisho, cases = '300', seed = '1'] = start('json-mutations.mjs SEKISHO [CASES] [SEED]', 1)
const { random, pick } = drawing(seed)
const { file, decide } = workplace(sekisho)
const tally = counting()

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
	{ permit: null }, { when: null }, { Wildcard: null }, { principal: null }, { '?principal': null }, ['All'], ['all'], ['is', 'User', null], ['is', 'User', { entity: ['User', 'alice'] }],
	['User', 'alice'], ['when', { Value: true }], ['permit', ['All'], ['All'], ['All'], []], { __extn: { fn: 'nope', arg: 1 } }, { unknown: [{ Value: 'x' }] },
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
	let policy = oracle.ask(wasm => template ? wasm.templateToJson(text) : wasm.policyToJson(text)).json
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

file('e.json', entities)
for (let tries = 0; tally.compared < Number(cases) && tries < 10 * Number(cases); tries++) {
	const set = make(), want = oracle.decide(set, entities, request)
	if (want === undefined) continue
	const mine = decide(file('p.json', set), file('e.json'), [request]), got = mine.refused ? 'refused' : mine.answers[0]
	tally.compare(want === 'refused' ? 'refused' : 'accepted', !mine.died && isDeepStrictEqual(want, got), () => `${JSON.stringify(set)}\nreference: ${JSON.stringify(want)}\nours: ${JSON.stringify(got)} ${mine.refused ?? ''}`)
}
tally.close(Number(cases), ['accepted', 'refused'], `seed ${seed}`)
