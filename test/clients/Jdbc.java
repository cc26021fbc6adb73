// README.md: pgjdbc, run as one source file.
import java.sql.*;
import java.util.*;

class Jdbc {
	interface Work { void run() throws Exception; }

	static void check(String name, Work work) {
		try {
			work.run();
			System.out.println(name + "\tok");
		} catch (Throwable e) {
			System.out.println(name + "\t" + String.valueOf(e.getMessage()).split("\n")[0]);
		}
	}

	static void equal(Object a, Object b) {
		if (!Objects.equals(a, b))
			throw new AssertionError(a + " is not " + b);
	}

	static Connection open() throws Exception {
		Map<String, String> e = System.getenv();
		Properties p = new Properties();
		p.put("user", e.get("PGUSER"));
		p.put("password", e.getOrDefault("PGPASSWORD", "x"));
		if (e.containsKey("PGOPTIONS"))
			p.put("options", e.get("PGOPTIONS"));
		p.put("sslmode", e.containsKey("PGSSLROOTCERT") ? "verify-ca" : "disable");
		if (e.containsKey("PGSSLROOTCERT"))
			p.put("sslrootcert", e.get("PGSSLROOTCERT"));
		return DriverManager.getConnection("jdbc:postgresql://" + e.get("PGHOST") + ":" + e.get("PGPORT") + "/" + e.get("PGDATABASE"), p);
	}

	static String first(Connection c, String text, Object... values) throws Exception {
		try (PreparedStatement s = c.prepareStatement(text)) {
			for (int i = 0; i < values.length; i++)
				s.setObject(i + 1, values[i]);
			try (ResultSet r = s.executeQuery()) {
				return r.next() ? r.getString(1) : null;
			}
		}
	}

	public static void main(String[] arguments) throws Exception {
		Connection c = open();
		check("connect", () -> { });
		check("simple query", () -> equal(first(c, "select count(*) from people"), "1000"));
		check("parameters", () -> equal(first(c, "select name from people where id = ?", 2), "own 2"));
		check("prepared, twice", () -> {
			try (PreparedStatement s = c.prepareStatement("select id from people where id = ?")) {
				for (int i = 0; i < 12; i++) {  // from the fifth on by a name of the server's, and in binary
					s.setInt(1, 2 + 2 * i);
					try (ResultSet r = s.executeQuery()) {
						r.next();
						equal(r.getInt(1), 2 + 2 * i);
					}
				}
			}
		});
		check("types", () -> {
			try (PreparedStatement s = c.prepareStatement("select ?::bytea, ?::numeric, null, '関所', array[1,2]")) {
				s.setBytes(1, new byte[] { 0, 1, -1 });
				s.setBigDecimal(2, new java.math.BigDecimal("1.50"));
				try (ResultSet r = s.executeQuery()) {
					r.next();
					equal(Arrays.toString(r.getBytes(1)) + r.getBigDecimal(2) + r.getString(3) + r.getString(4), "[0, 1, -1]1.50null関所");
				}
			}
		});
		check("error, then on", () -> {
			try {
				first(c, "select 1/0");
			} catch (SQLException e) {
				equal(e.getSQLState(), "22012");
			}
			equal(first(c, "select 1"), "1");
		});
		check("write and rollback", () -> {
			c.setAutoCommit(false);
			equal(first(c, "insert into scratch (tenant, id, t) values ('a', 1, ?) returning t", "x"), "x");
			c.rollback();
			equal(first(c, "select count(*) from scratch where id = 1"), "0");
			c.commit();
			c.setAutoCommit(true);
		});
		check("batch of 200", () -> {
			try (PreparedStatement s = c.prepareStatement("insert into scratch (tenant, id, t) values ('a', ?, 'batch')")) {
				for (int i = 0; i < 200; i++) {
					s.setInt(1, 300 + i);
					s.addBatch();
				}
				equal(s.executeBatch().length, 200);
			}
			try (Statement s = c.createStatement()) {
				equal(s.executeUpdate("delete from scratch where t = 'batch'"), 200);
			}
		});
		check("cursor", () -> {
			c.setAutoCommit(false);
			int n = 0;
			try (Statement s = c.createStatement()) {
				s.setFetchSize(100);
				try (ResultSet r = s.executeQuery("select id from people order by id")) {
					while (r.next())
						n++;
				}
			}
			c.commit();
			c.setAutoCommit(true);
			equal(n, 1000);
		});
		check("cancel", () -> {
			try (Statement s = c.createStatement()) {
				new Thread(() -> {
					try {
						Thread.sleep(300);
						s.cancel();
					} catch (Exception e) {
						System.err.println(e);
					}
				}).start();
				s.executeQuery("select pg_sleep(20)");
				throw new AssertionError("not cancelled");
			} catch (SQLException e) {
				equal(e.getSQLState(), "57014");
			}
		});
		check("end", c::close);
	}
}
