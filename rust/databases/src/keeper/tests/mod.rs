//! Conversations through real sockets, with a server in memory and with real files.

mod borrowing;
mod cloning;
mod ending;
mod enduring;
mod files;
mod hostile;
mod mariadb;
mod snapshots;

use std::io::{BufRead, BufReader, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, sendmsg, socketpair,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::fake::Fake;
use super::*;

pub(super) const RUN: &str = "0123456789abcdef";

const RETRIES: Retries = Retries { most: 2, delay: Duration::from_millis(50), seed: 7 };

/// A keeper on a thread, and the door to it.
pub(super) struct House {
    pub(super) fake: Fake,
    pub(super) folder: TempDir,
    door: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl House {
    pub(super) fn new() -> Self {
        Self::faked(super::enduring::RESTART, RETRIES)
    }

    /// Whose server must not be away for longer than a moment.
    pub(super) fn impatient() -> Self {
        Self::faked(Duration::from_millis(300), RETRIES)
    }

    /// Whose server is not waited for.
    pub(super) fn hopeless() -> Self {
        Self::faked(Duration::ZERO, RETRIES)
    }

    /// Whose server may be away so long, and who tries again so.
    pub(super) fn faked(restart: Duration, retries: Retries) -> Self {
        let fake = Fake::default();
        let server = fake.clone();
        Self::with(fake, Box::new(move |_| Ok(Arc::new(server.clone()))), restart, retries)
    }

    /// With the engines of the real keeper.
    pub(super) fn real() -> Self {
        Self::with(Fake::default(), Box::new(opening::open), super::enduring::RESTART, RETRIES)
    }

    fn with(fake: Fake, opener: Box<Opener>, restart: Duration, retries: Retries) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut keeper = Keeper::new(&folder.path().join("journals"), RUN, retries, opener).unwrap();
        keeper.restart = restart;
        let keeper = Arc::new(keeper);
        let flags = SocketFlags::CLOEXEC;
        let (near, far) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
        let thread = thread::spawn(move || door::serve(&keeper, &far));
        Self { fake, folder, door: Some(near), thread: Some(thread) }
    }

    pub(super) fn send(&self, descriptors: &[&OwnedFd]) {
        let borrowed: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&borrowed));
        let door = self.door.as_ref().unwrap();
        sendmsg(door, &[IoSlice::new(b"\n")], &mut control, SendFlags::empty()).unwrap();
    }

    pub(super) fn stranger(&self) -> Client {
        let (near, far) = UnixStream::pair().unwrap();
        self.send(&[&OwnedFd::from(far)]);
        near.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Client { lines: BufReader::new(near.try_clone().unwrap()), stream: near }
    }

    pub(super) fn enter(&self, role: &str) -> Client {
        let mut client = self.stranger();
        assert_eq!(client.ok(json!({"op": "hello", "role": role, "slot": null}))["run"], RUN);
        client
    }

    /// A controller that has opened the server, and a template there.
    pub(super) fn with_template(&self) -> (Client, Value) {
        let mut controller = self.enter("controller");
        let facts = controller.ok(json!({"op": "open", "target": {"vendor": "postgresql"}}));
        let name = controller.build(&facts["server"]);
        let template = controller.publish(&facts["server"], &name, "key");
        (controller, template)
    }

    /// Closes the door and waits for the end.
    pub(super) fn leave(mut self) -> (Fake, TempDir) {
        self.door = None;
        self.thread.take().unwrap().join().unwrap();
        (self.fake.clone(), std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap()))
    }
}

/// One side of a conversation.
pub(super) struct Client {
    pub(super) lines: BufReader<UnixStream>,
    pub(super) stream: UnixStream,
}

impl Client {
    pub(super) fn say(&mut self, line: &[u8]) {
        self.stream.write_all(line).unwrap();
        self.stream.write_all(b"\n").unwrap();
    }

    pub(super) fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        if line.is_empty() { Value::Null } else { serde_json::from_str(&line).unwrap() }
    }

    #[expect(clippy::needless_pass_by_value, reason = "tests say what they ask for in place")]
    pub(super) fn ask(&mut self, request: Value) -> Value {
        self.say(request.to_string().as_bytes());
        self.hear()
    }

    pub(super) fn ok(&mut self, request: Value) -> Value {
        let answer = self.ask(request);
        assert!(answer.get("ok").is_some(), "{answer}");
        answer["ok"].clone()
    }

    pub(super) fn refused(&mut self, request: Value) -> Value {
        let answer = self.ask(request);
        assert!(answer.get("error").is_some(), "{answer}");
        answer["error"].clone()
    }

    /// A marked build.
    pub(super) fn build(&mut self, server: &Value) -> Value {
        let name = self.ok(json!({"op": "begin", "server": server, "label": "shop"}))["name"].clone();
        self.ok(json!({"op": "create", "server": server, "name": name}));
        self.ok(json!({"op": "mark", "server": server, "name": name, "project": "shop"}));
        name
    }

    pub(super) fn publish(&mut self, server: &Value, name: &Value, key: &str) -> Value {
        let request = json!({"op": "publish", "server": server, "name": name, "project": "shop", "key": key});
        self.ok(request)["template"].clone()
    }

    pub(super) fn settle(&mut self, template: &Value, clones: usize) {
        self.ok(json!({
            "op": "settle", "alias": "default", "fingerprint": "f", "server": 0, "template": template,
            "clones": clones, "why": "", "seconds": 0.5,
        }));
    }

    /// Waits until the status says so; a test that waits in vain fails.
    pub(super) fn until(&mut self, is_so: impl Fn(&Value) -> bool) {
        let end = std::time::Instant::now() + Duration::from_secs(20);
        while !is_so(&self.ok(json!({"op": "status"}))) {
            assert!(std::time::Instant::now() < end, "it never came to be so");
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(super) fn finish(&mut self) -> Value {
        self.ok(json!({"op": "finish", "project": "shop", "keep_templates": 5, "keep_days": 14, "wait": 20}))
    }
}

pub(super) fn wish(op: &str, wait: f64) -> Value {
    json!({"op": op, "alias": "default", "fingerprint": "f", "settings": {"a": 1}, "wait": wait})
}
