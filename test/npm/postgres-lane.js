// postgres-lane.js PORT CA APPLICATION TOKEN SETTING SUBSCRIBERS ROUNDS: the vendor's own program, as it is, with one hook.
// node-postgres, 20 connections; SUBSCRIBERS subscribers, interleaved; subscriber sub-N owns the rows of tenant tN.
// Prints one JSON object: transactions, rows, and each row that was another's.
import fs from "node:fs";
import pg from "pg";

const [, , port, ca, user, password, setting, subscribers, rounds] = process.argv;
const pool = new pg.Pool({
  host: "localhost", port: Number(port), user, password, database: "crm", max: 20,
  ssl: { ca: fs.readFileSync(ca) },
});
const wrong = [];
let transactions = 0, rows = 0;
const pids = new Set();

// The hook: the one thing that the program does besides what it always did.
async function inTransactionOf(subscriber, actor, work) {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await client.query("select set_config('sekisho.actor', $1, true)", [actor]);
    await client.query(`select set_config('${setting}', $1, true)`, [subscriber]);
    const done = await work(client);
    await client.query("COMMIT");
    transactions++;
    return done;
  } catch (e) {
    await client.query("ROLLBACK").catch(() => {});
    throw e;
  } finally {
    client.release();
  }
}

const visit = (n, round) => inTransactionOf(`sub-${n}`, `user-${n}-${round}`, async (c) => {
  const own = `t${n}`;
  const all = await c.query("select id, tenant, note from orders");
  const one = await c.query({ name: "one", text: "select tenant from orders where id > $1 order by id limit 5", values: [0] });
  const changed = await c.query("update orders set note = $1 where note <> $1 returning tenant", [`round ${round}`]);
  const other = await c.query("select count(*)::int as n from orders where tenant <> $1", [own]);
  for (const row of [...all.rows, ...one.rows, ...changed.rows])
    if (row.tenant !== own)
      wrong.push({ n, row });
  if (all.rows.length !== 3 || one.rows.length !== 3 || changed.rows.length !== 3 || other.rows[0].n !== 0)
    wrong.push({ n, counts: [all.rows.length, one.rows.length, changed.rows.length, other.rows[0].n] });
  rows += all.rows.length + one.rows.length + changed.rows.length + 1;
  pids.add(c.processID);
});

const jobs = [];
for (let round = 1; round <= Number(rounds); round++)
  for (let n = 0; n < Number(subscribers); n++)
    jobs.push(() => visit((n * 617 + round * 31) % Number(subscribers), round));
await Promise.all(Array.from({ length: 20 }, async () => {
  for (let job; (job = jobs.pop()); )
    await job();
}));

const shared = (await pool.query("select count(*)::int as n from countries")).rows[0].n;
const unnamed = await pool.query("select * from orders").then((r) => r.rows.length, (e) => e.code);
await pool.end();
console.log(JSON.stringify({ transactions, rows, connections: pids.size, shared, unnamed, wrong: wrong.slice(0, 5), wrongs: wrong.length }));
