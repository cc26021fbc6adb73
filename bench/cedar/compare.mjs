// compare.mjs - our decisions beside cedar-wasm's, in one run, on the same policies, entities and requests.
//
//   node bench/cedar/compare.mjs SEKISHO [SECONDS]
//
// cedar-wasm (@cedar-policy/cedar-wasm@4.10.0, found from the current folder or CEDAR_WASM) gets its best case: policies
// prepared, entities sliced to what the request needs. Every answer of the one is compared with the other's, untimed and,
// by count and decision, while timing.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createHash } from 'node:crypto'

import { oracle, start } from '../../test/cedar/oracle.mjs'

const [sekisho, seconds = '2', only] = start('bench/cedar/compare.mjs SEKISHO [SECONDS]', 1) // `only` is how it calls itself: one size, the reference's part
const wasm = oracle.wasm

// Ten shapes of policies; each is tied to its number by scope, so that few match a request however many there are.
const shapes = [
	i => `permit(principal == User::"u${i}", action == Action::"view", resource == Doc::"d${i}");`,
	i => `permit(principal in Group::"g${i}", action in [Action::"view", Action::"edit"], resource);`,
	i => `permit(principal, action == Action::"edit", resource in Folder::"f${i}") when { principal.level >= 3 };`,
	i => `permit(principal is User in Group::"g${i}", action, resource) when { context.mfa && resource.owner == principal };`,
	i => `forbid(principal == User::"u${i}", action, resource) when { context.ip.isInRange(ip("10.${i % 256}.0.0/16")) };`,
	i => `permit(principal in Group::"g${i}", action, resource in Folder::"f${i}") unless { resource.labels.contains("secret") };`,
	i => `permit(principal, action == Action::"view", resource == Doc::"d${i}") when { resource.name like "report-*" };`,
	i => `permit(principal == User::"u${i}", action, resource) when { principal has manager && principal.manager.level > 4 };`,
	i => `forbid(principal, action == Action::"edit", resource in Folder::"f${i}") when { context.at > datetime("2030-01-01") };`,
	i => `permit(principal == User::"u${i}", action, resource) when { if context.mfa then ["a", "b"].containsAny(resource.labels) else false };`,
]

const uid = (type, id) => ({ type, id })
const user = i => ({ uid: uid('User', `u${i}`), attrs: { level: i % 6, manager: { __entity: uid('User', `u${i + 1}`) } }, parents: [uid('Group', `g${i}`)] })
const doc = i => ({
	uid: uid('Doc', `d${i}`), parents: [uid('Folder', `f${i}`)],
	attrs: { owner: { __entity: uid('User', `u${i}`) }, name: `report-${i}`, labels: i % 3 ? ['a', 'c'] : ['secret'] },
})
const leaf = (type, id) => ({ uid: uid(type, id), attrs: {}, parents: [] })

function make(count) {
	const groups = Math.ceil(count / shapes.length)
	const policies = Array.from({ length: count }, (_, n) => shapes[n % shapes.length](Math.floor(n / shapes.length)))
	const entities = [], requests = [], slices = []
	for (let i = 0; i <= groups; i++) entities.push(user(i), doc(i), leaf('Group', `g${i}`), leaf('Folder', `f${i}`))
	for (let n = 0; n < 200; n++) {
		const i = (n * 7919) % groups
		requests.push({
			principal: uid('User', `u${i}`), action: uid('Action', n % 2 ? 'view' : 'edit'), resource: uid('Doc', `d${i}`),
			context: { mfa: n % 3 > 0, ip: { __extn: { fn: 'ip', arg: `10.${n % 7}.0.1` } }, at: { __extn: { fn: 'datetime', arg: '2026-01-01' } } },
		})
		slices.push([user(i), user(i + 1), doc(i), leaf('Group', `g${i}`), leaf('Folder', `f${i}`)])
	}
	return { policies: policies.join('\n'), entities, requests, slices }
}

const row = answer => [answer.decision, [...answer.reason].sort().join(','), [...answer.errors].sort().join(',')].join('\t') + '\n'

