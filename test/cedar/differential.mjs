// differential.mjs - generated cases, asked of us and of cedar-wasm 4.10.0; every difference is printed with its case.
//
//   node --no-opt test/cedar/differential.mjs SEKISHO [CASES] [SEED]
//
// What is compared: is a text accepted; decision, determining and erring policies of sets with several policies, templates
// and links, as text and as JSON; does a set validate against a schema, and what is warned of; policies as JSON, both ways.
// Fails if fewer than CASES were compared, or none of one of these kinds.
import { isDeepStrictEqual } from 'node:util'

import { counting, drawing, oracle, start, workplace } from './oracle.mjs'

const [sekisho, cases = '300', seed = '1'] = start('differential.mjs SEKISHO [CASES] [SEED]', 1)
const { random, pick, chance } = drawing(seed)
const { file, ours: run, decide } = workplace(sekisho)
const tally = counting()

const USERS = ['alice', 'bob', 'eve', 'gone'], GROUPS = ['staff', 'all', 'none'], DOCS = ['plan', 'memo', 'lost']
const schema = `
entity Group in [Group];
entity User in [Group] { level: Long, name: String, boss?: User, labels: Set<String>, address?: { city: String, zip?: Long } } tags String;
entity Doc in [Folder] { owner: User, open: Bool, size: Long, at: datetime, ip: ipaddr, price: decimal };
entity Folder;
action read, write in [all] appliesTo { principal: [User], resource: [Doc], context: { mfa: Bool, n?: Long, ip?: ipaddr } };
action all;
action share appliesTo { principal: [User, Group], resource: [Doc, Folder], context: { to?: User } };
`
const entities = [
	...USERS.slice(0, 3).map((id, i) => ({
		uid: { type: 'User', id }, parents: i < 2 ? [{ type: 'Group', id: 'staff' }] : [], tags: i ? { team: 'red' } : {},
		attrs: { level: i + 1, name: id, labels: ['a', 'b', 'c'].slice(i), ...(i ? { boss: { __entity: { type: 'User', id: USERS[(i + 2) % 4] } } } : { address: { city: 'Kyoto' } }) },
	})),
	{ uid: { type: 'Group', id: 'staff' }, attrs: {}, parents: [{ type: 'Group', id: 'all' }] },
	{ uid: { type: 'Group', id: 'all' }, attrs: {}, parents: [] },
	{ uid: { type: 'Folder', id: 'top' }, attrs: {}, parents: [] },
	...DOCS.slice(0, 2).map((id, i) => ({
		uid: { type: 'Doc', id }, parents: [{ type: 'Folder', id: 'top' }],
		attrs: { owner: { __entity: { type: 'User', id: USERS[i] } }, open: i === 0, size: i * 10, at: { __extn: { fn: 'datetime', arg: '2024-05-06' } }, ip: { __extn: { fn: 'ip', arg: '10.1.2.3' } }, price: { __extn: { fn: 'decimal', arg: '9.95' } } },
	})),
]

