//! One conversation: lines in, each answered once. What comes is hostile until it has been parsed.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Keeper;
use super::borrowed::{Borrowed, Lane};
use super::clones::{PATIENCE, restore_patience};
use super::request::{self, Answer, LONGEST_LINE, Lent, Refusal, Request, Role, parse};
use super::state::ClientId;
use crate::collect::Policy;
use crate::server::Held;

/// How long a client may take to read an answer. It asked, so it reads; one that was stopped may be continued.
const TO_READ: Duration = Duration::from_secs(60);

/// How often a builder that waits is looked after: it may have died.
const LISTENING: Duration = Duration::from_secs(1);

/// The lines that a client sends.
pub(super) struct Lines(BufReader<UnixStream>);

impl Lines {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self(BufReader::new(stream))
    }

    /// The next line without its end; `None` = there is none any more.
    ///
    /// # Errors
    /// It is longer than [`LONGEST_LINE`], or the socket failed.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.0.by_ref().take(LONGEST_LINE as u64 + 1).read_until(b'\n', &mut line)?;
        match line.pop() {
            Some(b'\n') => Ok(Some(line)),
            Some(_) if line.len() >= LONGEST_LINE => Err(io::ErrorKind::InvalidData.into()),
            // Half a line is what a client that died left.
            _ => Ok(None),
        }
    }
}

/// A client, and what it holds for as long as it lives.
struct Client {
    keeper: Arc<Keeper>,
    id: ClientId,
    stream: UnixStream,
    locks: BTreeMap<(usize, String), Box<dyn Held>>,
}

/// Serves a client to its end.
pub(super) fn serve(keeper: &Arc<Keeper>, id: ClientId, stream: UnixStream) {
    // A panic anywhere here ends this client only, and what it had is retired all the same.
    let _ = catch_unwind(AssertUnwindSafe(|| converse(keeper, id, stream)));
    leave(keeper, id);
}

/// Notes that a client is gone.
pub(super) fn leave(keeper: &Keeper, id: ClientId) {
    keeper.change(|state| {
        state.retire_all_of(id);
        let role = state.clients.remove(&id).flatten();
        if role == Some(Role::Controller) && state.count(&[role]) == 0 {
            state.controller_left = Some(Instant::now());
        }
        if matches!(role, Some(Role::Builder | Role::Maker)) {
            state.fail_orphans();
        }
    });
}

fn converse(keeper: &Arc<Keeper>, id: ClientId, stream: UnixStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(TO_READ))?;
    let mut lines = Lines::new(stream.try_clone()?);
    let mut client = Client { keeper: Arc::clone(keeper), id, stream, locks: BTreeMap::new() };
    loop {
        let line = match lines.next() {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let text = format!("the request is longer than {LONGEST_LINE} bytes");
                return client.answer(&Err(Refusal::invalid(text)));
            }
            Err(error) => return Err(error),
        };
        match parse(&line) {
            Ok(Request::Borrow { server_facts }) => return client.become_lender(lines, &server_facts),
            Ok(request) => {
                let answer = client.grant(request);
                client.answer(&answer)?;
            }
            Err(refusal) => client.answer(&Err(refusal))?,
        }
    }
}