function wasmAsk(set, n, name) {
	const answer = wasm.statefulIsAuthorized({
		principal: set.requests[n].principal, action: set.requests[n].action, resource: set.requests[n].resource,
		context: set.requests[n].context, entities: set.slices[n], preparsedPolicySetId: name, validateRequest: false,
	})
	if (answer.type !== 'success') throw new Error(JSON.stringify(answer))
	const { decision, diagnostics } = answer.response
	return { decision, reason: diagnostics.reason, errors: diagnostics.errors.map(e => e.policyId) }
}

function wasmTime(set, name) {
	const first = set.requests.map((_, n) => wasmAsk(set, n, name))
	const digest = createHash('sha256').update(first.map(row).join('')).digest('hex')
	const end = process.hrtime.bigint() + BigInt(seconds) * 1000000000n
	const times = []
	for (let n = 0, before = process.hrtime.bigint(); before < end; n = (n + 1) % set.requests.length) {
		const answer = wasmAsk(set, n, name)
		if (answer.decision !== first[n].decision || answer.reason.length !== first[n].reason.length) throw new Error('an answer changed')
		const now = process.hrtime.bigint()
		times.push(Number(now - before))
		before = now
	}
	times.sort((a, b) => a - b)
	const total = times.reduce((a, b) => a + b, 0)
	return { perSecond: times.length / total * 1e9, p50: times[times.length >> 1], p99: times[Math.floor(times.length * 0.99)], digest }
}

// The reference runs in a process of its own: at 10,000 policies it now and then takes V8 down with it.
function wasmApart(count) {
	for (let attempt = 0; attempt < 3; attempt++) {
		const done = spawnSync(process.execPath, [...(attempt < 2 ? [] : ['--no-opt']), process.argv[1], sekisho, seconds, String(count)], { encoding: 'utf8' })
		if (done.status === 0) return JSON.parse(done.stdout)
	}
	return undefined
}

if (only) {
	const set = make(Number(only))
	const prepared = wasm.preparsePolicySet('set', { staticPolicies: set.policies })
	if (prepared.type !== 'success') throw new Error(JSON.stringify(prepared).slice(0, 300))
	console.log(JSON.stringify(wasmTime(set, 'set')))
	process.exit(0)
}

const folder = mkdtempSync(path.join(tmpdir(), 'cedar-compare-'))
let wrong = 0
console.log('policies   ours/s      p50 ns  p99 ns | wasm/s   p50 ns    p99 ns   | times  answers')
try {
	for (const count of [10, 100, 1000, 10000]) {
		const set = make(count), file = name => path.join(folder, name)
		writeFileSync(file('p.cedar'), set.policies)
		writeFileSync(file('e.json'), JSON.stringify(set.entities))
		writeFileSync(file('r.ndjson'), set.requests.map(r => JSON.stringify(r)).join('\n') + '\n')
		const out = execFileSync(sekisho, ['cedar', 'bench', '--policies', file('p.cedar'), '--entities', file('e.json'), '--requests', file('r.ndjson'), '--seconds', seconds], { encoding: 'utf8' })
		const ours = JSON.parse(out.trim().split('\n').pop())
		const theirs = wasmApart(count)
		if (!theirs) {
			console.log([String(count).padEnd(10), String(ours.decisions_per_second).padEnd(11), String(ours.p50_ns).padEnd(7), String(ours.p99_ns).padEnd(7), '| the reference died three times'].join(' '))
			continue
		}
		const same = theirs.digest === ours.checksum
		wrong += !same
		console.log([String(count).padEnd(10), String(ours.decisions_per_second).padEnd(11), String(ours.p50_ns).padEnd(7), String(ours.p99_ns).padEnd(7), '|',
			theirs.perSecond.toFixed(0).padEnd(8), String(theirs.p50).padEnd(9), String(theirs.p99).padEnd(9), '|',
			(ours.decisions_per_second / theirs.perSecond).toFixed(0).padEnd(6), same ? 'agree' : 'DIFFER'].join(' '))
	}
} finally {
	rmSync(folder, { recursive: true })
}
process.exit(wrong ? 1 : 0)