const strings = ['"p\u0430y"', '"\u202Eabc"', '"日本ひら"', '"日本é"', '"a\u0301\u200E"', '"\u{202e}"', '""', '"a"', '"alice"', '"red"', '"a*b"', '"\\u{1F600}"', '"x\\0y"', '"team"', '"日本"', '"\\n\\t\\\\"', '"\\\'"']
const uidText = () => pick([`User::"${pick(USERS)}"`, `Group::"${pick(GROUPS)}"`, `Doc::"${pick(DOCS)}"`, 'Folder::"top"', 'Action::"read"', 'N::T::"x"'])
const one = {
	bool: d => d <= 0 ? pick(['true', 'false', 'context.mfa', 'resource.open']) : pick([
		() => `${any(d - 1)} == ${any(d - 1)}`, () => `${any(d - 1)} != ${any(d - 1)}`, () => `(${bool(d)} && ${bool(d)})`, () => `(${bool(d)} || ${bool(d)})`,
		() => `!(${bool(d)})`, () => `${long(d)} ${pick(['<', '<=', '>', '>='])} ${long(d)}`, () => `${entity(d)} in ${pick([entity, entities_])(d)}`,
		() => `${string(d)} like ${pick(['"*"', '"a*"', '"*l*c*"', '"a\\*b"', '""', '"\\x2a"'])}`, () => `${entity(d)} is ${pick(['User', 'Doc', 'N::T'])}`,
		() => `${entity(d)} is User in ${entity(d)}`, () => `${pick([entity, record])(d)} has ${pick(['level', 'boss', 'boss.level', 'address.city', 'address.zip', '"x y"', 'nope', '"p\u0430y"', '"x\u00ADy"', '"ひカ"', '"\u2066"', '"\u2460"', '"x\ty"'])}`,
		() => `${set(d)}.contains(${any(d - 1)})`, () => `${set(d)}.${pick(['containsAll', 'containsAny'])}(${set(d)})`, () => `${set(d)}.isEmpty()`,
		() => `${entity(d)}.hasTag(${string(d)})`, () => `(if ${bool(d)} then ${bool(d)} else ${bool(d)})`, () => `${ip(d)}.${pick(['isIpv4()', 'isIpv6()', 'isLoopback()', 'isMulticast()'])}`,
		() => `${ip(d)}.isInRange(${ip(d)})`, () => `${decimal(d)}.${pick(['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'])}(${decimal(d)})`,
		() => `${pick([duration, datetime])(d)} ${pick(['<', '<=', '>', '>='])} ${pick([duration, datetime])(d)}`,
	])(),
	long: d => d <= 0 ? pick(['0', '1', '-1', '7', '9223372036854775807', '-9223372036854775808', 'principal.level', 'resource.size', 'context.n']) : pick([
		() => `(${long(d)} ${pick(['+', '-', '*'])} ${long(d)})`, () => `-(${long(d)})`, () => `${duration(d)}.${pick(['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays'])}()`,
		() => `(if ${bool(d)} then ${long(d)} else ${long(d)})`, () => `principal.boss.level`, () => long(0),
	])(),
	string: d => d <= 0 ? pick(strings) : pick([() => pick(strings), () => 'principal.name', () => `${entity(d)}.getTag(${string(d)})`, () => 'principal.address.city', () => `${record(d)}.s`])(),
	entity: d => d <= 0 ? pick(['principal', 'resource', 'action', uidText()]) : pick([() => pick(['principal', 'resource', 'action']), uidText, () => 'resource.owner', () => 'principal.boss', () => `(if ${bool(d)} then ${entity(d)} else ${entity(d)})`])(),
	set: d => pick([() => `[${Array.from({ length: random(4) }, () => any(d - 1)).join(', ')}]`, () => 'principal.labels', () => `[${long(d)}, ${long(d)}]`])(),
	entities_: d => `[${Array.from({ length: random(3) }, () => entity(d)).join(', ')}]`,
	record: d => pick([() => `{${pick(['s', '"s"', '"x y"'])}: ${any(d - 1)}, t: ${any(d - 1)}}`, () => 'context', () => 'principal.address', () => '{}'])(),
	ip: () => pick(['ip("10.1.2.3")', 'ip("10.0.0.0/8")', 'ip("::1")', 'ip("ff00::/8")', 'resource.ip', 'context.ip', 'ip("1.2.3")', 'ip("127.0.0.1/7")', 'ip("224.0.0.1")', 'ip("::ffff:1.2.3.4")', 'ip("1:2:3:4:5:6:7::")']),
	decimal: () => pick(['decimal("1.0")', 'decimal("-0.5")', 'resource.price', 'decimal("1")', 'decimal("9.9500")', 'decimal("922337203685477.5807")', 'decimal("1.23456")', 'decimal("-922337203685477.5808")']),
	duration: d => pick([() => pick(['duration("1d2h")', 'duration("-1ms")', 'duration("1h1d")', 'duration("5m5ms")', 'duration("")', 'duration("-")', 'duration("106751991167d")', 'duration("106751991168d")']), () => `${datetime(d - 1)}.toTime()`, () => `${datetime(d - 1)}.durationSince(${datetime(d - 1)})`])(),
	datetime: d => d <= 0 ? pick(['datetime("2024-05-06")', 'resource.at', 'datetime("2024-02-30")', 'datetime("1969-12-31T23:59:59.999Z")', 'datetime("2024-05-06T01:02:03+0930")', 'datetime("0000-01-01")', 'datetime("2024-05-06T25:00:00Z")', 'datetime("2024-05-06T01:02:60Z")', 'datetime("2024-5-6")'])
		: pick([() => datetime(0), () => `${datetime(d - 1)}.offset(${duration(d - 1)})`, () => `${datetime(d - 1)}.toDate()`])(),
}
// Now and then something of another type stands in the place.
const kinds = Object.keys(one)
const UNKNOWN = ['unknown("u")', 'unknown("u") ', 'unknown(1)', 'unknown()', 'unknown(principal.name)', '{s: unknown("u"), t: 1}.t', '{s: [unknown("u")], t: {q: 2}}.t.q', '{s: unknown("u"), t: ip("::1")}.t',
	'({s: unknown("u"), t: 1} has s)', '({s: unknown("u"), t: 1} has z)', '{s: {a: unknown("u"), b: true}}.s.b', '[{s: unknown("u")}]', '{s: unknown("u"), t: principal}.t', '{s: unknown(unknown("u")), t: 1}.t', 'unknown("u", "v")', '(unknown("u") + 1)', 'context.u']
