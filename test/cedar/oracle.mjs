// oracle.mjs - what all comparisons with the reference share: finding cedar-wasm 4.10.0, asking it, drawing cases, counting them.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const require = createRequire(path.join(process.env.CEDAR_WASM ?? process.cwd(), 'x.js'))
const NAME = '@cedar-policy/cedar-wasm/nodejs'

function load() {
	for (const key of Object.keys(require.cache)) delete require.cache[key]
	const wasm = require(NAME)
	if (wasm.getCedarSDKVersion() !== '4.10.0') throw new Error(`version ${wasm.getCedarSDKVersion()}`)
	return wasm
}

// The arguments, of which `least` must be there; exit 2 if they are not, 77 if the package is not.
export function start(usage, least) {
	const given = process.argv.slice(2)
	if (given.length < least) {
		console.error(`usage: node ${usage}`)
		process.exit(2)
	}
	try {
		oracle.wasm = load()
	} catch (error) {
		console.error(`missing: @cedar-policy/cedar-wasm@4.10.0 (${error.message.split('\n')[0]})`)
		process.exit(77)
	}
	return given
}

export const oracle = {
	wasm: undefined,
	died: 0,
	// What the reference says; undefined where it dies of it, which leaves the module broken for good: a new one is taken.
	// Input that does not even deserialize is thrown as an Error, and is a failure like others.
	ask(run) {
		try {
			return run(oracle.wasm)
		} catch (error) {
			if (!(error instanceof WebAssembly.RuntimeError)) return { type: 'failure', errors: [{ message: String(error) }] }
			oracle.died++
			oracle.wasm = load()
			return undefined
		}
	},
	// Decision, reasons and errors, sorted; 'refused', or undefined.
	decide(policies, entities, request, more = {}) {
		const answer = oracle.ask(wasm => wasm.isAuthorized({ ...request, policies, entities, validateRequest: false, ...more }))
		if (answer?.type !== 'success') return answer && 'refused'
		const { decision, diagnostics } = answer.response
		return { decision, reason: [...diagnostics.reason].sort(), errors: diagnostics.errors.map(e => e.policyId).sort() }
	},
}

// A small generator with a seed, so that a case can be seen again.
export function drawing(seed) {
	let state = BigInt(seed) * 0x9E3779B97F4A7C15n + 1n
	const random = below => {
		state = (state * 6364136223846793005n + 1442695040888963407n) & 0xFFFFFFFFFFFFFFFFn
		return Number((state >> 33n) % BigInt(below))
	}
	return { random, pick: list => list[random(list.length)], chance: percent => random(100) < percent }
}

// Files for us to read, which go when the process ends; and us.
export function workplace(sekisho) {
	const folder = mkdtempSync(path.join(tmpdir(), 'cedar-oracle-'))
	process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
	const file = (name, text) => {
		const at = path.join(folder, name)
		if (text !== undefined) writeFileSync(at, typeof text === 'string' ? text : JSON.stringify(text))
		return at
	}
	const ours = args => spawnSync(sekisho, ['cedar', ...args], { encoding: 'utf8', maxBuffer: 1 << 28 })
	// As oracle.decide, for each request; 'refused' or a word for a crash instead of the list.
	const decide = (policies, entities, requests) => {
		const done = ours(['authorize', '--policies', policies, '--entities', entities, '--requests', file('requests.ndjson', requests.map(r => JSON.stringify(r)).join('\n'))])
		if (done.status === 1) return { refused: done.stderr }
		if (done.status !== 0) return { refused: `died: ${done.signal ?? done.status}`, died: true }
		return { answers: done.stdout.trim().split('\n').map(line => JSON.parse(line)) }
	}
	return { folder, file, ours, decide }
}

// Counts what was compared, by kind. What the reference died of was not compared.
export function counting() {
	const kinds = {}
	let compared = 0, differences = 0
	return {
		get compared() { return compared },
		compare(kind, same, describe) {
			compared++
			kinds[kind] = (kinds[kind] ?? 0) + 1
			if (same) return
			differences++
			console.log(`DIFFER ${kind} (comparison ${compared})\n${describe()}\n`)
		},
		// Fails if anything differs, if fewer were compared than asked for, or none of a kind that must be among them.
		close(least, needed, what) {
			const none = needed.filter(kind => !kinds[kind])
			console.log(`${compared} cases compared (${Object.entries(kinds).map(([kind, count]) => `${kind} ${count}`).join(', ')}), ${differences} differ, the reference died of ${oracle.died}: ${what}`)
			if (compared < least) console.log(`FEWER than ${least} were compared`)
			if (none.length > 0) console.log(`NONE was compared of: ${none.join(', ')}`)
			process.exitCode = differences || compared < least || none.length > 0 ? 1 : 0
		},
	}
}
