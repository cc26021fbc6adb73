// mutations.mjs - policies of the corpus, changed a little: cedar-wasm 4.10.0 says what is right, `sekisho cedar conformance`
// then runs what was written as tests: decision, reasons, errors and shouldValidate.
//
//   node mutations.mjs SEKISHO CORPUS [CASES] [SEED]      CORPUS holds corpus-tests/
//
// Changes keep the kind of a token (an operator for an operator, a literal for an expression), so that most still parse.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { drawing, oracle, start, workplace } from './oracle.mjs'

const [sekisho, corpus, cases = '300', seed = '1'] = start('mutations.mjs SEKISHO CORPUS [CASES] [SEED]', 2)
const { random, pick } = drawing(seed)
const { folder, ours } = workplace(sekisho)

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
	if (oracle.ask(wasm => wasm.checkParsePolicySet({ staticPolicies: policies }))?.type !== 'success') return
	const checked = oracle.ask(wasm => wasm.validate({ schema, policies: { staticPolicies: policies }, validationSettings: { mode: 'strict' } }))
	if (checked?.type !== 'success') return
	const requests = []
	for (const request of test.requests.slice(0, 3)) {
		const { principal, action, resource, context } = request
		const answer = oracle.decide({ staticPolicies: policies }, entities, { principal, action, resource, context }, { schema, validateRequest: request.validateRequest ?? true })
		if (answer === undefined || answer === 'refused') return
		requests.push({ ...request, ...answer })
	}
	return { shouldValidate: checked.validationErrors.length === 0, requests }
}

const from = path.join(corpus, 'corpus-tests')
const names = readdirSync(from).filter(name => name.endsWith('.cedar')).map(name => name.slice(0, -6)).sort()
const into = path.join(folder, 'tests', 'mutated')
const counts = { valid: 0, invalid: 0, erring: 0 }
mkdirSync(into, { recursive: true })
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
const done = ours(['conformance', folder]), last = done.stdout.trim().split('\n').pop()
for (const line of done.stdout.split('\n').filter(line => line.startsWith('FAIL')).slice(0, 5))
	console.log(`${line}\n${readFileSync(line.split(' ')[1].replace(/\.json$/, '.cedar'), 'utf8')}`)
console.log(`${JSON.stringify(counts)} seed ${seed}: ${last}`)
process.exitCode = done.status === 0 && last === `${cases} passed, 0 failed` ? 0 : 1
