// README.md: libpqxx.
#include <functional>
#include <iostream>
#include <pqxx/pqxx>

static void
check(const char *name, const std::function<void()> &work)
{
	try {
		work();
		std::cout << name << "\tok" << std::endl;
	} catch (const std::exception &e) {
		std::string why = e.what();
		std::cout << name << "\t" << why.substr(0, why.find('\n')) << std::endl;
	}
}

static void
equal(const std::string &a, const std::string &b)
{
	if (a != b)
		throw std::runtime_error(a + " is not " + b);
}

int
main()
{
	pqxx::connection c;
	check("connect", [] {});
	check("simple query", [&] { pqxx::work w(c); equal(w.exec("select count(*) from people")[0][0].c_str(), "1000"); w.commit(); });
	check("parameters", [&] { pqxx::work w(c); equal(w.exec_params("select name from people where id = $1", 2)[0][0].c_str(), "own 2"); w.commit(); });
	check("prepared, twice", [&] {
		c.prepare("by_id", "select id from people where id = $1");
		pqxx::work w(c);
		equal(w.exec_prepared("by_id", 2)[0][0].c_str(), "2");
		equal(w.exec_prepared("by_id", 4)[0][0].c_str(), "4");
		w.commit();
	});
	check("error, then on", [&] {
		try {
			pqxx::work w(c);
			w.exec("select 1/0");
			throw std::runtime_error("no error");
		} catch (const pqxx::sql_error &e) {
			equal(e.sqlstate(), "22012");
		}
		pqxx::work w(c);
		equal(w.exec("select 1")[0][0].c_str(), "1");
	});
	check("write and rollback", [&] {
		{
			pqxx::work w(c);
			w.exec("insert into scratch (tenant, id, t) values ('a', 1, 'x')");
		}
		pqxx::work w(c);
		equal(w.exec("select count(*) from scratch where id = 1")[0][0].c_str(), "0");
	});
	check("pipelined", [&] {
		pqxx::work w(c);
		pqxx::pipeline p(w);
		std::vector<pqxx::pipeline::query_id> ids;
		for (int i = 0; i < 100; i++)
			ids.push_back(p.insert("select " + std::to_string(i)));
		for (int i = 0; i < 100; i++)
			equal(p.retrieve(ids[(size_t)i])[0][0].c_str(), std::to_string(i));
	});
	check("end", [&] { c.disconnect(); });
	return 0;
}
