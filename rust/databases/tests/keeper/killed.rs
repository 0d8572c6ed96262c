//! A controller that is killed while its copies live on: a tree of real processes, each a copy of this test binary.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::client::{Client, door};
use crate::server::{Private, programs};
use crate::{RETRIES, RUN, ours, template};

/// What tells a process which part it plays.
const PART: &str = "KEEPER_TEST_PART";
/// Where the keeper writes names down.
const JOURNALS: &str = "KEEPER_TEST_JOURNALS";
/// How long the keeper may need until it is gone: 5 s for the workers, and what dropping takes on a busy machine.
const GONE_WITHIN: Duration = Duration::from_secs(60);
/// A process of the test that nobody ends does so itself.
const LONGEST: Duration = Duration::from_secs(120);

/// A copy of this process that runs one of the functions below.
fn copy(part: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", &format!("killed::plays_the_{part}"), "--ignored", "--nocapture"]).env(PART, part);
    command
}

fn plays(part: &str) -> bool {
    env::var(PART).as_deref() == Ok(part)
}

fn standard_input() -> OwnedFd {
    std::io::stdin().as_fd().try_clone_to_owned().unwrap()
}

#[test]
#[ignore = "a part of a tree of processes"]
fn plays_the_keeper() {
    if plays("keeper") {
        databases::keeper::keep(&standard_input(), Path::new(&env::var_os(JOURNALS).unwrap()), RUN, RETRIES).unwrap();
    }
}

#[test]
#[ignore = "a part of a tree of processes"]
#[expect(clippy::print_stdout, reason = "it tells the test how far it is")]
#[expect(clippy::zombie_processes, reason = "it is killed before it could wait for anybody")]
fn plays_the_controller() {
    if !plays("controller") {
        return;
    }
    let (near, far) = door();
    let _keeper = copy("keeper").stdin(far).stdout(Stdio::null()).spawn().unwrap();
    let mut controller = Client::enter(near.as_fd(), "controller");
    let facts: Value = serde_json::from_str(&env::var("KEEPER_TEST_SERVER").unwrap()).unwrap();
    let private = (facts["socket"].as_str().unwrap(), facts["port"].as_u64().unwrap());
    controller.settle_at(private.0, private.1, facts["template"].as_str().unwrap(), 2);
    // The worker has a copy of our conversation, as everything has that is forked from a controller.
    let ours = OwnedFd::from(controller.stream.try_clone().unwrap());
    let worker = copy("worker").stdin(near).stdout(Stdio::null()).stderr(ours).spawn().unwrap();
    controller.until(|status| status["clones"]["in_use"] == 1 && status["clones"]["ready"] == 2);
    println!("worker {}", worker.id());
    thread::sleep(LONGEST);
}

#[test]
#[ignore = "a part of a tree of processes"]
fn plays_the_worker() {
    if plays("worker") {
        let mut worker = Client::enter(standard_input().as_fd(), "worker");
        let _name = worker.clone();
        thread::sleep(LONGEST);
    }
}

/// A killed controller whose worker hangs or not; what is left on its server when the keeper is gone.
fn left_by_a_killed_run(worker_hangs: bool) -> Option<usize> {
    let private = Private::start(&programs()?, &["-c", "fsync=off"]);
    let template = template(&private);
    let journals = tempfile::tempdir().unwrap();
    let facts = serde_json::json!({"socket": private.folder, "port": private.port, "template": template.as_str()});
    let mut controller = copy("controller")
        .env("KEEPER_TEST_SERVER", facts.to_string())
        .env(JOURNALS, journals.path().join("journals"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let worker = await_worker(&mut controller);
    assert_eq!(ours(&private).len(), 4, "the template, one in use and two ahead");
    controller.kill().unwrap();
    controller.wait().unwrap();
    if !worker_hangs {
        kill_process(worker, Signal::KILL).unwrap();
    }
    await_end_of_keeper(controller);
    if worker_hangs {
        kill_process(worker, Signal::KILL).unwrap();
    }
    let left = ours(&private);
    assert!(left.contains(&template));
    Some(left.len())
}

fn await_worker(controller: &mut Child) -> Pid {
    let mut lines = BufReader::new(controller.stdout.take().unwrap()).lines();
    // The harness prints the name of the test into the same line.
    let told = lines.find_map(|line| line.unwrap().split_once("worker ").and_then(|(_, id)| id.trim().parse().ok()));
    Pid::from_raw(told.unwrap()).unwrap()
}

/// Only the controller and the keeper could write there.
fn await_end_of_keeper(mut controller: Child) {
    let (gone, told) = channel();
    let mut errors = controller.stderr.take().unwrap();
    thread::spawn(move || {
        let mut text = String::new();
        let _ = errors.read_to_string(&mut text);
        let _ = gone.send(text);
    });
    told.recv_timeout(GONE_WITHIN).expect("the keeper must be gone");
}

#[test]
fn a_killed_controllers_clones_go_when_its_workers_have_gone() {
    let left = left_by_a_killed_run(false);
    assert!(left.is_none_or(|left| left == 1), "{left:?}");
}

#[test]
fn a_killed_controllers_clones_go_though_a_worker_hangs() {
    let left = left_by_a_killed_run(true);
    assert!(left.is_none_or(|left| left == 1), "{left:?}");
}
