// postgres-clients.js pg|postgres|sequelize: test/clients/README.md
import fs from "node:fs";
import assert from "node:assert/strict";

const e = process.env, which = process.argv[2];
const ca = e.PGSSLROOTCERT && fs.readFileSync(e.PGSSLROOTCERT);
const ssl = ca ? { ca, checkServerIdentity: () => undefined } : false;
const at = { host: e.PGHOST, port: Number(e.PGPORT), user: e.PGUSER, password: e.PGPASSWORD || "x", database: e.PGDATABASE, ssl };

async function check(name, work) {
  try {
    await work();
    console.log(`${name}\tok`);
  } catch (error) {
    console.log(`${name}\t${error.code ?? ""} ${String(error.message).split("\n")[0]}`.trim());
  }
}
const bytes = Buffer.from([0, 1, 255]);
const code = (error) => error.code ?? error.parent?.code;

async function nodePostgres() {
  const pg = (await import("pg")).default;
  const config = { ...at, options: e.PGOPTIONS };
  const c = new pg.Client(config);
  await check("connect", () => c.connect());
  await check("simple query", async () => assert.equal((await c.query("select count(*)::int as n from people")).rows[0].n, 1000));
  await check("parameters", async () => assert.equal((await c.query("select name from people where id = $1", [2])).rows[0].name, "own 2"));
  await check("prepared, twice", async () => {
    for (const id of [2, 4])
      assert.equal((await c.query({ name: "by-id", text: "select id from people where id = $1", values: [id] })).rows[0].id, id);
  });
  await check("types", async () => {
    const r = (await c.query("select $1::bytea as b, $2::int[] as a, $3::jsonb as j, $4::numeric as n, null as z, '関所' as u", [bytes, [1, 2], { k: 1 }, "1.50"])).rows[0];
    assert.deepEqual([r.b.equals(bytes), r.a, r.j, r.n, r.z, r.u], [true, [1, 2], { k: 1 }, "1.50", null, "関所"]);
  });
  await check("error, then on", async () => {
    await assert.rejects(c.query("select 1/0"), (x) => x.code === "22012");
    assert.equal((await c.query("select 1 as one")).rows[0].one, 1);
  });
  await check("write and rollback", async () => {
    await c.query("begin");
    assert.equal((await c.query("insert into scratch (tenant, id, t) values ('a', 1, $1) returning t", ["x"])).rows[0].t, "x");
    await c.query("rollback");
    assert.equal((await c.query("select count(*)::int as n from scratch where id = 1")).rows[0].n, 0);
  });
  await check("write and commit", async () => {
    await c.query("begin");
    await c.query("insert into scratch (tenant, id, t) values ('a', 2, 'x')");
    await c.query("commit");
    assert.equal((await c.query("delete from scratch where id = 2")).rowCount, 1);
  });
  await check("10,000 rows", async () => assert.equal((await c.query("select g from generate_series(1, 10000) g, (select 1 from people limit 1) p")).rows.length, 10000));
  await check("cancel", async () => {
    const sleeping = new pg.Query("select pg_sleep(20)"), other = new pg.Client(config);
    const slept = new Promise((resolve) => sleeping.on("error", resolve).on("end", () => resolve({ code: "it went on" })));
    c.query(sleeping);
    setTimeout(() => other.cancel(c, sleeping), 300);
    assert.equal((await slept).code, "57014");
  });
  await check("pool of 8", async () => {
    const pool = new pg.Pool({ ...config, max: 8 });
    const all = await Promise.all(Array.from({ length: 100 }, (_, i) => pool.query("select $1::int as n, count(*)::int as c from people", [i])));
    assert.deepEqual(all.map((r) => [r.rows[0].n, r.rows[0].c]), Array.from({ length: 100 }, (_, i) => [i, 1000]));
    await pool.end();
  });
  await check("end", () => c.end());
}