const wrap = name => d => chance(1) ? pick(UNKNOWN) : chance(4) ? one[pick(kinds)](d - 1) : one[name](d - 1)
const [bool, long, string, entity, set, entities_, record, ip, decimal, duration, datetime] = kinds.map(wrap)
const any = d => one[pick(kinds)](d)

const party = (name, slot) => pick([
	() => name, () => name, () => `${name} == ${slot && chance(50) ? `?${name}` : uidText()}`, () => `${name} in ${slot && chance(50) ? `?${name}` : uidText()}`,
	() => `${name} is ${pick(['User', 'Doc', 'Group'])}`, () => `${name} is ${pick(['User', 'Doc'])} in ${slot && chance(50) ? `?${name}` : uidText()}`,
])()
const actionPart = () => pick(['action', 'action', 'action == Action::"read"', 'action in Action::"all"', 'action in [Action::"read", Action::"share"]', 'action in []'])
const notes = () => chance(20) ? `@id("${pick(['x', 'y', ''])}") ` : chance(10) ? '@bare ' : ''
const policyText = slot => `${notes()}${pick(['permit', 'permit', 'forbid'])}(${party('principal', slot)}, ${actionPart()}, ${party('resource', slot)})` +
	Array.from({ length: random(3) }, () => ` ${pick(['when', 'when', 'unless'])} { ${one.bool(1 + random(3))} }`).join('') + ';'

file('e.json', entities)
file('s.cedarschema', schema)

function ours(args) {
	const done = run(args)
	if (done.signal || done.status === null || done.status > 1) tally.compare('died', false, () => `${args.join(' ')}: ${done.signal ?? done.status} ${done.stderr}`)
	return done
}

function request() {
	const context = { mfa: chance(50) }
	if (chance(50)) context.n = pick([0, 5, -3])
	if (chance(50)) context.ip = { __extn: { fn: 'ip', arg: pick(['10.0.0.1', '::1']) } }
	if (chance(8)) context.u = pick([{ __extn: { fn: 'unknown', arg: 'u' } }, [1, { __extn: { fn: 'unknown', arg: 'u' } }], { a: 1, b: { __extn: { fn: 'unknown', args: ['u'] } } }])
	return { principal: { type: 'User', id: pick(USERS) }, action: { type: 'Action', id: pick(['read', 'write', 'share']) }, resource: { type: 'Doc', id: pick(DOCS) }, context }
}

function compareDecisions(kind, policies, oursFile, show) {
	const requests = Array.from({ length: 4 }, request)
	const mine = decide(oursFile, file('e.json'), requests)
	for (let i = 0; i < requests.length; i++) {
		const want = oracle.decide(policies, entities, requests[i])
		if (want === undefined) continue
		if (want === 'refused' || mine.refused) {
			tally.compare(want === 'refused' ? `${kind}, refused` : kind, want === 'refused' && mine.refused && !mine.died, () => `${show}\nreference: ${JSON.stringify(want)}\nours: ${mine.refused ?? 'accepted'}`)
			return
		}
		const got = { decision: mine.answers[i].decision, reason: mine.answers[i].reason, errors: mine.answers[i].errors }
		tally.compare(kind, isDeepStrictEqual(want, got), () => `${show}\n${JSON.stringify(requests[i])}\nreference: ${JSON.stringify(want)}\nours: ${JSON.stringify(got)}`)
	}
}

