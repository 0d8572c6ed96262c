//! A private server, which lives as long as this process.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use databases::postgres::PostgresServer;
use databases::server::Server;
use databases::target::Target;
use postgres::{Client, Config, NoTls};
use serde_json::{Value, json};

/// How long a server may take to start: about 1 s on an idle machine.
const START: Duration = Duration::from_secs(60);

/// Where a private server is.
pub(crate) struct Private {
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    starter: Child,
}

/// The server of all tests; `None` = there are no programs to start one, which counts as a failure in CI.
pub(crate) fn private() -> Option<&'static Private> {
    static SERVER: OnceLock<Option<Private>> = OnceLock::new();
    SERVER.get_or_init(|| programs().map(|programs| Private::start(&programs, &["-c", "fsync=off"]))).as_ref()
}

/// The newest installed programs.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn programs() -> Option<PathBuf> {
    let version = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let folders = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path());
    let newest = folders.filter(|folder| folder.join("bin/postgres").exists()).max_by_key(version);
    assert!(newest.is_some() || env::var_os("CI").is_none(), "CI must have a PostgreSQL server installed");
    if newest.is_none() {
        eprintln!("SKIPPED: no PostgreSQL server is installed in /usr/lib/postgresql");
    }
    newest.map(|folder| folder.join("bin"))
}

impl Private {
    /// The server refuses to run as root, so root starts it as the user that its package made.
    pub(crate) fn start(programs: &Path, settings: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let is_root = fs::metadata("/proc/self").is_ok_and(|folder| folder.uid() == 0);
        let mut command = Command::new(if is_root { "setpriv" } else { "sh" });
        if is_root {
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "sh"]);
        }
        let script = include_str!("start.sh");
        let mut starter = command
            .args(["-c", script, "start.sh"])
            .arg(programs)
            .arg(port.to_string())
            .args(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut folder = String::new();
        BufReader::new(starter.stdout.take().unwrap()).read_line(&mut folder).unwrap();
        assert!(!folder.is_empty(), "the private server did not start");
        let private = Self { folder: folder.trim_end().into(), port, starter };
        private.await_answer("");
        private
    }

    /// Stops the server and starts it again; every connection is ended.
    #[allow(dead_code, reason = "only one of the test binaries restarts its server")]
    pub(crate) fn restart(&self) {
        let before = self.server().facts().unwrap().identity;
        self.starter.stdin.as_ref().unwrap().write_all(b"restart\n").unwrap();
        self.await_answer(&before);
    }

    /// Waits for an answer that is not from the server of this identity.
    fn await_answer(&self, before: &str) {
        let deadline = Instant::now() + START;
        loop {
            match self.server().facts() {
                Ok(facts) if facts.identity != before => return,
                other => assert!(Instant::now() < deadline, "{other:?}"),
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// Through the socket, as the administrator unless told otherwise.
    pub(crate) fn server(&self) -> PostgresServer {
        self.server_with(&json!({"socket": self.folder, "user": "admin"}))
    }

    pub(crate) fn server_as(&self, user: &str) -> PostgresServer {
        self.server_with(&json!({"socket": self.folder, "user": user}))
    }

    /// Over the network, with a password.
    pub(crate) fn server_over_tcp(&self, more: &Value) -> PostgresServer {
        let mut target = json!({"host": "127.0.0.1", "user": "admin", "password": "a secret"});
        target.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.server_with(&target)
    }

    fn server_with(&self, target: &Value) -> PostgresServer {
        let mut target = target.clone();
        target["vendor"] = json!("postgresql");
        target["port"] = json!(self.port);
        PostgresServer::new(serde_json::from_value::<Target>(target).unwrap())
    }

    /// A plain client, as a project has one.
    pub(crate) fn client(&self, database: &str) -> Client {
        self.try_client(database, "admin").unwrap()
    }

    pub(crate) fn try_client(&self, database: &str, user: &str) -> Result<Client, postgres::Error> {
        Config::new().host_path(&self.folder).port(self.port).user(user).dbname(database).connect(NoTls)
    }

    pub(crate) fn run(&self, database: &str, statements: &str) {
        self.client(database).batch_execute(statements).unwrap();
    }

    pub(crate) fn ask<T: for<'a> postgres::types::FromSql<'a>>(&self, database: &str, statement: &str) -> T {
        self.client(database).query_one(statement, &[]).unwrap().get(0)
    }
}