async function postgresJs() {
  const postgres = (await import("postgres")).default;
  const sql = postgres({ ...at, max: 4, onnotice: () => {}, connection: e.PGOPTIONS ? { options: e.PGOPTIONS } : {} });
  await check("connect", () => sql`select 1`);
  await check("simple query", async () => assert.equal((await sql.unsafe("select count(*)::int as n from people"))[0].n, 1000));
  await check("parameters", async () => assert.equal((await sql`select name from people where id = ${2}`)[0].name, "own 2"));
  await check("prepared, twice", async () => {
    for (const id of [2, 4])
      assert.equal((await sql`select id from people where id = ${id}`)[0].id, id);
  });
  await check("types", async () => {
    const r = (await sql`select ${bytes}::bytea as b, ${[1, 2]}::int[] as a, ${sql.json({ k: 1 })}::jsonb as j, 1.50::numeric as n, null as z, '関所' as u`)[0];
    assert.deepEqual([r.b.equals(bytes), r.a, r.j, r.n, r.z, r.u], [true, [1, 2], { k: 1 }, "1.50", null, "関所"]);
  });
  await check("error, then on", async () => {
    await assert.rejects(sql`select 1/0`, (x) => x.code === "22012");
    assert.equal((await sql`select 1 as one`)[0].one, 1);
  });
  await check("write and rollback", async () => {
    await assert.rejects(sql.begin(async (t) => {
      await t`insert into scratch (tenant, id, t) values ('a', 1, 'x')`;
      throw new Error("back");
    }), /back/);
    assert.equal((await sql`select count(*)::int as n from scratch where id = 1`)[0].n, 0);
  });
  await check("write and commit", async () => {
    await sql.begin((t) => [t`insert into scratch (tenant, id, t) values ('a', 2, 'x')`, t`select 1`]);
    assert.equal((await sql`delete from scratch where id = 2`).count, 1);
  });
  await check("10,000 rows", async () => assert.equal((await sql`select g from generate_series(1, 10000) g, (select 1 from people limit 1) p`).length, 10000));
  await check("cursor", async () => {
    let n = 0;
    await sql`select id from people order by id`.cursor(100, (rows) => { n += rows.length; });
    assert.equal(n, 1000);
  });
  await check("pipelined", async () => {
    const all = await Promise.all(Array.from({ length: 200 }, (_, i) => sql`select ${i}::int as n`));
    assert.deepEqual(all.map((r) => r[0].n), Array.from({ length: 200 }, (_, i) => i));
  });
  await check("COPY out", async () => {
    const { pipeline } = await import("node:stream/promises");
    let text = "";
    await pipeline(await sql`copy (select id from people order by id) to stdout`.readable(), async function (parts) { for await (const p of parts) text += p; });
    assert.equal(text.split("\n").length, 1001);
  });
  await check("cancel", async () => {
    const q = sql`select pg_sleep(20)`;
    setTimeout(() => q.cancel(), 300);
    await assert.rejects(q, (x) => x.code === "57014");
  });
  await check("end", () => sql.end({ timeout: 5 }));
}

async function sequelize() {
  const { Sequelize, DataTypes } = (await import("sequelize")).default;
  const db = new Sequelize({ dialect: "postgres", host: at.host, port: at.port, username: at.user, password: at.password, database: at.database,
    logging: false, pool: { max: 4 }, dialectOptions: { ssl: ssl || undefined, options: e.PGOPTIONS } });
  const Scratch = db.define("scratch", { tenant: { type: DataTypes.TEXT, primaryKey: true, defaultValue: "a" }, id: { type: DataTypes.INTEGER, primaryKey: true }, t: DataTypes.TEXT },
    { tableName: "scratch", timestamps: false });
  const People = db.define("people", { id: { type: DataTypes.INTEGER, primaryKey: true }, tenant: DataTypes.TEXT, name: DataTypes.TEXT, email: DataTypes.TEXT },
    { tableName: "people", timestamps: false });
  await check("connect", () => db.authenticate());
  await check("simple query", async () => assert.equal(await People.count(), 1000));
  await check("parameters", async () => assert.equal((await db.query("select name from people where id = $1", { bind: [2] }))[0][0].name, "own 2"));
  await check("find by key", async () => assert.equal((await People.findByPk(4)).name, "own 4"));
  await check("error, then on", async () => {
    await assert.rejects(db.query("select 1/0"), (x) => code(x) === "22012");
    assert.equal((await db.query("select 1 as one"))[0][0].one, 1);
  });
  await check("write and rollback", async () => {
    await assert.rejects(db.transaction(async (transaction) => {
      await Scratch.create({ id: 1, t: "x" }, { transaction });
      throw new Error("back");
    }), /back/);
    assert.equal(await Scratch.count({ where: { id: 1 } }), 0);
  });
  await check("write and commit", async () => {
    await db.transaction((transaction) => Scratch.create({ id: 2, t: "x" }, { transaction }));
    assert.equal(await Scratch.destroy({ where: { id: 2 } }), 1);
  });
  await check("bulk and page", async () => {
    await Scratch.bulkCreate(Array.from({ length: 50 }, (_, i) => ({ id: 100 + i, t: "y" })));
    assert.equal((await Scratch.findAll({ where: { t: "y" }, limit: 10, offset: 40, order: ["id"] })).length, 10);
    assert.equal(await Scratch.destroy({ where: { t: "y" } }), 50);
  });
  await check("pool of 4", async () => assert.deepEqual([...new Set(await Promise.all(Array.from({ length: 60 }, () => People.count())))], [1000]));
  await check("end", () => db.close());
}

await { pg: nodePostgres, postgres: postgresJs, sequelize }[which]();
