// differential.mjs - generated cases, asked of us and of cedar-wasm 4.10.0; every difference is printed with its case.
//
//   node test/cedar/differential.mjs SEKISHO [CASES] [SEED]
//
// What is compared: is a text accepted; decision, determining and erring policies of sets with several policies, templates
// and links, as text and as JSON; does a set validate against a schema; policies as JSON, both ways. Exit 77 if the
// package (looked for from CEDAR_WASM or the current folder) is missing.
import { execFileSync, spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'

const [sekisho, cases = '300', seed = '1'] = process.argv.slice(2)
if (!sekisho) {
	console.error('usage: node differential.mjs SEKISHO [CASES] [SEED]')
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

// A small generator with a seed, so that a case can be seen again.
let state = BigInt(seed) * 0x9E3779B97F4A7C15n + 1n
function random(below) {
	state = (state * 6364136223846793005n + 1442695040888963407n) & 0xFFFFFFFFFFFFFFFFn
	return Number((state >> 33n) % BigInt(below))
}
const pick = list => list[random(list.length)]
const chance = percent => random(100) < percent

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

const folder = mkdtempSync(path.join(tmpdir(), 'cedar-differential-'))
const file = (name, text) => { const at = path.join(folder, name); if (text !== undefined) writeFileSync(at, text); return at }
file('e.json', JSON.stringify(entities))
file('s.cedarschema', schema)
let compared = 0, differences = 0, skipped = 0

function differ(what, detail) {
	differences++
	console.log(`DIFFER ${what} (seed ${seed}, comparison ${compared})\n${detail}\n`)
}

function ours(args) {
	const done = spawnSync(sekisho, ['cedar', ...args], { encoding: 'utf8' })
	if (done.signal || done.status === null || done.status > 1) differ('died', `${args.join(' ')}: ${done.signal ?? done.status} ${done.stderr}`)
	return done
}

function theirs(run) {
	try {
		return run()
	} catch (error) { // a trap leaves the module broken for good; input that does not even deserialize is thrown as an Error
		if (!(error instanceof WebAssembly.RuntimeError)) return { type: 'failure', errors: [{ message: String(error) }] }
		skipped++
		wasm = undefined
		return undefined
	}
}

const sorted = list => [...list].sort()
function request() {
	const context = { mfa: chance(50) }
	if (chance(50)) context.n = pick([0, 5, -3])
	if (chance(50)) context.ip = { __extn: { fn: 'ip', arg: pick(['10.0.0.1', '::1']) } }
	if (chance(8)) context.u = pick([{ __extn: { fn: 'unknown', arg: 'u' } }, [1, { __extn: { fn: 'unknown', arg: 'u' } }], { a: 1, b: { __extn: { fn: 'unknown', args: ['u'] } } }])
	return { principal: { type: 'User', id: pick(USERS) }, action: { type: 'Action', id: pick(['read', 'write', 'share']) }, resource: { type: 'Doc', id: pick(DOCS) }, context }
}

function compareDecisions(policies, oursFile, show) {
	const requests = Array.from({ length: 4 }, request)
	file('r.ndjson', requests.map(r => JSON.stringify(r)).join('\n'))
	const mine = ours(['authorize', '--policies', oursFile, '--entities', file('e.json'), '--requests', file('r.ndjson')])
	const answers = mine.status === 0 ? mine.stdout.trim().split('\n').map(line => JSON.parse(line)) : undefined
	for (let i = 0; i < requests.length && wasm; i++) {
		compared++
		const reference = theirs(() => wasm.isAuthorized({ ...requests[i], policies, entities, validateRequest: false }))
		if (!reference) return
		if ((reference.type === 'success') !== (answers !== undefined))
			return differ('accepted', `${show}\nreference: ${reference.type} ${JSON.stringify(reference.errors?.map(e => e.message))}\nours: ${mine.stderr}`)
		if (!answers) return
		const { decision, diagnostics } = reference.response
		const want = { decision, reason: sorted(diagnostics.reason), errors: sorted(diagnostics.errors.map(e => e.policyId)) }
		const got = { decision: answers[i].decision, reason: sorted(answers[i].reason), errors: sorted(answers[i].errors) }
		if (!isDeepStrictEqual(want, got))
			differ('decision', `${show}\n${JSON.stringify(requests[i])}\nreference: ${JSON.stringify(want)} ${JSON.stringify(diagnostics.errors)}\nours: ${JSON.stringify(got)}`)
	}
}

function compareText() {
	const text = Array.from({ length: 1 + random(6) }, () => policyText(false)).join('\n')
	compareDecisions({ staticPolicies: text }, file('p.cedar', text), text)
	if (!wasm) return
	compared++
	const mine = ours(['validate', '--schema', file('s.cedarschema'), '--policies', file('p.cedar')])
	const reference = theirs(() => wasm.validate({ schema, policies: { staticPolicies: text } }))
	if (reference && reference.type === 'success' && (reference.validationErrors.length === 0) !== (mine.status === 0))
		return differ('validation', `${text}\nreference: ${JSON.stringify(reference.validationErrors.map(e => e.error.message))}\nours: ${mine.stdout}`)
}

// What is warned of, by policy; in patterns the reference does not see controls of direction, we do.
const WARNINGS = { script: /scripts/, turn: /BIDI|turns the direction/, unfit: /General Security|names are not made of/, never: /impossible|never apply/ }
function compareWarnings() {
	const text = Array.from({ length: 1 + random(4) }, () => policyText(false)).join('\n')
	if (/like "[^"]*(\u202E|\\u\{202e\})/.test(text)) return
	compared++
	const reference = theirs(() => wasm.validate({ schema, policies: { staticPolicies: text } }))
	if (reference?.type !== 'success') return
	const mine = ours(['validate', '--schema', file('s.cedarschema'), '--policies', file('w.cedar', text)])
	const kinds = (message, policy) => Object.keys(WARNINGS).filter(kind => WARNINGS[kind].test(message)).map(kind => `${policy} ${kind}`)
	const want = new Set(reference.validationWarnings.flatMap(w => kinds(w.error.message.replace(/`.*`/s, ''), w.policyId)))
	const got = new Set(mine.stderr.split('\n').flatMap(line => { const m = /warning: (.*) \((policy\d+)\)$/.exec(line); return m ? kinds(m[1], m[2]) : [] }))
	if (!isDeepStrictEqual(want, got)) differ('warnings', `${text}\nreference: ${[...want]}\nours: ${[...got]}\n${mine.stderr}`)
}

function compareJson() {
	const staticPolicies = {}, templates = {}, links = []
	for (let i = 0, n = 1 + random(3); i < n; i++) {
		const json = wasm && theirs(() => wasm.policyToJson(policyText(false)))
		if (json?.type === 'success') staticPolicies[`s${i}`] = json.json
	}
	for (let i = 0, n = 1 + random(2); i < n && wasm; i++) {
		const text = policyText(true), json = theirs(() => wasm.templateToJson(text))
		if (json?.type !== 'success' || !/\?(principal|resource)/.test(text)) continue
		templates[`t${i}`] = json.json
		for (let l = 0, many = random(3); l < many; l++) {
			const values = {}
			if (text.includes('?principal') || chance(5)) values['?principal'] = { type: 'User', id: pick(USERS) }
			if (text.includes('?resource') || chance(5)) values['?resource'] = { type: 'Doc', id: pick(DOCS) }
			links.push({ templateId: `t${i}`, newId: chance(3) ? 's0' : `l${i}_${l}`, values })
		}
	}
	if (!wasm) return
	const set = { staticPolicies, templates, templateLinks: links }, text = JSON.stringify(set)
	if (/922337203685477[56]/.test(text)) return // no JavaScript number
	compareDecisions(set, file('p.json', text), text)
}

// Every form in which the reference takes policy sets: one text, lists, objects; items as text or as JSON; and what it refuses.
function compareForms() {
	const json = (text, template) => {
		const made = wasm && theirs(() => template ? wasm.templateToJson(text) : wasm.policyToJson(text))
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
	if (!wasm) return
	const text = JSON.stringify(set)
	if (/922337203685477[56]/.test(text)) return
	compareDecisions(set, file('f.json', text), text)
}

function compareTranslation() {
	const text = policyText(false)
	if (/9223372036854775/.test(text)) return // no JavaScript number
	const json = theirs(() => wasm.policyToJson(text))
	if (json?.type !== 'success') return
	compared++
	const mine = ours(['translate', '--to', 'json', file('t.cedar', text)])
	let got
	try { got = JSON.parse(mine.stdout).staticPolicies.policy0 } catch { got = mine.stdout + mine.stderr }
	if (!isDeepStrictEqual(got, json.json)) return differ('to json', `${text}\nreference: ${JSON.stringify(json.json)}\nours: ${JSON.stringify(got)}`)
	compared++
	const back = ours(['translate', '--to', 'cedar', file('t.json', JSON.stringify({ staticPolicies: { policy0: json.json }, templates: {}, templateLinks: [] }))])
	const again = theirs(() => wasm.policyToJson(back.stdout))
	if (again && !isDeepStrictEqual(again.json, json.json)) differ('to cedar', `${text}\n${back.stdout}${back.stderr}\n${JSON.stringify(again)}`)
}

// Texts with one thing broken: both must accept or both refuse.
function compareBroken() {
	const text = policyText(chance(10)), at = random(text.length)
	const broken = pick([() => text.slice(0, at) + text.slice(at + 1 + random(3)), () => text.slice(0, at) + pick([...'(){}[];,.:"\\!-=<>@?', ' in ', ' has ', ' is ', '::', '1', ' if ', 'é', '\r']) + text.slice(at)])()
	compared++
	const reference = theirs(() => wasm.checkParsePolicySet({ staticPolicies: broken }))
	if (!reference) return
	const empty = file('none.ndjson', '{"principal":{"type":"U","id":""},"action":{"type":"Action","id":""},"resource":{"type":"U","id":""},"context":{}}\n')
	const mine = ours(['authorize', '--policies', file('b.cedar', broken), '--entities', file('e.json'), '--requests', empty])
	const template = /\?/.test(broken) // the reference takes templates out of static texts as an error; we keep them
	if ((reference.type === 'success') !== (mine.status === 0) && !template)
		differ('broken text', `${broken}\nreference: ${reference.type} ${JSON.stringify(reference.errors?.map(e => e.message))}\nours: ${mine.stderr}`)
}

const help = execFileSync(sekisho, ['cedar', '--help'], { encoding: 'utf8' })
const kindsOfCase = [compareText, compareText, compareBroken, compareJson, compareForms, compareWarnings, ...(help.includes('translate') ? [compareTranslation] : [])]
try {
	while (compared < Number(cases)) {
		if (!wasm) {
			const require = createRequire(path.join(process.env.CEDAR_WASM ?? process.cwd(), 'x.js'))
			for (const key of Object.keys(require.cache)) delete require.cache[key]
			wasm = require('@cedar-policy/cedar-wasm/nodejs')
		}
		pick(kindsOfCase)()
	}
} finally {
	rmSync(folder, { recursive: true })
}
console.log(`${compared} compared, ${differences} differ, ${skipped} skipped (the reference died)`)
process.exit(differences ? 1 : 0)