function compareText() {
	const count = 1 + random(6), text = Array.from({ length: count }, () => policyText(false)).join('\n')
	compareDecisions(count > 1 ? 'several policies' : 'one policy', { staticPolicies: text }, file('p.cedar', text), text)
	const mine = ours(['validate', '--schema', file('s.cedarschema'), '--policies', file('p.cedar')])
	const reference = oracle.ask(wasm => wasm.validate({ schema, policies: { staticPolicies: text } }))
	if (reference?.type === 'success')
		tally.compare('validation', (reference.validationErrors.length === 0) === (mine.status === 0), () => `${text}\nreference: ${JSON.stringify(reference.validationErrors.map(e => e.error.message))}\nours: ${mine.stdout}`)
}

// What is warned of, by policy; in patterns the reference does not see controls of direction, we do.
const WARNINGS = { script: /scripts/, turn: /BIDI|turns the direction/, unfit: /General Security|names are not made of/, never: /impossible|never apply/ }
function compareWarnings() {
	const text = Array.from({ length: 1 + random(4) }, () => policyText(false)).join('\n')
	if (/like "[^"]*(\u202E|\\u\{202e\})/.test(text)) return
	const reference = oracle.ask(wasm => wasm.validate({ schema, policies: { staticPolicies: text } }))
	if (reference?.type !== 'success') return
	const mine = ours(['validate', '--schema', file('s.cedarschema'), '--policies', file('w.cedar', text)])
	const kinds = (message, policy) => Object.keys(WARNINGS).filter(kind => WARNINGS[kind].test(message)).map(kind => `${policy} ${kind}`)
	const want = new Set(reference.validationWarnings.flatMap(w => kinds(w.error.message.replace(/`.*`/s, ''), w.policyId)))
	const got = new Set(mine.stderr.split('\n').flatMap(line => { const m = /warning: (.*) \((policy\d+)\)$/.exec(line); return m ? kinds(m[1], m[2]) : [] }))
	tally.compare('warnings', isDeepStrictEqual(want, got), () => `${text}\nreference: ${[...want]}\nours: ${[...got]}\n${mine.stderr}`)
}

function compareJson() {
	const staticPolicies = {}, templates = {}, links = []
	for (let i = 0, n = 1 + random(3); i < n; i++) {
		const text = policyText(false), json = oracle.ask(wasm => wasm.policyToJson(text))
		if (json?.type === 'success') staticPolicies[`s${i}`] = json.json
	}
	for (let i = 0, n = 1 + random(2); i < n; i++) {
		const text = policyText(true), json = oracle.ask(wasm => wasm.templateToJson(text))
		if (json?.type !== 'success' || !/\?(principal|resource)/.test(text)) continue
		templates[`t${i}`] = json.json
		for (let l = 0, many = random(3); l < many; l++) {
			const values = {}
			if (text.includes('?principal') || chance(5)) values['?principal'] = { type: 'User', id: pick(USERS) }
			if (text.includes('?resource') || chance(5)) values['?resource'] = { type: 'Doc', id: pick(DOCS) }
			links.push({ templateId: `t${i}`, newId: chance(3) ? 's0' : `l${i}_${l}`, values })
		}
	}
	const set = { staticPolicies, templates, templateLinks: links }, text = JSON.stringify(set)
	if (/922337203685477[56]/.test(text)) return // no JavaScript number
	compareDecisions(links.length > 0 ? 'templates with links' : 'JSON policies', set, file('p.json', text), text)
}

