//! Conversations with a keeper, as the processes of a run have them.

use std::io::{BufRead, BufReader, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use engine::guard::DatabaseName;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, sendmsg, socketpair,
};
use serde_json::{Value, json};

use crate::server::Private;

/// How long anything is waited for; a test that waits in vain fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Both ends of a door: the clients' and the keeper's.
pub(crate) fn door() -> (OwnedFd, OwnedFd) {
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap()
}

/// One side of a conversation.
pub(crate) struct Client {
    lines: BufReader<UnixStream>,
    pub(crate) stream: UnixStream,
}

impl Client {
    pub(crate) fn enter(door: BorrowedFd<'_>, role: &str) -> Self {
        let (near, far) = UnixStream::pair().unwrap();
        let descriptors = [far.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        sendmsg(door, &[IoSlice::new(b"\n")], &mut control, SendFlags::empty()).unwrap();
        near.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Self { lines: BufReader::new(near.try_clone().unwrap()), stream: near };
        client.ok(&json!({"op": "hello", "role": role}));
        client
    }

    pub(crate) fn ok(&mut self, request: &Value) -> Value {
        self.stream.write_all(format!("{request}\n").as_bytes()).unwrap();
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert!(answer.get("ok").is_some(), "{request}: {answer}");
        answer["ok"].clone()
    }

    /// Opens the server and says that its template is ready; what the server says of itself.
    pub(crate) fn settle(&mut self, private: &Private, template: &DatabaseName, clones: usize) -> Value {
        self.settle_at(private.folder.to_str().unwrap(), private.port.into(), template.as_str(), clones)
    }

    pub(crate) fn settle_at(&mut self, socket: &str, port: u64, template: &str, clones: usize) -> Value {
        let target = json!({"vendor": "postgresql", "socket": socket, "port": port, "user": "admin"});
        let facts = self.ok(&json!({"op": "open", "target": target}));
        self.ok(&json!({
            "op": "settle", "alias": "default", "fingerprint": "f", "server": facts["server"],
            "template": template, "clones": clones,
        }));
        facts
    }

    /// A clone of its own.
    pub(crate) fn clone(&mut self) -> String {
        self.name_of(&json!({"op": "clone", "alias": "default", "fingerprint": "f", "wait": 50}))
    }

    pub(crate) fn restore(&mut self, name: &str) -> String {
        self.name_of(&json!({"op": "restore", "name": name, "wait": 50}))
    }

    fn name_of(&mut self, request: &Value) -> String {
        self.ok(request)["name"].as_str().unwrap().to_owned()
    }

    /// Waits until the status says so.
    pub(crate) fn until(&mut self, is_so: impl Fn(&Value) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so(&self.ok(&json!({"op": "status"}))) {
            assert!(Instant::now() < end, "it never came to be so");
            sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn finish(&mut self) -> Value {
        self.ok(&json!({"op": "finish", "project": "shop", "keep_templates": 5, "keep_days": 14, "wait": 50}))
    }
}
