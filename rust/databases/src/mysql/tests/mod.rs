//! Against a private MariaDB, started for the tests that run at the same time and stopped with the last of them.

mod fidelity;
mod files;
mod safety;

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use engine::guard::DatabaseName;
use tempfile::TempDir;

use super::MysqlServer;
use super::driver::Driver;
use crate::marker::{Marker, Use};
use crate::names;
use crate::server::Server;
use crate::session::{Connector, Rows, Session};
use crate::target::Target;

const RUN: &str = "0123456789abcdef";

/// How long the server may take to answer first.
const START: Duration = Duration::from_secs(30);

/// A server of our own, and its folder; both go with the value.
pub(crate) struct Running {
    child: Child,
    folder: TempDir,
    port: u16,
}

static RUNNING: Mutex<Weak<Running>> = Mutex::new(Weak::new());

/// The server; `None` = this machine has none, which is a failure where the tests must run.
pub(crate) fn running() -> Option<Arc<Running>> {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = running.upgrade() {
        return Some(server);
    }
    if !["mariadb-install-db", "mariadbd"].iter().all(|program| find(program).is_some()) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "there is no MariaDB here, and CI must test with it");
        #[expect(clippy::print_stderr, reason = "whoever runs the tests must see that some were skipped")]
        {
            eprintln!("skipped: there is no MariaDB on this machine");
        }
        return None;
    }
    let server = Arc::new(Running::start());
    *running = Arc::downgrade(&server);
    Some(server)
}

/// A program on the path, or where servers are on Debian.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The program as the user `mysql` if we are root, as which no server runs.
fn command(program: &str) -> Command {
    let program = find(program).unwrap();
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "mysql", "--"]).arg(program);
    command
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Running {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        certificates(folder.path());
        std::fs::write(
            folder.path().join("init.sql"),
            "CREATE USER IF NOT EXISTS 'all'@'%' IDENTIFIED BY 'secret';\n\
             GRANT ALL PRIVILEGES ON *.* TO 'all'@'%' WITH GRANT OPTION;\n\
             CREATE USER IF NOT EXISTS 'ours'@'%' IDENTIFIED BY 'secret';\n\
             GRANT ALL PRIVILEGES ON `test\\_%`.* TO 'ours'@'%';\n\
             CREATE USER IF NOT EXISTS 'none'@'%' IDENTIFIED BY 'secret';\n",
        )
        .unwrap();
        give_to_mysql(folder.path());
        let data = format!("--datadir={}", folder.path().join("data").display());
        run(command("mariadb-install-db").args(["--no-defaults", "--skip-test-db", &data]));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let running = Self { child: Self::spawn(folder.path(), port), folder, port };
        running.await_answer();
        running
    }

    fn spawn(folder: &Path, port: u16) -> Child {
        let within = |option: &str, file: &str| format!("--{option}={}", folder.join(file).display());
        command("mariadbd")
            .args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve", &format!("--port={port}")])
            .args([within("datadir", "data"), within("socket", "s"), within("pid-file", "pid")])
            .args([within("init-file", "init.sql"), within("log-error", "log.err")])
            .args([within("ssl-cert", "server.pem"), within("ssl-key", "server.key")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn await_answer(&self) {
        let limit = Instant::now() + START;
        while Driver::new(self.target("all", "")).connect(None).is_err() {
            assert!(Instant::now() < limit, "{}", std::fs::read_to_string(self.file("log.err")).unwrap_or_default());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops the server and starts it again; every connection is ended.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.child = Self::spawn(self.folder.path(), self.port);
        self.await_answer();
    }

    fn stop(&mut self) {
        // The server is a child of `runuser`, which passes this signal on; it must stop before its folder goes.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }

    /// A file in the server's folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where it is, over TCP, for one of the users `all`, `ours` and `none`; with more fields of JSON.
    pub(crate) fn target(&self, user: &str, more: &str) -> Target {
        let port = self.port;
        let target = format!(
            r#"{{"vendor":"mysql","host":"127.0.0.1","port":{port},"user":"{user}","password":"secret"{more}}}"#
        );
        serde_json::from_str(&target).unwrap()
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The server as we see it.
    pub(crate) fn server(&self) -> MysqlServer {
        MysqlServer::new(self.target("all", ""))
    }

    /// A connection of a test.
    pub(crate) fn talk(&self, database: Option<&DatabaseName>) -> Box<dyn Session> {
        Driver::new(self.target("all", "")).connect(database).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A certificate for 127.0.0.1 and the authority that signed it, and another authority.
fn certificates(folder: &Path) {
    let openssl = |arguments: &str| run(Command::new("openssl").current_dir(folder).args(arguments.split(' ')));
    let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    openssl(&format!("{new} -subj /CN=ours -keyout ca.key -out ca.pem"));
    openssl(&format!("{new} -subj /CN=other -keyout other.key -out other.pem"));
    openssl(&format!(
        "{new} -subj /CN=db -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
         -CA ca.pem -CAkey ca.key -keyout server.key -out server.pem"
    ));
}

fn give_to_mysql(folder: &Path) {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let output = Command::new("id").args(["-u", "mysql"]).output().unwrap();
    let user = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    for file in std::fs::read_dir(folder).unwrap() {
        chown(file.unwrap().path(), Some(user), None).unwrap();
    }
    chown(folder, Some(user), None).unwrap();
}

/// Runs a statement that must succeed.
pub(crate) fn sql(session: &mut dyn Session, statement: &str) -> Rows {
    session.query(statement).unwrap_or_else(|error| panic!("{statement}: {error}"))
}

/// The first value of an answer.
pub(crate) fn one(session: &mut dyn Session, statement: &str) -> Option<String> {
    sql(session, statement).into_iter().next()?.into_iter().next()?
}

/// A random number, for names.
pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// What makes a mark of this kind.
pub(crate) fn marker(kind: Use) -> impl Fn(&str) -> Marker {
    move |id| Marker::new(kind, "shop", RUN, "k", id, 1)
}

/// A new template, made by the statements.
pub(crate) fn template(running: &Running, statements: &[&str]) -> DatabaseName {
    let (server, name) = (running.server(), names::template_name("shop", random()));
    sql(&mut *running.talk(None), &format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"));
    server.mark(&name, &marker(Use::Build)).unwrap();
    let mut session = running.talk(Some(&name));
    for statement in statements {
        sql(&mut *session, &statement.replace("{name}", name.as_str()));
    }
    server.seal(&name, &marker(Use::Template)).unwrap();
    name
}

/// A new name for a clone.
pub(super) fn clone_name() -> DatabaseName {
    names::clone_name("shop", RUN, random())
}

/// A clone of the template.
pub(super) fn clone_of(server: &MysqlServer, template: &DatabaseName) -> DatabaseName {
    let clone = clone_name();
    server.clone_template(template, &clone, &marker(Use::Clone)).unwrap();
    clone
}