// Every form in which the reference takes policy sets: one text, lists, objects; items as text or as JSON; and what it refuses.
function compareForms() {
	const json = (text, template) => {
		const made = oracle.ask(wasm => template ? wasm.templateToJson(text) : wasm.policyToJson(text))
		return made?.type === 'success' ? made.json : text
	}
	const plain = () => chance(5) ? policyText(true) : chance(3) ? policyText(false) + policyText(false) : chance(3) ? '' : policyText(false)
	const item = () => chance(50) ? plain() : json(policyText(false))
	const template = () => { const text = policyText(true); return chance(50) ? text : json(text, true) }
	const some = (most, make) => Array.from({ length: random(most + 1) }, make)
	const set = {}
	if (chance(90)) set.staticPolicies = pick([() => some(4, () => policyText(false)).join('\n'), () => some(2, item), () => Object.fromEntries(some(4, item).map((p, i) => [chance(3) ? 't0' : `s${i}`, p])), () => pick([null, 1, true, policyText(true)])])()
	if (chance(60)) set.templates = pick([() => Object.fromEntries(some(2, template).map((p, i) => [`t${i}`, p])), () => Object.fromEntries(some(2, template).map((p, i) => [`t${i}`, p])), () => pick([null, [], ''])])()
	if (set.templates && chance(70)) set.templateLinks = some(2, () => 0).map((_, i) => ({ templateId: pick(['t0', 't0', 't1']), newId: pick(['l0', 'l1', 's0', 'policy0']), values: pick([{ '?principal': { type: 'User', id: 'bob' } }, { '?resource': { type: 'Doc', id: 'plan' } }, {}]) }))
	const text = JSON.stringify(set)
	if (/922337203685477[56]/.test(text)) return
	compareDecisions('forms of sets', set, file('f.json', text), text)
}

function compareTranslation() {
	const text = policyText(false)
	if (/9223372036854775/.test(text)) return // no JavaScript number
	const json = oracle.ask(wasm => wasm.policyToJson(text))
	if (json?.type !== 'success') return
	const mine = ours(['translate', '--to', 'json', file('t.cedar', text)])
	let got
	try { got = JSON.parse(mine.stdout).staticPolicies.policy0 } catch { got = mine.stdout + mine.stderr }
	tally.compare('to JSON', isDeepStrictEqual(got, json.json), () => `${text}\nreference: ${JSON.stringify(json.json)}\nours: ${JSON.stringify(got)}`)
	const back = ours(['translate', '--to', 'cedar', file('t.json', { staticPolicies: { policy0: json.json }, templates: {}, templateLinks: [] })])
	const again = oracle.ask(wasm => wasm.policyToJson(back.stdout))
	if (again) tally.compare('to text', isDeepStrictEqual(again.json, json.json), () => `${text}\n${back.stdout}${back.stderr}\n${JSON.stringify(again)}`)
}

// Texts with one thing broken: both must accept or both refuse. The reference takes templates out of static texts as an error; we
// keep them.
function compareBroken() {
	const text = policyText(chance(10)), at = random(text.length)
	const broken = pick([() => text.slice(0, at) + text.slice(at + 1 + random(3)), () => text.slice(0, at) + pick([...'(){}[];,.:"\\!-=<>@?', ' in ', ' has ', ' is ', '::', '1', ' if ', 'é', '\r']) + text.slice(at)])()
	if (broken.includes('?')) return
	const reference = oracle.ask(wasm => wasm.checkParsePolicySet({ staticPolicies: broken }))
	if (!reference) return
	const mine = ours(['authorize', '--policies', file('b.cedar', broken), '--entities', file('e.json'), '--requests', file('one.ndjson', request())])
	tally.compare('broken text', (reference.type === 'success') === (mine.status === 0), () => `${broken}\nreference: ${reference.type} ${JSON.stringify(reference.errors?.map(e => e.message))}\nours: ${mine.stderr}`)
}

const kindsOfCase = [compareText, compareText, compareBroken, compareJson, compareForms, compareWarnings, compareTranslation]
for (let tries = 0; tally.compared < Number(cases) && tries < 10 * Number(cases); tries++) pick(kindsOfCase)()
tally.close(Number(cases), ['several policies', 'templates with links', 'JSON policies', 'forms of sets', 'validation', 'warnings', 'to JSON', 'to text', 'broken text'], `seed ${seed}`)