impl Client {
    fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        self.stream.write_all(&request::line(answer))
    }

    /// Does what was asked. A panic in an engine is an answer, so that the worker's test fails and not its process.
    fn grant(&mut self, request: Request) -> Answer {
        catch_unwind(AssertUnwindSafe(|| self.act(request))).unwrap_or_else(|_| {
            Err(Refusal::new(
                "failed",
                "the process that keeps the databases failed at it",
                "This is a bug: report it.",
            ))
        })
    }

    fn act(&mut self, request: Request) -> Answer {
        let keeper = Arc::clone(&self.keeper);
        match request {
            Request::Hello { role } => Ok(self.greet(role)),
            Request::Open { target } => keeper.open(*target),
            Request::Lock { server, key, wait } => self.lock(server, key, wait.or(Duration::ZERO)),
            Request::Unlock { server, key } => Ok(json!({ "held": self.locks.remove(&(server, key)).is_some() })),
            Request::Clone { wanted, settings, wait } | Request::Fresh { wanted, settings, wait } => {
                keeper.hand_out(self.id, &wanted, settings, wait.or(PATIENCE))
            }
            Request::Restore { name, wait } => keeper.restore(self.id, &name, wait.or(restore_patience())),
            Request::Snapshot { name, wait } => keeper.snapshot(self.id, &name, wait.or(restore_patience())),
            Request::Retire { name } => {
                keeper.retire(&name);
                Ok(json!({}))
            }
            Request::Verify { name } => keeper.verify(&name),
            Request::EndSessions { name } => keeper.end_sessions(&name),
            Request::WaitPrepare => self.wait_prepare(),
            Request::Borrow { .. } => Err(Refusal::invalid("a conversation is lent as a whole")),
            other => act_on_templates(&keeper, other),
        }
    }

    fn greet(&mut self, role: Role) -> Value {
        let id = self.id;
        self.keeper.change(|state| {
            state.clients.insert(id, Some(role));
            if role == Role::Controller {
                state.controller_left = None;
            }
        });
        json!({ "run": self.keeper.run })
    }

    fn lock(&mut self, server: usize, key: String, wait: Duration) -> Answer {
        let kept = self.keeper.server(server)?;
        self.locks.remove(&(server, key.clone()));
        let held = kept.server.lock(&key, wait)?;
        let is_held = held.is_some();
        self.locks.extend(held.map(|held| ((server, key), held)));
        Ok(json!({ "held": is_held }))
    }

    /// Waits for something to build. There is no limit: it is what a builder is for, and it ends with the run.
    fn wait_prepare(&mut self) -> Answer {
        loop {
            let order = self.keeper.wait(Instant::now() + LISTENING, |state| match state.orders.pop_front() {
                _ if state.finishing => Some(None),
                Some(order) => Some(Some(order)),
                None => None,
            });
            match order {
                Some(None) => return Ok(json!({ "over": true })),
                Some(Some((wanted, settings))) => return Ok(prepare(&wanted.alias, &wanted.fingerprint, &settings)),
                None if is_gone(&self.stream) => return Err(Refusal::invalid("nobody listens")),
                None => {}
            }
        }
    }

    /// From now on the conversation goes the other way round.
    fn become_lender(mut self, lines: Lines, lent: &Lent) -> io::Result<()> {
        let (keeper, id) = (Arc::clone(&self.keeper), self.id);
        keeper.change(|state| state.clients.insert(id, Some(Role::Lender)));
        let lane = Lane::new(lines, self.stream.try_clone()?);
        let answer = keeper.borrow(lent.vendor, &lent.identity, Box::new(Borrowed { lane }));
        self.answer(&answer)
    }
}

fn act_on_templates(keeper: &Arc<Keeper>, request: Request) -> Answer {
    match request {
        Request::Find { server, project, key } => keeper.find(server, &project, &key),
        Request::Begin { server, label } => Ok(json!({ "name": keeper.begin(server, &label)?.as_str() })),
        Request::Create(named) => keeper.create(named.server, &named.name),
        Request::Mark { named, project } => keeper.mark_build(named.server, &named.name, &project),
        Request::Publish { named, project, key, rebuild } => {
            keeper.publish(named.server, &named.name, &project, &key, rebuild)
        }
        Request::Abandon(named) => keeper.abandon(named.server, &named.name),
        Request::Dump { server, template, path } => keeper.dump(server, &template, &path),
        Request::Load { server, label, project, key, path } => keeper.load(server, &label, (&project, &key), &path),
        Request::Announce { wanted, clones } => {
            keeper.announce(wanted, clones);
            Ok(json!({}))
        }
        Request::Settle { wanted, server, template, clones, origin } => {
            keeper.settle(&wanted, server, template, clones, origin)
        }
        Request::Fail { wanted, kind, message, hint } => {
            keeper.fail(wanted, Refusal::told(kind.as_deref(), message, hint));
            Ok(json!({}))
        }
        Request::Status => Ok(keeper.status()),
        Request::Finish { project, keep_templates, keep_days, wait } => {
            let policy = Policy { project, keep_templates, keep_days };
            Ok(keeper.finish(Some(&policy), wait.or(super::ending::PATIENCE)))
        }
        Request::CleanPlan { server, project } => keeper.clean_plan(server, project.as_deref()),
        Request::Clean { server, names, wait } => keeper.clean(server, &names, wait.or(super::ending::PATIENCE)),
        other => Err(Refusal::invalid(format!("nobody does this here: {other:?}"))),
    }
}

fn prepare(alias: &str, fingerprint: &str, settings: &Value) -> Value {
    json!({ "prepare": { "alias": alias, "fingerprint": fingerprint, "settings": settings } })
}

/// Whether the other side has closed.
fn is_gone(stream: &UnixStream) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut watched = [PollFd::new(stream, PollFlags::HUP)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut watched, Some(&at_once)).is_ok() && watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}
