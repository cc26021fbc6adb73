// mutations.mjs - policies of the corpus, changed a little: cedar-wasm 4.10.0 says what is right, `sekisho cedar conformance`
// then runs what was written as tests: decision, reasons, errors and shouldValidate.
//
//   node mutations.mjs SEKISHO CORPUS [CASES] [SEED]      CORPUS holds corpus-tests/
//
// Changes keep the kind of a token (an operator for an operator, a literal for an expression), so that most still parse.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const [sekisho, corpus, cases = '300', seed = '1'] = process.argv.slice(2)
if (!corpus) {
	console.error('usage: node mutations.mjs SEKISHO CORPUS [CASES] [SEED]')
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

let state = BigInt(seed) * 0x9E3779B97F4A7C15n + 1n
function random(below) {
	state = (state * 6364136223846793005n + 1442695040888963407n) & 0xFFFFFFFFFFFFFFFFn
	return Number((state >> 33n) % BigInt(below))
}
const pick = list => list[random(list.length)]

// What may stand for a token, by the kind of token; others of the same kind in the policy may, too.
const KINDS = [
	[/^"/, ['"a"', '""', '"1.0"', '"1d"', '"2024-01-01"', '"::1"']],
	[/^\d/, ['0', '1', '9223372036854775807', '"x"', '[1]', 'true', 'context', 'principal', 'decimal("1.0")', '(1 == 1)']],
	[/^(==|!=|<|<=|>=|>|in)$/, ['==', '!=', '<', '<=', 'in', '>']],
	[/^(contains|containsAll|containsAny|hasTag|getTag)$/, ['contains', 'containsAll', 'containsAny', 'hasTag', 'getTag']],
	[/^(ip|decimal|datetime|duration)$/, ['ip', 'decimal', 'datetime', 'duration']],
	[/^(isIpv4|isIpv6|isLoopback|isMulticast|toDate|toTime|toMilliseconds|toDays)$/, ['isIpv4', 'isLoopback', 'toDate', 'toTime', 'toDays', 'isEmpty']],
	[/^(principal|action|resource|context)$/, ['principal', 'action', 'resource', 'context']],
	[/^(true|false)$/, ['true', 'false', '(1)', 'principal', 'context', '"a"', '[]', '[true]', '{}', '(if true then true else 1)', 'ip("1.2.3.4")', '(-1)']],
	[/^(&&|\|\|)$/, ['&&', '||']],
	[/^[+*-]$/, ['+', '*', '-', '==', 'in', '<']],
	[/^[A-Za-z_]/, []],
]
const TOKENS = /"(?:\\.|[^"\\])*"|[A-Za-z_][A-Za-z_0-9]*|\d+|::|==|!=|<=|>=|&&|\|\||\/\/[^\n]*|\s+|./gs
const WRAPS = [x => `(${x} == ${x})`, x => `(if ${x} then ${x} else ${x})`, x => `!${x}`, x => `(${x} && principal has a)`, x => `[${x}, ${x}]`,
	x => `(${x} || false)`, x => `{a: ${x}}.a`, x => `(false || ${x})`, x => `(true && ${x})`, x => `(principal has a && ${x})`]
const kindOf = token => KINDS.findIndex(([pattern]) => pattern.test(token))

function mutate(text) {
	const tokens = text.match(TOKENS)
	const places = [...tokens.keys()].filter(i => kindOf(tokens[i]) >= 0)
	for (let n = 1 + random(3); n > 0; n--) {
		const at = pick(places), kind = kindOf(tokens[at])
		tokens[at] = kind < 0 ? tokens[at] : pick([...places.filter(i => kindOf(tokens[i]) === kind).map(i => tokens[i]), ...KINDS[kind][1]])
		const literals = places.filter(i => /^(true|false|\d+)$/.test(tokens[i]))
		if (literals.length > 0 && random(5) === 0) {
			const literal = pick(literals)
			tokens[literal] = pick(WRAPS)(tokens[literal])
		}
	}
	return tokens.join('')
}

// The test as the reference sees it, or nothing where the policies do not parse.
function expectation(test, policies, schema, entities) {
	if (wasm.checkParsePolicySet({ staticPolicies: policies }).type !== 'success') return
	const checked = wasm.validate({ schema, policies: { staticPolicies: policies }, validationSettings: { mode: 'strict' } })
	if (checked.type !== 'success') return
	const requests = []
	for (const request of test.requests.slice(0, 3)) {
		const answer = wasm.isAuthorized({ principal: request.principal, action: request.action, resource: request.resource,
			context: request.context, schema, validateRequest: request.validateRequest ?? true, policies: { staticPolicies: policies }, entities })
		if (answer.type !== 'success') return
		requests.push({ ...request, decision: answer.response.decision, reason: answer.response.diagnostics.reason,
			errors: answer.response.diagnostics.errors.map(error => error.policyId) })
	}
	return { shouldValidate: checked.validationErrors.length === 0, requests }
}

const from = path.join(corpus, 'corpus-tests')
const names = readdirSync(from).filter(name => name.endsWith('.cedar')).map(name => name.slice(0, -6)).sort()
const folder = mkdtempSync(path.join(tmpdir(), 'cedar-mutations-'))
const into = path.join(folder, 'tests', 'mutated')
const counts = { valid: 0, invalid: 0, erring: 0 }
mkdirSync(into, { recursive: true })
try {
	let made = 0
	for (let tries = 0; made < Number(cases) && tries < Number(cases) * 30; tries++) {
		const name = path.join(from, pick(names))
		const text = readFileSync(`${name}.cedar`, 'utf8'), schema = readFileSync(`${name}.cedarschema`, 'utf8')
		if (text.length > 6000 || schema.length > 20000) continue
		const policies = mutate(text), entities = JSON.parse(readFileSync(`${name}.entities.json`, 'utf8'))
		const expected = expectation(JSON.parse(readFileSync(`${name}.json`, 'utf8')), policies, schema, entities)
		if (!expected) continue
		const at = `tests/mutated/${made++}`
		writeFileSync(path.join(folder, `${at}.cedar`), policies)
		writeFileSync(path.join(folder, `${at}.cedarschema`), schema)
		writeFileSync(path.join(folder, `${at}.entities.json`), JSON.stringify(entities))
		writeFileSync(path.join(folder, `${at}.json`), JSON.stringify({ policies: `${at}.cedar`, schema: `${at}.cedarschema`,
			entities: `${at}.entities.json`, ...expected }))
		counts[expected.shouldValidate ? 'valid' : 'invalid']++
		counts.erring += expected.requests.some(request => request.errors.length > 0)
	}
	const done = spawnSync(sekisho, ['cedar', 'conformance', folder], { encoding: 'utf8', maxBuffer: 1 << 28 })
	for (const line of done.stdout.split('\n').filter(line => line.startsWith('FAIL')).slice(0, 5)) {
		console.log(line)
		const file = line.split(' ')[1].replace(/\.json$/, '.cedar')
		try {
			console.log(readFileSync(path.isAbsolute(file) ? file : path.join(folder, file), 'utf8'))
		} catch {}
	}
	console.log(`${JSON.stringify(counts)} seed ${seed}: ${done.stdout.trim().split('\n').pop()}`)
	process.exitCode = done.status === 0 && made === Number(cases) ? 0 : 1
} finally {
	rmSync(folder, { recursive: true })
}
